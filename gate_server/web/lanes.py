"""Lanes over HTTP: which gates let people in now, so that nobody is sent to one that does not."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import to_ms
from admission.scans import Device, Gate, GateState, Profile
from admission.wire_notices import LaneAnswer, LanesAnswer
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.tallies import MINUTE_MS
from gate_server.web.callers import DEVICES, STEWARDS
from gate_server.web.operations import Call, Noun

lanes = Noun("lanes")

# A scanner beats every ten seconds; one that is run by hand for each code never does, but scans.
BEATS_WITHIN: Final = timedelta(seconds=30)
SCANS_WITHIN: Final = timedelta(minutes=2)
LETS_IN: Final = frozenset({Profile.GATE, Profile.KIOSK})


@lanes.operation("GET", "/lanes", who=DEVICES | STEWARDS, answer=LanesAnswer)
def list_lanes(call: Call) -> LanesAnswer:
    """List all gates with whether they work: those of the asking device's area first."""
    device = call.caller.device
    ledger, now = call.services.ledger, call.services.ledger.clock()
    gates = ledger.catalogue.gates
    own = gates.get(device.gate_id) if device is not None else None
    here = count_scanners(ledger, now)
    found = [_lane(ledger, gate, own, here[gate.gate_id], now) for gate in gates.values()]
    return LanesAnswer(lanes=sorted(found, key=lambda lane: not lane.same_area))


def count_scanners(ledger: Ledger, now: datetime) -> Counter[str]:
    """Return by gate how many scanners that may let people in were heard of just now."""
    devices = ledger.catalogue.devices.values()
    return Counter(each.gate_id for each in devices if _lets_in(ledger, each, now))


def _lane(ledger: Ledger, gate: Gate, own: Gate | None, scanners: int, now: datetime) -> LaneAnswer:
    opened = gate.state is GateState.OPEN and not ledger.catalogue.emergency
    return LaneAnswer(
        gate_id=gate.gate_id,
        name=gate.name,
        area=gate.area,
        state=gate.state,
        working=opened and scanners > 0,
        scanners=scanners,
        last_minute_people=_last_minute(ledger, gate.gate_id, now),
        same_area=own is not None and gate.area == own.area,
    )


def _lets_in(ledger: Ledger, device: Device, now: datetime) -> bool:
    """Say whether a device may let people in and was heard of just now."""
    if device.profile not in LETS_IN or device.revoked or device.suspended:
        return False
    word = ledger.catalogue.seen.get(device.device_id)
    beaten = None if word is None else word.seen_at
    scanned = ledger.tallies.scanned_at.get(device.device_id)
    return _within(beaten, BEATS_WITHIN, now) or _within(scanned, SCANS_WITHIN, now)


def _within(at: datetime | None, least: timedelta, now: datetime) -> bool:
    return at is not None and now - at <= least


def _last_minute(ledger: Ledger, gate_id: str, now: datetime) -> int:
    # `get`, for reading a minute must not make it while the writer counts.
    counted = ledger.tallies.today.gates.get(gate_id)
    return 0 if counted is None else counted.minutes.get(to_ms(now) // MINUTE_MS - 1, 0)
