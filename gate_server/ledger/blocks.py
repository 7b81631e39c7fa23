"""Read blocks for people, and what the blocked accounts bought."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from admission.blocks import BlockOrigin
from admission.calendar import from_ms
from gate_server.ledger.appeals import Appeal, list_appeals
from gate_server.ledger.catalogue import instant
from gate_server.ledger.ledger import Ledger

PAGE_ROWS: Final = 20_000
_BLOCKS: Final = (
    "SELECT revision, buyer_no, platform, origin, origin_id, reason, created_at, created_by,"
    " expires_at, lifted_at, lifted_by, lift_reason FROM blocks ORDER BY revision DESC"
)
# A scan that came before its voucher has no voucher yet.
_BOUGHT: Final = """
SELECT v.buyer_no, v.deal_no, v.admits, v.sold_at, EXISTS (SELECT 1 FROM scans s
    WHERE s.credential_key = v.credential_key
        AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL))
FROM vouchers v WHERE v.voucher_id > ? AND v.voucher_id <= ? AND v.parent_id IS NULL
    AND v.buyer_no IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A buyer's account that must see a supervisor, or had to."""

    block_id: int
    buyer_no: int
    platform: str
    origin: BlockOrigin
    origin_id: str | None
    reason: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None
    appeals: tuple[Appeal, ...] = ()


@dataclass(slots=True)
class Bought:
    """What an account bought; paper tickets count with their voucher.

    Attributes:
        deals: by number.
        scanned: vouchers that were presented.
    """

    vouchers: int = 0
    people: int = 0
    deals: set[int] = field(default_factory=set)
    first_sold_at: datetime | None = None
    last_sold_at: datetime | None = None
    scanned: int = 0

    def add(self, deal_no: int, admits: int, sold_at: datetime | None, *, scanned: bool) -> None:
        """Count one voucher."""
        self.vouchers += 1
        self.people += admits
        self.deals.add(deal_no)
        self.scanned += scanned
        if sold_at is not None:
            self.first_sold_at = min(self.first_sold_at or sold_at, sold_at)
            self.last_sold_at = max(self.last_sold_at or sold_at, sold_at)


def list_blocks(ledger: Ledger) -> list[Block]:
    """Return all blocks, the newest first."""
    return ledger.read(_list_blocks)


def _list_blocks(db: sqlite3.Connection) -> list[Block]:
    appeals = list_appeals(db)
    return [
        Block(
            number,
            buyer_no,
            platform,
            BlockOrigin(origin),
            origin_id,
            reason,
            from_ms(created_at),
            created_by,
            instant(expires_at),
            instant(lifted_at),
            lifted_by,
            lift_reason,
            tuple(appeals.get(number, ())),
        )
        for (number, buyer_no, platform, origin, origin_id, reason, created_at, created_by,
             expires_at, lifted_at, lifted_by, lift_reason) in db.execute(_BLOCKS)
    ]  # fmt: skip


def read_bought(ledger: Ledger, buyers: Collection[int]) -> dict[int, Bought]:
    """Return what accounts bought, by their numbers; one that bought nothing is not among them."""
    found: dict[int, Bought] = {}
    if not buyers:
        return found
    wanted = msgspec.json.encode(sorted(buyers)).decode()
    newest = ledger.read(
        lambda db: db.execute("SELECT MAX(voucher_id) FROM vouchers").fetchone()[0]
    )
    for last in range(0, newest or 0, PAGE_ROWS):
        bounds = last, last + PAGE_ROWS, wanted
        page = ledger.read(lambda db: db.execute(_BOUGHT, bounds).fetchall())  # noqa: B023
        for buyer_no, deal_no, admits, sold_at, scanned in page:
            bought = found.setdefault(buyer_no, Bought())
            bought.add(deal_no, admits, instant(sold_at), scanned=bool(scanned))
    return found
