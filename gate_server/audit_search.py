"""Tell admins and auditors what was done, without what stands for a visitor."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from admission.calendar import Venue
from admission.errors import Fault, InvalidInput
from admission.wire_figures import AuditAnswer, AuditedEvent
from admission.wire_settlement import read_moment
from gate_server.ledger.audit_list import AuditSearch, Event, event_at, list_events
from gate_server.ledger.ledger import Ledger

_APART: Final = frozenset({"at", "by", "personal"})
_WITHHELD: Final = frozenset({"buyer", "buyers", "phone", "code_key", "credential_key"})
"""What stands for a visitor: keyed hashes, of no use to a reader and of use to a thief."""
_FOR_ALL: Final = frozenset({"operator"})
_FOR_ADMINS: Final = _FOR_ALL | {"name", "note", "reason"}
"""Personal fields that may be told while they stand; what was asked of a look-up never is."""


def search_audit(ledger: Ledger, asked: AuditSearch, *, admin: bool) -> AuditAnswer:
    """Return a page of what was done, the newest first.

    Args:
        admin: the reader may see names and notes; else only the numbers of operators.
    """
    events, before = ledger.read(lambda db: list_events(db, asked))
    told = _FOR_ADMINS if admin else _FOR_ALL
    return AuditAnswer(audit=[_event(event, told) for event in events], before=before)


def _event(event: Event, told: frozenset[str]) -> AuditedEvent:
    body = event.body
    named = {*body.get("personal", {}), *event.personal}
    return AuditedEvent(
        revision=event.revision,
        at=event_at(event),
        event=event.kind,
        by=body.get("by"),
        fields={
            name: value
            for name, value in body.items()
            if name not in _APART and name not in _WITHHELD
        },
        personal={
            name: event.personal.get(name) if name in told else None for name in sorted(named)
        },
    )


def read_bound(venue: Venue, name: str, text: str | None, *, last: bool) -> datetime | None:
    """Read a bound of a search: a venue day, or an instant with its offset.

    Args:
        last: a day means its last instant, not its first.

    Raises:
        InvalidInput: it is neither.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return read_moment(name, text)
    if not 1970 < day.year < 9999:
        raise InvalidInput(name, "give a day from 1971 to 9998", Fault.UNREADABLE, text)
    return venue.day_bounds(day)[1 if last else 0]
