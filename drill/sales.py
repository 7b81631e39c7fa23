"""What the platform sells and refunds in the story: rows as it pushes them, made from numbers.

Everything is made up; the same number is the same voucher, code and buyer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from drill.crowd import TWO_IN
from drill.story import FACE_MINOR, HONEST_MINOR, PAID_MINOR, Sizes

PLATFORM: Final = "lvtu"
FLASH: Final = "DRILL-FLASH"
HONEST: Final = "DRILL-DAY"
QUOTA: Final = 5_000
# Visitors hold vouchers from all over the night's sale, each for as many people as they are.
APART: Final = 15
# The first of the night come in a few at a time, as a platform's push tells of each order.
FIRST_ROWS: Final = (5, 10, 15, 20, 50, 100, 400)
ROWS_A_PUSH: Final = 5_000
_NIGHT: Final = timedelta(hours=9)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Voucher:
    """One voucher as it was sold; its code stays out of every message.

    Attributes:
        number: of its deal's vouchers, from 0.
    """

    deal_id: str
    number: int
    code: str
    ref: str
    buyer: str
    admits: int
    paid_minor: int

    def __repr__(self) -> str:
        return f"Voucher({self.deal_id!r}, {self.number})"


class Sales:
    """All that is sold, by number.

    Args:
        begun_at: when the absurd sale began.
    """

    def __init__(self, sizes: Sizes, begun_at: datetime) -> None:
        self.sizes = sizes
        self.begun_at = begun_at

    def flash(self, number: int) -> Voucher:
        """Return a voucher of the mis-sold deal."""
        buyer = number // 2 * 7919 % self.sizes.buyers
        admits = 2 if number % TWO_IN == 0 else 1
        code = f"F{number:07X}-{_mixed(number, 2015):08X}"
        ref = f"FV{number:07}"
        return Voucher(FLASH, number, code, ref, f"user-{buyer}", admits, PAID_MINOR)

    def honest(self, number: int) -> Voucher:
        """Return an ordinary ticket for one day."""
        code = f"D{number:07X}-{_mixed(number, 1978):08X}"
        ref = f"DV{number:07}"
        return Voucher(HONEST, number, code, ref, f"guest-{number}", 1, HONEST_MINOR)

    def all_flash(self) -> Iterator[Voucher]:
        """Give all of the mis-sold deal, in the order of their sale."""
        return map(self.flash, range(self.sizes.sold))

    def all_honest(self) -> Iterator[Voucher]:
        """Give all ordinary tickets."""
        return map(self.honest, range(self.sizes.honest))

    def visitor(self, number: int) -> Voucher:
        """Return what a visitor to whom something was mis-sold holds, by their number from 0."""
        return self.flash(number * APART + number % TWO_IN)

    def row(self, voucher: Voucher) -> Row:
        """Return a sale as it is pushed."""
        flash = voucher.deal_id == FLASH
        share = voucher.number / (self.sizes.sold if flash else self.sizes.honest)
        begun_at = self.begun_at if flash else self.begun_at - timedelta(days=2)
        sold_at = (begun_at + _NIGHT * share).isoformat(timespec="milliseconds")
        return {
            "code": voucher.code,
            "deal_id": voucher.deal_id,
            "voucher_ref": voucher.ref,
            "order_ref": f"{voucher.ref[0]}O{voucher.number // 2:07}",
            "buyer_ref": voucher.buyer,
            "admits": voucher.admits,
            "price_paid_minor": voucher.paid_minor,
            "sold_at": sold_at,
            "updated_at": sold_at,
        }

    def refund(self, voucher: Voucher, at: datetime) -> Row:
        """Return a refund as it is pushed."""
        told = at.isoformat(timespec="milliseconds")
        return self.row(voucher) | {"status": "refunded", "status_at": told, "updated_at": told}


def deals(day: datetime) -> list[Row]:
    """Return both deals as they are pushed.

    Args:
        day: an instant of the day of the visit.
    """
    window = {
        "valid_from": (day - timedelta(days=3)).isoformat(timespec="seconds"),
        "valid_until": (day + timedelta(days=30)).isoformat(timespec="seconds"),
    }
    usual = {"platform": PLATFORM, "rights": "park:1", "currency": "CNY"} | window
    flash = {"deal_id": FLASH, "title": "双园联票 Combined ticket", "quota": QUOTA}
    honest = {"deal_id": HONEST, "title": "一日票 Day ticket", "sale_price_minor": HONEST_MINOR}
    return [
        usual | flash | {"face_price_minor": FACE_MINOR},
        usual | honest | {"face_price_minor": 23_000},
    ]


def parts(rows: Iterable[Row], first: Iterable[int] = ()) -> Iterator[list[Row]]:
    """Cut rows into pushes: the first ones so long, all others of 5,000 rows."""
    lengths, part = iter(first), list[Row]()
    most = next(lengths, ROWS_A_PUSH)
    for row in rows:
        part.append(row)
        if len(part) == most:
            yield part
            part, most = [], next(lengths, ROWS_A_PUSH)
    if part:
        yield part


def fake_code(number: int) -> str:
    """Return a code that nobody sold."""
    return f"X{number:07X}-{_mixed(number, 4711):08X}"


def _mixed(number: int, salt: int) -> int:
    """Return a number that tells nothing of the one that it was made from, 32 bits."""
    mixed = (number * 2_654_435_761 + salt * 40_503) & 0xFFFFFFFF
    for _ in range(2):
        mixed = ((mixed ^ mixed >> 15) * 0x2C1B3C6D) & 0xFFFFFFFF
    return mixed ^ mixed >> 13
