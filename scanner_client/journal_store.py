"""The journal's file: open, lock, move aside where it is damaged; nothing of what it holds."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from admission.errors import AdmissionError

FILE_NAME = "journal.db"
# As long as a visitor may be kept waiting when another process of this scanner writes.
BUSY_S = 1.0
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CUT_SHORT = sqlite3.SQLITE_IOERR_SHORT_READ

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, head TEXT);
-- inside: change of the people inside the venue. honoured: persons honoured on deal deal_no.
-- revision: the ledger holds it from that one on. settled_at: when the server had taken it.
CREATE TABLE entries (
    entry_id INTEGER PRIMARY KEY,
    nonce TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    tag INTEGER,
    seq INTEGER,
    deal_no INTEGER,
    inside INTEGER NOT NULL DEFAULT 0,
    honoured INTEGER NOT NULL DEFAULT 0,
    revision INTEGER,
    settled_at INTEGER,
    annulled INTEGER NOT NULL DEFAULT 0,
    annuls INTEGER NOT NULL DEFAULT 0,
    annulled_at INTEGER,
    problem TEXT,
    sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_nonce ON entries (nonce) WHERE kind <> 'annul';
CREATE INDEX entries_tag ON entries (tag) WHERE tag IS NOT NULL;
CREATE INDEX entries_open ON entries (state, entry_id) WHERE state IN ('waiting', 'parked');
CREATE INDEX entries_inside ON entries (at) WHERE inside <> 0;
CREATE INDEX entries_honoured ON entries (deal_no) WHERE honoured <> 0;
CREATE TABLE intents (
    nonce TEXT PRIMARY KEY,
    tag INTEGER NOT NULL,
    at INTEGER NOT NULL,
    owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
"""
# turned: people of a scan whom the turnstile counted through.
# openings: scans for which the turnstile was opened; state: open, expired, done, unknown.
# reports: what of a turnstile the server has yet to be told.
_PASSAGE = """
ALTER TABLE entries ADD COLUMN turned INTEGER;
DROP INDEX entries_nonce;
CREATE UNIQUE INDEX entries_nonce ON entries (nonce) WHERE kind NOT IN ('annul', 'passage');
CREATE TABLE openings (
    nonce TEXT PRIMARY KEY,
    people INTEGER NOT NULL,
    turned INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    owner TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE reports (nonce TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
"""
# slip_tag: of the numbered slip that a scan was shown with.
# new_arrival: nobody had been seen on its voucher before.
_ARRIVALS = """
ALTER TABLE entries ADD COLUMN slip_tag INTEGER;
ALTER TABLE entries ADD COLUMN new_arrival INTEGER NOT NULL DEFAULT 0;
CREATE INDEX entries_slip ON entries (slip_tag) WHERE slip_tag IS NOT NULL;
CREATE INDEX entries_arrivals ON entries (at) WHERE new_arrival = 1;
PRAGMA user_version = 3;
"""
_STEPS = (_SCHEMA, _PASSAGE, _ARRIVALS)
"""Each brings the file to the next version; one of an earlier version takes those it lacks."""

T = TypeVar("T")


class JournalUnwritable(AdmissionError):
    """Nothing was recorded: the disk is full, the file is locked or gone."""


class Store:
    """One SQLite file that several threads and processes share.

    Args:
        prove: looks into a file that was opened; raises ValueError where it cannot read it.
        on_damage: is told where a damaged file was moved to.
    """

    def __init__(
        self,
        path: Path,
        prove: Callable[[sqlite3.Connection, bool], None],
        on_damage: Callable[[Path], None],
    ) -> None:
        self._path = path
        self._prove = prove
        self._on_damage = on_damage
        self._lock = threading.RLock()
        self._gone = False
        self._db = self._open()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def forget(self) -> None:
        """Close the file for good: from now on nothing can be read or written."""
        with self._lock:
            self._gone = True
            self._db.close()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` reads."""
        with self._lock:
            return self._guarded(lambda: work(self._db))

    def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Do a change, all or nothing.

        Args:
            durable: on disk when this returns; else it outlives this process, not a power cut.

        Raises:
            JournalUnwritable: nothing was changed.
        """
        with self._lock:
            return self._guarded(lambda: self._change(work, durable))

    def _change(self, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        db = self._db
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with _transaction(db):
            return work(db)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run against the file that is there now; one that is damaged is moved aside first."""
        try:
            self._follow()
            try:
                return work()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._move_aside()
                return work()
        except sqlite3.Error as error:
            raise JournalUnwritable(f"the journal {self._path}: {error}") from error
        except OSError as error:
            raise JournalUnwritable(f"the journal {self._path}: {error.strerror}") from error

    def _follow(self) -> None:
        """Open anew where another process has moved the file aside."""
        if self._gone:
            raise JournalUnwritable("this device was revoked and its journal wiped")
        found = _identity(self._path)
        if found is None:
            raise JournalUnwritable(f"the journal {self._path} is gone; start the scanner anew")
        if found != self._opened:
            self._db.close()
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            db = self._connect()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._set_aside()
            db = self._connect(after_damage=True)
        except ValueError:
            self._set_aside()
            db = self._connect(after_damage=True)
        return db

    def _connect(self, *, after_damage: bool = False) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        db = sqlite3.connect(
            self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as undo:
            undo.callback(db.close)
            db.execute("PRAGMA journal_mode = WAL")
            with _transaction(db):
                version = one(db, "PRAGMA user_version")
                if version and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                    raise ValueError("damaged")
                for statement in ";".join(_STEPS[version:]).split(";"):
                    db.execute(statement)
                self._prove(db, after_damage)
            undo.pop_all()
        self._opened = _identity(self._path)
        return db

    def _move_aside(self) -> None:
        self._db.close()
        # Another process may have been quicker: what it made since is not the damaged one.
        if _identity(self._path) == self._opened:
            self._set_aside()
            self._db = self._connect(after_damage=True)
        else:
            self._db = self._open()

    def _set_aside(self) -> None:
        """Rename the damaged file with its log; nothing is deleted."""
        stamp = f"{time.time_ns() // 1_000_000}"
        kept = self._path.with_name(f"journal.damaged-{stamp}.db")
        for suffix in ("-wal", "-shm", ""):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(kept.with_name(kept.name + suffix))
        self._on_damage(kept)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    # The connection itself commits at the end, and rolls back on whatever ends it otherwise.
    with db:
        # IMMEDIATE: two processes that both read the last place in the chain must not both take it.
        db.execute("BEGIN IMMEDIATE")
        yield


def is_damage(error: sqlite3.Error) -> bool:
    """Tell a file that cannot be read any more from one that is busy or a disk that is full."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF in _DAMAGED or code == _CUT_SHORT)


def peek(directory: Path) -> tuple[int, str]:
    """Return how many lines wait in a directory's journal, and for which ledger; 0: none."""
    path = directory / FILE_NAME
    if not path.exists():
        return 0, ""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as db:
            waiting = one(db, "SELECT COUNT(*) FROM entries WHERE state = 'waiting'")
            return waiting, str(read_meta(db, "epoch"))
    except sqlite3.DatabaseError:
        # Damaged or not begun: opening it says so.
        return 0, ""


def one(db: sqlite3.Connection, sql: str, *values: object) -> int:
    """Return the one number that a query gives."""
    number: int = db.execute(sql, values).fetchone()[0]
    return number


def read_meta(db: sqlite3.Connection, name: str) -> object:
    """Return what is noted under a name; None where nothing is."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def set_meta(db: sqlite3.Connection, name: str, value: object) -> None:
    """Note a value under a name."""
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
