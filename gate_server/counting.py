"""Record what staff counted, a queue or all who are inside, for interface and commands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from admission.calendar import Venue, whole_ms
from admission.errors import Fault, InvalidInput
from admission.scans import Device
from admission.wire_crowd import (
    OccupancyAnswer,
    OccupancyRequest,
    QueueCountAnswer,
    QueueCountRequest,
)
from gate_server.ledger import crowd
from gate_server.ledger.ledger import Ledger

TOLD_LATE: Final = timedelta(hours=1)
"""A count that is told later than this says nothing any more."""
_AHEAD: Final = timedelta(seconds=5)


def count_queue(
    ledger: Ledger,
    asked: QueueCountRequest,
    *,
    device: Device | None,
    by: str,
    operator: str | None,
) -> QueueCountAnswer:
    """Record a count of a queue.

    Args:
        device: counts the queue where it stands, unless it says another.

    Raises:
        InvalidInput: no such place, or an instant that cannot be.
    """
    now = whole_ms(ledger.clock())
    area, at = asked.area, _checked(asked.counted_at, ledger.venue, now)
    if device is not None and area is None and asked.gate_id is None:
        area = ledger.catalogue.gates[device.gate_id].area
    made = ledger.write(
        lambda tx: crowd.record_queue_count(
            tx,
            asked.people,
            area=area,
            gate_id=asked.gate_id,
            counted_at=at,
            by=by,
            operator=operator,
        )
    )
    return QueueCountAnswer(
        area=made.area, gate_id=made.gate_id, people=made.people, counted_at=made.at
    )


def _checked(counted_at: datetime | None, venue: Venue, now: datetime) -> datetime:
    if counted_at is None:
        return now
    at = whole_ms(counted_at)
    if at > now + _AHEAD:
        raise InvalidInput("counted_at", "is ahead of the server's clock", Fault.AHEAD)
    if now - at > TOLD_LATE or not venue.same_day(at, now):
        raise InvalidInput(
            "counted_at", "more than an hour ago, or of another venue day", Fault.LONG_AGO
        )
    return min(at, now)


def enter_occupancy(ledger: Ledger, asked: OccupancyRequest, *, by: str) -> OccupancyAnswer:
    """Record how many people are inside, from now on."""
    now = whole_ms(ledger.clock())
    made = ledger.write(
        lambda tx: crowd.enter_occupancy(tx, asked.people, reason=asked.reason, by=by, now=now),
        alone=True,
        urgent=True,
    )
    entry = made.entry
    return OccupancyAnswer(people=entry.people, before=made.before, at=entry.at, made_by=by)
