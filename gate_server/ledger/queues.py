"""Closed queues in the ledger: who stood in one had arrived by the instant of its closing."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from admission.attested import QueueClosing, close_at, end_of
from admission.calendar import from_ms, to_ms
from admission.errors import Fault, InvalidInput, LedgerConflict, NotFound
from gate_server.ledger.session import Session

MOST_LISTED: Final = 200
MOST_TOLD: Final = 40
"""Closings that a replica is told of; more in a day and a half no venue has."""
_TOLD_FOR_MS: Final = 36 * 3600 * 1000
_COLUMNS: Final = (
    "queue_id, closed_at, ends_at, area, gate_id, reason, made_at, made_by, reopened_at,"
    " reopened_by, reopen_reason"
)
_QUEUES: Final = f"SELECT {_COLUMNS} FROM queue_closings"  # noqa: S608 - names of ours


@dataclass(frozen=True, slots=True)
class ClosedQueue:
    """A queue closing as it stands in the ledger."""

    closing: QueueClosing
    reason: str
    made_at: datetime
    made_by: str
    reopened_at: datetime | None = None
    reopened_by: str | None = None
    reopen_reason: str | None = None


def close_queue(
    tx: Session,
    *,
    area: str | None,
    gate_id: str | None,
    closed_at: datetime | None,
    until: datetime | None,
    reason: str,
    by: str,
    now: datetime,
) -> ClosedQueue:
    """Record that a queue's tail was seen at an instant.

    Args:
        area: None: the gate's; `closed_at` None: now; `until` None: two hours.

    Raises:
        InvalidInput: no such place, or an instant that cannot be.
    """
    place = _place(tx, area, gate_id)
    at = close_at(closed_at, tx.venue, now)
    ends_at = end_of(at, until, tx.venue)
    queue_id = f"Q{tx.revision + 1}"
    fields = {"queue_id": queue_id, "closed_at": to_ms(at), "ends_at": to_ms(ends_at)}
    fields |= {"area": place, "gate_id": gate_id, "by": by, "reason": reason}
    revision = tx.record_event("queue_closed", fields)
    tx.db.execute(
        "INSERT INTO queue_closings (revision, queue_id, closed_at, ends_at, area, gate_id, reason,"
        " made_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (revision, queue_id, to_ms(at), to_ms(ends_at), place, gate_id, reason, to_ms(now), by),
    )
    return get_queue(tx.db, queue_id)


def _place(tx: Session, area: str | None, gate_id: str | None) -> str:
    gates = tx.catalogue.gates
    if gate_id is not None and gate_id not in gates:
        raise InvalidInput("gate_id", "there is no such gate", Fault.UNKNOWN, gate_id)
    if area is None:
        if gate_id is None:
            raise InvalidInput("area", "say where: an area, or a gate", Fault.MISSING)
        return gates[gate_id].area
    if all(gate.area != area for gate in gates.values()):
        raise InvalidInput("area", "no gate leads there", Fault.UNKNOWN, area)
    if gate_id is not None and gates[gate_id].area != area:
        raise InvalidInput(
            "area", f"gate {gate_id} is of area {gates[gate_id].area}", Fault.CONTRADICTION
        )
    return area


def reopen_queue(tx: Session, queue_id: str, *, reason: str, by: str, now: datetime) -> ClosedQueue:
    """End a closing: from now on no stamp counts as it; those that do go on.

    Raises:
        NotFound: there is no such closing.
        LedgerConflict: `queue-over`.
    """
    queue = get_queue(tx.db, queue_id)
    if queue.closing.ends_at < now:
        raise LedgerConflict("queue-over", f"{queue_id} is over; no stamp counts as it any more")
    tx.record_event("queue_reopened", {"queue_id": queue_id, "by": by, "reason": reason})
    tx.db.execute(
        "UPDATE queue_closings SET ends_at = ?, reopened_at = ?, reopened_by = ?,"
        " reopen_reason = ? WHERE queue_id = ?",
        (to_ms(now), to_ms(now), by, reason, queue_id),
    )
    ended = replace(queue.closing, ends_at=now)
    return replace(queue, closing=ended, reopened_at=now, reopened_by=by, reopen_reason=reason)


def find_queue(db: sqlite3.Connection, queue_id: str) -> ClosedQueue | None:
    """Return a closing."""
    row = db.execute(f"{_QUEUES} WHERE queue_id = ?", (queue_id,)).fetchone()
    return None if row is None else _read(row)


def get_queue(db: sqlite3.Connection, queue_id: str) -> ClosedQueue:
    """Return a closing.

    Raises:
        NotFound: there is none of that id.
    """
    queue = find_queue(db, queue_id)
    if queue is None:
        raise NotFound(f"no queue closing {queue_id}")
    return queue


def list_queues(db: sqlite3.Connection) -> list[ClosedQueue]:
    """Return the latest closings, the newest first."""
    rows = db.execute(f"{_QUEUES} ORDER BY revision DESC LIMIT {MOST_LISTED}")
    return [_read(row) for row in rows]


def told_queues(db: sqlite3.Connection, now_ms: int) -> list[QueueClosing]:
    """Return the closings that a scanner may still need."""
    sql = f"{_QUEUES} WHERE ends_at > ? ORDER BY revision DESC LIMIT {MOST_TOLD}"
    return [_read(row).closing for row in db.execute(sql, (now_ms - _TOLD_FOR_MS,))]


def _read(row: tuple[Any, ...]) -> ClosedQueue:
    (queue_id, closed_at, ends_at, area, gate_id, reason, made_at, made_by, reopened_at,
     reopened_by, reopen_reason) = row  # fmt: skip
    return ClosedQueue(
        QueueClosing(queue_id, from_ms(closed_at), from_ms(ends_at), area, gate_id),
        reason,
        from_ms(made_at),
        made_by,
        None if reopened_at is None else from_ms(reopened_at),
        reopened_by,
        reopen_reason,
    )
