"""Alarms over HTTP: those that stand, those of today, and how one is acknowledged."""

from __future__ import annotations

from datetime import datetime

from admission.alarms import AlarmKind, Severity
from admission.wire_base import Answer, Line, Request, Text


class AlarmAnswer(Answer, frozen=True):
    """One alarm.

    Attributes:
        subject: the gate, device, deal or platform; "" the venue, `*` many at once.
        where: what people call it.
        says: what it is; `to_do` what to do about it.
        since: when it was raised; `rose_at` when it became as severe as it is.
        figure: the newest, in the unit of its kind; `bar`: what it is held against; `worst` so far.
        usual: what `figure` is compared with, where that is not the bar.
        cleared_at: null while it stands.
    """

    alarm_id: int
    kind: AlarmKind
    subject: str
    severity: Severity
    name: Text
    where: Text
    says: Text
    to_do: Text
    since: datetime
    rose_at: datetime
    figure: float
    bar: float
    worst: float
    usual: float | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    note: str | None
    cleared_at: datetime | None


class AlarmsAnswer(Answer, frozen=True):
    """Alarms, those that stand first and the most severe of them first; then today's, newest first.

    Attributes:
        standing: how many stand; `unacknowledged` of them nobody has acknowledged.
    """

    standing: int
    unacknowledged: int
    alarms: list[AlarmAnswer]


class AlarmAcknowledge(Request, frozen=True):
    """That somebody sees to an alarm, and what they found."""

    note: Line | None = None
