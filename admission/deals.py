"""Deals: what a platform sells for the venue, and the rights, windows and holds that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from admission.calendar import Venue

EVERY_DAY = frozenset(range(1, 8))


class Category(StrEnum):
    """Who a deal is for; shown large where it is not `adult`."""

    ADULT = "adult"
    CHILD = "child"
    STUDENT = "student"
    SENIOR = "senior"
    CONCESSION = "concession"
    FAMILY = "family"
    GROUP = "group"
    ANNUAL = "annual"
    STAFF = "staff"


class Reentry(StrEnum):
    """Whether people who went out may come in again."""

    NONE = "none"
    SAME_DAY = "same_day"
    SAME_DAY_STAMP = "same_day_stamp"


@dataclass(frozen=True, slots=True)
class Right:
    """An area that a deal opens.

    Attributes:
        uses: how often each person may enter.
        per_day: whether `uses` renews each venue day.
    """

    area: str
    uses: int = 1
    per_day: bool = False

    def __post_init__(self) -> None:
        if self.uses < 1:
            raise ValueError(f"right {self.area}: uses must be at least 1")


def find_right(rights: tuple[Right, ...], area: str) -> Right | None:
    """Return the right that opens an area."""
    for right in rights:
        if right.area == area:
            return right
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """One version of a time at which the venue was closed, as it binds the vouchers of a deal.

    Attributes:
        committed_at: when the version came into force.
        closed_from: first instant of the closed time; `closed_until` the last.
        extend_until: vouchers that were good in the closed time are good until then.
        used_too: who was let in on a closed day has a new right, once.
        refunds_open: who cannot or will not come again may ask for a refund.
        notice: (Chinese, English) sentences that stand on refusals; None: the standard ones.
        restored: this version ends the closure.
    """

    closure_id: str
    version: int
    committed_at: datetime
    closed_from: datetime
    closed_until: datetime
    extend_until: datetime
    used_too: bool = False
    refunds_open: bool = False
    notice: tuple[str, str] | None = None
    restored: bool = False

    def __post_init__(self) -> None:
        if self.closed_from > self.closed_until:
            raise ValueError("closed_from is after closed_until: nothing was closed")
        if self.extend_until < self.closed_until:
            raise ValueError("extend_until is before closed_until: nobody could come again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """An offer of a platform, as the platform describes it.

    Attributes:
        deal_no: the ledger's ordinal for it; also stands in tokens (3 bytes).
        face_price_minor: price a person on the board, in minor units of `currency`.
        settle_price_minor: what the platform owes the venue a person; None: the face price.
        valid_from: first instant of admission, aware UTC, inclusive.
        valid_until: last instant of admission, aware UTC, inclusive.
        weekdays: ISO weekdays of admission, Monday is 1.
        hours: first and last wall-clock time of admission; None: any.
        gates: gates of admission; empty: all gates of its areas.
        closures: those in force for it; the venue's own word, not the platform's.
    """

    deal_id: str
    platform: str
    title: str
    face_price_minor: int
    currency: str
    valid_from: datetime
    valid_until: datetime
    deal_no: int = 0
    product: str = ""
    category: Category = Category.ADULT
    rights: tuple[Right, ...] = (Right("park"),)
    sale_price_minor: int | None = None
    settle_price_minor: int | None = None
    quota: int | None = None
    sale_from: datetime | None = None
    sale_until: datetime | None = None
    weekdays: frozenset[int] = EVERY_DAY
    not_on: frozenset[date] = frozenset()
    hours: tuple[time, time] | None = None
    early_minutes: int = 0
    late_minutes: int = 0
    gates: frozenset[str] = frozenset()
    reentry: Reentry = Reentry.NONE
    updated_at: datetime | None = None
    closures: tuple[Closure, ...] = ()

    def __post_init__(self) -> None:
        if self.valid_from > self.valid_until:
            raise ValueError(f"deal {self.deal_id}: empty validity window")

    def right_to(self, area: str) -> Right | None:
        """Return the right that opens an area, if the deal has one."""
        return find_right(self.rights, area)

    @property
    def early(self) -> timedelta:
        """How long before a window begins people are let in already."""
        return timedelta(minutes=self.early_minutes)

    @property
    def late(self) -> timedelta:
        """How long after a window ends people are let in still."""
        return timedelta(minutes=self.late_minutes)

    def open_at(self, instant: datetime, venue: Venue) -> bool:
        """Say whether weekday, day and hours of the deal allow an instant."""
        day = venue.day_of(instant)
        if self.hours is None:
            return self.opens_on(day)
        return any(self.opens_on(each) for each in self._days_open(self.hours, instant, venue))

    def within_hours(self, instant: datetime, venue: Venue) -> bool:
        """Say whether the deal's hours allow an instant, on whatever day."""
        return self.hours is None or any(self._days_open(self.hours, instant, venue))

    def _days_open(
        self, hours: tuple[time, time], instant: datetime, venue: Venue
    ) -> Iterator[date]:
        """Yield the venue days within whose hours an instant is."""
        day = venue.day_of(instant)
        # Hours past midnight and late minutes reach into the venue day that follows, early minutes
        # into the one before.
        one = timedelta(days=1)
        for each in (day, day - one, day + one):
            opens, closes = venue.hours_of(each, hours)
            if opens - self.early <= instant <= closes + self.late:
                yield each

    def opens_on(self, day: date) -> bool:
        """Say whether its weekdays allow a venue day, and it is not excepted."""
        return day.isoweekday() in self.weekdays and day not in self.not_on


class AtGate(StrEnum):
    """What a hold does at the gate."""

    REFER = "refer"
    ADMIT_AND_MARK = "admit_and_mark"


@dataclass(frozen=True, slots=True)
class HoldScope:
    """Which vouchers of a deal a hold is about; a bound that is None does not bound.

    Attributes:
        price_at_most_minor: price a person, in minor units of the deal's currency.
        any_price_from: what was sold from then on is in scope too, whatever its price.
    """

    sold_from: datetime | None = None
    sold_until: datetime | None = None
    price_at_most_minor: int | None = None
    any_price_from: datetime | None = None

    def covers(self, *, sold_at: datetime | None, price_minor: int | None, admits: int) -> bool:
        """Say whether a voucher is in scope; one without price or time of sale is.

        Args:
            price_minor: price paid for the whole voucher.
        """
        start = self.any_price_from
        if start is not None and (sold_at is None or sold_at >= start):
            return True
        if sold_at is not None:
            if self.sold_from is not None and sold_at < self.sold_from:
                return False
            if self.sold_until is not None and sold_at > self.sold_until:
                return False
        if price_minor is None or self.price_at_most_minor is None:
            return True
        return price_minor <= self.price_at_most_minor * admits


@dataclass(frozen=True, slots=True)
class Hold:
    """Vouchers of a deal that await a human's decision."""

    since: datetime
    reason: str
    scope: HoldScope = HoldScope()
    at_gate: AtGate = AtGate.REFER
