"""Statements as they were made, kept as bytes, and the signatures that close them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from admission.wire_settlement import SignatureAnswer
from gate_server.ledger.closing import close_accounts
from gate_server.ledger.session import Session

_COLUMNS: Final = (
    "statement_id, version, made_at, made_by, summary, hash, closed_at FROM statements"
    " WHERE deal_no = ?"
)
_SIGNED: Final = (
    "SELECT name, partner, signed_at FROM statement_signatures WHERE statement_id = ?"
    " ORDER BY signed_at, name"
)


@dataclass(frozen=True, slots=True)
class Content:
    """What is signed: the figures as JSON, and the vouchers as CSV (gzip); `hash` covers both."""

    summary: bytes
    vouchers: bytes
    hash: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A kept statement, without its vouchers."""

    statement_id: int
    version: int
    made_at: datetime
    made_by: str
    summary: bytes
    hash: str
    closed_at: datetime | None
    signatures: tuple[SignatureAnswer, ...]


def list_statements(db: sqlite3.Connection, deal_no: int) -> list[Statement]:
    """Return all statements of a deal, the newest first."""
    rows = db.execute(f"SELECT {_COLUMNS} ORDER BY version DESC", (deal_no,)).fetchall()
    return [_read(db, row) for row in rows]


def find_newest(db: sqlite3.Connection, deal_no: int) -> Statement | None:
    """Return the newest statement of a deal."""
    sql = f"SELECT {_COLUMNS} ORDER BY version DESC LIMIT 1"
    row = db.execute(sql, (deal_no,)).fetchone()
    return None if row is None else _read(db, row)


def count_sold(db: sqlite3.Connection, deal_no: int) -> int:
    """Return how many vouchers of a deal there are now, tickets not among them."""
    sql = "SELECT COUNT(*) FROM vouchers WHERE deal_no = ? AND parent_id IS NULL"
    return int(db.execute(sql, (deal_no,)).fetchone()[0])


def get_statement(db: sqlite3.Connection, deal_no: int, version: int) -> Statement:
    """Return one statement.

    Raises:
        NotFound: the deal has none of that version.
    """
    row = db.execute(f"SELECT {_COLUMNS} AND version = ?", (deal_no, version)).fetchone()
    if row is None:
        raise NotFound(f"this deal has no statement {version}")
    return _read(db, row)


def read_vouchers(db: sqlite3.Connection, statement_id: int) -> bytes:
    """Return the vouchers of a statement as they were signed: CSV, gzip."""
    sql = "SELECT vouchers FROM statements WHERE statement_id = ?"
    return bytes(db.execute(sql, (statement_id,)).fetchone()[0])


def record_statement(
    tx: Session, deal: tuple[int, str], content: Content, *, by: str, now: datetime
) -> Statement:
    """Keep a statement as the deal's next version.

    Args:
        deal: the ledger's number for it, and its id.
    """
    deal_no, deal_id = deal
    newest = find_newest(tx.db, deal_no)
    version = 1 if newest is None else newest.version + 1
    fields = {"deal_id": deal_id, "version": version, "hash": content.hash, "by": by}
    revision = tx.record_event("statement", fields)
    tx.db.execute(
        "INSERT INTO statements (statement_id, deal_no, version, made_at, made_by, summary,"
        " vouchers, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(revision, deal_no, version, to_ms(now), by),
            *(content.summary, content.vouchers, content.hash),
        ),
    )
    return get_statement(tx.db, deal_no, version)


def sign_statement(
    tx: Session, deal: tuple[int, str], version: int, *, read: str, signer: Mapping[str, Any]
) -> Statement:
    """Sign the newest statement of a deal; two accounts, one of them a partner's, close it.

    Args:
        read: the hash of what the signer read.
        signer: `name`, whether a `partner`, and `now`.

    Raises:
        NotFound: no such statement.
        LedgerConflict: `statement-old`: a newer one has taken its place; `statement-differs`.
    """
    deal_no, deal_id = deal
    found = get_statement(tx.db, deal_no, version)
    newest = find_newest(tx.db, deal_no)
    if found.hash != read:
        raise LedgerConflict("statement-differs", "this hash is not that of this statement")
    if any(each.name == signer["name"] for each in found.signatures):
        return found
    if newest is not None and newest.version != version:
        raise LedgerConflict("statement-old", f"statement {newest.version} has taken its place")
    if found.closed_at is not None:
        raise LedgerConflict("statement-closed", "two accounts have signed it already")
    named = {"deal_id": deal_id, "version": version, "hash": found.hash}
    tx.record_event("statement_signed", {**named, "by": signer["name"]})
    tx.db.execute(
        "INSERT INTO statement_signatures VALUES (?, ?, ?, ?)",
        (found.statement_id, signer["name"], int(signer["partner"]), to_ms(signer["now"])),
    )
    partners = {each.partner for each in found.signatures} | {signer["partner"]}
    if partners == {True, False}:
        tx.record_event("statement_closed", named)
        sql = "UPDATE statements SET closed_at = ? WHERE statement_id = ?"
        tx.db.execute(sql, (to_ms(signer["now"]), found.statement_id))
        close_accounts(tx, deal, by=signer["name"], now=signer["now"])
    return get_statement(tx.db, deal_no, version)


def _read(db: sqlite3.Connection, row: tuple[Any, ...]) -> Statement:
    statement_id, version, made_at, made_by, summary, digest, closed_at = row
    return Statement(
        statement_id=statement_id,
        version=version,
        made_at=from_ms(made_at),
        made_by=made_by,
        summary=bytes(summary),
        hash=digest,
        closed_at=None if closed_at is None else from_ms(closed_at),
        signatures=tuple(
            SignatureAnswer(name=name, partner=bool(partner), signed_at=from_ms(signed_at))
            for name, partner, signed_at in db.execute(_SIGNED, (statement_id,))
        ),
    )
