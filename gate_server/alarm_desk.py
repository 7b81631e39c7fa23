"""The use case of alarms: list those that stand and those of today, acknowledge one."""

from __future__ import annotations

from dataclasses import dataclass

from admission.alarms import OF_ENTRY, Alarm
from admission.broadcasts import checked_text
from admission.messages import Sentence
from admission.wire_alarms import AlarmAnswer, AlarmsAnswer
from admission.wire_base import Text
from gate_server.alarm_words import AlarmView, view_alarm
from gate_server.ledger.alarm_rows import list_cleared
from gate_server.ledger.alarms import acknowledge_alarm
from gate_server.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class AlarmsView:
    """The alarms of a venue as the board shows them.

    Attributes:
        standing: the most severe first, of those the newest; `cleared` today, the newest first.
    """

    standing: tuple[AlarmView, ...]
    cleared: tuple[AlarmView, ...]

    @property
    def unacknowledged(self) -> int:
        """How many stand that nobody has acknowledged."""
        return sum(alarm.acknowledged_at is None for alarm in self.standing)


@dataclass(frozen=True, slots=True)
class AlarmDesk:
    """Where alarms are seen and acknowledged."""

    ledger: Ledger

    def standing(self) -> tuple[AlarmView, ...]:
        """Return the alarms that stand, from memory; of entry none while the venue is evacuated."""
        catalogue = self.ledger.catalogue
        shown = [
            alarm
            for alarm in reversed(catalogue.duty.alarms)
            if not (catalogue.emergency and alarm.kind in OF_ENTRY)
        ]
        views = [view_alarm(alarm, catalogue) for alarm in shown]
        return tuple(sorted(views, key=lambda view: -view.severity.rank))

    def view(self) -> AlarmsView:
        """Return the alarms that stand, and those that were over today."""
        ledger = self.ledger
        first, _ = ledger.venue.day_bounds(ledger.venue.day_of(ledger.clock()))
        over = ledger.read(lambda db: list_cleared(db, first))
        return AlarmsView(
            self.standing(), tuple(view_alarm(alarm, ledger.catalogue) for alarm in over)
        )

    def answer(self) -> AlarmsAnswer:
        """Return the same for the wire."""
        view = self.view()
        return AlarmsAnswer(
            standing=len(view.standing),
            unacknowledged=view.unacknowledged,
            alarms=[answer_alarm(each) for each in (*view.standing, *view.cleared)],
        )

    def acknowledge(self, alarm_id: int, note: str | None, *, by: str) -> AlarmAnswer:
        """Say that one sees to an alarm; it goes on to stand until its figure is well again.

        Raises:
            NotFound: there is no such alarm.
            LedgerConflict: `alarm-cleared`: it is over.
            InvalidInput: the note cannot be shown.
        """
        told, now = None if note is None else checked_text("note", note), self.ledger.clock()
        alarm: Alarm = self.ledger.write(
            lambda tx: acknowledge_alarm(tx, alarm_id, told, by=by, now=now),
            alone=True,
            urgent=True,
        )
        return answer_alarm(view_alarm(alarm, self.ledger.catalogue))


def answer_alarm(view: AlarmView) -> AlarmAnswer:
    """Return an alarm for the wire."""
    return AlarmAnswer(
        alarm_id=view.alarm_id,
        kind=view.kind,
        subject=view.subject,
        severity=view.severity,
        name=_text(view.name),
        where=_text(view.where),
        says=_text(view.says),
        to_do=_text(view.to_do),
        since=view.since,
        rose_at=view.rose_at,
        figure=view.figure,
        bar=view.bar,
        worst=view.worst,
        usual=view.usual,
        acknowledged_at=view.acknowledged_at,
        acknowledged_by=view.acknowledged_by,
        note=view.note,
        cleared_at=view.cleared_at,
    )


def _text(sentence: Sentence) -> Text:
    return Text(zh=sentence.zh, en=sentence.en)
