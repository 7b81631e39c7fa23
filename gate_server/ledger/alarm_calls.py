"""Messages to the duty list about alarms: one a contact when one is raised or rises, one when over.

An alarm is no incident: nobody is called again and again about it, and nobody has to close it.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from admission.calendar import to_ms
from gate_server.ledger.duty import DUE, CallState, list_contacts
from gate_server.ledger.session import Session

_CALLS: Final = "SELECT call_id, alarm_id, contact_id, state, tries, told, over FROM alarm_calls"
_QUEUE: Final = """
INSERT INTO alarm_calls (call_id, alarm_id, contact_id, over, told, queued_at, next_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_BUSY: Final = """
SELECT contact_id FROM alarm_calls WHERE begun = :sender AND next_at > :now UNION
SELECT contact_id FROM duty_calls WHERE begun = :sender AND next_at > :now
"""
# Who has been told of the alarm, or may have been: a try is under way.
_TOLD: Final = """
SELECT DISTINCT contact_id FROM alarm_calls
WHERE alarm_id = ? AND over = 0 AND (state = 'taken' OR begun IS NOT NULL)
"""
_DROP: Final = """
UPDATE alarm_calls SET state = 'dropped', next_at = NULL
WHERE alarm_id = ? AND state = 'waiting' AND begun IS NULL
"""


@dataclass(frozen=True, slots=True)
class AlarmCall:
    """One message to one contact; its id stays the same however often it is tried.

    Attributes:
        told: JSON, what it says; `over`: that the alarm is over.
    """

    call_id: str
    alarm_id: int
    contact_id: int
    state: CallState
    tries: int
    told: str
    over: bool


def queue_raised(tx: Session, alarm_id: int, told: str, *, now: datetime) -> None:
    """Have everybody on the duty list told of an alarm; what still waits about it is dropped."""
    tx.db.execute(_DROP, (alarm_id,))
    contacts = [contact.contact_id for contact in list_contacts(tx.db)]
    _queue(tx, alarm_id, contacts, told, over=False, now=now)


def queue_over(tx: Session, alarm_id: int, told: str, *, now: datetime) -> None:
    """Have those who were told of an alarm know that it is over; nobody else needs to."""
    tx.db.execute(_DROP, (alarm_id,))
    known = {contact_id for (contact_id,) in tx.db.execute(_TOLD, (alarm_id,))}
    on_list = [contact.contact_id for contact in list_contacts(tx.db)]
    contacts = [contact_id for contact_id in on_list if contact_id in known]
    _queue(tx, alarm_id, contacts, told, over=True, now=now)


def _queue(
    tx: Session, alarm_id: int, contacts: list[int], told: str, *, over: bool, now: datetime
) -> None:
    at = to_ms(now)
    rows = [
        (f"msg_{secrets.token_hex(12)}", alarm_id, contact_id, int(over), told, at, at)
        for contact_id in contacts
    ]
    tx.db.executemany(_QUEUE, rows)


def due_alarm_calls(db: sqlite3.Connection, now: datetime, sender: str) -> list[AlarmCall]:
    """Return at most one message a contact that is to be sent now, the oldest.

    A contact that is being told something waits for that message's end.

    Args:
        sender: who asks; what another has begun, which is gone then, is due at once.
    """
    names = {"now": to_ms(now), "sender": sender}
    rows = db.execute(f"{_CALLS} WHERE {DUE} ORDER BY queued_at, over, call_id", names).fetchall()
    if not rows:
        return []
    free = {each.contact_id for each in list_contacts(db) if each.free_at(now)}
    free -= {contact_id for (contact_id,) in db.execute(_BUSY, names)}
    due: dict[int, AlarmCall] = {}
    for call in map(_read, rows):
        if call.contact_id in free:
            due.setdefault(call.contact_id, call)
    return list(due.values())


def find_alarm_call(db: sqlite3.Connection, call_id: str) -> AlarmCall | None:
    """Return a message by its id."""
    row = db.execute(f"{_CALLS} WHERE call_id = ?", (call_id,)).fetchone()
    return None if row is None else _read(row)


def begin_alarm_call(
    tx: Session, call: AlarmCall, sender: str, *, until: datetime, now: datetime
) -> None:
    """Note who sends a message; while that one lives, nobody sends it again before `until`."""
    sql = "UPDATE alarm_calls SET begun = ?, tries = tries + 1, next_at = ? WHERE call_id = ?"
    tx.db.execute(sql, (sender, to_ms(until), call.call_id))
    sql = "UPDATE duty_contacts SET tried_at = ? WHERE contact_id = ?"
    tx.db.execute(sql, (to_ms(now), call.contact_id))


def end_alarm_call(
    tx: Session, call: AlarmCall, problem: str | None, *, next_at: datetime | None, now: datetime
) -> None:
    """Note what came of a try.

    Args:
        problem: why it was not taken; None: it was.
        next_at: when it is tried again; None: never.
    """
    state = CallState.WAITING
    if next_at is None:
        state = CallState.TAKEN if problem is None else CallState.FAILED
    tx.db.execute(
        "UPDATE alarm_calls SET begun = NULL, state = ?, problem = ?, next_at = ?, done_at = ?"
        " WHERE call_id = ?",
        (
            state.value,
            problem,
            None if next_at is None else to_ms(next_at),
            to_ms(now) if state is CallState.TAKEN else None,
            call.call_id,
        ),
    )


def _read(row: tuple[Any, ...]) -> AlarmCall:
    call_id, alarm_id, contact_id, state, tries, told, over = row
    return AlarmCall(call_id, alarm_id, contact_id, CallState(state), tries, told, bool(over))
