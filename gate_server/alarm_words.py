"""Say of an alarm what people call its subject, what it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from admission.alarm_signs import clears_at
from admission.alarm_words import AlarmWords
from admission.alarms import ALL, Alarm, AlarmKind, Severity
from admission.messages import Sentence
from gate_server.ledger.catalogue import Catalogue
from gate_server.word_files import read_words


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """One alarm as people see it, on the board and in messages.

    Attributes:
        where: what people call its subject; empty for the venue.
        says: what it is; `to_do` what to do about it.
        eases: the figure is below its bar again, and from where on the alarm goes; None: it is not.
    """

    alarm_id: int
    kind: AlarmKind
    subject: str
    severity: Severity
    name: Sentence
    where: Sentence
    says: Sentence
    to_do: Sentence
    eases: Sentence | None
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


@cache
def read_alarm_words() -> AlarmWords:
    """Read the sentences about alarms from the package."""
    return AlarmWords(read_words("alarms.toml"))


def view_alarm(alarm: Alarm, catalogue: Catalogue) -> AlarmView:
    """Put an alarm into words."""
    words, where = read_alarm_words(), _where(alarm, catalogue)
    kind, subject = alarm.name
    well = clears_at(alarm)
    return AlarmView(
        alarm_id=alarm.alarm_id,
        kind=kind,
        subject=subject,
        severity=alarm.severity,
        name=words.name(kind, subject),
        where=where,
        says=words.says(kind, subject, where, alarm.figure, bar=alarm.bar, usual=alarm.usual),
        to_do=words.to_do(kind, subject, alarm.severity),
        eases=None if well is None else words.eases(kind, well),
        since=alarm.raised_at,
        rose_at=alarm.rose_at,
        figure=alarm.figure,
        bar=alarm.bar,
        worst=alarm.worst,
        usual=alarm.usual,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        note=alarm.note,
        cleared_at=alarm.cleared_at,
    )


def _where(alarm: Alarm, catalogue: Catalogue) -> Sentence:
    """Return what people call an alarm's subject; what is gone since is called by its id."""
    kind, subject = alarm.name
    if subject in {"", ALL}:
        return Sentence("", "")
    if kind is AlarmKind.OVERRIDES:
        return read_alarm_words().act(subject)
    if kind is AlarmKind.DEAL_REFUSALS:
        deal = catalogue.deal(subject)
        return _both(subject if deal is None else deal.title)
    device = catalogue.devices.get(subject)
    gate = catalogue.gates.get(subject if device is None else device.gate_id)
    called = "" if gate is None else gate.name
    if device is None:
        return _both(called or subject)
    if not called:
        return _both(f"{device.name} {subject}")
    return Sentence(
        f"{called} {device.name}（{subject}）", f"{device.name} ({subject}) at {called}"
    )


def _both(text: str) -> Sentence:
    return Sentence(text, text)
