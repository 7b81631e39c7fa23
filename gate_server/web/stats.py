"""Figures over HTTP, from counters in memory: how many are in, where, and what holds them up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import UNSET

from admission.calendar import to_ms
from admission.crowd import CrowdView
from admission.crowd_queues import QueueEstimate
from admission.scans import Device, Gate
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.wire import FirstUseAnswer
from admission.wire_crowd import find_bounds, write_advice
from admission.wire_staff import (
    CallAnswer,
    CapacityAnswer,
    DealShare,
    DeviceStats,
    GateStats,
    QueueAnswer,
    StatsAnswer,
)
from gate_server.alarm_desk import AlarmDesk, answer_alarm
from gate_server.ledger.conflicts import count_open
from gate_server.ledger.recent import RecentScan
from gate_server.ledger.tallies import COUNTED, MINUTE_MS, Day, GateDay
from gate_server.settings import Settings, read_crowd_words
from gate_server.web.callers import STEWARDS
from gate_server.web.operations import Call, Noun
from gate_server.web.services import Services

MINUTES = 60
REVOKED_SHOWN_FOR = timedelta(hours=12)

stats = Noun("stats")


@stats.operation("GET", "/stats", who=STEWARDS, answer=StatsAnswer)
def show_stats(call: Call) -> StatsAnswer:
    """Tell how the venue stands now; `people` counts persons once, `scans` presentations."""
    return make_stats(call.services)


def make_stats(services: Services) -> StatsAnswer:
    """Return the figures of the running venue day."""
    ledger = services.ledger
    now = ledger.clock()
    day, catalogue = today(services, now), ledger.catalogue
    waiting, crowd = services.calls.waiting(now), services.crowd.view()
    standing = AlarmDesk(ledger).standing()
    return StatsAnswer(
        now=now,
        inside=day.inside,
        people_today=day.persons,
        scans_today=day.scans,
        calls_waiting=len(waiting),
        capacity=_capacity(day.inside, services.settings),
        queue=make_queue(crowd),
        gates=[_gate(services, gate, day, now) for gate in catalogue.gates.values()],
        deals_today=_deals(services, day),
        exits_today=day.left_out,
        counted_today=dict(day.counted),
        emergency=catalogue.emergency,
        conflicts_open=sum(ledger.read(count_open).values()),
        incidents_open=catalogue.duty.open_incidents,
        incidents_unanswered=catalogue.duty.unanswered,
        calls=[_call(scan) for scan in waiting],
        alarms_standing=len(standing),
        alarms=[answer_alarm(each) for each in standing],
        advice=write_advice(crowd, read_crowd_words(ledger.venue)),
    )


def _call(scan: RecentScan) -> CallAnswer:
    return CallAnswer(
        device_id=scan.device_id,
        nonce=scan.nonce,
        gate_id=scan.gate_id,
        reason=scan.reason,
        at=scan.at,
        elsewhere=UNSET
        if scan.elsewhere is None
        else FirstUseAnswer(at=scan.elsewhere.at, gate_id=scan.elsewhere.gate_id),
    )


def today(services: Services, now: datetime) -> Day:
    """Return the counts of the running venue day; nobody may have come since it began."""
    ledger = services.ledger
    counted = ledger.tallies.today
    if counted.first_ms <= to_ms(now) <= counted.last_ms:
        return counted
    day = ledger.venue.day_of(now)
    first, last = ledger.venue.day_bounds(day)
    return Day(day, to_ms(first), to_ms(last))


def count_new(services: Services, now: datetime, minutes: int) -> int:
    """Return the persons new to the venue in the last minutes, each once, of those of today."""
    came, last = dict(today(services, now).came), to_ms(now) // MINUTE_MS
    return sum(came.get(last - back, 0) for back in range(minutes))


def _capacity(inside: int, settings: Settings) -> CapacityAnswer:
    limit = settings.people_limit
    if limit is None:
        return CapacityAnswer(limit=None, share=None, level="unlimited")
    share = inside / limit
    level = settings.crowd.level(share)
    return CapacityAnswer(limit=limit, share=round(share, 4), level=level)


def make_queue(crowd: CrowdView) -> QueueAnswer:
    """Return all who are known to wait, and the longest wait."""
    known = [each.found for each in crowd.areas if each.found.waiting is not None]
    if not known:
        return QueueAnswer(waiting=None, wait_minutes=None, as_of=None)
    people = QueueEstimate.join(known)
    waits = [each.wait for each in known if each.wait is not None]
    longest = max(waits, key=lambda each: each.value, default=None)
    return QueueAnswer(
        waiting=None if people.waiting is None else round(people.waiting.value),
        wait_minutes=None if longest is None else round(longest.value, 1),
        as_of=people.as_of,
        waiting_between=find_bounds(people.waiting),
        wait_between=find_bounds(longest),
    )


def _gate(services: Services, gate: Gate, day: Day, now: datetime) -> GateStats:
    counted = day.gates.get(gate.gate_id) or GateDay()
    minutes, reasons = dict(counted.minutes), dict(counted.reasons)
    last, calls = to_ms(now) // MINUTE_MS, dict(counted.calls)
    per_minute = [minutes.get(last - back, 0) for back in range(MINUTES - 1, -1, -1)]
    p50_ms, p95_ms = services.timings.percentiles(gate.gate_id, 0.5, 0.95)
    return GateStats(
        gate_id=gate.gate_id,
        name=gate.name,
        area=gate.area,
        state=gate.state,
        people_today=counted.people,
        scans_today=counted.scans,
        people_last_60min=sum(per_minute),
        per_minute=per_minute,
        refused=_by_reason(reasons, Outcome.REFUSE),
        referred=_by_reason(reasons, Outcome.REFER),
        waited=_by_reason(reasons, Outcome.WAIT),
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        devices=_devices(services, gate.gate_id, now),
        calls_last_60min=sum(calls.get(last - back, 0) for back in range(MINUTES)),
    )


def _by_reason(reasons: Mapping[str, int], outcome: Outcome) -> dict[str, int]:
    return {
        reason: scans
        for reason, scans in reasons.items()
        if scans and not reason.startswith(COUNTED) and OUTCOMES[Reason(reason)] is outcome
    }


def _devices(services: Services, gate_id: str, now: datetime) -> list[DeviceStats]:
    ledger = services.ledger
    here = [each for each in ledger.catalogue.devices.values() if each.gate_id == gate_id]
    shown = [(device, ledger.last_seen(device.device_id)) for device in here]
    return [
        _device(services, device, seen, now)
        for device, seen in shown
        if _matters(device, seen, now)
    ]


def _matters(device: Device, seen: datetime | None, now: datetime) -> bool:
    """Say whether a device is shown: one that was revoked is, while it may still be in use."""
    return not device.revoked or (seen is not None and now - seen <= REVOKED_SHOWN_FOR)


def _device(
    services: Services, device: Device, seen_at: datetime | None, now: datetime
) -> DeviceStats:
    ledger = services.ledger
    seen = ledger.catalogue.seen.get(device.device_id)
    word = seen.heartbeat if seen is not None else {}
    outbox_depth = word.get("outbox_depth")
    offset_ms = device.offset_ms
    return DeviceStats(
        device_id=device.device_id,
        name=device.name,
        profile=device.profile.value,
        last_seen_at=seen_at,
        outbox_depth=outbox_depth if isinstance(outbox_depth, int) else None,
        replica_age_s=_number(word.get("replica_age_s")),
        battery=_number(word.get("battery")),
        clock_skew_s=None if offset_ms is None else offset_ms / 1000,
        state="revoked" if device.revoked else "suspended" if device.suspended else "active",
        fault=services.ledger.catalogue.faults.get(device.device_id),
        practice=word.get("practice") is True,
        operator=ledger.catalogue.operator_at(device.device_id, now),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _deals(services: Services, day: Day) -> list[DealShare]:
    """Return the deals of today's people, the largest first: what explains a surge."""
    known, persons = services.ledger.catalogue.deals, max(day.persons, 1)
    counted = sorted(dict(day.deals).items(), key=lambda item: (-item[1], item[0]))
    return [
        DealShare(
            deal_id=known[deal_no].deal_id,
            title=known[deal_no].title,
            people=people,
            share=round(people / persons, 4),
        )
        for deal_no, people in counted
        if people and deal_no in known
    ]
