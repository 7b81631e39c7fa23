"""One writing connection to the SQLite ledger, and what is pending in its transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from admission.calendar import Venue, from_ms, to_ms
from gate_server.ledger import audit, deal_slots, lanes, tallies
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.flow import Flow
from gate_server.ledger.lanes import LaneDelta
from gate_server.ledger.peaks import Peaks
from gate_server.ledger.tallies import Delta, Tallies

if TYPE_CHECKING:  # it works with sessions itself
    from gate_server.ledger.watch import Watch

RESERVE_BYTES: Final = 8 * 1024 * 1024
CACHE_KIB: Final = 256 * 1024
# A checkpoint inside COMMIT is the p99 of a group, so it happens in idle moments; this many
# pages (4 KiB each) are the bound where there are none.
AUTOCHECKPOINT_PAGES: Final = 8000
_LOST: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT})


Row: TypeAlias = tuple[Any, ...]
"""A row as sqlite3 gives it; its columns are typed where it is read."""


class Clock:
    """The server's clock as the ledger uses it: it never goes backwards.

    Args:
        now: source of the time, aware UTC.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.latest = from_ms(0)

    def __call__(self) -> datetime:
        """Return the time, or the latest that was told where the source went back."""
        self.latest = max(self.latest, self._now())
        return self.latest


class Session:
    """The state of the ledger as of the last job that was kept; used by the writer's thread only.

    Attributes:
        revision: the newest revision; `head` the audit chain's.
        shown: revision and head of the last commit, in one piece for other threads.
        catalogue, tallies: what other threads read; renewed after commit.
        watch: looks at what is sold; None: nobody does.
    """

    def __init__(
        self, path: Path, venue: Venue, clock: Clock, *, watch: Watch | None = None
    ) -> None:
        self.path = path
        self.watch = watch
        self.venue = venue
        self.clock = clock
        self.catalogue = Catalogue()
        self.tallies = Tallies(venue)
        self._flow, self._peaks = Flow(), Peaks()
        self.deltas: list[Delta] = []
        self._lanes: list[LaneDelta] = []
        self.touched: set[str] = set()
        self.epoch = ""
        self.revision, self.head = 0, audit.FIRST_HEAD
        self.shown = self.revision, self.head
        self.inside = 0
        self._events: list[tuple[int, str, str | None, bytes]] = []
        self._honoured: list[tuple[int, int]] = []
        self._mark: tuple[int, bytes, int, int, int, int, int, set[str]]
        self._mark = (0, b"", 0, 0, 0, 0, 0, set())
        self._db: sqlite3.Connection | None = None
        self.salts = audit.Salts()
        self.abandon()

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, opened again if it was given up."""
        if self._db is None:
            self._open()
        assert self._db is not None  # noqa: S101 - for the type checker
        return self._db

    def _open(self) -> None:
        db = connect(self.path)
        try:
            self.revision, self.head, committed_at, self.epoch = db.execute(
                "SELECT revision, audit_head, committed_at, epoch FROM venue"
            ).fetchone()
            self.clock.latest = max(self.clock.latest, from_ms(committed_at))
            self.catalogue.load(db)
            self.tallies.load(db, self.clock())
            self._flow.load(db)
            self._peaks.load(db)
        except sqlite3.Error:
            db.close()
            raise
        self.inside = self.tallies.today.inside
        self.shown = self.revision, self.head
        self._db = db

    def close(self) -> None:
        """Close the connection; what is not committed is undone."""
        if self._db is not None:
            self._db.close()
            self._db = None

    # --- the writer's steps --------------------------------------------------------------------

    def begin(self) -> None:
        """Open a group."""
        db = self.db
        self.inside = self.tallies.turn_to(self.clock()).inside
        # IMMEDIATE: under plain BEGIN two writers that both read "nobody admitted yet" cannot
        # both go on to write. https://www.sqlite.org/lang_transaction.html
        db.execute("BEGIN IMMEDIATE")

    def savepoint(self) -> None:
        """Open one job."""
        self.db.execute("SAVEPOINT job")
        self._mark = (
            self.revision,
            self.head,
            self.inside,
            len(self.deltas),
            len(self._lanes),
            len(self._events),
            len(self._honoured),
            set(self.touched) if self.touched else _NONE,
        )

    def release(self) -> None:
        """Keep one job."""
        self.db.execute("RELEASE job")

    def rollback_job(self) -> None:
        """Undo one job, on disk and in memory."""
        self.db.execute("ROLLBACK TO job")
        self.db.execute("RELEASE job")
        (self.revision, self.head, self.inside, deltas, at_lanes, events, honoured,
         touched) = self._mark  # fmt: skip
        del self.deltas[deltas:], self._lanes[at_lanes:]
        del self._events[events:], self._honoured[honoured:]
        self.touched = set(touched)

    def survived(self, error: sqlite3.Error) -> bool:
        """Say whether the transaction is still whole after an error."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code not in _LOST and self._db is not None and self._db.in_transaction

    def commit(self) -> None:
        """Write what is pending and put the group on disk; then show it to the readers."""
        db = self.db
        if self._events:
            db.executemany("INSERT INTO audit VALUES (?, ?, ?, ?)", self._events)
        if self.deltas:
            tallies.write(db, self.deltas)
            tallies.write_seen_by_hand(db, self.tallies.today, self.deltas)
            deal_slots.write(db, self.deltas)
            self._flow.write(db, self.deltas, to_ms(self.clock.latest))
            self._peaks.write(db, self.deltas, to_ms(self.clock.latest))
        if self._lanes:
            lanes.write(db, self._lanes)
        for deal_no, people in self._honoured:
            sql = "UPDATE deals SET honoured_people = honoured_people + ? WHERE deal_no = ?"
            db.execute(sql, (people, deal_no))
        if self._events or self.touched or self.deltas or self._lanes:
            db.execute(
                "UPDATE venue SET revision = ?, audit_head = ?, committed_at = ?",
                (self.revision, self.head, to_ms(self.clock.latest)),
            )
        db.execute("COMMIT")
        self.shown = self.revision, self.head
        self.tallies.add(self.deltas)
        for deal_no, people in self._honoured:
            self.catalogue.honoured[deal_no] += people
        if self.touched:
            self.catalogue.load(db, self.touched)
        self._forget()

    def abandon(self) -> None:
        """Drop the group, close the connection and read the state again from the file."""
        self._forget()
        self.close()
        self._open()

    def make_room(self) -> bool:
        """Free the reserve, so that a void or an annulment still goes in on a full disk."""
        reserve = self.path.with_name("reserve")
        if not reserve.exists():
            return False
        reserve.unlink()
        return True

    def idle(self) -> None:
        """Move the WAL's pages into the file while nobody waits, and lay the reserve again."""
        if self._db is None:
            return
        wal = self.path.with_name(self.path.name + "-wal")
        if wal.exists() and wal.stat().st_size > 1024 * 1024:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        lay_reserve(self.path.parent)

    # --- for the jobs --------------------------------------------------------------------------

    def next_revision(self) -> int:
        """Take the next revision."""
        self.revision += 1
        return self.revision

    def chain_scan(self, scan_id: int, content: bytes) -> None:
        """Add a scan's row to the audit chain."""
        self.head = audit.chain(self.head, scan_id, "scan", content)
        self._events.append((scan_id, "scan", None, self.head))

    def record_event(
        self, kind: str, fields: Mapping[str, object], *, personal: Mapping[str, str] | None = None
    ) -> int:
        """Audit something that somebody did and return the revision that it took."""
        revision = self.next_revision()
        salted = {name: (self.salts.next(), value) for name, value in (personal or {}).items()}
        at = to_ms(self.clock())
        body = audit.event_body({"at": at, **fields}, salted)
        self.head = audit.chain(self.head, revision, kind, body.encode())
        self._events.append((revision, kind, body, self.head))
        for name, (salt, value) in salted.items():
            row = (revision, name, salt, value)
            self.db.execute("INSERT INTO audit_personal VALUES (?, ?, ?, ?)", row)
        return revision

    def count(self, delta: Delta) -> None:
        """Add to the counters in this transaction."""
        self.deltas.append(delta)
        if self.tallies.today.moves_inside(delta):
            self.inside += delta.inside

    def count_lane(self, delta: LaneDelta) -> None:
        """Add to a lane's counters in this transaction."""
        self._lanes.append(delta)

    def count_honoured(self, deal_no: int, people: int) -> None:
        """Add to the persons honoured on a deal."""
        self._honoured.append((deal_no, people))

    def honoured_people(self, deal_no: int) -> int:
        """Return the persons honoured on a deal, those of this group too."""
        pending = sum(people for number, people in self._honoured if number == deal_no)
        return self.catalogue.honoured.get(deal_no, 0) + pending

    def _forget(self) -> None:
        self.deltas, self._lanes, self._events = [], [], []
        self._honoured, self.touched = [], set()


_NONE: set[str] = set()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the ledger's file; a writer's commit is on disk when it returns."""
    mode = "ro" if read_only else "rw"
    db = sqlite3.connect(
        f"file:{path}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        timeout=5.0,
    )
    db.execute(f"PRAGMA cache_size = -{2 * 1024 if read_only else CACHE_KIB}")
    db.execute("PRAGMA mmap_size = 0")
    if not read_only:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
        db.execute("PRAGMA journal_size_limit = 67108864")
    return db


def lay_reserve(directory: Path) -> bool:
    """Put the reserve file in its place where there is room for it and four times more."""
    reserve = directory / "reserve"
    if reserve.exists():
        return True
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize < 5 * RESERVE_BYTES:
        return False
    with reserve.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    return True
