"""Take the lines of a download: a first one into a draft that can be gone on with, a delta whole.

A draft takes the replica's place when it is complete; a delta takes effect in one transaction.
Until then the replica stays as it was.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from admission.errors import AdmissionError, InvalidInput
from admission.replica_columns import read_line, unpack
from admission.wire_outage import BlockLine, CompleteLine, ReplicaLine, ScanLine, VouchersLine
from scanner_client.replica import Replica
from scanner_client.replica_files import (
    DRAFT_FILE,
    REPLICA_FILE,
    Foreign,
    connect,
    create,
    delete,
    finish,
    identify,
    put_in_place,
)
from scanner_client.replica_tables import (
    PROOF,
    Few,
    FewLine,
    ScanRows,
    VoucherRows,
    close_few,
    load_few,
)
from scanner_client.seal import Seal, SealBroken

# A draft is on disk so often; what comes after is told again after a break.
_KEEP_EVERY_S = 0.5
_MANY = 64

_PUT_VOUCHER = "INSERT OR REPLACE INTO vouchers (tag, deal, sealed) VALUES (?, ?, ?)"
_PUT_OTHER = "INSERT OR IGNORE INTO others (tag, voucher) VALUES (?, ?)"
_PUT_SCAN = "INSERT OR REPLACE INTO scans (scan, key, sealed) VALUES (?, ?, ?)"
_PUT_FEW = "INSERT OR REPLACE INTO few (kind, name, sealed) VALUES (?, ?, ?)"
_DROP_BLOCK = "DELETE FROM few WHERE kind = 'block' AND name = ?"
_PUT_META = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"


class Untaken(AdmissionError):
    """A line or a delta could not be taken; the replica is as it was."""


class Intake(Protocol):
    """One download under way."""

    @property
    def since(self) -> int:
        """The revision to ask from."""

    @property
    def epoch(self) -> str:
        """The ledger's life to ask of; "" before the first answer."""

    def begin(self, epoch: str) -> None:
        """Learn which ledger answers, before its first line."""

    def take(self, data: bytes) -> bool:
        """Take one whole line; True: it was the last, and all of it is in effect.

        Raises Untaken: it is no line of a replica, or the disk is full.
        """

    def pause(self) -> Intake | None:
        """Keep what has come so far; return what to go on with, None: what is on disk."""


def open_intake(replica: Replica) -> Intake:
    """Go on with a draft where there is one, with deltas where there is a replica, else begin.

    Only for who holds the writing lock. Raises Untaken: the disk is full or broken.
    """
    draft = replica.directory / DRAFT_FILE
    if not draft.exists() and (standing := replica.standing).epoch:
        return DeltaIntake(replica, standing)
    return DraftIntake(replica)


def start_afresh(replica: Replica) -> Intake:
    """Begin a first download; the replica serves until it is complete.

    Only for who holds the writing lock. Raises Untaken: the disk is full or broken.
    """
    with _telling():
        delete(replica.directory / DRAFT_FILE)
    return DraftIntake(replica)


class DraftIntake:
    """A first download, into a file of its own."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._path = replica.directory / DRAFT_FILE
        with _telling():
            db, self._few = _open_draft(self._path, replica.seal)
            # Random places in a table that outgrows the usual 2 MB would be read back each time.
            db.execute("PRAGMA cache_size = -32768")
            db.execute("BEGIN IMMEDIATE")
        self._db = db
        self._put = Writer(db, replica.seal, self._few)
        self._kept_at = time.monotonic()

    @property
    def since(self) -> int:
        """The revision of the last whole line."""
        return self._few.revision

    @property
    def epoch(self) -> str:
        """The ledger's life that the draft is of."""
        return self._few.epoch

    def begin(self, epoch: str) -> None:
        """Note which ledger the draft is of."""
        self._few.epoch = epoch

    def take(self, data: bytes) -> bool:
        """Take one whole line; with the last the draft becomes the replica."""
        line = _read(data)
        with self._telling():
            if isinstance(line, CompleteLine):
                _check_complete(line, self._few)
                self._few.revision = line.revision
                self._finish()
                return True
            self._put.line(line)
            if time.monotonic() - self._kept_at > _KEEP_EVERY_S:
                self._keep()
                self._db.execute("BEGIN IMMEDIATE")
        return False

    def pause(self) -> Intake | None:
        """Keep what has come on disk."""
        with suppress(Untaken), self._telling():
            if self._db.in_transaction:
                self._keep()
        self._db.close()
        return None

    def _keep(self) -> None:
        self._put.flush()
        self._db.execute("COMMIT")
        self._kept_at = time.monotonic()

    def _finish(self) -> None:
        self._keep()
        finish(self._db, self._path)
        put_in_place(self._replica.directory)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what kept a line out; a damaged draft goes, a full disk costs the last lines only."""
        try:
            with _telling():
                yield
        except Untaken as error:
            self._db.close()
            if _is_damage(error.__cause__):
                delete(self._path)
            raise


class DeltaIntake:
    """What changed since the replica's revision; kept in memory until it is whole."""

    def __init__(self, replica: Replica, standing: Few) -> None:
        self._replica = replica
        self._base = standing
        self._lines: list[bytes] = []
        self._since = standing.revision

    @property
    def since(self) -> int:
        """The revision of the last whole line."""
        return self._since

    @property
    def epoch(self) -> str:
        """The replica's."""
        return self._base.epoch

    def begin(self, epoch: str) -> None:
        """Refuse the lines of another ledger, whatever its number of revisions.

        Raises Untaken: it is another.
        """
        if epoch and epoch != self._base.epoch:
            raise Untaken(f"answered of epoch {epoch}, asked of {self._base.epoch}")

    def take(self, data: bytes) -> bool:
        """Take one whole line; with the last all of them take effect."""
        line = _read(data)
        if isinstance(line, CompleteLine):
            self._apply(line)
            return True
        self._lines.append(data)
        self._since = max(self._since, line.revision)
        return False

    def pause(self) -> Intake | None:
        """Keep the lines that have come."""
        return self

    def _apply(self, complete: CompleteLine) -> None:
        path = self._replica.directory / REPLICA_FILE
        identity = identify(path)
        if identity is None:
            raise Untaken("the replica is gone; it is downloaded afresh")
        try:
            with _telling(), closing(connect(path)) as db:
                # Nothing is written halfway: a connection that is closed rolls back.
                db.execute("BEGIN IMMEDIATE")
                few = load_few(db, self._replica.seal) if self._outdated(db) else self._base.copy()
                if (few.epoch, few.revision) != (self._base.epoch, self._base.revision):
                    raise Untaken("another process has brought the replica up to date")
                put = Writer(db, self._replica.seal, few)
                for data in self._lines:
                    line = _read(data)
                    if not isinstance(line, CompleteLine):
                        put.line(line)
                _check_complete(complete, few)
                few.revision = complete.revision
                put.flush()
                db.execute("COMMIT")
        except Untaken as error:
            if _is_damage(error.__cause__):
                self._replica.throw_away(identity, str(error))
            raise
        self._replica.publish(identity, few)

    def _outdated(self, db: sqlite3.Connection) -> bool:
        turn = db.execute("SELECT value FROM meta WHERE name = 'turn'").fetchone()
        return bool(turn != (self._base.turn,))


class Writer:
    """Puts lines into a replica's tables inside the caller's transaction.

    Args:
        few: is brought up to date with the tables.
    """

    def __init__(self, db: sqlite3.Connection, seal: Seal, few: Few) -> None:
        self._db, self._seal, self._few = db, seal, few
        self._vouchers, self._scans = VoucherRows(seal), ScanRows(seal)
        self._new_scans: list[tuple[int, int, bytes]] = []
        self._new_few: list[FewLine] = []

    def line(self, line: ReplicaLine) -> None:
        """Put one line in.

        Raises InvalidInput: it holds what cannot be.
        """
        few = self._few
        few.turn += 1
        if isinstance(line, VouchersLine):
            self._put_vouchers(line)
        elif isinstance(line, ScanLine):
            self._new_scans.append(self._scans.close(line))
            if len(self._new_scans) >= _MANY:
                self._flush_scans()
        else:
            few.take(line)
            self._new_few.append(line)
        few.revision = max(few.revision, line.revision)

    def flush(self) -> None:
        """Write what is still in memory, and how far the tables are."""
        self._flush_scans()
        few = self._few
        for line in self._new_few:
            if isinstance(line, BlockLine) and line.lifted:
                self._db.execute(_DROP_BLOCK, (str(line.buyer),))
            else:
                self._db.execute(_PUT_FEW, close_few(line, self._seal))
        self._new_few.clear()
        few.turn += 1
        meta = {"turn": few.turn, "epoch": few.epoch, "revision": few.revision}
        self._db.executemany(_PUT_META, list(meta.items()))

    def _put_vouchers(self, line: VouchersLine) -> None:
        turn, close = self._few.turn, self._vouchers.close
        vouchers = unpack(line)
        rows = [close(voucher, line.deal, turn) for voucher in vouchers]
        self._db.executemany(_PUT_VOUCHER, rows)
        others = [
            (self._seal.tag(key), row[0])
            for voucher, row in zip(vouchers, rows, strict=True)
            for key in (*voucher.order_keys, *voucher.more_keys)
        ]
        if others:
            self._db.executemany(_PUT_OTHER, others)

    def _flush_scans(self) -> None:
        self._db.executemany(_PUT_SCAN, self._new_scans)
        self._new_scans.clear()


def _open_draft(path: Path, seal: Seal) -> tuple[sqlite3.Connection, Few]:
    """Open the draft that is there; one that is damaged or of another key is begun anew."""
    if path.exists():
        try:
            db = connect(path)
        except (Foreign, sqlite3.DatabaseError):
            delete(path)
        else:
            try:
                return db, load_few(db, seal)
            except _DAMAGE:
                db.close()
    db = create(path)
    meta: Sequence[tuple[str, object]] = (
        ("turn", 0),
        ("epoch", ""),
        ("revision", 0),
        ("proof", seal.seal(PROOF, PROOF)),
    )
    db.executemany(_PUT_META, meta)
    return db, Few()


def _read(data: bytes) -> ReplicaLine | CompleteLine:
    try:
        return read_line(data)
    except InvalidInput as error:
        raise Untaken(f"the server told a line that is none: {error}") from None


def _check_complete(line: CompleteLine, few: Few) -> None:
    """Raise Untaken unless the last line ends what came before it."""
    if not line.complete or line.epoch != few.epoch or line.revision < few.revision:
        raise Untaken("the last line does not belong to the others")
    if few.state is None:
        raise Untaken("the state of the venue was not told")


_DAMAGE = (sqlite3.DatabaseError, SealBroken, InvalidInput, msgspec.DecodeError, LookupError)


def _is_damage(cause: BaseException | None) -> bool:
    """Say whether a file is at fault, and not the room on its disk."""
    if isinstance(cause, sqlite3.OperationalError):
        return False
    return isinstance(cause, (sqlite3.DatabaseError, SealBroken, msgspec.DecodeError, Foreign))


@contextmanager
def _telling() -> Iterator[None]:
    """Turn what a disk or a line does into Untaken, its cause kept."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Untaken(f"the replica cannot be written: {error}") from error
    except (SealBroken, InvalidInput, Foreign, msgspec.DecodeError) as error:
        raise Untaken(f"the replica cannot be brought up to date: {error}") from error
