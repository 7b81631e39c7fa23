"""Watch the venue: each alarm is raised once, told to the duty list, and clears by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final

from admission.alarm_signs import find_signs
from admission.alarms import Alarm, Name, Sign, Steps, next_steps
from admission.errors import LedgerError
from gate_server.alarm_calls import tell_over, tell_raised
from gate_server.alarm_gathering import Gatherer, Sources
from gate_server.ledger.alarms import change_severity, clear_alarm, note_figure, raise_alarm
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.settings import Settings

LOOK_EVERY_S: Final = 3.0
REFRESH_EVERY: Final = timedelta(seconds=30)
"""How old the figure of an alarm that stands may be; each refreshing is a write."""

log = logging.getLogger("gatehouse.alarms")


class AlarmWatch:
    """Looks at the venue while a server runs, off the path of scans.

    What stands is in the ledger, so a server that is killed raises nothing a second time.

    Args:
        monotonic: seconds that only go forward.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        sources: Sources,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._settings = ledger, settings
        self._gatherer = Gatherer(ledger, settings, sources, monotonic)
        self._calm: dict[Name, datetime] = {}
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="alarm-watch", daemon=True)

    def start(self) -> None:
        """Begin to look, once what has just started has had time to speak."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when no look is under way."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            try:
                self.look()
            except LedgerError as error:
                # The next look finds the same, as long as it is so.
                log.warning("alarms were not looked at: %s", error)

    def look(self) -> Steps:
        """Look once, and record what has changed.

        Raises:
            LedgerError: nothing could be read or written; the next look makes up for it.
        """
        facts = self._gatherer.facts()
        bars, standing = self._settings.alarms, self._ledger.catalogue.duty.alarms
        signs = find_signs(facts, bars)
        steps = next_steps(standing, signs, self._calm, facts.now, calm_for=bars.calm_for)
        stale = [
            (alarm, sign)
            for alarm, sign in steps.seen
            if facts.now - alarm.seen_at >= REFRESH_EVERY and alarm.figure != sign.figure
        ]
        changed = bool(steps.raised or steps.rose or steps.fell or steps.cleared)
        if changed or stale:
            # Urgent: a full disk is no reason to tell nobody.
            self._ledger.write(
                lambda tx: self._record(tx, steps, stale), alone=True, urgent=changed
            )
            _log(steps)
        self._calm = steps.calm
        return steps

    def _record(self, tx: Session, steps: Steps, stale: list[tuple[Alarm, Sign]]) -> None:
        now, venue_name = tx.clock(), self._settings.name
        begun = [raise_alarm(tx, sign, now=now) for sign in steps.raised]
        begun += [change_severity(tx, alarm, sign, now=now) for alarm, sign in steps.rose]
        for alarm in begun:
            if alarm is not None and self._settings.alarms.tells(alarm.severity):
                tell_raised(tx, alarm, venue_name, now=now)
        for alarm, sign in steps.fell:
            change_severity(tx, alarm, sign, now=now)
        for alarm, sign in stale:
            note_figure(tx, alarm, sign, now=now)
        for alarm in steps.cleared:
            clear_alarm(tx, alarm, now=now)
            tell_over(tx, alarm, venue_name, now=now)


def _log(steps: Steps) -> None:
    for sign in steps.raised:
        log.warning("alarm: %s %s (%s)", sign.kind, sign.subject, sign.severity)
    for alarm, sign in steps.rose:
        log.warning("alarm: %s %s is %s now", alarm.kind, alarm.subject, sign.severity)
    for alarm in steps.cleared:
        log.info("alarm over: %s %s", alarm.kind, alarm.subject)
