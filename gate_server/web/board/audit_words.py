"""Say what the audit holds in the reader's words: events, their fields, and stored codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from admission.calendar import from_ms
from admission.messages import Sentence
from gate_server.web.board.languages import clock, gettext, money, say
from gate_server.web.board.pages import Visit
from gate_server.word_files import read_words

LATEST_MS: Final = 253_370_764_800_000
"""The year 9999, after which nothing can be shown as a time."""

_INSTANTS: Final = ("_at", "_from", "_until", "_by", "_since", "since", "until")
_CODED: Final = frozenset(
    {"at_gate", "cost_bearer", "direction", "entry", "form", "how", "kind"}
) | {
    *("origin", "party_default", "policy", "priority", "profile", "profiles", "refund", "role"),
    *("severity", "source", "state", "what"),
}
"""Fields that hold stored codes; what people wrote themselves is shown as it is."""

POSITIONS: Final[Mapping[tuple[str, str], Sequence[str]]] = {
    ("hold", "scope"): ("sold_from", "sold_until", "price_at_most_minor", "any_price_from"),
    ("closure", "terms"): (
        "closed_from",
        "closed_until",
        "extend_until",
        "used_too",
        "refunds_open",
    ),
    ("block", "origin"): ("origin", "origin_id"),
    ("closure", "notice"): ("zh", "en"),
}
"""What stands where in fields that are lists of different things."""

_DIGEST: Final = re.compile(r"[0-9a-f]{32,}")
_SHOWN: Final = 12
_WRITTEN: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
"""An instant as terms of a void have it; the ledger has read it before."""
_AT_COMMANDS: Final = re.compile(r"command line \((.+)\)")


@cache
def event_names() -> Mapping[str, Sentence]:
    """Return what events are called, by their own names."""
    found: Mapping[str, Sentence] = _read("audit.toml")["events"]
    return found


@cache
def field_names() -> Mapping[str, Sentence]:
    """Return what the fields of events are called."""
    found: Mapping[str, Sentence] = _read("audit.toml")["fields"]
    return found


@cache
def value_names() -> Mapping[str, Sentence]:
    """Return what stored codes are called, kinds of alarms among them."""
    alarms = {
        kind: words["name"] for kind, words in _read("alarms.toml").items() if "name" in words
    }
    return {**alarms, **_read("audit.toml")["values"]}


def call_field(name: str) -> str:
    """Return what a field is called; one without a name of ours by its own."""
    return say(field_names().get(name, Sentence(name, name)))


def call_doer(name: str) -> str:
    """Return who did something."""
    found = _AT_COMMANDS.fullmatch(name)
    return name if found is None else gettext("command line (%(user)s)", user=found[1])


def tell_fields(visit: Visit, event: str, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an event's fields as names and short texts; what is empty is left out."""
    return _tell(visit, event, fields, _currency(visit, fields))


def _tell(
    visit: Visit, event: str, fields: Mapping[str, Any], currency: str
) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    for name, value in fields.items():
        places = POSITIONS.get((event, name))
        if places is not None and isinstance(value, list):
            told += _tell(visit, "", dict(zip(places, value, strict=False)), currency)
        elif isinstance(value, Mapping):
            told += _tell(visit, "", value, currency)
        elif text := _text(visit, name, value, currency):
            told.append((call_field(name), text))
    return told


def _currency(visit: Visit, fields: Mapping[str, Any]) -> str:
    """Return what an event's amounts are in: its deal's, else what all deals have in common."""
    catalogue = visit.services.ledger.catalogue
    number, name = fields.get("deal_no"), fields.get("deal_id")
    deal = catalogue.deals.get(int(number or 0)) if name is None else catalogue.deal(str(name))
    if deal is not None:
        return deal.currency
    known = {each.currency for each in catalogue.deals.values()}
    return known.pop() if len(known) == 1 else ""


def _text(visit: Visit, name: str, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " / ".join(text for each in value if (text := _text(visit, name, each, currency)))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return _number(visit, name, value, currency)
    text = str(value)
    if name.endswith(_INSTANTS) and _WRITTEN.fullmatch(text):
        return clock(
            datetime.fromisoformat(text), visit.services.ledger.venue, visit.now, exact=True
        )
    if name in _CODED and text in value_names():
        return say(value_names()[text])
    return text[:_SHOWN] + "…" if _DIGEST.fullmatch(text) else text


def _number(visit: Visit, name: str, value: int, currency: str) -> str:
    if name.endswith("_minor"):
        smallest = gettext("%(number)s of the smallest unit", number=value)
        return money(value, currency) if currency else smallest
    if name in {"used_too", "refunds_open"}:
        return gettext("yes") if value else gettext("no")
    if name.endswith(_INSTANTS) and 1_000_000_000_000 < abs(value) < LATEST_MS:
        return clock(from_ms(value), visit.services.ledger.venue, visit.now, exact=True)
    return str(value)


def _read(name: str) -> dict[str, Any]:
    """Read a table of words; both languages of each become one sentence."""
    return {key: _sentences(value) for key, value in read_words(name).items()}


def _sentences(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"zh", "en"}:
        return Sentence(value["zh"], value["en"])
    if isinstance(value, dict):
        return {key: _sentences(each) for key, each in value.items()}
    return value
