"""Hand over what was decided offline: in order, a batch at a time, until the server has it."""

from __future__ import annotations

import fcntl
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from admission.errors import RelayError
from admission.wire_outage import BatchAnswer
from scanner_client.answers import Declined, NoAnswer, NotUnderstood, Taken
from scanner_client.contact import Contact
from scanner_client.journal import Journal
from scanner_client.journal_rows import Settled, Waiting
from scanner_client.journal_store import JournalUnwritable
from scanner_client.relay import Relay

LOCK_FILE = "upload.lock"
# A batch of 200 lines takes a busy server a good part of a second.
WITHIN_S = 15.0
LEAST_WAIT_S = 0.5
MOST_WAIT_S = 60.0
PRUNE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Handed:
    """What one hand-over came to.

    Attributes:
        taken: lines that the server has now; `parked`: lines that it could not read.
        left: lines that still wait.
        busy: another process of this scanner is at it.
    """

    taken: int = 0
    parked: int = 0
    left: int = 0
    busy: bool = False


class Uploader:
    """Empties the journal of what waits. One batch is under way at a time, whatever the process.

    Args:
        batch_lines: most lines in a batch.
        keep: how long lines are kept after the server took them.
    """

    def __init__(
        self,
        directory: Path,
        relay: Relay,
        journal: Journal,
        contact: Contact,
        *,
        now: Callable[[], datetime],
        batch_lines: int,
        keep: timedelta,
    ) -> None:
        self._lock_path = directory / LOCK_FILE
        self._relay = relay
        self._journal = journal
        self._contact = contact
        self._now = now
        self._batch_lines = batch_lines
        self._keep = keep
        self._wake = threading.Event()
        self._over = False

    def forget(self) -> None:
        """Hand over nothing any more: the directory is about to be wiped."""
        self._over = True

    def wake(self) -> None:
        """Look at once whether something waits."""
        self._wake.set()

    def run(self, stop: threading.Event, every_s: float) -> None:
        """Hand over whatever waits, until `stop` is set; after a failure wait longer and longer."""
        failures, pruned_s = 0, 0.0
        while not stop.is_set():
            try:
                self.flush(stop)
                failures = 0
                if pruned_s <= 0:
                    self._journal.prune(self._now() - self._keep)
                    pruned_s = PRUNE_EVERY_S
            except (RelayError, JournalUnwritable):
                # What the server or the disk says is told by others; here it only means: later.
                failures += 1
            wait_s = wait_after(failures) if failures else every_s
            pruned_s -= wait_s
            self._pause(wait_s)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        if self._wake.is_set():
            self._wake.clear()
            # Many scanners come back at the same moment.
            time.sleep(random.uniform(0, LEAST_WAIT_S))  # noqa: S311 - no secret

    def flush(self, stop: threading.Event | None = None) -> Handed:
        """Hand over all that waits.

        Raises:
            RelayError: the server did not answer, or will not; what it has taken is noted.
            JournalUnwritable: what became of a batch cannot be noted; it is sent again later.
        """
        taken = parked = 0
        if self._over:
            return Handed()
        with alone(self._lock_path) as mine:
            if not mine:
                return Handed(left=self._journal.depth().waiting, busy=True)
            while not (stop is not None and stop.is_set()):
                batch = self._journal.waiting(self._batch_lines)
                if not batch:
                    break
                settled = self._hand_over(batch)
                problems = sum(each.problem is not None for each in settled)
                parked += problems
                taken += len(settled) - problems
        return Handed(taken, parked, self._journal.depth().waiting)

    def _hand_over(self, batch: Sequence[Waiting]) -> list[Settled]:
        """Send lines; of those that the server cannot read together, find the one it cannot."""
        try:
            answer = self._relay.send_batch([line.body for line in batch], WITHIN_S)
        except RelayError as error:
            if isinstance(error, NotUnderstood) and error.unreadable:
                return self._halve(batch, error)
            # Scans may well get through while a batch does not: that is no outage.
            if isinstance(error, Declined):
                self._contact.failed(error)
            raise
        return self._settle(batch, answer)

    def _halve(self, batch: Sequence[Waiting], error: NotUnderstood) -> list[Settled]:
        if len(batch) == 1:
            return self._park(batch[0], str(error))
        half = len(batch) // 2
        return self._hand_over(batch[:half]) + self._hand_over(batch[half:])

    def _settle(self, batch: Sequence[Waiting], answer: Taken) -> list[Settled]:
        settled = [_settled(line, said) for line, said in zip(batch, answer.answers, strict=True)]
        self._contact.note_epoch(answer.epoch)
        self._journal.settle(settled, epoch=answer.epoch, revision=answer.revision, now=self._now())
        return settled

    def _park(self, line: Waiting, problem: str) -> list[Settled]:
        settled = [Settled(line.entry_id, problem)]
        epoch = self._journal.epoch
        self._journal.settle(settled, epoch=epoch, revision=None, now=self._now())
        return settled


def _settled(line: Waiting, said: BatchAnswer) -> Settled:
    if said.nonce not in {line.nonce, ""}:
        raise NoAnswer("answered for other lines than were sent")
    if said.status == "rejected":
        return Settled(line.entry_id, said.problem or "rejected")
    return Settled(line.entry_id)


def wait_after(failures: int) -> float:
    """Return how long to wait after so many failures in a row, in seconds."""
    most = min(MOST_WAIT_S, LEAST_WAIT_S * 2.0 ** min(failures, 10))
    return most * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold a lock between processes for a while; false where another one holds it."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
