"""Templates of broadcasts: those of the package, and a venue's own in DIR/broadcasts.toml."""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from admission.broadcast_templates import (
    ARRIVED_BY,
    CLOCK,
    FieldKind,
    Lookups,
    Template,
    Worded,
    fill,
    read_templates,
)
from admission.broadcasts import Priority
from admission.calendar import Venue
from admission.errors import Fault, InvalidInput
from admission.messages import Sentence
from admission.wire import Text
from admission.wire_templates import FieldAnswer, TemplateAnswer, TemplatesAnswer
from gate_server.ledger.ledger import Ledger

FILE: Final = "broadcasts.toml"
MOST_BYTES: Final = 1 << 20
_NOT_WITHDRAWN: Final = Text(
    zh="此票种目前没有取消，请核对票种", en="this deal is not withdrawn; look at the deal again"
)
_NOBODY_RECEIVED: Final = Text(
    zh="现行条款不接待任何到场游客，请核对；可用 deal_withdrawn_all",
    en="the terms in force receive nobody; look again, or use deal_withdrawn_all",
)


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
        raise InvalidInput(
            "template",
            f"no template {key[:40]}; known are {', '.join(known)}",
            Fault.UNKNOWN,
            key[:40],
        )
    return fill(template, values, _lookups(ledger, desk)), template.priority


def _lookups(ledger: Ledger, desk: Sentence) -> Lookups:
    catalogue, venue, now = ledger.catalogue, ledger.venue, ledger.clock()

    def gate(at: str, gate_id: str) -> str:
        found = catalogue.gates.get(gate_id)
        if found is None:
            raise InvalidInput(at, f"no gate {gate_id}", Fault.UNKNOWN, gate_id)
        return found.name

    def deal(at: str, deal_id: str) -> str:
        found = catalogue.deals.get(catalogue.deal_nos.get(deal_id, -1))
        if found is None:
            raise InvalidInput(at, f"no deal {deal_id}", Fault.UNKNOWN, deal_id)
        return found.title

    return Lookups(gate, deal, lambda at, text: _instant(at, text, venue, now), desk)


def _instant(at: str, text: str, venue: Venue, now: datetime) -> str:
    """Return how an instant is said: the time, with the date where it is not today's."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError("no offset")
        return _say(found, venue, now)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            at, "give a time as 17:00, or with its day and offset", Fault.UNREADABLE, text
        ) from error


def _say(at: datetime, venue: Venue, now: datetime) -> str:
    form = "%H:%M" if venue.same_day(at, now) else "%m-%d %H:%M"
    return at.astimezone(venue.zone).strftime(form)


def find_warnings(ledger: Ledger, key: str | None, values: dict[str, str]) -> list[Text]:
    """Return what a filled-in template says otherwise than the terms in force of its deal."""
    template = None if key is None else find_templates(ledger).get(key)
    fields = {} if template is None else template.fields
    deal_id = next((values[name] for name, kind in fields.items() if kind is FieldKind.DEAL), None)
    if fields.get(ARRIVED_BY) is not FieldKind.TIME or deal_id is None:
        return []
    catalogue, venue, now = ledger.catalogue, ledger.venue, ledger.clock()
    void = catalogue.voids.get(catalogue.deal_nos[deal_id.strip()])
    if void is None:
        return [_NOT_WITHDRAWN]
    if void.honour is None:
        return [_NOBODY_RECEIVED]
    told, by = values[ARRIVED_BY].strip(), _say(void.honour.arrived_by, venue, now)
    said = told if CLOCK.fullmatch(told) else _instant(ARRIVED_BY, told, venue, now)
    if said == by:
        return []
    zh = f"通知说 {said} 前到场的游客照常接待，现行条款是 {by}，请核对"
    en = f"it says that arrivals by {said} are received, the terms in force say {by}; look again"
    return [Text(zh=zh, en=en)]


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
