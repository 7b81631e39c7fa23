"""A replica's files: opened one at a time with their rename, read by many, thrown away as one."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from scanner_client.replica_tables import APPLICATION_ID, SCHEMA, VERSION
from scanner_client.state import sync_directory

REPLICA_FILE = "replica.db"
DRAFT_FILE = "replica.new.db"
_RENAME_LOCK = "replica.rename.lock"
_WRITE_LOCK = "replica.write.lock"
_BUSY_S = 5.0
_SIDES = ("-wal", "-shm", "-journal")

Identity = tuple[int, int]


class Foreign(Exception):
    """The file is no replica of this version."""


@contextmanager
def renaming(directory: Path, *, alone: bool) -> Iterator[None]:
    """Hold the files' names still, or have them to oneself, among all processes.

    A WAL belongs to a name: one that was opened while the file was renamed would be another's.
    """
    handle = os.open(directory / _RENAME_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


@contextmanager
def writing(directory: Path) -> Iterator[bool]:
    """Be the only one who writes; False where another process or thread does."""
    handle = os.open(directory / _WRITE_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def identify(path: Path) -> Identity | None:
    """Return what tells a file from its successor under the same name; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that is there and ours.

    Raises:
        Foreign: it is another program's, or another version's.
        sqlite3.Error: it is damaged, or cannot be read.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    db = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
    )
    with ExitStack() as failed:
        failed.callback(db.close)
        ours = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if (ours, version) != (APPLICATION_ID, VERSION):
            raise Foreign(f"{path.name} is not a replica of this version")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA synchronous = NORMAL")
        failed.pop_all()
    return db


def create(path: Path) -> sqlite3.Connection:
    """Make a file with empty tables, in the place of what is there.

    Raises sqlite3.Error: it cannot be made.
    """
    delete(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    # In the rollback journal's mode: until the tables are whole the file is not ours.
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    return connect(path)


def finish(db: sqlite3.Connection, path: Path) -> None:
    """Close a whole file, alone without its side files, tightly packed and on disk."""
    try:
        # Rows came in the order of the ledger, so the pages are two thirds full.
        with suppress(sqlite3.OperationalError):  # no room for it: then loosely packed
            db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    finally:
        db.close()
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_in_place(directory: Path) -> None:
    """Let the finished draft be the replica."""
    path, draft = directory / REPLICA_FILE, directory / DRAFT_FILE
    with renaming(directory, alone=True):
        # The older one's WAL must be gone before the name is the new one's; with all of it in the
        # file, a power cut in between leaves the older one whole.
        with suppress(Foreign, sqlite3.Error), closing(connect(path)) as older:
            older.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _delete_sides(path)
        draft.replace(path)
        sync_directory(directory)
        with closing(connect(path)) as db:
            db.execute("PRAGMA journal_mode = WAL")


def delete(path: Path) -> None:
    """Delete a file and what SQLite keeps beside it."""
    path.unlink(missing_ok=True)
    _delete_sides(path)


def _delete_sides(path: Path) -> None:
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)


class Readers:
    """Connections to the replica as it stands, kept open between two scans."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / REPLICA_FILE
        self._lock = threading.Lock()
        self._free: list[tuple[Identity, sqlite3.Connection]] = []

    def lend(self) -> tuple[Identity, sqlite3.Connection] | None:
        """Return a connection inside a read transaction; None where there is no replica.

        Raises Foreign, sqlite3.Error as `connect` does.
        """
        identity = identify(self._path)
        while True:
            with self._lock:
                lent = self._free.pop() if self._free else None
            if lent is None:
                return self._open()
            if lent[0] == identity:
                _begin(lent[1])
                return lent
            lent[1].close()

    @contextmanager
    def returning(self, lent: tuple[Identity, sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
        """Take a connection back at the end; after an error it is not used again."""
        db = lent[1]
        with ExitStack() as failed:
            failed.callback(db.close)
            yield db
            db.execute("ROLLBACK")
            failed.pop_all()
        with self._lock:
            self._free.append(lent)

    def close(self) -> None:
        """Close what is not lent."""
        with self._lock:
            free, self._free = self._free, []
        for _, db in free:
            db.close()

    def _open(self) -> tuple[Identity, sqlite3.Connection] | None:
        with renaming(self._directory, alone=False):
            identity = identify(self._path)
            if identity is None:
                return None
            db = connect(self._path)
            _begin(db)
            return identity, db


def _begin(db: sqlite3.Connection) -> None:
    """Begin a transaction that sees one state from now on, its WAL open."""
    with ExitStack() as failed:
        failed.callback(db.close)
        db.execute("BEGIN")
        db.execute("SELECT COUNT(*) FROM meta").fetchone()
        failed.pop_all()
