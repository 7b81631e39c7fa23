"""Open an incident, and so call whoever is on duty, when an hour of corrections stands out.

It names nobody: who it was is for administrators and auditors to see.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from threading import Event, Thread
from typing import Final

from admission.conduct import Alarm, Hour, find_alarms
from admission.errors import LedgerUnavailable
from admission.incidents import IncidentKind, NewIncident
from gate_server.conduct import hours_before, hours_of
from gate_server.evidence_words import EvidenceWords, read_evidence_words
from gate_server.ledger.conduct import newest_act, was_told
from gate_server.ledger.incidents import open_incident
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session

LOOK_EVERY_S: Final = 15.0
BY: Final = "conduct"

log = logging.getLogger("gatehouse.conduct")


class ConductWatch:
    """Looks at today's corrections, and yesterday's that came late, while a server runs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._words = read_evidence_words()
        self._seen = 0
        self._usual: dict[date, list[Hour]] = {}
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="conduct-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except LedgerUnavailable as error:
                # The next look makes up for it.
                log.warning("corrections were not looked at: %s", error)
            if self._stopped.wait(LOOK_EVERY_S):
                return

    def look(self) -> int:
        """Open an incident for each hour that stands out and has none yet; return how many.

        Raises:
            LedgerUnavailable: the same is looked at again.
        """
        newest = self._ledger.read(newest_act)
        if newest == self._seen:
            return 0
        today = self._ledger.venue.day_of(self._ledger.clock())
        days = (today - timedelta(days=1), today)
        # What was usual before a day does not change on it.
        self._usual = {day: self._usual.get(day) or hours_before(self._ledger, day) for day in days}
        opened = sum(self._open(each) for day in days for each in self._incidents(day))
        self._seen = newest
        return opened

    def _incidents(self, day: date) -> Iterator[NewIncident]:
        """Yield an incident for each alarm of a day, the same for the same at every look."""
        alarms = find_alarms(hours_of(self._ledger, day), self._usual[day])
        told: dict[str, int] = {}
        for alarm in alarms:
            about = f"conduct {alarm.hour.act} {alarm.hour.hour_from.isoformat()}"
            # Numbered, so that a second person of the same hour is told of, and neither is named.
            told[about] = told.get(about, 0) + 1
            yield _incident(f"{about} {told[about]}", alarm, self._words)

    def _open(self, incident: NewIncident) -> int:
        if self._ledger.read(lambda db: was_told(db, incident.subject)):
            return 0
        now = self._ledger.clock()

        def work(tx: Session) -> None:
            open_incident(tx, incident, by=BY, now=now)

        self._ledger.write(work, alone=True, urgent=True)
        return 1


def _incident(subject: str, alarm: Alarm, words: EvidenceWords) -> NewIncident:
    hour = alarm.hour
    said = {"day": hour.hour_from.date().isoformat(), "hour": hour.hour_from.hour}
    title = words.text(f"incident_{hour.act}", **said)
    counted = {"acts": hour.acts, "people": hour.people, "usual": f"{alarm.usual:g}"}
    note = words.text("incident_note", **said, **counted)
    return NewIncident(
        kind=IncidentKind.CONDUCT,
        subject=subject,
        title_zh=title.zh,
        title_en=title.en,
        note=f"{note.zh} {note.en}",
    )
