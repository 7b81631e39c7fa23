"""Keep the replica up to date: told by events, by polling where none come, and on command.

Threads of its own: uploads and scans never wait for them.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from admission.errors import RelayError
from admission.wire import BroadcastEvent, GateEvent, RevisionEvent, ScanAnswer
from scanner_client.answers import Conflict, NoAnswer, NotAllowed
from scanner_client.clock import SteadyClock
from scanner_client.relay import Relay
from scanner_client.replica import Replica
from scanner_client.replica_files import writing
from scanner_client.replica_intake import Intake, Untaken, open_intake, start_afresh
from scanner_client.streams import Event, fetch_replica, listen

Told = GateEvent | ScanAnswer | BroadcastEvent

_NEVER_S = float("inf")
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long, in seconds.

    Attributes:
        poll_s: between two questions where no events come.
        calm_s: between two while the event stream stands; only the replica's age asks for them.
        spread_s: what is not urgent is fetched at a moment of chance within it.
        first_wait_s: after a failure, twice as long after each further one, up to `most_wait_s`.
        silence_s: the longest time without a byte in a download.
        deaf_s: the same in the event stream, where the server gives a sign of life each 15 s.
    """

    poll_s: float = 5.0
    calm_s: float = 15.0
    spread_s: float = 1.0
    first_wait_s: float = 0.5
    most_wait_s: float = 10.0
    silence_s: float = 10.0
    deaf_s: float = 40.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How the replica is kept, for staff.

    Attributes:
        contact_at: server time when it was last brought up to date by this process.
        problem: why not since; "" where it is.
        listening: the event stream stands.
        lines: of a first download that is under way; 0: none is.
    """

    contact_at: datetime | None = None
    problem: str = ""
    listening: bool = False
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who is told what; each is called by the threads of the download, and must not wait.

    Attributes:
        on_epoch: a ledger's life that this download has not met yet, and each time that the server
            does not know what the replica holds; the very same may be told again.
        on_revoked: the server says that this very device is revoked.
        on_event: what else the event stream tells.
        report: a line for staff.
    """

    on_epoch: Callable[[str], None]
    on_revoked: Callable[[], None]
    on_event: Callable[[Told], None]
    report: Callable[[str], None]


class Download:
    """The work of keeping one replica; `start` it, or `sync_now` alone.

    Args:
        device_id: this device, for it alone can be revoked.
        clock: learns the server's time.
    """

    def __init__(
        self,
        relay: Relay,
        replica: Replica,
        clock: SteadyClock,
        callbacks: Callbacks,
        *,
        device_id: str,
        pace: Pace = Pace(),
    ) -> None:
        self._relay, self._replica, self._clock = relay, replica, clock
        self._tell, self._device_id, self._pace = callbacks, device_id, pace
        self._noting = threading.Lock()
        self._progress = Progress()
        self._epoch = ""
        self._held = ("", 0)
        self._taken = False
        self._came = 0
        self._paused: Intake | None = None
        self._syncing = threading.Lock()
        self._changed = threading.Condition()
        self._due_s = _NEVER_S

    @property
    def progress(self) -> Progress:
        """How it stands now."""
        return self._progress

    def start(self, stop: threading.Event) -> threading.Thread:
        """Begin the threads, and return the one that writes.

        It ends soon after `stop` is set and `wake` is called, unless an answer is under way; the
        one that hears events may wait for the next, and is left behind.
        """
        works = (self._replica.check, "check"), (self.hear, "events"), (self.keep, "download")
        for work, name in works:
            thread = threading.Thread(target=work, args=(stop,), daemon=True, name=name)
            thread.start()
        return thread

    def wake(self) -> None:
        """Fetch at once: the server is back, or the work is over."""
        self._ask_within(0.0)

    # --- fetching ---------------------------------------------------------------------------------

    def keep(self, stop: threading.Event) -> None:
        """Fetch whenever it is due until `stop` is set; what goes wrong is noted."""
        failures = 0
        while not stop.is_set():
            # Before the question: what is told from now on is asked for again.
            with self._changed:
                self._due_s = _NEVER_S
            failures = 0 if self._try() else failures + 1
            self._ask_within(self._rest_s() if not failures else self._wait_s(failures))
            self._sleep(stop)

    def sync_now(self, within_s: float) -> None:
        """Bring the replica up to date; a download that breaks off is gone on with.

        Raises:
            RelayError: the server does not answer, or no more came within `within_s`.
            Untaken: the disk is full or broken, or what came cannot be read.
        """
        until_s = time.monotonic() + within_s
        while True:
            came = self._came
            try:
                self._sync(wait_s=until_s - time.monotonic())
            except RelayError:
                if self._came == came or time.monotonic() > until_s:
                    raise
            else:
                return

    def _try(self) -> bool:
        try:
            self._sync(wait_s=0.0)
        except Untaken as error:
            if self._progress.problem != str(error):
                self._tell.report(str(error))
            self._note(problem=str(error))
        except RelayError as error:
            self._note(problem=str(error))
            self._look_for_revocation(error)
        else:
            return True
        return False

    def _sync(self, *, wait_s: float) -> None:
        until_s = time.monotonic() + wait_s
        while True:
            with self._syncing, writing(self._replica.directory) as alone:
                if alone:
                    self._fetch()
                    return
            # Another process keeps it: what it brings is seen here too.
            if time.monotonic() >= until_s:
                return
            time.sleep(0.1)

    def _fetch(self) -> None:
        intake = self._paused or open_intake(self._replica)
        self._paused = None
        try:
            self._take(intake)
        except Conflict as error:
            if error.slug != "epoch-changed":
                raise
            self._tell.report("the server's ledger is another one now: downloading it afresh")
            self._epoch, self._paused = "", None
            self._take(start_afresh(self._replica))

    def _take(self, intake: Intake) -> None:
        """Take what the server sends until it is complete."""
        pace = self._pace
        try:
            with fetch_replica(self._relay, intake.since, intake.epoch, pace.silence_s) as told:
                self._meet(told.epoch)
                intake.begin(told.epoch)
                lines = iter(told)
                for data in lines:
                    self._came += 1
                    if intake.take(data):
                        break
                    self._note(lines=self._progress.lines + 1)
                else:
                    raise NoAnswer("the connection broke off before the download's last line")
                self._done()
                # Read to the end of the answer, so that its connection can be used again.
                with suppress(RelayError):
                    next(lines, None)
        except RelayError:
            self._paused = intake.pause()
            raise
        except Untaken:
            intake.pause()
            raise

    def _done(self) -> None:
        standing = self._replica.standing
        self._held = standing.epoch, standing.revision
        self._taken = True
        if standing.fresh_at is not None and not self._clock.learnt:
            # It may have been written a second before it was sent: better than nothing.
            self._clock.learn(standing.fresh_at)
        self._note(contact_at=self._clock.now(), problem="", lines=0)

    # --- hearing ----------------------------------------------------------------------------------

    def hear(self, stop: threading.Event) -> None:
        """Follow the event stream until `stop` is set; where it breaks, open it again."""
        failures = 0
        while not stop.is_set():
            try:
                with listen(self._relay, self._pace.deaf_s) as events:
                    for event in events:
                        failures = 0
                        self._note(listening=True)
                        if stop.is_set():
                            return
                        if event is not None:
                            self._heed(event)
            except RelayError as error:
                self._look_for_revocation(error)
            failures += 1
            self._note(listening=False)
            # It polls more often from now on.
            self._ask_within(self._rest_s())
            stop.wait(self._wait_s(failures))

    def _heed(self, event: Event) -> None:
        if not isinstance(event, RevisionEvent):
            self._tell.on_event(event)
            return
        self._meet(event.epoch)
        epoch, revision = self._held
        if event.epoch == epoch and event.revision <= revision:
            return
        # Chance, so that 200 scanners do not all ask in the same moment.
        self._ask_within(0.0 if event.urgent else random.uniform(0, self._pace.spread_s))  # noqa: S311

    def _meet(self, epoch: str) -> None:
        if epoch and epoch != self._epoch:
            self._epoch = epoch
            self._tell.on_epoch(epoch)

    # --- waiting ----------------------------------------------------------------------------------

    def _ask_within(self, seconds: float) -> None:
        with self._changed:
            self._due_s = min(self._due_s, time.monotonic() + seconds)
            self._changed.notify()

    def _sleep(self, stop: threading.Event) -> None:
        with self._changed:
            while not stop.is_set() and (left_s := self._due_s - time.monotonic()) > 0:
                self._changed.wait(min(left_s, _LOOK_EVERY_S))
                if self._taken and not self._replica.there:
                    # It was damaged, and thrown away by whoever read it, if only by `_done`.
                    self._held, self._taken = ("", 0), False
                    return

    def _rest_s(self) -> float:
        return self._pace.calm_s if self._progress.listening else self._pace.poll_s

    def _wait_s(self, failures: int) -> float:
        longest_s = self._pace.first_wait_s * float(2 ** min(failures - 1, 16))
        return min(longest_s, self._pace.most_wait_s) * random.uniform(0.5, 1.0)  # noqa: S311

    # --- what goes wrong --------------------------------------------------------------------------

    def _note(self, **changes: Any) -> None:
        with self._noting:
            self._progress = replace(self._progress, **changes)

    def _look_for_revocation(self, error: RelayError) -> None:
        if isinstance(error, NotAllowed) and error.revokes(self._device_id):
            self._tell.on_revoked()
