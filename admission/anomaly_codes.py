"""Find codes that can be guessed, and codes that two platforms sold."""

from __future__ import annotations

from admission.anomaly_bars import Bars
from admission.code_space import CodeShape
from admission.deals import HoldScope
from admission.findings import Finding, FindingKind
from admission.sales import DealSales


def find_guessable(sales: DealSales, shape: CodeShape, bars: Bars) -> Finding | None:
    """Find a deal whose codes have so few others of their form that one can be hit upon.

    What is compared is the deal's quota, or what was sold of it where that is more or no quota is
    known: so many right codes lie among all that look like them. Who made a code up holds no
    voucher of that price or time, so all of the deal is in scope.
    """
    if shape.codes < bars.code_vouchers:
        return None
    right = max(sales.deal.quota or 0, sales.vouchers, 1)
    if shape.space >= bars.code_space_times * right:
        return None
    return Finding(
        kind=FindingKind.GUESSABLE_CODES,
        vouchers=sales.vouchers,
        people=sales.people,
        paid_minor=sales.paid_minor,
        face_minor=sales.people * sales.deal.face_price_minor,
        measure={"space": round(shape.space), "sold": sales.vouchers, "codes": shape.codes},
        scope=HoldScope(),
    )


def find_twice(sales: DealSales, vouchers: int) -> Finding | None:
    """Find codes of a deal that another platform's vouchers have as well; a scan refers these.

    Args:
        vouchers: of the deal, whose code two platforms hold.
    """
    if vouchers == 0:
        return None
    each = sales.people / max(1, sales.vouchers)
    people = round(each * vouchers)
    return Finding(
        kind=FindingKind.CODE_TWICE,
        vouchers=vouchers,
        people=people,
        face_minor=people * sales.deal.face_price_minor,
        measure={"codes": vouchers},
    )
