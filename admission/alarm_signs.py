"""What is beyond its bar in a venue now, or still near it. Pure: `alarms` makes alarms of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from admission.alarm_bars import AlarmBars
from admission.alarm_facts import BEFORE, LATELY, AlarmFacts, DeviceFacts, GateFacts
from admission.alarms import ALL, OF_ENTRY, Alarm, AlarmKind, Severity, Sign
from admission.surges import DealScans, Look, SurgeBars, next_steps

NEAR: Final = 0.8
"""What is beyond so much of a bar is still near it."""
NEAR_CAPACITY: Final = 0.97
"""The same of the limit: its bars are only a tenth apart."""
MANY: Final = 5
"""From so many of a kind at once there is one alarm about all of them."""
# So many scans a gate would have had meanwhile, by its own rate and the others' of now, before its
# silence says anything: of people who come at random one silence in 3,000 is as long by chance.
_MISSED_SCANS: Final = 8.0
_CONDUCT_FOR: Final = timedelta(hours=2)
_HEARD_WITHIN: Final = timedelta(minutes=3)
_MIB: Final = 1 << 20
_NEVER: Final = 100_000

Levels: TypeAlias = tuple[tuple[float, Severity], ...]
_N, _W, _C = Severity

Finder: TypeAlias = Callable[[AlarmFacts, AlarmBars], Iterable[Sign | None]]


def find_signs(facts: AlarmFacts, bars: AlarmBars) -> list[Sign]:
    """Return what is beyond a bar, or near one."""
    found = (sign for find in _FINDERS for sign in find(facts, bars) if sign is not None)
    signs = [sign for sign in found if not (facts.emergency and sign.kind in OF_ENTRY)]
    for kind in _TOGETHER:
        signs = _together(kind, signs)
    return signs


def clears_at(alarm: Alarm) -> float | None:
    """Return the figure that an alarm clears beyond, where its own is well again and it stands yet.

    None: the figure is still beyond its bar, or the alarm has none.
    """
    if not alarm.bar or alarm.subject == ALL:
        return None
    if alarm.kind is AlarmKind.DISK:
        return alarm.bar / NEAR if alarm.figure > alarm.bar else None
    near = NEAR_CAPACITY if alarm.kind is AlarmKind.CAPACITY else NEAR
    return alarm.bar * near if alarm.figure < alarm.bar else None


# --- people --------------------------------------------------------------------------------------


def _capacity(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    if facts.limit:
        levels = (
            (bars.capacity_notice, _N),
            (bars.capacity_warning, _W),
            (bars.capacity_critical, _C),
        )
        share = facts.inside / facts.limit
        yield _above(AlarmKind.CAPACITY, "", share, levels, near=NEAR_CAPACITY)


def _wait(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    if facts.wait_minutes is not None:
        levels = ((bars.wait_minutes, _W), (bars.wait_critical_minutes, _C))
        yield _above(AlarmKind.WAIT, "", facts.wait_minutes, levels)


def _calls(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    oldest = min(facts.calls, default=facts.now)
    minutes = _minutes(facts.now - oldest)
    yield _above(AlarmKind.CALLS_OLD, "", minutes, ((bars.calls_oldest_minutes, _W),))
    yield _above(AlarmKind.CALLS_MANY, "", len(facts.calls), ((bars.calls_waiting, _W),))


def _overrides(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    for found in facts.conduct if bars.overrides else ():
        hour = found.hour
        if facts.now - hour.hour_from <= _CONDUCT_FOR:
            yield Sign(
                kind=AlarmKind.OVERRIDES,
                subject=hour.act,
                figure=hour.acts,
                bar=0,
                severity=_N,
                keeps=_N,
                usual=found.usual,
            )


# --- gates ---------------------------------------------------------------------------------------


def _silent(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    """Yield gates that were busy and have fallen silent, while people still pass the others."""
    whole, before = sum(g.lately for g in facts.gates), sum(g.before for g in facts.gates)
    for gate in facts.gates if facts.open else ():
        known = (AlarmKind.GATE_SILENT, gate.gate_id) in facts.standing
        if not gate.opened or (gate.last_at is None and not known):
            continue
        last_at = gate.last_at or facts.now - LATELY - BEFORE
        silence = facts.silence(AlarmKind.GATE_SILENT, gate.gate_id, last_at)
        others = _pace(whole - gate.lately, before - gate.before)
        missed = _missed(gate, silence) * min(1.0, others)
        if missed >= _MISSED_SCANS or (known and others > 0):
            levels = ((bars.gate_silent_minutes, _W),)
            yield _above(AlarmKind.GATE_SILENT, gate.gate_id, _minutes(silence), levels)


def _missed(gate: GateFacts, silence: timedelta) -> float:
    """Return the scans that a gate would have had while it was silent, at its rate before that."""
    busy = LATELY + BEFORE - silence
    if busy <= timedelta(0):
        return 0.0
    return (gate.lately + gate.before) * (silence / busy)


def _pace(lately: int, before: int) -> float:
    """Return how much faster than in the hour before people come lately; 1: nothing is known."""
    if lately == 0:
        return 0.0
    return 1.0 if before == 0 else (lately / before) * (BEFORE / LATELY)


def _gate_refusals(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    """Yield gates of whose scans far more are refused than before, and than elsewhere.

    By the rule of surges, with gates in the place of deals.
    """
    if not bars.gate_refused:
        return
    numbers = dict(enumerate(facts.gates))
    up = {
        number
        for number, gate in numbers.items()
        if (AlarmKind.GATE_REFUSALS, gate.gate_id) in facts.standing
    }
    look = Look(
        since=facts.now - LATELY,
        minutes=_minutes(LATELY),
        latest={n: DealScans(g.lately, g.refused_lately) for n, g in numbers.items() if g.lately},
        before={n: DealScans(g.before, g.refused_before) for n, g in numbers.items()},
    )
    least = SurgeBars(scans=_NEVER, refused=bars.gate_refused, called=_NEVER)
    steps = next_steps(frozenset(up), look, least)
    for number in sorted((up - set(steps.fell)) | {each.deal_no for each in steps.rose}):
        gate = numbers[number]
        yield Sign(
            kind=AlarmKind.GATE_REFUSALS,
            subject=gate.gate_id,
            figure=_part(gate.refused_lately, gate.lately),
            bar=0,
            severity=_W,
            keeps=_W,
            usual=_part(gate.refused_before, gate.before),
        )


def _deal_refusals(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    """Yield deals that surge so; the incident that their surge opens calls the duty list."""
    for surge in facts.surges if bars.deal_refusals else ():
        yield Sign(
            kind=AlarmKind.DEAL_REFUSALS,
            subject=surge.deal_id,
            figure=surge.share,
            bar=0,
            severity=_N,
            keeps=_N,
            usual=surge.before,
        )


# --- devices -------------------------------------------------------------------------------------


def _gone(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    for device in facts.devices if facts.open else ():
        if device.wanted and device.seen_at is not None and device.seen_at >= facts.day_from:
            kind, subject = AlarmKind.DEVICE_GONE, device.device_id
            minutes = _minutes(facts.silence(kind, subject, device.seen_at))
            yield _above(kind, subject, minutes, ((bars.device_gone_minutes, _W),))


def _replicas(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    for device in _heard(facts):
        name = device.device_id
        if device.replica_age_s is not None and device.beat_at is not None:
            since = _minutes(facts.now - device.beat_at)
            minutes = device.replica_age_s / 60 + since
            yield _above(AlarmKind.REPLICA_OLD, name, minutes, ((bars.replica_minutes, _N),))
        if device.outbox_depth is not None:
            levels = ((bars.outbox_rows, _N),)
            yield _above(AlarmKind.OUTBOX_DEEP, name, device.outbox_depth, levels)


def _clocks(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    levels = ((bars.clock_devices, _C),)
    server = _above(AlarmKind.CLOCK, "", facts.devices_off, levels)
    yield server
    # Where the server's clock is wrong, every device's looks wrong: one alarm says it.
    wrong = server is not None and server.severity is not None
    for device in _heard(facts):
        if device.offset_s is not None:
            minutes = abs(device.offset_s) / 60
            bar = bars.device_clock_minutes
            sign = _above(AlarmKind.DEVICE_CLOCK, device.device_id, minutes, ((bar, _N),))
            yield replace(sign, severity=None) if sign is not None and wrong else sign


def _heard(facts: AlarmFacts) -> Iterator[DeviceFacts]:
    """Yield devices that speak: what one that is gone said last says nothing of now."""
    for device in facts.devices:
        if device.beat_at is not None and facts.now - device.beat_at <= _HEARD_WITHIN:
            yield device


# --- platforms -----------------------------------------------------------------------------------


def _feeds(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    for feed in facts.feeds:
        if feed.heard_at is not None:
            kind = AlarmKind.FEED_OLD
            minutes = _minutes(facts.silence(kind, feed.platform, feed.heard_at))
            yield _above(kind, feed.platform, minutes, ((bars.feed_minutes, _W),))
        levels = ((bars.feed_failures, _W),)
        yield _above(AlarmKind.FEED_FAILING, feed.platform, feed.failures, levels)


def _redemptions(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    for platform, since in facts.redemptions.items():
        kind = AlarmKind.REDEMPTIONS_LATE
        minutes = _minutes(facts.silence(kind, platform, since))
        yield _above(kind, platform, minutes, ((bars.redemptions_minutes, _W),))


# --- the server ----------------------------------------------------------------------------------


def _disk(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    if facts.disk_free_bytes is not None:
        levels = ((bars.disk_free_mib, _W), (bars.disk_critical_mib, _C))
        yield _below(AlarmKind.DISK, facts.disk_free_bytes / _MIB, levels)
    if bars.reserve and not facts.reserve_there:
        yield _yes(AlarmKind.RESERVE_GONE, 1, _C)


def _evidence(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    if bars.audit and facts.broken_at is not None:
        yield _yes(AlarmKind.AUDIT, facts.broken_at, _C)
    if facts.unsigned_since is not None:
        hours = _minutes(facts.now - facts.unsigned_since) / 60
        yield _above(AlarmKind.HEADS_UNSIGNED, "", hours, ((bars.heads_hours, _W),))


def _lines(facts: AlarmFacts, bars: AlarmBars) -> Iterator[Sign | None]:
    levels = ((bars.duty_failures, _W),)
    yield _above(AlarmKind.DUTY_FAILING, "", facts.duty_failures, levels)
    if facts.most_streams:
        share = facts.streams / facts.most_streams
        yield _above(AlarmKind.STREAMS_FULL, "", share, ((bars.streams_share, _N),))


_FINDERS: Final[tuple[Finder, ...]] = (
    _capacity,
    _wait,
    _calls,
    _overrides,
    _silent,
    _gate_refusals,
    _deal_refusals,
    _gone,
    _replicas,
    _clocks,
    _feeds,
    _redemptions,
    _disk,
    _evidence,
    _lines,
)
_TOGETHER: Final = (
    AlarmKind.GATE_SILENT,
    AlarmKind.DEVICE_GONE,
    AlarmKind.REPLICA_OLD,
    AlarmKind.OUTBOX_DEEP,
    AlarmKind.DEVICE_CLOCK,
)
"""Kinds that a fault of the network or the server brings to many at once."""


def _above(
    kind: AlarmKind, subject: str, figure: float, levels: Levels, *, near: float = NEAR
) -> Sign | None:
    """Return the sign of a figure that is worse the larger it is.

    Args:
        levels: bars and what being at or beyond them means, the least severe first; 0: off.
    """
    on = [level for level in levels if level[0] > 0]
    reached = [level for level in on if figure >= level[0]]
    kept = [level for level in on if figure >= level[0] * near]
    return _sign(kind, subject, figure, reached, kept)


def _below(kind: AlarmKind, figure: float, levels: Levels) -> Sign | None:
    """Return the sign of a figure that is worse the smaller it is."""
    on = [level for level in levels if level[0] > 0]
    reached = [level for level in on if figure <= level[0]]
    kept = [level for level in on if figure * NEAR <= level[0]]
    return _sign(kind, "", figure, reached, kept)


def _sign(
    kind: AlarmKind,
    subject: str,
    figure: float,
    reached: list[tuple[float, Severity]],
    kept: list[tuple[float, Severity]],
) -> Sign | None:
    if not kept:
        return None
    bar, severity = reached[-1] if reached else (kept[-1][0], None)
    return Sign(
        kind=kind,
        subject=subject,
        figure=round(figure, 4),
        bar=bar,
        severity=severity,
        keeps=kept[-1][1],
    )


def _yes(kind: AlarmKind, figure: float, severity: Severity) -> Sign:
    return Sign(kind=kind, figure=figure, bar=0, severity=severity, keeps=severity)


def _together(kind: AlarmKind, signs: list[Sign]) -> list[Sign]:
    """Put many of a kind into one sign; those that have an alarm of their own keep it."""
    of_kind = [sign for sign in signs if sign.kind is kind]
    beyond = [sign for sign in of_kind if sign.severity is not None]
    if len(beyond) < MANY and len(of_kind) < MANY:
        return signs
    many = len(beyond) >= MANY
    worst = max((sign.keeps for sign in of_kind), key=lambda each: each.rank)
    one = Sign(
        kind=kind,
        subject=ALL,
        figure=len(beyond),
        bar=MANY,
        severity=worst if many else None,
        keeps=worst,
    )
    alone = {sign.name: replace(sign, severity=None) if many else sign for sign in of_kind}
    return [*(alone.get(sign.name, sign) for sign in signs), one]


def _minutes(span: timedelta) -> float:
    return span / timedelta(minutes=1)


def _part(some: int, of: int) -> float:
    return round(some / max(1, of), 4)
