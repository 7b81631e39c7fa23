"""The directory of a venue: its lock, its file's header, and what forbids to open it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from pathlib import Path

from admission.errors import LedgerRefused
from gate_server.ledger.schema import APPLICATION_ID

LEDGER = "ledger.db"
LOCK = "lock"
_MAGIC = b"SQLite format 3\x00"
# File systems whose locks are not to be trusted between machines (SQLite's WAL needs shared memory
# too). https://www.sqlite.org/wal.html
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph",
                      "glusterfs", "fuse.glusterfs", "ocfs2", "lustre"})  # fmt: skip


class DirectoryLock:
    """The right to write a venue's directory; the kernel takes it back when the process ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / LOCK
        self._fd: int | None = None

    def take(self, *, wait_s: float = 0.0) -> None:
        """Take the lock.

        Raises:
            LedgerRefused: another process holds it, or the directory cannot be written.
        """
        fd = self._open()
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                os.close(fd)
                raise LedgerRefused(
                    f"{self._path.parent} is in use by another gate server; stop it first,"
                    " or use another --data DIR"
                ) from error
            break
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd

    def release(self) -> None:
        """Give the lock back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerRefused(
                f"cannot write {self._path}: {error.strerror}; check the directory and its owner"
            ) from error


def lock_is_free(directory: Path) -> bool:
    """Say whether nobody writes the directory now."""
    lock = DirectoryLock(directory)
    try:
        lock.take()
    except LedgerRefused:
        return False
    lock.release()
    return True


def check_directory(directory: Path) -> Path:
    """Return the ledger's path after looking at where and what it is.

    Raises:
        LedgerRefused: there is no ledger, it is on a network file system, or is another's file.
    """
    path = directory / LEDGER
    if not path.exists():
        raise LedgerRefused(f"no ledger in {directory}; make one with `gate-server init`")
    kind = file_system_of(directory)
    if kind in _NETWORK:
        raise LedgerRefused(
            f"{directory} is on a network file system ({kind}); a ledger needs a local disk"
        )
    check_header(path)
    return path


def check_header(path: Path) -> None:
    """Refuse a file that is not a ledger, before SQLite touches it.

    Raises:
        LedgerRefused: empty, damaged or another program's.
    """
    with path.open("rb") as file:
        header = file.read(100)
    advice = "run `gate-server doctor`, and restore a backup if it says so"
    if header[:16] != _MAGIC:
        raise LedgerRefused(f"{path} is not a ledger (its first bytes are not SQLite's); {advice}")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise LedgerRefused(f"{path} is another program's database, not a ledger; {advice}")


def check_tables(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a ledger whose pages cannot be read.

    Raises:
        LedgerRefused: damaged.
    """
    try:
        row = db.execute("SELECT epoch FROM venue").fetchone()
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise LedgerRefused(
            f"{path} is damaged ({error}); run `gate-server doctor`, then restore a backup"
        ) from error
    if row is None:
        raise LedgerRefused(f"{path} holds no venue; restore a backup")


def file_system_of(directory: Path) -> str:
    """Return the type of the file system that a directory is on, '' where unknown (Linux only)."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    where = str(directory.resolve())
    best, kind = "", ""
    for line in mounts.read_text("utf-8", "replace").splitlines():
        _, point, name, *_ = line.split()
        point = point.replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, name
    return kind
