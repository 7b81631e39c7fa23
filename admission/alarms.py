"""Which alarms are raised, change and clear: each once, and none that flaps.

A look at the venue gives signs (`alarm_signs`). An alarm stands from the first sign that is beyond
its bar; it goes only when nothing has come near that bar for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias


class AlarmKind(StrEnum):
    """What an alarm is about; stored and sent: add one, never rename one."""

    CAPACITY = "capacity"
    WAIT = "wait"
    CALLS_OLD = "calls_old"
    CALLS_MANY = "calls_many"
    GATE_SILENT = "gate_silent"
    GATE_REFUSALS = "gate_refusals"
    DEAL_REFUSALS = "deal_refusals"
    DEVICE_GONE = "device_gone"
    REPLICA_OLD = "replica_old"
    OUTBOX_DEEP = "outbox_deep"
    DEVICE_CLOCK = "device_clock"
    CLOCK = "clock"
    FEED_OLD = "feed_old"
    FEED_FAILING = "feed_failing"
    REDEMPTIONS_LATE = "redemptions_late"
    DISK = "disk"
    RESERVE_GONE = "reserve_gone"
    AUDIT = "audit"
    HEADS_UNSIGNED = "heads_unsigned"
    OVERRIDES = "overrides"
    DUTY_FAILING = "duty_failing"
    STREAMS_FULL = "streams_full"


class Severity(StrEnum):
    """How much depends on it; stored and sent, the least first.

    `NOTICE`: see to it when there is time. `WARNING`: somebody acts now. `CRITICAL`: all of the
    venue depends on it.
    """

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place, the least severe first."""
        return _ORDER.index(self)


_ORDER: Final = tuple(Severity)

ALL: Final = "*"
"""Subject of one alarm about many gates, devices or feeds at once."""

OF_ENTRY: Final = frozenset({AlarmKind.WAIT, AlarmKind.CALLS_OLD, AlarmKind.CALLS_MANY})
"""Kinds about people who want in: while a venue is evacuated nobody is to act on them."""

Name: TypeAlias = tuple[AlarmKind, str]
"""Of an alarm: its kind and its subject. At most one of a name stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A figure that is beyond a bar, or still near it.

    Attributes:
        subject: the gate, device, deal or platform; "" the venue, `ALL` many of them.
        figure: in the unit of its kind; `bar` is the one that it is held against.
        severity: of the highest bar that it is beyond; None: of none.
        keeps: of the highest bar that it is still near: an alarm that stands does not go below.
        usual: what `figure` is compared with, where that is not the bar.
    """

    kind: AlarmKind
    subject: str = ""
    figure: float
    bar: float
    severity: Severity | None
    keeps: Severity
    usual: float | None = None

    @property
    def name(self) -> Name:
        """What it is a sign of."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm on record.

    Attributes:
        raised_at: since when it stands; `rose_at`: since when at this severity.
        figure: the newest; `worst` the one that was furthest beyond.
        acknowledged_by: who has said that they see to it; forgotten when it becomes more severe.
        cleared_at: None: it stands.
    """

    alarm_id: int
    kind: AlarmKind
    subject: str
    severity: Severity
    raised_at: datetime
    rose_at: datetime
    seen_at: datetime
    figure: float
    worst: float
    bar: float
    usual: float | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None
    cleared_at: datetime | None = None

    @property
    def name(self) -> Name:
        """Its kind and subject."""
        return self.kind, self.subject

    @property
    def stands(self) -> bool:
        """Whether it has not cleared."""
        return self.cleared_at is None


@dataclass(frozen=True, slots=True)
class Steps:
    """What a look changes.

    Attributes:
        raised: signs of alarms that begin.
        rose, fell: alarms that became more or less severe, with the sign that says so.
        seen: alarms that stand as they were, with their newest figure.
        cleared: alarms that end.
        calm: since when nothing has kept an alarm where it is; for the next look.
    """

    raised: list[Sign] = field(default_factory=list)
    rose: list[tuple[Alarm, Sign]] = field(default_factory=list)
    fell: list[tuple[Alarm, Sign]] = field(default_factory=list)
    seen: list[tuple[Alarm, Sign]] = field(default_factory=list)
    cleared: list[Alarm] = field(default_factory=list)
    calm: dict[Name, datetime] = field(default_factory=dict)


def next_steps(
    standing: Iterable[Alarm],
    signs: Iterable[Sign],
    calm: Mapping[Name, datetime],
    now: datetime,
    *,
    calm_for: timedelta,
) -> Steps:
    """Return which alarms begin, change and end by what is seen now.

    Args:
        calm: of the look before.
        calm_for: so long must a figure stay well below a bar before its alarm goes.
    """
    found, steps = _worst_of(signs), Steps()
    known = {alarm.name: alarm for alarm in standing}
    for name, sign in found.items():
        if name not in known and sign.severity is not None:
            steps.raised.append(sign)
    for name, alarm in known.items():
        _step(steps, alarm, found.get(name), calm.get(name, now), now - calm_for)
    return steps


def _step(
    steps: Steps, alarm: Alarm, sign: Sign | None, calm_since: datetime, over: datetime
) -> None:
    rank = alarm.severity.rank
    if sign is not None and sign.severity is not None and sign.severity.rank > rank:
        steps.rose.append((alarm, sign))
    elif sign is not None and sign.keeps.rank >= rank:
        steps.seen.append((alarm, sign))
    elif calm_since > over:
        steps.calm[alarm.name] = calm_since
        if sign is not None:
            steps.seen.append((alarm, sign))
    elif sign is None:
        steps.cleared.append(alarm)
    else:
        steps.fell.append((alarm, sign))


def _worst_of(signs: Iterable[Sign]) -> dict[Name, Sign]:
    """Return one sign a name, the most severe, in the order in which names were seen first."""
    found: dict[Name, Sign] = {}
    for sign in signs:
        other = found.get(sign.name)
        if other is None or _weight(sign) > _weight(other):
            found[sign.name] = sign
    return found


def _weight(sign: Sign) -> tuple[int, int]:
    return (-1 if sign.severity is None else sign.severity.rank, sign.keeps.rank)
