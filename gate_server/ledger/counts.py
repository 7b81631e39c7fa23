"""People without a voucher, counted by hand: recorded once, and taken back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from admission.calendar import from_ms, to_ms
from admission.corrections import people_of_count_to_annul
from admission.errors import LedgerConflict
from admission.scans import Direction
from gate_server.ledger.corrections import Actor
from gate_server.ledger.lanes import LaneDelta
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import COUNTED, Delta


@dataclass(frozen=True, slots=True)
class Count:
    """People counted by hand."""

    count_id: int
    nonce: str
    gate_id: str
    kind: str
    people: int
    direction: Direction
    counted_at: datetime
    annulled: int
    counted_by: str
    operator: str | None = None


def find_count(tx: Session, counted_by: str, nonce: str) -> Count | None:
    """Return what somebody counted under a nonce."""
    row = tx.db.execute(
        "SELECT count_id, nonce, gate_id, kind, people, direction, counted_at, annulled, operator"
        " FROM counts WHERE counted_by = ? AND nonce = ?",
        (counted_by, nonce),
    ).fetchone()
    if row is None:
        return None
    count_id, nonce, gate_id, kind, people, direction, counted_at, annulled, operator = row
    return Count(
        count_id,
        nonce,
        gate_id,
        kind,
        people,
        direction=Direction(direction),
        counted_at=from_ms(counted_at),
        annulled=annulled,
        counted_by=counted_by,
        operator=operator,
    )


def record_count(
    tx: Session,
    counted_by: str,
    nonce: str,
    *,
    gate_id: str,
    kind: str,
    people: int,
    direction: Direction,
    now: datetime,
    operator: str | None = None,
) -> tuple[Count, bool]:
    """Record people without a voucher; the same nonce again is answered, not counted.

    Returns:
        the count, and whether it had been recorded before.

    Raises:
        LedgerConflict: `nonce-reused` for other people, kind or direction.
    """
    found = find_count(tx, counted_by, nonce)
    if found is not None:
        if (found.kind, found.people, found.direction) != (kind, people, direction):
            raise LedgerConflict("nonce-reused", "this nonce belongs to another count")
        return found, True
    fields = {
        "by": counted_by,
        "nonce": nonce,
        "gate_id": gate_id,
        "kind": kind,
        "people": people,
        "direction": direction.value,
    }
    person = {} if operator is None else {"operator": operator}
    count_id = tx.record_event("count", fields, personal=person)
    tx.db.execute(
        "INSERT INTO counts (count_id, counted_by, nonce, gate_id, kind, people, direction,"
        " counted_at, operator) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (count_id, counted_by, nonce, gate_id, kind, people, direction.value, to_ms(now), operator),
    )
    count = Count(count_id, nonce, gate_id, kind, people, direction, now, 0, counted_by, operator)
    _count(tx, count, people)
    return count, False


def annul_count(
    tx: Session, count: Count, *, people: int | None, reason: str, by: Actor, now: datetime
) -> Count:
    """Take back counted people; `people` is their number in all, None: everybody."""
    wanted = people_of_count_to_annul(count.people, count.annulled, people=people)
    if wanted == 0:
        return count
    tx.db.execute(
        "UPDATE counts SET annulled = ?, annulled_at = ? WHERE count_id = ?",
        (wanted, to_ms(now), count.count_id),
    )
    fields = {"count_id": count.count_id, "people": wanted, "by": by.name, "reason": reason}
    tx.record_event("annul_count", fields, personal=by.person)
    _count(tx, count, count.annulled - wanted)
    return replace(count, annulled=wanted)


def _count(tx: Session, count: Count, people: int) -> None:
    """Add counted people to the counters, or take some back where their number is negative."""
    at_ms, reason, scans = to_ms(count.counted_at), COUNTED + count.kind, int(people > 0)
    delta = Delta(at_ms, count.gate_id, reason, scans=scans)
    lane = (at_ms, count.gate_id, count.counted_by, count.operator or "", reason)
    at_lane = LaneDelta(*lane, scans=scans, taken_back=max(0, -people))
    if count.direction is Direction.EXIT:
        delta.left_out = at_lane.left_out = people
        delta.inside = -people
    else:
        delta.entered = delta.people = delta.persons = at_lane.entered = people
        delta.inside = people
    tx.count(delta)
    tx.count_lane(at_lane)
