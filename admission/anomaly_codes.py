"""Find codes that can be guessed, and codes that two platforms sold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from admission.anomaly_bars import Bars
from admission.code_space import CodeShape
from admission.deals import HoldScope
from admission.findings import Finding, FindingKind, Measured
from admission.sales import DealSales

_NEAR: Final = 3
"""So far apart at most are running numbers, where some are given back or go to other deals."""


def running_share(tails: Sequence[str]) -> float:
    """Return how many codes follow close on the one that was sold before them, as a share.

    Args:
        tails: the codes' last characters, in the order of sale. Of random numbers of four digits,
            one in two thousand is so near to another.
    """
    followers = list(pairwise(tails))
    near = [
        one.isdecimal()
        and other.isdecimal()
        and len(one) == len(other)
        and 0 < abs(int(other) - int(one)) <= _NEAR
        for one, other in followers
    ]
    return sum(near) / max(1, len(near))


def find_running(sales: DealSales, tails: Sequence[str], bars: Bars) -> Finding | None:
    """Find a deal whose codes are running numbers: who has one knows the others."""
    share = running_share(tails)
    if len(tails) < bars.code_vouchers or share < bars.code_running_share:
        return None
    return _guessable(sales, "running", {"share": round(share, 4), "sold": sales.vouchers})


def find_guessable(sales: DealSales, shape: CodeShape, bars: Bars) -> Finding | None:
    """Find a deal whose codes have so few others of their form that one can be hit upon.

    What is compared is the deal's quota, or what was sold of it where that is more or no quota is
    known: so many right codes lie among all that look like them.
    """
    if shape.codes < bars.code_vouchers:
        return None
    right = max(sales.deal.quota or 0, sales.vouchers, 1)
    if shape.space >= bars.code_space_times * right:
        return None
    measure: dict[str, Measured] = {
        "space": round(shape.space),
        "sold": sales.vouchers,
        "codes": shape.codes,
    }
    return _guessable(sales, "", measure)


def _guessable(sales: DealSales, subject: str, measure: dict[str, Measured]) -> Finding:
    """Who made a code up holds no voucher of a price or a time, so all of the deal is in scope."""
    return Finding(
        kind=FindingKind.GUESSABLE_CODES,
        subject=subject,
        vouchers=sales.vouchers,
        people=sales.people,
        paid_minor=sales.paid_minor,
        face_minor=sales.people * sales.deal.face_price_minor,
        measure=measure,
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
