"""Templates of broadcasts: those of the package, and a venue's own in DIR/broadcasts.toml."""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from admission.broadcast_templates import Lookups, Template, Worded, fill, read_templates
from admission.broadcasts import Priority
from admission.calendar import Venue
from admission.errors import InvalidInput
from admission.messages import Sentence
from admission.wire import Text
from admission.wire_templates import FieldAnswer, TemplateAnswer, TemplatesAnswer
from gate_server.ledger.ledger import Ledger

FILE: Final = "broadcasts.toml"
MOST_BYTES: Final = 1 << 20


def find_templates(ledger: Ledger) -> dict[str, Template]:
    """Read all templates by their keys; the venue's own take the place of the packaged.

    Read anew each time: what a venue writes counts at once, and a mistake in it stops no gate.

    Raises:
        InvalidInput: the venue's file cannot be read; names what is wrong.
    """
    packaged = files("gatehouse_config").joinpath("messages", FILE).read_text("utf-8")
    found = read_templates(tomllib.loads(packaged), file=FILE, own=False)
    own = ledger.directory / FILE
    if not own.exists():
        return found
    return found | read_templates(_parse(own.read_bytes(), str(own)), file=str(own), own=True)


def _parse(data: bytes, name: str) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise InvalidInput(name, "is larger than 1 MiB")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(name, f"not TOML in UTF-8: {error}") from error


def word(
    ledger: Ledger, key: str, values: dict[str, str], desk: Sentence
) -> tuple[Worded, Priority]:
    """Fill in a template; return its texts and the priority that it has by itself.

    Args:
        values: by field; see `admission.broadcast_templates.fill`.
        desk: where visitors are helped.

    Raises:
        InvalidInput: no such template, or a value that is missing, wrong, or one too many.
    """
    known = find_templates(ledger)
    template = known.get(key)
    if template is None:
        raise InvalidInput("template", f"no template {key[:40]}; known are {', '.join(known)}")
    return fill(template, values, _lookups(ledger, desk)), template.priority


def _lookups(ledger: Ledger, desk: Sentence) -> Lookups:
    catalogue, venue, now = ledger.catalogue, ledger.venue, ledger.clock()

    def gate(at: str, gate_id: str) -> str:
        found = catalogue.gates.get(gate_id)
        if found is None:
            raise InvalidInput(at, f"no gate {gate_id}")
        return found.name

    def deal(at: str, deal_id: str) -> str:
        found = catalogue.deals.get(catalogue.deal_nos.get(deal_id, -1))
        if found is None:
            raise InvalidInput(at, f"no deal {deal_id}")
        return found.title

    return Lookups(gate, deal, lambda at, text: _instant(at, text, venue, now), desk)


def _instant(at: str, text: str, venue: Venue, now: datetime) -> str:
    """Return how an instant is said: the time, with the date where it is not today's."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no offset")
        form = "%H:%M" if venue.same_day(found, now) else "%m-%d %H:%M"
        return found.astimezone(venue.zone).strftime(form)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(at, "give a time as 17:00, or with its day and offset") from error


def list_templates(ledger: Ledger) -> TemplatesAnswer:
    """Return all templates, with what each wants to be filled in."""
    return TemplatesAnswer(
        templates=[
            TemplateAnswer(
                template=each.key,
                message=Text(zh=each.shown.zh, en=each.shown.en),
                loudspeaker=Text(zh=each.loud.zh, en=each.loud.en),
                priority=each.priority,
                fields=[FieldAnswer(name=name, kind=kind) for name, kind in each.fields.items()],
                own=each.own,
            )
            for each in find_templates(ledger).values()
        ]
    )
