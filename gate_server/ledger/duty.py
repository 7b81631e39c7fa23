"""The on-duty list in the ledger: whom to call, sealed; which calls were made, and what came."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from gate_server.ledger.session import Session

_CONTACTS: Final = (
    "SELECT contact_id, name, form, shown, sealed, added_at, added_by, tried_at, answered_at,"
    " failed_at, error, failures, paused_until FROM duty_contacts WHERE removed_at IS NULL"
)


class Form(StrEnum):
    """What a contact understands; stored, so never renamed."""

    STANDARD = "standard"
    WECOM = "wecom"
    DINGTALK = "dingtalk"


PACE: Final = {Form.WECOM: timedelta(seconds=3.2), Form.DINGTALK: timedelta(seconds=3.2)}
"""Least time between two messages: these robots take 20 a minute, then none for 10 minutes."""


DUE: Final = "next_at <= :now OR (next_at IS NOT NULL AND begun <> :sender)"
"""What of calls and requests is to be sent now; `begun` is null where nobody sends it."""


class CallState(StrEnum):
    """What became of a call; stored, so never renamed."""

    WAITING = "waiting"
    TAKEN = "taken"
    FAILED = "failed"
    DROPPED = "dropped"
    """Somebody answered, or the next ring has taken its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody, or a group's robot, that is called.

    Attributes:
        shown: what of the address anybody may see.
        sealed: address and secret; see `about_contact`.
        failures: in a row; `error` is why the last one was.
        paused_until: until then it asked to be left alone.
    """

    contact_id: int
    name: str
    form: Form
    shown: str
    sealed: bytes = field(repr=False)
    added_at: datetime
    added_by: str
    tried_at: datetime | None
    answered_at: datetime | None
    failed_at: datetime | None
    error: str | None
    failures: int
    paused_until: datetime | None

    def free_at(self, now: datetime) -> bool:
        """Say whether it may be called now."""
        if self.paused_until is not None and now < self.paused_until:
            return False
        pace = PACE.get(self.form)
        return pace is None or self.tried_at is None or now >= self.tried_at + pace


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCall:
    """One message to one contact; its id stays the same however often it is tried.

    Attributes:
        told: JSON, what it says.
    """

    call_id: str
    incident_id: str
    ring: int
    contact_id: int
    state: CallState
    tries: int
    rung_at: datetime
    told: str
    done_at: datetime | None
    problem: str | None


# --- contacts ------------------------------------------------------------------------------------


def next_contact(db: sqlite3.Connection) -> int:
    """Return the number that the next contact has."""
    sql = "SELECT COALESCE(MAX(contact_id), 0) + 1 FROM duty_contacts"
    number: int = db.execute(sql).fetchone()[0]
    return number


def about_contact(contact_id: int) -> str:
    """Return what a contact's address is sealed with, so that it cannot be moved."""
    return f"duty contact {contact_id}"


def add_contact(
    tx: Session, name: str, form: Form, shown: str, sealed: bytes, *, by: str, now: datetime
) -> None:
    """Put a contact, whose number is `next_contact`, on the list.

    Raises:
        LedgerConflict: `contact-exists`.
    """
    if any(contact.name == name for contact in list_contacts(tx.db)):
        raise LedgerConflict("contact-exists", f"{name} is on the duty list already")
    tx.record_event("duty_added", {"name": name, "form": form.value, "shown": shown, "by": by})
    tx.db.execute(
        "INSERT INTO duty_contacts (contact_id, name, form, shown, sealed, added_at, added_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (next_contact(tx.db), name, form.value, shown, sealed, to_ms(now), by),
    )
    tx.touched.add("incidents")


def remove_contact(tx: Session, name: str, *, by: str, now: datetime) -> None:
    """Take a contact off the list; its address goes, the record of its calls stays.

    Raises:
        NotFound: nobody by that name is on it.
    """
    contact = get_contact(tx.db, name)
    tx.record_event("duty_removed", {"name": name, "by": by})
    sql = "UPDATE duty_contacts SET removed_at = ?, sealed = x'' WHERE contact_id = ?"
    tx.db.execute(sql, (to_ms(now), contact.contact_id))
    tx.db.execute(
        "UPDATE duty_calls SET state = ?, next_at = NULL WHERE contact_id = ? AND state = ?",
        (CallState.DROPPED.value, contact.contact_id, CallState.WAITING.value),
    )
    tx.touched.add("incidents")


def list_contacts(db: sqlite3.Connection) -> list[Contact]:
    """Return who is called, in the order in which they were added."""
    return [_read_contact(row) for row in db.execute(f"{_CONTACTS} ORDER BY contact_id")]


def get_contact(db: sqlite3.Connection, name: str) -> Contact:
    """Return a contact.

    Raises:
        NotFound: nobody by that name is on the list.
    """
    row = db.execute(f"{_CONTACTS} AND name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound(f"nobody called {name} is on the duty list")
    return _read_contact(row)


def note_answered(tx: Session, contact_id: int, *, now: datetime) -> None:
    """Note that a contact has taken a message; its failures are over."""
    tx.db.execute(
        "UPDATE duty_contacts SET answered_at = ?, failures = 0, error = NULL, paused_until = NULL"
        " WHERE contact_id = ?",
        (to_ms(now), contact_id),
    )
    tx.touched.add("incidents")


def note_unanswered(
    tx: Session, contact_id: int, problem: str, *, paused_until: datetime | None, now: datetime
) -> None:
    """Note that a contact did not take a message."""
    tx.db.execute(
        "UPDATE duty_contacts SET failed_at = ?, error = ?, failures = failures + 1,"
        " paused_until = ? WHERE contact_id = ?",
        (to_ms(now), problem, None if paused_until is None else to_ms(paused_until), contact_id),
    )
    tx.touched.add("incidents")


# --- calls ---------------------------------------------------------------------------------------


def last_ring(db: sqlite3.Connection, incident_id: str) -> tuple[int, datetime | None]:
    """Return number and time of the last ring about an incident; 0 and None: none yet."""
    sql = "SELECT MAX(ring), MAX(rung_at) FROM duty_rings WHERE incident_id = ?"
    ring, rung_at = db.execute(sql, (incident_id,)).fetchone()
    return (0, None) if ring is None else (ring, from_ms(rung_at))


def record_ring(
    tx: Session,
    incident_id: str,
    ring: int,
    told: str,
    contacts: Sequence[Contact],
    *,
    now: datetime,
) -> None:
    """Have everybody called about an incident; `ring` is the next one.

    What still waits of the ring before is dropped: nobody is told the same twice for nothing.

    Args:
        told: JSON, what is said.
    """
    drop_calls(tx, incident_id)
    names = [contact.name for contact in contacts]
    tx.record_event("duty_ring", {"incident_id": incident_id, "ring": ring, "contacts": names})
    sql = "INSERT INTO duty_rings (incident_id, ring, rung_at, told) VALUES (?, ?, ?, ?)"
    tx.db.execute(sql, (incident_id, ring, to_ms(now), told))
    tx.db.executemany(
        "INSERT INTO duty_calls (call_id, incident_id, ring, contact_id, next_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (f"msg_{secrets.token_hex(12)}", incident_id, ring, contact.contact_id, to_ms(now))
            for contact in contacts
        ],
    )


def drop_calls(tx: Session, incident_id: str) -> None:
    """Make an incident's waiting calls no more."""
    tx.db.execute(
        "UPDATE duty_calls SET state = ?, next_at = NULL WHERE incident_id = ? AND state = ?",
        (CallState.DROPPED.value, incident_id, CallState.WAITING.value),
    )


def due_calls(db: sqlite3.Connection, now: datetime, sender: str) -> list[DutyCall]:
    """Return at most one call a contact that is to be made now, the oldest; none that is paused.

    A contact that is being called waits for that call's end.

    Args:
        sender: who asks; what another has begun, which is gone then, is due at once.
    """
    names = {"now": to_ms(now), "sender": sender}
    free = {each.contact_id for each in list_contacts(db) if each.free_at(now)}
    sql = "SELECT DISTINCT contact_id FROM duty_calls WHERE begun = :sender AND next_at > :now"
    free -= {contact_id for (contact_id,) in db.execute(sql, names)}
    due: dict[int, DutyCall] = {}
    for row in db.execute(f"{_CALLS} WHERE {DUE} ORDER BY rung_at, call_id", names):
        call = _read_call(row)
        if call.contact_id in free:
            due.setdefault(call.contact_id, call)
    return list(due.values())


def begin_call(tx: Session, call: DutyCall, sender: str, *, until: datetime, now: datetime) -> None:
    """Note who makes a call; while that one lives, nobody makes it again before `until`."""
    sql = "UPDATE duty_calls SET begun = ?, tries = tries + 1, next_at = ? WHERE call_id = ?"
    tx.db.execute(sql, (sender, to_ms(until), call.call_id))
    sql = "UPDATE duty_contacts SET tried_at = ? WHERE contact_id = ?"
    tx.db.execute(sql, (to_ms(now), call.contact_id))


def end_call(
    tx: Session,
    call: DutyCall,
    problem: str | None,
    *,
    next_at: datetime | None,
    now: datetime,
) -> None:
    """Note what came of a try.

    Args:
        problem: why it was not taken; None: it was.
        next_at: when it is tried again; one that was dropped meanwhile is not.
    """
    state = CallState.WAITING
    if next_at is None:
        state = CallState.TAKEN if problem is None else CallState.FAILED
    if call.state is CallState.DROPPED and problem is not None:
        state, next_at = CallState.DROPPED, None
    tx.db.execute(
        "UPDATE duty_calls SET begun = NULL, state = ?, problem = ?, next_at = ?, done_at = ?"
        " WHERE call_id = ?",
        (
            state.value,
            problem,
            None if next_at is None else to_ms(next_at),
            to_ms(now) if state is CallState.TAKEN else None,
            call.call_id,
        ),
    )


def find_call(db: sqlite3.Connection, call_id: str) -> DutyCall | None:
    """Return a call."""
    row = db.execute(f"{_CALLS} WHERE call_id = ?", (call_id,)).fetchone()
    return None if row is None else _read_call(row)


def list_calls(db: sqlite3.Connection, incident_id: str) -> list[tuple[str, DutyCall]]:
    """Return the last call to each contact about an incident, with its name."""
    last = "SELECT contact_id, MAX(ring) FROM duty_calls WHERE incident_id = ?1 GROUP BY contact_id"
    rows = db.execute(
        f"SELECT n.name, {_CALL_COLUMNS} FROM {_CALL_TABLES}"  # noqa: S608 - names of ours
        " JOIN duty_contacts n USING (contact_id)"
        f" WHERE incident_id = ?1 AND (contact_id, ring) IN ({last}) ORDER BY contact_id",
        (incident_id,),
    )
    return [(name, _read_call(tuple(row))) for name, *row in rows]


_CALL_COLUMNS: Final = (
    "call_id, incident_id, ring, contact_id, state, tries, rung_at, told, done_at, problem"
)
_CALL_TABLES: Final = "duty_calls JOIN duty_rings USING (incident_id, ring)"
_CALLS: Final = f"SELECT {_CALL_COLUMNS} FROM {_CALL_TABLES}"  # noqa: S608 - names of ours


def _read_call(row: tuple[Any, ...]) -> DutyCall:
    (call_id, incident_id, ring, contact_id, state, tries, rung_at, told, done_at,
     problem) = row  # fmt: skip
    return DutyCall(
        call_id=call_id,
        incident_id=incident_id,
        ring=ring,
        contact_id=contact_id,
        state=CallState(state),
        tries=tries,
        rung_at=from_ms(rung_at),
        told=told,
        done_at=_instant(done_at),
        problem=problem,
    )


def _read_contact(row: tuple[Any, ...]) -> Contact:
    (contact_id, name, form, shown, sealed, added_at, added_by, tried_at, answered_at, failed_at,
     error, failures, paused_until) = row  # fmt: skip
    return Contact(
        contact_id=contact_id,
        name=name,
        form=Form(form),
        shown=shown,
        sealed=sealed,
        added_at=from_ms(added_at),
        added_by=added_by,
        tried_at=_instant(tried_at),
        answered_at=_instant(answered_at),
        failed_at=_instant(failed_at),
        error=error,
        failures=failures,
        paused_until=_instant(paused_until),
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
