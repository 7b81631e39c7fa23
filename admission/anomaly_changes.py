"""Find deals that become others after people bought them: another price, other days."""

from __future__ import annotations

from datetime import datetime, timedelta

from admission.anomaly_bars import Bars
from admission.deals import Deal, HoldScope
from admission.findings import Finding, FindingKind, Measured
from admission.sales import DealSales


def find_changes(before: Deal, sales: DealSales, bars: Bars, now: datetime) -> list[Finding]:
    """Find what a platform changed of a deal that was sold already.

    Price steps, a rainy week more and a closed day are trade; half the price or less, double or
    more, days taken away from those who bought, or months given to them, are told.

    Args:
        sales: of the deal as it stands now.
    """
    if sales.vouchers == 0:
        return []
    after = sales.deal
    found = [
        _changed(field, old, new, sales, now)
        for field, old, new in (
            ("sale_price_minor", before.sale_price_minor, after.sale_price_minor),
            ("face_price_minor", before.face_price_minor, after.face_price_minor),
        )
        if old is not None and new is not None and _another_price(old, new, bars)
    ]
    spare = timedelta(days=bars.changed_days)
    # A day that is over before it is taken away is nobody's loss.
    taken = after.valid_until < before.valid_until and before.valid_until > now
    if after.valid_from > max(before.valid_from, now) or taken:
        found.append(_window("days_taken", before, sales, now))
    elif (
        after.valid_until > before.valid_until + spare
        or after.valid_from < before.valid_from - spare
    ):
        found.append(_window("days_given", before, sales, now))
    return found


def _another_price(old: int, new: int, bars: Bars) -> bool:
    low, high = sorted((old, new))
    return high > bars.changed_price_times * low


def _changed(field: str, old: int, new: int, sales: DealSales, now: datetime) -> Finding:
    scope = HoldScope(sold_from=now, price_at_most_minor=new) if new < old else HoldScope(now)
    return _finding(field, {"before": old, "after": new}, sales, now, scope)


def _window(subject: str, before: Deal, sales: DealSales, now: datetime) -> Finding:
    after = sales.deal
    measure: dict[str, Measured] = {
        "from_before": before.valid_from.isoformat(),
        "until_before": before.valid_until.isoformat(),
        "from_after": after.valid_from.isoformat(),
        "until_after": after.valid_until.isoformat(),
    }
    return _finding(subject, measure, sales, now, HoldScope())


def _finding(
    subject: str,
    measure: dict[str, Measured],
    sales: DealSales,
    now: datetime,
    scope: HoldScope,
) -> Finding:
    return Finding(
        kind=FindingKind.DEAL_CHANGED,
        subject=subject,
        since=now,
        vouchers=sales.vouchers,
        people=sales.people,
        paid_minor=sales.paid_minor,
        face_minor=sales.people * sales.deal.face_price_minor,
        measure=measure,
        scope=scope,
    )
