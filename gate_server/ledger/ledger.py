"""The ledger as the rest of the gate server sees it: one writer, many readers, one file."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from admission.calendar import Venue, from_ms, to_ms, whole_ms
from admission.errors import LedgerRefused, LedgerUnavailable
from gate_server.ledger import audit, schema
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.directory import LEDGER, DirectoryLock, check_directory, check_tables
from gate_server.ledger.session import Clock, Session, connect, lay_reserve
from gate_server.ledger.tallies import Tallies
from gate_server.ledger.writer import Writer

if TYPE_CHECKING:  # it looks at what sessions write
    from gate_server.ledger.watch import Watch

T = TypeVar("T")

# Small steps back are the work of NTP; they are waited out by never deciding backwards.
CLOCK_TOLERANCE = timedelta(seconds=2)


def utc_now() -> datetime:
    """Return the machine's time, aware UTC, whole milliseconds."""
    return whole_ms(datetime.now(UTC))


def create_ledger(directory: Path, *, now: datetime) -> None:
    """Make an empty ledger in a directory that has none.

    Raises:
        LedgerRefused: there is one already.
    """
    path = directory / LEDGER
    if path.exists():
        raise LedgerRefused(f"{path} exists already; nothing was changed")
    making = directory / "ledger.new"
    making.unlink(missing_ok=True)
    db = sqlite3.connect(making, isolation_level=None)
    try:
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        _migrate(db)
        db.execute(
            "INSERT INTO venue (one, epoch, committed_at, audit_head) VALUES (1, ?, ?, ?)",
            (new_epoch(), to_ms(now), audit.FIRST_HEAD),
        )
    finally:
        db.close()
    making.chmod(0o600)
    making.rename(path)
    lay_reserve(directory)


def new_epoch() -> str:
    """Return a random name for a ledger's life between two restores."""
    return secrets.token_urlsafe(9)


class Ledger:
    """An open ledger: the only way to read or change what is recorded.

    Changes are functions of a `Session`, run by the writer's thread; reads are functions of a
    connection of the reading thread. Neither may keep what it was given.
    """

    def __init__(
        self, directory: Path, venue: Venue, *, clock: Clock, watch: Watch | None = None
    ) -> None:
        self.directory = directory
        self.venue = venue
        self.clock = clock
        self._path = directory / LEDGER
        self._local = threading.local()
        self._readers: WeakSet[_Reader] = WeakSet()
        self._session = Session(self._path, venue, clock, watch=watch)
        self._writer = Writer(self._session)

    @classmethod
    def open(
        cls,
        directory: Path,
        venue: Venue,
        *,
        now: Callable[[], datetime] = utc_now,
        accept_clock: bool = False,
        watch: Watch | None = None,
    ) -> Ledger:
        """Open a directory's ledger; the caller holds its lock.

        Args:
            now: the server's clock.
            accept_clock: start although the clock is behind the last commit.
            watch: looks at what is sold as it comes in; None: nobody does.

        Raises:
            LedgerRefused: there is none, it is damaged or foreign, or the clock is behind it.
        """
        path = check_directory(directory)
        try:
            db = connect(path)
        except sqlite3.DatabaseError as error:
            raise LedgerRefused(f"{path} cannot be opened: {error}; run `doctor`") from error
        try:
            check_tables(db, path)
            if schema.unknown(db):
                raise LedgerRefused(
                    f"{path} was written by a newer Gatehouse ({', '.join(schema.unknown(db))});"
                    " install that version"
                )
            if schema.pending(db):
                _migrate(db)
            _check_clock(db, now(), accept_clock=accept_clock)
        finally:
            db.close()
        return cls(directory, venue, clock=Clock(now), watch=watch)

    @property
    def catalogue(self) -> Catalogue:
        """Deals, gates, devices and the rest, as of the last commit."""
        return self._session.catalogue

    @property
    def tallies(self) -> Tallies:
        """Today's counts, as of the last commit."""
        return self._session.tallies

    def last_seen(self, device_id: str) -> datetime | None:
        """Return when a device was last heard of: its last heartbeat, or its last scan."""
        word = self.catalogue.seen.get(device_id)
        known = self.tallies.scanned_at.get(device_id), None if word is None else word.seen_at
        return max((at for at in known if at is not None), default=None)

    @property
    def epoch(self) -> str:
        """The name of the ledger's life since init or the last restore."""
        return self._session.epoch

    @property
    def revision(self) -> int:
        """The newest revision on disk."""
        return self._session.shown[0]

    @property
    def audit_head(self) -> bytes:
        """The head of the audit chain on disk, 32 bytes; with its revision, see the heartbeat."""
        return self._session.shown[1]

    @property
    def queue_depth(self) -> int:
        """Changes that wait for the writer."""
        return self._writer.depth()

    @property
    def crowded(self) -> bool:
        """Whether somebody waits whom a slice should let go first; other slices do not count."""
        return self._writer.crowded()

    @property
    def lively(self) -> bool:
        """Whether others than slices have written within the last second."""
        return self._writer.lively()

    def write(
        self,
        work: Callable[[Session], T],
        *,
        alone: bool = False,
        urgent: bool = False,
        patient: bool = False,
    ) -> T:
        """Run a change in the writer's transaction; it is on disk when this returns.

        Args:
            alone: it changes what the catalogue holds, so nothing may share its commit.
            urgent: it may use the reserve where the disk is full.
            patient: a slice of an import, which lets scans go first and is never too late.

        Raises:
            LedgerUnavailable: not carried out; nothing was recorded.
        """
        session = self._session
        return self._writer.submit(
            lambda: work(session), alone=alone, urgent=urgent, patient=patient
        )

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on this thread's own read-only connection; keep it short.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        try:
            if reader is None:
                reader = self._local.reader = _Reader(self._path)
                self._readers.add(reader)
            # A connection that is closed in the midst of a query takes the process with it.
            with reader.busy:
                return work(reader.db)
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger cannot be read: {error}") from error

    def close(self) -> None:
        """Commit what waits, let queries end, then close the file."""
        self._writer.close()
        for reader in list(self._readers):
            with reader.busy:
                reader.db.close()
        self._session.close()


class _Reader:
    """One thread's read-only connection; it is closed when the thread ends."""

    def __init__(self, path: Path) -> None:
        self.db = connect(path, read_only=True)
        self.busy = threading.RLock()

    def __del__(self) -> None:
        if hasattr(self, "db"):
            self.db.close()


class OpenDirectory:
    """A directory held by its lock, with its ledger open; for commands without a server."""

    def __init__(
        self,
        directory: Path,
        venue: Venue,
        *,
        accept_clock: bool = False,
        watch: Watch | None = None,
    ) -> None:
        self._lock = DirectoryLock(directory)
        self._lock.take()
        try:
            self.ledger = Ledger.open(directory, venue, accept_clock=accept_clock, watch=watch)
        except LedgerRefused:
            self._lock.release()
            raise

    def __enter__(self) -> Ledger:
        return self.ledger

    def __exit__(self, *_: object) -> None:
        self.ledger.close()
        self._lock.release()


def _migrate(db: sqlite3.Connection) -> None:
    # Only a ledger that is new, or of an earlier version, needs what this takes long to load.
    from gate_server.ledger.migrations import migrate

    migrate(db)


def _check_clock(db: sqlite3.Connection, now: datetime, *, accept_clock: bool) -> None:
    last = from_ms(db.execute("SELECT committed_at FROM venue").fetchone()[0])
    if now + CLOCK_TOLERANCE < last and not accept_clock:
        raise LedgerRefused(
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S} UTC, but the ledger was last"
            f" written at {last:%Y-%m-%d %H:%M:%S} UTC; set the clock, or start with"
            " --accept-clock if the ledger's time was the wrong one"
        )
    if now + CLOCK_TOLERANCE < last:
        db.execute("UPDATE venue SET committed_at = ?", (to_ms(now),))
