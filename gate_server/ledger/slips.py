"""Arrival slips in the ledger: a code of ours that finds the vouchers of a stamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from admission.calendar import to_ms
from admission.corrections import check_slip
from admission.errors import LedgerConflict
from admission.tokens import Purpose, Token, credential_key, write_token
from admission.vouchers import CredentialKind
from gate_server.keyring import Keyring
from gate_server.ledger.numbers import take_voucher_numbers
from gate_server.ledger.scans import StoredScan, VoucherRow, find_voucher, find_vouchers
from gate_server.ledger.session import Session

_FIND: Final = (
    "SELECT key_id, number, deal_no, first_day, last_day, admits FROM slips WHERE scan_id = ?"
)
_LINK: Final = "INSERT INTO credentials (key, voucher_id, kind) VALUES (?, ?, ?)"
_TELL: Final = "UPDATE vouchers SET more_keys = 1, revision = ? WHERE voucher_id = ?"


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip with its code, made again from its row; `title` is None where several were found."""

    code: str
    last_day: date
    title: str | None


def record_slip(tx: Session, keys: Keyring, scan: StoredScan, *, by: str) -> Slip:
    """Make the slip of an arrival, or return the one that it has.

    Raises:
        LedgerConflict: `not-a-stamp`, or `no-voucher` where the stamp found none.
    """
    check_slip(scan.record, scan.arrival_number)
    rows = _vouchers(tx, scan)
    if not rows:
        raise LedgerConflict("no-voucher", "no voucher stands behind this stamp; tell its number")
    token = _find(tx, scan.scan_id) or _make(tx, keys, scan, rows, by)
    code = write_token(token, keys.token_key(token.key_id).private_key)
    title = rows[0].deal.title if len(rows) == 1 else None
    return Slip(code, token.last_day, title)


def _vouchers(tx: Session, scan: StoredScan) -> list[VoucherRow]:
    if scan.voucher_id is not None:
        row = find_voucher(tx, scan.voucher_id)
        return [] if row is None else [row]
    return [] if scan.credential_key is None else find_vouchers(tx, [scan.credential_key])


def _find(tx: Session, scan_id: int) -> Token | None:
    row = tx.db.execute(_FIND, (scan_id,)).fetchone()
    if row is None:
        return None
    key_id, number, deal_no, first_day, last_day, admits = row
    days = date.fromisoformat(first_day), date.fromisoformat(last_day)
    return Token(key_id, number, deal_no, *days, admits, Purpose.SLIP)


def _make(tx: Session, keys: Keyring, scan: StoredScan, rows: list[VoucherRow], by: str) -> Token:
    day = tx.venue.day_of(scan.record.scan_at)
    admits = min(scan.record.party or sum(row.voucher.admits for row in rows), 0xFF)
    token = Token(
        keys.signing_key(tx.clock()).key_id,
        take_voucher_numbers(tx, 1),
        rows[0].deal.deal_no,
        day,
        day,
        admits,
        Purpose.SLIP,
    )
    tx.db.execute(
        "INSERT INTO slips (scan_id, key_id, number, deal_no, first_day, last_day, admits, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            scan.scan_id,
            token.key_id,
            token.voucher_number,
            token.deal_number,
            day.isoformat(),
            day.isoformat(),
            admits,
            to_ms(tx.clock()),
        ),
    )
    for row in rows:
        voucher_id = row.voucher.voucher_id
        tx.db.execute(_LINK, (credential_key(token), voucher_id, CredentialKind.SLIP.value))
        tx.db.execute(_TELL, (tx.next_revision(), voucher_id))
    tx.record_event("slip", {"scan_id": scan.scan_id, "by": by})
    return token
