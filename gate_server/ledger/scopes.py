"""Count what a hold would be about: a deal's vouchers in its scope, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from admission.deals import HoldScope
from admission.vouchers import Status
from gate_server.ledger.catalogue import instant
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.reports import PAGE_ROWS, pages

# Alike ones are looked at once: a deal has many vouchers, sold at few prices a second.
_STANDING = """
SELECT sold_at, price_paid_minor, admits, COUNT(*), MAX(voucher_id) FROM (
    SELECT * FROM vouchers
    WHERE deal_no = ? AND voucher_id > ? AND parent_id IS NULL AND status IN (?, ?)
    ORDER BY voucher_id LIMIT ?
) GROUP BY sold_at, price_paid_minor, admits
"""


@dataclass(slots=True)
class InScope:
    """Vouchers that a hold would be about, and the people they admit."""

    vouchers: int = 0
    people: int = 0


def count_scope(
    ledger: Ledger,
    deal_no: int,
    scope: HoldScope,
    *,
    pause: Callable[[], object],
    page_rows: int = PAGE_ROWS,
) -> InScope:
    """Count a deal's vouchers in a scope; those cancelled or refunded are not held.

    Args:
        pause: called for all that are alike, so that scans go first.
        page_rows: vouchers that one read transaction reads.
    """
    found = InScope()

    def read(db: sqlite3.Connection, after: int) -> list[tuple[int, ...]]:
        known = deal_no, after, Status.VALID.value, Status.BLOCKED.value, page_rows
        return db.execute(_STANDING, known).fetchall()

    for page in pages(ledger, read):
        for sold_at, price, admits, vouchers, _ in page:
            pause()
            if scope.covers(sold_at=instant(sold_at), price_minor=price, admits=admits):
                found.vouchers += vouchers
                found.people += vouchers * admits
    return found
