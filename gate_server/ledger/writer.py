"""The one thread that writes: many changes in one commit, each in a savepoint of its own.

An answer leaves only after its commit is on disk. https://www.sqlite.org/lang_savepoint.html
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from admission.errors import AdmissionError, LedgerError, LedgerUnavailable

T = TypeVar("T")

MOST_IN_GROUP = 128
LATE_AFTER_S = 0.7
GIVE_UP_AFTER_S = 10.0
LIVELY_FOR_S = 1.0
_IDLE_S = 0.25

log = logging.getLogger("gatehouse.ledger")


class Session(Protocol):
    """What the writer needs of a transaction; one implementation a database."""

    def begin(self) -> None:
        """Open a group."""

    def savepoint(self) -> None:
        """Open one job."""

    def release(self) -> None:
        """Keep one job."""

    def rollback_job(self) -> None:
        """Undo one job."""

    def survived(self, error: sqlite3.Error) -> bool:
        """Say whether the group can go on after an error in one job."""

    def commit(self) -> None:
        """Put the group on disk."""

    def abandon(self) -> None:
        """Drop the group, open the file anew and read the state again."""

    def make_room(self) -> bool:
        """Free the reserve; False if it was freed before."""

    def idle(self) -> None:
        """Tidy up while nobody waits."""


class Job(Generic[T]):
    """One change that somebody waits for."""

    __slots__ = ("alone", "done", "error", "patient", "queued_at", "result", "urgent", "work")

    def __init__(
        self, work: Callable[[], T], *, alone: bool = False, urgent: bool = False, patient: bool
    ) -> None:
        self.work = work
        self.alone = alone
        self.urgent = urgent
        self.patient = patient
        self.queued_at = time.monotonic()
        self.result: T | None = None
        self.error: BaseException | None = None
        # A bare lock is a third of the price of a Future, and this is paid by every scan.
        self.done = threading.Lock()
        self.done.acquire()

    def wait(self, timeout_s: float) -> T:
        """Return the result once it is on disk.

        Raises:
            LedgerUnavailable: no commit came in time; the same nonce tells what happened.
        """
        if not self.done.acquire(timeout=timeout_s):
            raise LedgerUnavailable("the ledger did not commit in time; send the same nonce again")
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]


class Writer:
    """Takes jobs in the order they come and commits them in groups."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: SimpleQueue[Job[object] | None] = SimpleQueue()
        self._slices: list[Job[object]] = []
        self._closed = False
        self._lively_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[], T],
        *,
        alone: bool = False,
        urgent: bool = False,
        patient: bool = False,
    ) -> T:
        """Run one change in the writer's thread and return its result once it is on disk.

        Args:
            alone: commit it by itself, before anything that comes later is begun.
            urgent: where the disk is full, free the reserve and try once more.
            patient: never too late: a slice of an import, which lets scans go first.

        Raises:
            LedgerUnavailable: it was not carried out, or waited too long to be.
        """
        if self._closed:
            raise LedgerUnavailable("the gate server is stopping; send the same nonce again")
        job: Job[T] = Job(work, alone=alone, urgent=urgent, patient=patient)
        self._queue.put(job)  # type: ignore[arg-type]
        return job.wait(600.0 if patient else GIVE_UP_AFTER_S)

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def depth(self) -> int:
        """Return how many jobs wait."""
        return self._queue.qsize() + len(self._slices)

    def crowded(self) -> bool:
        """Say whether jobs have come that are not known to be slices."""
        return not self._queue.empty()

    def lively(self) -> bool:
        """Say whether jobs that are no slices were carried out within the last second."""
        return time.monotonic() - self._lively_at < LIVELY_FOR_S

    def _run(self) -> None:
        stopping = False
        while not (stopping and self._queue.empty() and not self._slices):
            group, stopping = self._collect(stopping)
            if group:
                self._lively_at = time.monotonic()
            for batch in _split(group):
                self._commit(batch)
            if self._slices:
                self._commit([self._slices.pop(0)])
            elif not group and not stopping:
                self._tidy()

    def _tidy(self) -> None:
        try:
            self._session.idle()
        except (sqlite3.Error, OSError) as error:
            log.warning("could not tidy up: %s", error)

    def _collect(self, stopping: bool) -> tuple[list[Job[object]], bool]:
        group: list[Job[object]] = []
        wait = not self._slices and not stopping
        while len(group) < MOST_IN_GROUP:
            try:
                job = self._queue.get(wait, _IDLE_S) if wait else self._queue.get_nowait()
            except Empty:
                break
            wait = False
            if job is None:
                stopping = True
            elif job.patient:
                self._slices.append(job)
            else:
                group.append(job)
        return group, stopping

    def _commit(self, group: list[Job[object]]) -> None:
        try:
            self._try(group)
        except sqlite3.Error as error:
            self._fail(group, error)
        for job in group:
            job.done.release()

    def _try(self, group: list[Job[object]]) -> None:
        session = self._session
        session.begin()
        now = time.monotonic()
        for job in group:
            if not job.patient and now - job.queued_at > LATE_AFTER_S:
                job.error = LedgerUnavailable("undecided: the ledger was too busy; scan again")
                continue
            session.savepoint()
            try:
                job.result = job.work()
            except sqlite3.Error as error:
                # SQLITE_FULL has rolled the whole transaction back by now: going on would write
                # the rest of the group outside of any transaction.
                if not session.survived(error):
                    raise
                session.rollback_job()
                job.error = _unavailable(error)
            except Exception as error:
                session.rollback_job()
                job.error = error
                if not isinstance(error, AdmissionError):
                    log.exception("a change failed and was undone")
            else:
                session.release()
        session.commit()

    def _fail(self, group: list[Job[object]], error: sqlite3.Error) -> None:
        """Undo the group; what is urgent in it is tried again with the reserve's room."""
        log.error("group of %d not committed: %s", len(group), error)
        try:
            self._session.abandon()
            urgent = [job for job in group if job.urgent]
            if urgent and self._session.make_room():
                self._try(urgent)
                group = [job for job in group if not job.urgent]
        except (sqlite3.Error, LedgerError) as again:
            log.error("the ledger could not be opened again: %s", again)
            error = again if isinstance(again, sqlite3.Error) else error
        for job in group:
            job.error = _unavailable(error)


def _unavailable(error: sqlite3.Error) -> LedgerUnavailable:
    failure = LedgerUnavailable(f"the ledger cannot write ({error}); nothing was recorded")
    failure.__cause__ = error
    return failure


def _split(group: list[Job[object]]) -> list[list[Job[object]]]:
    """Cut a group so that jobs that must be alone are, in the order they came."""
    batches: list[list[Job[object]]] = []
    for job in group:
        if batches and not job.alone and not batches[-1][0].alone:
            batches[-1].append(job)
        else:
            batches.append([job])
    return batches
