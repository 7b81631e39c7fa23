"""Look round a lane for what its screen shows beside the scans: gate, server, disk, camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from admission import wire
from admission.scans import GateState
from scanner_client.capture import Sighting, Source, Watch
from scanner_client.journal_store import JournalUnwritable
from scanner_client.legible import legible
from scanner_client.presenter import Outlook
from scanner_client.replica import NoReplica
from scanner_client.scanner import Scanner
from scanner_client.screen import Around
from scanner_client.screen_pictures import BroadcastPicture, Trouble
from scanner_client.screen_words import tell_outage

LOOK_EVERY_S = 0.4
TRY_JOURNAL_EVERY_S = 2.0
# Opening a camera anew takes some seconds; a picture that is missing for longer is missed.
NO_PICTURE_S = 5.0
BROADCAST_S = 8.0


class Notice(Protocol):
    """A broadcast, as the scanner keeps it."""

    @property
    def broadcast_id(self) -> str:
        """Its name."""

    @property
    def message(self) -> wire.Text:
        """What it says."""

    @property
    def priority(self) -> str:
        """`normal` or `high`."""


class Bulletin(Protocol):
    """The broadcasts that this scanner was told of and that have not expired."""

    def current(self, now: datetime) -> Sequence[Notice]:
        """Return those in force, server time."""

    def shown(self, broadcast_id: str) -> None:
        """Note that one was shown, so that the next heartbeat says so."""


class Sight:
    """A source that is watched: a camera that gives no picture is a lane out of order.

    Looks at pictures, not at what the driver says: a driver that hangs says nothing.
    """

    def __init__(self, source: Source, now_s: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now_s = now_s
        self._seen_s = now_s()

    def sightings(self, watch: Watch) -> Iterator[Sighting]:
        """Give what the source gives."""
        for sighting in self._source.sightings(watch):
            self._seen_s = self._now_s()
            yield sighting

    @property
    def blind(self) -> bool:
        """Whether no picture has come for too long."""
        return self._now_s() - self._seen_s > NO_PICTURE_S


@dataclass(slots=True)
class Lookout:
    """Looks round one scanner's lane; of one thread.

    Attributes:
        sights: of its cameras; none where it reads otherwise.
        bulletin: the broadcasts that it knows.
        practising: whether staff are learning at this lane.
    """

    scanner: Scanner
    sights: list[Sight] = field(default_factory=list)
    bulletin: Bulletin | None = None
    practising: Callable[[], bool] = bool
    _journal_bad: bool = False
    _tried_s: float = -TRY_JOURNAL_EVERY_S

    def look(self) -> Around:
        """Return what holds round the lane now."""
        scanner, told = self.scanner, self.scanner.offline.told
        around = Around(name=told.gate_name, area=told.area)
        try:
            with scanner.replica.view() as view:
                gate = view.gates.get(told.gate_id)
                around = replace(
                    around,
                    name=gate.name if gate else told.gate_name,
                    gate=gate.state if gate else GateState.OPEN,
                    emergency=view.state.emergency,
                )
        except NoReplica:
            pass  # it says no gate closed and nothing else
        outlook, now = scanner.outlook(), scanner.clock.now()
        clock = now.astimezone(outlook.zone).time()
        return replace(
            around,
            name=legible(around.name, 40),
            area=legible(around.area, 40),
            trouble=self._trouble(outlook),
            offline=tell_outage(outlook),
            broadcast=self._broadcast(now),
            theme=scanner.settings.screen.theme_at(clock),
            level=scanner.settings.sound.level_at(clock),
            operator=legible(outlook.operator, 40),
            practice=self.practising(),
            help=scanner.help_calls.line(),
            staffed=told.staffed,
        )

    def run(self, take: Callable[[Around], None], stop: threading.Event) -> None:
        """Look until `stop` is set, and have it taken."""
        while not stop.is_set():
            take(self.look())
            stop.wait(LOOK_EVERY_S)

    def _trouble(self, outlook: Outlook) -> Trouble | None:
        link, age_s = outlook.link, outlook.replica_age_s
        oldest_s = self.scanner.settings.replica_max_age.total_seconds()
        troubles = (
            (link.barred, Trouble.BARRED),
            (self._is_journal_bad(), Trouble.UNRECORDED),
            (link.online is False and (age_s is None or age_s > oldest_s), Trouble.NO_REPLICA),
            # One that sees is enough to go on with.
            (bool(self.sights) and all(s.blind for s in self.sights), Trouble.NO_PICTURE),
        )
        return next((trouble for so, trouble in troubles if so), None)

    def _is_journal_bad(self) -> bool:
        """Try now and then whether anything can be recorded.

        No scan would show that it can again: nobody scans at a lane that is out of order.
        """
        now_s = time.monotonic()
        if now_s - self._tried_s >= TRY_JOURNAL_EVERY_S:
            self._tried_s = now_s
            try:
                self.scanner.journal.note_clock(self.scanner.clock.known())
                self._journal_bad = False
            except JournalUnwritable:
                self._journal_bad = True
        return self._journal_bad

    def _broadcast(self, now: datetime) -> BroadcastPicture | None:
        """Return one of the broadcasts, those of high priority first, each for some seconds."""
        known = [] if self.bulletin is None else self.bulletin.current(now)
        high = [notice for notice in known if notice.priority == "high"] or known
        if not high:
            return None
        notice = high[int(time.monotonic() / BROADCAST_S) % len(high)]
        return BroadcastPicture(
            notice.broadcast_id,
            legible(notice.message.zh),
            legible(notice.message.en),
            notice.priority == "high",
        )
