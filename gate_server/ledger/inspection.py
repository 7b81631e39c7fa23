"""Look at a ledger's file without the right to write it, beside a running server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from admission.errors import LedgerRefused
from gate_server.ledger import audit, schema
from gate_server.ledger.heads import own_heads
from gate_server.ledger.session import connect


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger for reading; everything read in it is of one moment."""
    db = connect(path, read_only=True)
    try:
        # One transaction: the server goes on writing, and this sees none of it. Its WAL grows
        # meanwhile, so this is for commands, never for a page.
        db.execute("BEGIN")
        yield db
    finally:
        db.close()


def check_integrity(db: sqlite3.Connection) -> None:
    """Refuse a ledger with damaged pages, broken references or a head that is not its chain's.

    Raises:
        LedgerRefused: says what; `audit verify` says more about the chain.
    """
    try:
        problems = [row[0] for row in db.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise LedgerRefused(f"the ledger is damaged: {problems[0]}; run `gate-server doctor`")
        broken = db.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise LedgerRefused(f"the ledger's table {broken[0]} refers to what is not there")
        newest_head(db)
    except sqlite3.DatabaseError as error:
        raise LedgerRefused(f"the ledger is damaged: {error}; run `gate-server doctor`") from error


def newest_head(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Return the ledger's revision and the head of its audit chain.

    Raises:
        LedgerRefused: the chain does not end where the ledger says.
    """
    revision, head = db.execute("SELECT revision, audit_head FROM venue").fetchone()
    row = db.execute("SELECT hash FROM audit ORDER BY revision DESC LIMIT 1").fetchone()
    if (audit.FIRST_HEAD if row is None else row[0]) != head:
        raise LedgerRefused("the audit chain does not end at the ledger's head; run `audit verify`")
    return int(revision), bytes(head)


def epoch_of(path: Path) -> str:
    """Return the epoch of the ledger that is at a path now."""
    with read_only(path) as db:
        return str(db.execute("SELECT epoch FROM venue").fetchone()[0])


def verify_chain(path: Path, heads: Mapping[int, bytes]) -> audit.Verification:
    """Walk a ledger's audit chain, and compare it with heads that were signed or seen elsewhere."""
    with read_only(path) as db:
        signed = own_heads(db) if "013_evidence" in schema.taken(db) else {}
        return audit.verify(db, {**signed, **heads})
