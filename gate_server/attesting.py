"""Record closed queues and handed-out slips, and tell of them, for interface and commands."""

from __future__ import annotations

from datetime import datetime

from admission.attested import BACKDATED
from admission.calendar import whole_ms
from admission.errors import InvalidInput, LedgerConflict
from admission.scans import Device, Gate
from admission.wire_arrivals import (
    ClosedQueueAnswer,
    ClosedQueuesAnswer,
    HandoutAnswer,
    HandoutRequest,
    HandoutsAnswer,
    QueueRequest,
)
from admission.wire_tickets import SlipAnswer
from gate_server.keyring import Keyring
from gate_server.ledger import numbered_slips, queues
from gate_server.ledger.corrections import get_scan
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.numbered_slips import HandedOut, Handing, NumberedSlip
from gate_server.ledger.queues import ClosedQueue
from gate_server.ledger.session import Session
from gate_server.ledger.slips import record_slip


def close_queue(ledger: Ledger, asked: QueueRequest, *, by: str) -> ClosedQueueAnswer:
    """Record that a queue's tail was seen.

    Raises:
        InvalidInput: no such place, or an instant that cannot be.
    """
    now = whole_ms(ledger.clock())
    made = ledger.write(
        lambda tx: queues.close_queue(
            tx,
            area=asked.area,
            gate_id=asked.gate_id,
            closed_at=_whole(asked.closed_at),
            until=_whole(asked.until),
            reason=asked.reason,
            by=by,
            now=now,
        ),
        alone=True,
        urgent=True,
    )
    return _queue(made, now)


def reopen_queue(ledger: Ledger, queue_id: str, *, reason: str, by: str) -> ClosedQueueAnswer:
    """End a closing before its time.

    Raises:
        NotFound: there is no such closing.
        LedgerConflict: `queue-over`.
    """
    now = whole_ms(ledger.clock())
    ended = ledger.write(
        lambda tx: queues.reopen_queue(tx, queue_id, reason=reason, by=by, now=now),
        alone=True,
        urgent=True,
    )
    return _queue(ended, now)


def list_queues(ledger: Ledger) -> ClosedQueuesAnswer:
    """List the latest closings."""
    now = ledger.clock()
    found = ledger.read(queues.list_queues)
    return ClosedQueuesAnswer(queues=[_queue(each, now) for each in found])


def print_slips(ledger: Ledger, keys: Keyring, count: int, *, by: str) -> list[NumberedSlip]:
    """Make numbered slips with the next numbers."""
    return ledger.write(lambda tx: numbered_slips.print_slips(tx, keys, count, by=by), alone=True)


def hand_out(
    ledger: Ledger,
    asked: HandoutRequest,
    *,
    device: Device | None,
    by: str,
    operator: str | None = None,
) -> HandoutAnswer:
    """Record that slips were handed out.

    Args:
        device: the marshal's; None: a supervisor says so, who has to say where.

    Raises:
        InvalidInput: an instant that cannot be, a gate that there is not, slips never printed.
        LedgerConflict: `slips-handed-before`.
    """
    gate, now = _gate(ledger, asked, device), whole_ms(ledger.clock())
    told = Handing(
        asked.first,
        asked.last,
        gate.area,
        gate.gate_id,
        _whole(asked.handed_at),
        by,
        supervisor=device is None,
        operator=operator,
    )
    made = ledger.write(lambda tx: numbered_slips.hand_out(tx, told, now=now), urgent=True)
    return _handout(made)


def list_handouts(ledger: Ledger) -> HandoutsAnswer:
    """List the latest hand-outs."""
    found = ledger.read(numbered_slips.list_handouts)
    return HandoutsAnswer(handouts=[_handout(each) for each in found])


def make_slip(
    tx: Session, keys: Keyring, device_id: str, nonce: str, *, by: str, venue: str
) -> SlipAnswer:
    """Return the proof of an arrival stamp, which is made now if there is none.

    Args:
        device_id: whose stamp; `by` which device asks.
        venue: its name, for the paper.

    Raises:
        NotFound: there is no such scan.
        LedgerConflict: `not-a-stamp`, `no-voucher`.
    """
    scan = get_scan(tx, device_id, nonce)
    made, at = record_slip(tx, keys, scan, by=by), scan.record.arrived_at
    return SlipAnswer(
        number=scan.arrival_number or "",
        code=made.code,
        people=scan.record.party,
        arrived_at=at,
        local_time=f"{at.astimezone(tx.venue.zone):%Y-%m-%d %H:%M}",
        venue=venue,
        title=made.title,
        last_day=made.last_day,
        attested=scan.record.attested_at is not None,
    )


def find_slip(
    ledger: Ledger, keys: Keyring, device_id: str, nonce: str, *, venue: str
) -> SlipAnswer | None:
    """Return the proof of a device's own stamp; None where no voucher stands behind it."""
    try:
        return ledger.write(
            lambda tx: make_slip(tx, keys, device_id, nonce, by=device_id, venue=venue)
        )
    except LedgerConflict:
        return None


def _gate(ledger: Ledger, asked: HandoutRequest, device: Device | None) -> Gate:
    gate_id = asked.gate_id or (None if device is None else device.gate_id)
    if gate_id is None:
        raise InvalidInput("gate_id", "name the gate; only a device stands at one")
    gate = ledger.catalogue.gates.get(gate_id)
    if gate is None:
        raise InvalidInput("gate_id", "there is no such gate")
    return gate


def _whole(at: datetime | None) -> datetime | None:
    return None if at is None else whole_ms(at)


def _late(at: datetime, made_at: datetime) -> str | None:
    """Return what to tell whoever records something long after it was so."""
    minutes = int((made_at - at).total_seconds() // 60)
    if made_at - at <= BACKDATED:
        return None
    return f"recorded {minutes} minutes after its instant, and kept as such"


def _queue(queue: ClosedQueue, now: datetime) -> ClosedQueueAnswer:
    closing = queue.closing
    return ClosedQueueAnswer(
        queue_id=closing.queue_id,
        closed_at=closing.closed_at,
        ends_at=closing.ends_at,
        area=closing.area,
        gate_id=closing.gate_id,
        reason=queue.reason,
        made_at=queue.made_at,
        made_by=queue.made_by,
        open=queue.reopened_at is None and now <= closing.ends_at,
        reopened_at=queue.reopened_at,
        reopened_by=queue.reopened_by,
        reopen_reason=queue.reopen_reason,
        warning=_late(closing.closed_at, queue.made_at),
    )


def _handout(handed: HandedOut) -> HandoutAnswer:
    handout = handed.handout
    return HandoutAnswer(
        first=handout.first,
        last=handout.last,
        handed_at=handout.handed_at,
        area=handed.area,
        gate_id=handed.gate_id,
        made_at=handed.made_at,
        made_by=handed.made_by,
        operator=handed.operator,
        warning=_late(handout.handed_at, handed.made_at),
    )
