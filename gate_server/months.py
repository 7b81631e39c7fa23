"""Make a platform's statement of an ordinary month, from what is on record of all its deals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial

from admission.calendar import Venue
from admission.deals import Deal
from admission.errors import LedgerConflict, NotFound
from admission.settlement_months import Months, MonthSums, month_of
from admission.wire_months import Correction, MonthAnswer, MonthDeal
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.months import (
    booked,
    close_month,
    closed_months,
    eventful_hours,
    find_month,
)
from gate_server.ledger.settlements import find_basis, newest_voucher, walk

_NOTHING = MonthSums()


def make_month(ledger: Ledger, platform: str, month: str) -> MonthAnswer:
    """Return a platform's month; a closed one as it was told when it was closed.

    Raises:
        NotFound: no deal is of that platform, or the month has not begun.
    """
    if month > month_of(ledger.clock(), ledger.venue):
        raise NotFound(f"{month} has not begun yet")
    kept = ledger.read(lambda db: find_month(db, platform, month))
    return kept or _made(ledger, platform, month)


def list_months(ledger: Ledger, most: int) -> dict[str, list[str]]:
    """Return by platform which months there is something to see of, the newest first.

    Those are the running one, and of the `most` before it those that are closed, or in which people
    came in or vouchers were refunded.
    """
    venue = ledger.venue
    running = month_of(ledger.clock(), venue)
    first = date.fromisoformat(f"{running}-01")
    for _ in range(most):
        first = (first - timedelta(days=1)).replace(day=1)
    oldest = f"{first:%Y-%m}"
    found = {deal.platform: {running} for deal in ledger.catalogue.deals.values()}
    for platform, at in ledger.read(lambda db: eventful_hours(db, venue.day_bounds(first)[0])):
        found[platform].add(month_of(at, venue))
    for platform, months in found.items():
        months.update(ledger.read(partial(closed_months, platform=platform)))
    return {
        platform: sorted((each for each in months if oldest <= each <= running), reverse=True)
        for platform, months in sorted(found.items())
    }


def close(ledger: Ledger, platform: str, month: str, *, by: str) -> MonthAnswer:
    """Close a month: book it, and with it what has changed in those closed before.

    Raises:
        LedgerConflict: `month-open`: it has not ended; `month-closed`, `months-in-order`.
    """
    if ledger.clock() <= last_instant(month, ledger.venue):
        raise LedgerConflict("month-open", f"{month} has not ended yet")
    closed = ledger.read(lambda db: closed_months(db, platform))
    if month in closed:
        raise LedgerConflict("month-closed", f"{month} is closed already")
    answer = _made(ledger, platform, month)
    deal_nos = dict(ledger.catalogue.deal_nos)
    return ledger.write(lambda tx: close_month(tx, answer, deal_nos, by=by))


def last_instant(month: str, venue: Venue) -> datetime:
    """Return the last instant of a month's last venue day."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return venue.day_bounds(following - timedelta(days=1))[1]


def deals_of(ledger: Ledger, platform: str) -> list[Deal]:
    """Return a platform's deals.

    Raises:
        NotFound: it has none.
    """
    deals = [deal for deal in ledger.catalogue.deals.values() if deal.platform == platform]
    if not deals:
        raise NotFound(f"no deal is of a platform {platform}")
    return sorted(deals, key=lambda deal: deal.deal_id)


def _made(ledger: Ledger, platform: str, month: str) -> MonthAnswer:
    deals, as_of = deals_of(ledger, platform), ledger.clock()
    before = ledger.read(lambda db: booked(db, platform, month))
    closed = [each for each in ledger.read(lambda db: closed_months(db, platform)) if each < month]
    lines: list[MonthDeal] = []
    corrections: list[Correction] = []
    for deal in deals:
        sums = _sums(ledger, deal, as_of)
        if month in sums:
            lines.append(_line(deal, sums[month]))
        corrections += _corrections(deal, sums, closed, before)
    owed: Counter[str] = Counter()
    currencies = {deal.deal_id: deal.currency for deal in deals}
    due = [(each.deal_id, each.owed_minor) for each in lines]
    due += [(each.deal_id, each.owed_minor) for each in corrections]
    for deal_id, minor in due:
        owed[currencies[deal_id]] += minor
    return MonthAnswer(
        platform=platform,
        month=month,
        as_of=as_of,
        closed_at=None,
        closed_by=None,
        deals=lines,
        corrections=corrections,
        owed_minor=dict(owed),
    )


def _sums(ledger: Ledger, deal: Deal, as_of: datetime) -> Mapping[str, MonthSums]:
    months = Months(ledger.venue)
    basis = find_basis(ledger, deal.deal_id, as_of)
    for row in walk(ledger, basis, ledger.read(newest_voucher)):
        months.add(row)
    return months.sums


def _line(deal: Deal, sums: MonthSums) -> MonthDeal:
    settle = deal.settle_price_minor
    return MonthDeal(
        deal_id=deal.deal_id,
        title=deal.title,
        currency=deal.currency,
        price_minor=deal.face_price_minor if settle is None else settle,
        people=dict(sums.people),
        charged=sums.charged,
        owed_minor=sums.owed_minor,
        disputed_minor=sums.disputed_minor,
        refunded=sums.refunded,
        refunds_minor=sums.refunds_minor,
        annulled=sums.annulled,
    )


def _corrections(
    deal: Deal,
    sums: Mapping[str, MonthSums],
    closed: list[str],
    before: Mapping[tuple[str, int], tuple[int, int]],
) -> Iterator[Correction]:
    for month in closed:
        now = sums.get(month, _NOTHING)
        people, owed = before.get((month, deal.deal_no), (0, 0))
        if (now.charged, now.owed_minor) != (people, owed):
            yield Correction(
                month=month,
                deal_id=deal.deal_id,
                people=now.charged - people,
                owed_minor=now.owed_minor - owed,
            )
