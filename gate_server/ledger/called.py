"""Read what stands behind scans that were not let in: the voucher's end, its deal, its people."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from admission.history import Record
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.scans import StoredScan, find_stored


@dataclass(frozen=True, slots=True)
class Called:
    """A scan as whoever answers for it reads it.

    Attributes:
        tail: the end of the code; None where nothing of it is kept.
        titles: of the deals of its vouchers, each once; none where the code finds no voucher.
        asked: people that the device said stand there; None where it did not say.
        vouchers: how many it finds.
        left: people whom its vouchers could still let in, as told then; None without a voucher.
    """

    record: Record
    tail: str | None
    titles: tuple[str, ...]
    asked: int | None
    vouchers: int
    left: int | None


def list_called(ledger: Ledger, scans: Iterable[tuple[str, str]]) -> list[Called | None]:
    """Return what stands behind scans, by device and nonce; None for one that is not recorded."""
    return ledger.read(lambda db: [_find(db, ledger, *each) for each in scans])


def _find(db: sqlite3.Connection, ledger: Ledger, device_id: str, nonce: str) -> Called | None:
    scan = find_stored(db, device_id, nonce)
    if scan is None:
        return None
    left = _left(scan)
    found = (_title(db, ledger, voucher_id) for voucher_id in left)
    titles = tuple(dict.fromkeys(title for title in found if title is not None))
    people = sum(left.values()) if left else None
    return Called(scan.record, scan.tail, titles, scan.record.party, len(left), people)


def _left(scan: StoredScan) -> dict[int, int]:
    """Return the vouchers of a scan, and how many people each could still let in."""
    if scan.voucher_id is not None:
        return {scan.voucher_id: scan.remaining}
    several = scan.detail.get("several")
    return {int(row): int(left) for row, left in several} if isinstance(several, list) else {}


def _title(db: sqlite3.Connection, ledger: Ledger, voucher_id: int) -> str | None:
    sql = "SELECT deal_no FROM vouchers WHERE voucher_id = ?"
    row = db.execute(sql, (voucher_id,)).fetchone()
    deal = None if row is None else ledger.catalogue.deals.get(row[0])
    return None if deal is None else deal.title
