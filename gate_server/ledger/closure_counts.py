"""Count what a closure comes to, deal by deal and page by page; nothing is changed.

The writer is never asked, and no read transaction is longer than a page.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Final, TypeAlias

from admission.closures import find_extension, in_order, was_in
from admission.deals import Closure, Deal
from admission.history import Terms, fold
from admission.vouchers import Status, Voucher
from admission.wire_terms import ClosureCounts
from gate_server.ledger.catalogue import instant
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.reports import list_scanned, pages

_SOLD: Final = (
    "SELECT valid_from, valid_until, admits, price_paid_minor, buyer_no, voucher_id FROM vouchers"
    " WHERE deal_no = ? AND voucher_id > ? AND status IN (?, ?) AND parent_id IS NULL"
    " AND refund_listed_at IS NULL ORDER BY voucher_id LIMIT ?"
)


_PAGE_ROWS: Final = 2_000

_FindGain: TypeAlias = Callable[[int | None, int | None], tuple[bool, bool]]
"""Says of a window whether a closure binds it, and whether it is longer by that."""


@dataclass(slots=True)
class _Count:
    vouchers: int = 0
    people: int = 0
    extended: int = 0
    used_vouchers: int = 0
    used_people: int = 0
    inside: int = 0
    paid_minor: Counter[str] = field(default_factory=Counter)
    buyers: set[int] = field(default_factory=set)


def count_closure(
    ledger: Ledger,
    closure: Closure,
    deals: Sequence[Deal],
    now: datetime,
    *,
    pause: Callable[[], object] = lambda: None,
) -> ClosureCounts:
    """Return what a closure comes to over the deals that it binds.

    Args:
        pause: called now and then, so that scans go first.
    """
    count = _Count()
    for deal in deals:
        others = tuple(c for c in deal.closures if c.closure_id != closure.closure_id)
        _add_sold(count, ledger, replace(deal, closures=others), closure, pause)
        _add_scanned(count, ledger, deal, closure, now)
    return ClosureCounts(
        vouchers=count.vouchers,
        people=count.people,
        buyers=len(count.buyers),
        paid_minor=dict(count.paid_minor),
        extended=count.extended,
        used_vouchers=count.used_vouchers,
        used_people=count.used_people,
        new_rights=count.used_people if closure.used_too else 0,
        inside=count.inside,
    )


def _add_sold(
    count: _Count, ledger: Ledger, without: Deal, closure: Closure, pause: Callable[[], object]
) -> None:
    venue = ledger.venue
    bound = replace(without, closures=in_order((*without.closures, closure)))

    # Almost all vouchers of a deal have its own window.
    @cache
    def find_gain(valid_from: int | None, valid_until: int | None) -> tuple[bool, bool]:
        begins, ends = instant(valid_from), instant(valid_until)
        voucher = Voucher(voucher_id=0, tail="", valid_from=begins, valid_until=ends)
        before = find_extension(voucher, without, venue)
        after = find_extension(voucher, bound, venue)
        if after is None or (before is not None and before.days == after.days):
            return False, False
        own = voucher.valid_until or without.valid_until
        return True, after.until > (own if before is None else before.until)

    for page in pages(ledger, lambda db, after: _page(db, without.deal_no, after)):
        _add_page(count, page, find_gain, without.currency)
        pause()


def _add_page(
    count: _Count, page: Iterable[tuple[int, ...]], find_gain: _FindGain, currency: str
) -> None:
    for valid_from, valid_until, admits, price, buyer_no, _ in page:
        bound, extended = find_gain(valid_from, valid_until)
        if not bound:
            continue
        count.vouchers += 1
        count.people += admits
        count.extended += extended
        count.paid_minor[currency] += price or 0
        if buyer_no is not None:
            count.buyers.add(buyer_no)


def _page(db: sqlite3.Connection, deal_no: int, after: int) -> list[tuple[int, ...]]:
    where = deal_no, after, Status.VALID, Status.BLOCKED, _PAGE_ROWS
    return db.execute(_SOLD, where).fetchall()


def _add_scanned(
    count: _Count, ledger: Ledger, deal: Deal, closure: Closure, now: datetime
) -> None:
    venue = ledger.venue
    day = venue.day_of(now)
    for scanned in list_scanned(ledger, deal.deal_no):
        terms = Terms(scanned.admits, deal.reentry, deal.rights, closures=(closure,))
        history = fold(scanned.records, terms, venue)
        count.inside += history.inside_venue(day)
        came: Counter[str] = Counter()
        for use in history.uses:
            if was_in(closure, use.at, venue):
                came[use.area] += use.people
        people = min(scanned.admits, max(came.values(), default=0))
        if scanned.valid and people:
            count.used_vouchers += 1
            count.used_people += people
