"""How far an order has come in: read beside the writer, only for whoever asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from admission.calendar import Venue
from admission.deals import Deal
from admission.history import Terms, fold
from gate_server.ledger.scans import records_by_key

MOST_VOUCHERS: Final = 400
"""Of an order: a larger one is told nothing, rather than half of it."""

OrderKeys = Callable[[str], tuple[bytes, ...]]
"""Hashes an order's number under every code key."""

# A ticket is of the order of what was exchanged for it.
_ORDER: Final = """
SELECT s.voucher_id, s.order_ref, s.platform
FROM vouchers v JOIN vouchers s ON s.voucher_id = COALESCE(v.parent_id, v.voucher_id)
WHERE v.voucher_id = ?
"""
_TICKETS: Final = "SELECT voucher_id, credential_key FROM vouchers WHERE parent_id = ?"
_MEMBERS: Final = """
SELECT v.voucher_id, v.credential_key, v.admits, v.deal_no
FROM credentials c JOIN vouchers v ON v.voucher_id = c.voucher_id
WHERE c.key = ? AND c.kind = 'order' AND v.platform = ? AND v.parent_id IS NULL LIMIT ?
"""
_ALONE: Final = """
SELECT voucher_id, credential_key, admits, deal_no FROM vouchers WHERE voucher_id = ?
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """People of an order who were let into an area, of all that it admits there."""

    admitted: int
    admits: int


def find_progress(
    db: sqlite3.Connection,
    voucher_id: int,
    *,
    deals: Mapping[int, Deal],
    venue: Venue,
    order_keys: OrderKeys,
    area: str,
    day: date,
) -> Progress | None:
    """Return how far a voucher's order has come; None where it is one person's, or very large.

    Whoever came in on a ticket came in on the voucher that was exchanged for it.
    """
    members = _members(db, voucher_id, order_keys)
    admits = sum(each[2] for each in members)
    if admits < 2 or len(members) > MOST_VOUCHERS:
        return None
    admitted = 0
    for member_id, key, people, deal_no in members:
        names = [(member_id, key), *db.execute(_TICKETS, (member_id,)).fetchall()]
        records = [each for number, its in names for each, _ in records_by_key(db, its, number)]
        if not records:
            continue
        deal = deals[deal_no]
        terms = Terms(people, deal.reentry, deal.rights, closures=deal.closures)
        history = fold(records, terms, venue)
        admitted += min(people, history.use_of(area).used_of(terms.right_to(area), day))
    return Progress(admitted, admits)


def _members(
    db: sqlite3.Connection, voucher_id: int, order_keys: OrderKeys
) -> list[tuple[int, bytes, int, int]]:
    found = db.execute(_ORDER, (voucher_id,)).fetchone()
    if found is None:
        return []
    sold_id, order_ref, platform = found
    members: dict[int, tuple[int, bytes, int, int]] = {}
    for key in () if order_ref is None else order_keys(order_ref):
        for row in db.execute(_MEMBERS, (key, platform, MOST_VOUCHERS + 1)):
            members[row[0]] = row
    # A voucher whose order's number is its code has no link to itself.
    for row in db.execute(_ALONE, (sold_id,)):
        members[row[0]] = row
    return list(members.values())
