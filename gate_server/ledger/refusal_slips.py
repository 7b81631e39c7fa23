"""Slips of refused visitors in the ledger: a code that proves a scan, and each copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from admission.calendar import from_ms, to_ms
from admission.refusal_slips import Proof, check_refused, number_of, read_proof
from admission.tokens import Purpose, Token, write_token
from admission.verdicts import Reason
from gate_server.keyring import Keyring
from gate_server.ledger.corrections import row_of
from gate_server.ledger.numbers import take_voucher_numbers
from gate_server.ledger.scans import StoredScan
from gate_server.ledger.session import Session

_FIND: Final = "SELECT key_id, number, deal_no, day, people FROM refusal_slips WHERE scan_id = ?"
_ASKED: Final = "SELECT copy FROM refusal_copies WHERE scan_id = ? AND printed_by = ? AND asked = ?"
_LAST: Final = "SELECT COALESCE(MAX(copy), 0) FROM refusal_copies WHERE scan_id = ?"
_PROVEN: Final = """
SELECT s.scan_at, s.gate_id, s.tail, COALESCE(s.shown_reason, s.reason)
FROM refusal_slips r JOIN scans s ON s.scan_id = r.scan_id
WHERE r.key_id = ? AND r.number = ?
"""
_MOST_PEOPLE: Final = 0xFF


@dataclass(frozen=True, slots=True)
class RefusalSlip:
    """A slip as it is printed; its code is made again from its row."""

    number: str
    copy: int
    code: str


@dataclass(frozen=True, slots=True)
class Printing:
    """Who prints a slip.

    Attributes:
        asked: the asker's nonce, so that a lost answer is no copy more.
        operator: who stood at the lane.
    """

    by: str
    asked: str | None = None
    operator: str | None = None


def record_refusal_slip(
    tx: Session, keys: Keyring, scan: StoredScan, printing: Printing
) -> RefusalSlip:
    """Make the slip of a refused scan, or one more copy of the one that it has; audited.

    Raises:
        LedgerConflict: `not-an-entry`, `admitted-already` or `not-refused`.
    """
    check_refused(scan.record)
    token = _find(tx, scan.scan_id) or _make(tx, keys, scan)
    copy = _copy(tx, scan.scan_id, number_of(token.key_id, token.voucher_number), printing)
    code = write_token(token, keys.token_key(token.key_id).private_key)
    return RefusalSlip(number_of(token.key_id, token.voucher_number), copy, code)


def find_proof(tx: Session, token: Token | None) -> Proof | None:
    """Return what a token proves, where it is that of a refusal slip.

    A ledger that was restored may lack the row; then the signature alone speaks.
    """
    proof = read_proof(token)
    if proof is None or token is None:
        return None
    row = tx.db.execute(_PROVEN, (token.key_id, token.voucher_number)).fetchone()
    if row is None:
        return proof
    scan_at, gate_id, tail, reason = row
    return Proof(
        proof.number, proof.day, proof.people, from_ms(scan_at), gate_id, tail, Reason(reason)
    )


def _find(tx: Session, scan_id: int) -> Token | None:
    row = tx.db.execute(_FIND, (scan_id,)).fetchone()
    if row is None:
        return None
    key_id, number, deal_no, day, people = row
    return _token(key_id, number, deal_no, date.fromisoformat(day), people)


def _token(key_id: int, number: int, deal_no: int, day: date, people: int) -> Token:
    return Token(key_id, number, deal_no, day, day, people, Purpose.REFUSAL)


def _make(tx: Session, keys: Keyring, scan: StoredScan) -> Token:
    row = row_of(tx, scan)
    token = _token(
        keys.signing_key(tx.clock()).key_id,
        take_voucher_numbers(tx, 1),
        0 if row is None else row.deal.deal_no,
        tx.venue.day_of(scan.record.scan_at),
        min(scan.record.party or 1, _MOST_PEOPLE),
    )
    tx.db.execute(
        "INSERT INTO refusal_slips (scan_id, key_id, number, deal_no, day, people)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            scan.scan_id,
            token.key_id,
            token.voucher_number,
            token.deal_number,
            token.first_day.isoformat(),
            token.admits,
        ),
    )
    return token


def _copy(tx: Session, scan_id: int, number: str, printing: Printing) -> int:
    """Note that a slip is printed; return which copy it is."""
    if printing.asked is not None:
        row = tx.db.execute(_ASKED, (scan_id, printing.by, printing.asked)).fetchone()
        if row is not None:
            return int(row[0])
    copy = int(tx.db.execute(_LAST, (scan_id,)).fetchone()[0]) + 1
    tx.db.execute(
        "INSERT INTO refusal_copies (scan_id, copy, asked, printed_at, printed_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (scan_id, copy, printing.asked, to_ms(tx.clock()), printing.by),
    )
    fields = {"scan_id": scan_id, "slip": number, "copy": copy, "by": printing.by}
    person = {} if printing.operator is None else {"operator": printing.operator}
    tx.record_event("refusal_slip", fields, personal=person)
    return copy
