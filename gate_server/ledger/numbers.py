"""Numbers that the ledger gives out and never again."""

from __future__ import annotations

from admission.errors import LedgerRefused
from gate_server.ledger.session import Session

_MOST_VOUCHERS = 1 << 32


def take_voucher_numbers(tx: Session, count: int) -> int:
    """Take numbers for tokens of ours and return the first; a gap after a crash does no harm."""
    sql = (
        "UPDATE venue SET next_voucher_number = next_voucher_number + ?"
        " RETURNING next_voucher_number - ?"
    )
    first = int(tx.db.execute(sql, (count, count)).fetchone()[0])
    if first + count > _MOST_VOUCHERS:
        raise LedgerRefused("all 4,294,967,295 voucher numbers are used up; rotate the token key")
    return first
