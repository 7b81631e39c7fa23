"""What was sold of a deal, added up: what the look at sales needs, and no single voucher."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from admission.deals import Deal


class PriceSales(NamedTuple):
    """Vouchers of a deal that are alike in price and people; cancelled ones do not count.

    Attributes:
        price_minor: paid for the whole voucher; None: the platform did not say.
        first_at, last_at: when such a voucher was first and last sold, where that was said.
    """

    price_minor: int | None
    admits: int
    vouchers: int
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def people(self) -> int:
        """How many people they admit."""
        return self.vouchers * self.admits

    @property
    def paid_minor(self) -> int:
        """What was paid for all of them."""
        return self.vouchers * (self.price_minor or 0)

    @property
    def unit_minor(self) -> float:
        """The price a person; endless where it is unknown, so that it is never low."""
        return float("inf") if self.price_minor is None else self.price_minor / self.admits


class HourSales(NamedTuple):
    """One hour in which much was sold, beside what is usual.

    Attributes:
        hours_before: earlier hours in which the deal was sold at all.
        busiest_before: most people in one of them.
        busiest_other: most people of any other deal in one hour of the day that ends with it.
    """

    begins_at: datetime
    people: int
    vouchers: int
    hours_before: int
    busiest_before: int
    busiest_other: int


class BuyerSales(NamedTuple):
    """What one buyer bought of a deal within one week.

    Attributes:
        buyer_no: the ledger's number for the account.
        week: counted since 1970.
    """

    buyer_no: int
    week: int
    people: int


class WindowSales(NamedTuple):
    """People of a deal whose vouchers are valid from one instant to another."""

    deal: Deal
    valid_from: datetime
    valid_until: datetime
    people: int


class QuotaPassed(NamedTuple):
    """When the sale passed the deal's quota, where it did.

    Attributes:
        at: the first sale beyond the quota.
        honest_at: the first beyond it if sales at an absurd price are left out.
    """

    at: datetime | None = None
    honest_at: datetime | None = None


@dataclass(frozen=True)
class DealSales:
    """All that the look at one deal needs.

    Attributes:
        lowest_told_minor: lowest price that the platform ever declared and meant; None: none.
        hours, buyers: those that the newest sales touched, where they are large.
    """

    deal: Deal
    prices: tuple[PriceSales, ...]
    lowest_told_minor: int | None = None
    hours: tuple[HourSales, ...] = ()
    buyers: tuple[BuyerSales, ...] = ()
    passed: QuotaPassed = field(default_factory=QuotaPassed)

    @cached_property
    def vouchers(self) -> int:
        """How many were sold."""
        return sum(each.vouchers for each in self.prices)

    @cached_property
    def people(self) -> int:
        """How many people they admit."""
        return sum(each.people for each in self.prices)

    @cached_property
    def paid_minor(self) -> int:
        """What was paid for them, as far as it was said."""
        return sum(each.paid_minor for each in self.prices)

    @property
    def last_at(self) -> datetime | None:
        """When the last of them was sold."""
        return max((each.last_at for each in self.prices if each.last_at is not None), default=None)
