"""Sales as a venue's feeds bring them, made up and labelled: the parts, and the sale of 2015.

Pure Python and a seed: the same seed makes the same sales. What stands here and in `sales_year.py`
and `sales_faults.py` was written before the detector in `admission/` that is measured with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from admission.calendar import Venue, from_ms, to_ms
from admission.deals import Category, Deal

VENUE: Final = Venue(ZoneInfo("Asia/Shanghai"))
DAY: Final = timedelta(days=1)
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FACE_MINOR: Final = 26_000
THE_NIGHT: Final = datetime(2015, 2, 11, 9, 0, tzinfo=UTC)  # 17:00 at the venue
THE_NIGHTS_VOUCHERS: Final = 206_865
PLATFORMS: Final = ("lvtu", "meiyou", "zouba", "piaofan", "own")

# How much is bought in each hour of a day, by the venue's clock.
_HOURS: Final = (2, 1, 1, 0, 0, 0, 1, 3, 6, 9, 11, 11, 10, 8, 8, 8, 8, 9, 10, 12, 13, 12, 9, 5)
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Sale:
    """One row about a voucher, as it reaches the venue.

    Attributes:
        at_ms: when the row arrives; `sold_ms` when it was sold.
        valid_on: the one day that it is for; None: its deal's window.
        visit: the day on which its people would come.
    """

    at_ms: int
    sold_ms: int
    code: str
    deal_id: str
    price_minor: int
    buyer: str
    admits: int = 1
    valid_on: date | None = None
    status: str = "valid"
    visit: date | None = None

    def row(self) -> dict[str, str]:
        """Return it as a row of the voucher file."""
        row = {
            "code": self.code,
            "deal_id": self.deal_id,
            "buyer_ref": self.buyer,
            "admits": str(self.admits),
            "price_paid_minor": str(self.price_minor),
            "status": self.status,
            "sold_at": from_ms(self.sold_ms).isoformat(),
            "updated_at": from_ms(self.at_ms).isoformat(),
        }
        if self.valid_on is not None:
            row |= {"valid_from": self.valid_on.isoformat()}
            row |= {"valid_until": self.valid_on.isoformat()}
        return row


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal as its platform describes it from an instant on."""

    at_ms: int
    deal: Deal


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a deal, for whoever counts what was found.

    Attributes:
        kind: what must be found; `also`: what is true as well, and no error to find.
        codes: the vouchers that it touches; empty where it is the deal's own row.
    """

    deal_id: str
    name: str
    kind: str
    from_ms: int
    codes: frozenset[str]
    also: frozenset[str] = frozenset()


@dataclass(slots=True)
class World:
    """What one venue's feeds bring in some weeks.

    Attributes:
        capacity: most people that the venue takes on one day.
    """

    deals: list[DealRow] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    capacity: int = 0

    def add(self, deals: Iterable[DealRow], sales: Iterable[Sale]) -> None:
        """Let a deal be sold as well."""
        self.deals.extend(deals)
        self.sales.extend(sales)

    def finish(self) -> World:
        """Bring all into the order of arrival, and make the venue just large enough."""
        self.deals.sort(key=lambda row: row.at_ms)
        self.sales.sort(key=lambda sale: (sale.at_ms, sale.code))
        people: dict[date, int] = {}
        for sale in self.sales:
            if sale.visit is not None and sale.status == "valid":
                people[sale.visit] = people.get(sale.visit, 0) + sale.admits
        # The fullest day of an honest year fills 97 of 100.
        self.capacity = int(max(people.values(), default=0) / 0.97) + 1
        return self


class Seller:
    """Sells vouchers of one deal, by one seeded chance."""

    def __init__(self, chance: random.Random, deal: Deal) -> None:
        self.chance = chance
        self.deal = deal
        self._buyers = 0

    def code(self) -> str:
        """Return a code that nobody guesses."""
        return "".join(self.chance.choices(_LETTERS, k=14))

    def buyer(self) -> str:
        """Return an account: mostly a new one, at times one that bought before."""
        if not self._buyers or self.chance.random() > 0.1:
            self._buyers += 1
            return f"{self.deal.deal_id}-{self._buyers}"
        return f"{self.deal.deal_id}-{self.chance.randint(1, self._buyers)}"

    def times(self, count: int, days: Sequence[date], weights: Sequence[float]) -> list[int]:
        """Return when vouchers are sold: days by weight, hours as people buy, in order."""
        chance, found = self.chance, []
        for day in chance.choices(days, weights, k=count):
            hour = chance.choices(range(24), _HOURS)[0]
            start = to_ms(VENUE.instant(day, time(hour)))
            found.append(start + chance.randrange(HOUR_MS))
        return sorted(found)

    def orders(self, times: Sequence[int], price: float, *, admits: int = 1) -> list[Sale]:
        """Return orders of one to five vouchers, sold at these times at about a price a voucher.

        Some orders use a coupon: up to a fifth off, now and then nearly two fifths.
        """
        found: list[Sale] = []
        chance, left, buyer, paid = self.chance, 0, "", 0
        at_ms = sold_ms = 0
        for each in times:
            if not left:
                left = chance.choice((1, 1, 1, 2, 2, 2, 3, 4, 5))
                buyer, paid, sold_ms = self.buyer(), self.paid(price), each
                at_ms = sold_ms + self.delay_ms()
            left -= 1
            found.append(self.sale(at_ms, sold_ms, paid, buyer, admits=admits))
        return found

    def sale(self, at_ms: int, sold_ms: int, paid: int, buyer: str, *, admits: int = 1) -> Sale:
        """Return one voucher's sale."""
        return Sale(at_ms, sold_ms, self.code(), self.deal.deal_id, paid, buyer, admits)

    def paid(self, price: float) -> int:
        """Return what one pays: the price, or less with a coupon."""
        luck = self.chance.random()
        if luck < 0.8:
            return round(price)
        off = self.chance.uniform(0.2, 0.38) if luck > 0.98 else self.chance.uniform(0.02, 0.2)
        return max(1, int(price * (1 - off)) // 10 * 10)

    def delay_ms(self) -> int:
        """Return how long a row is on its way: seconds, at times hours."""
        if self.chance.random() < 0.985:
            return self.chance.randrange(500, 20_000)
        return self.chance.randrange(HOUR_MS // 6, 5 * HOUR_MS)

    def visits(self, sales: Sequence[Sale], days: Sequence[date]) -> list[Sale]:
        """Give each sale a day on which its people would come."""
        open_days = [day for day in days if self.deal.opens_on(day)]
        weights = [3.0 if day.isoweekday() > 5 else 1.0 for day in open_days]
        chosen = self.chance.choices(open_days, weights, k=len(sales))
        return [replace(sale, visit=day) for sale, day in zip(sales, chosen, strict=True)]

    def regrets(self, sales: Sequence[Sale], share: float) -> list[Sale]:
        """Return the rows of those who give their voucher back some days later."""
        back = [sale for sale in sales if self.chance.random() < share]
        return [
            replace(sale, at_ms=sale.at_ms + self.chance.randrange(HOUR_MS, 4 * DAY_MS),
                    status="refunded")
            for sale in back
        ]  # fmt: skip


def days_between(first: date, last: date) -> list[date]:
    """Return the days from one to another, both included."""
    return [first + n * DAY for n in range((last - first).days + 1)]


def new_deal(deal_id: str, platform: str, first: date, last: date, **changes: object) -> Deal:
    """Return a deal whose vouchers are valid from a day to another."""
    fields: dict[str, object] = {
        "deal_id": deal_id,
        "platform": platform,
        "title": "Combined ticket 联票",
        "face_price_minor": FACE_MINOR,
        "currency": "CNY",
        "category": Category.ADULT,
        "valid_from": VENUE.day_bounds(first)[0],
        "valid_until": VENUE.day_bounds(last)[1],
    }
    return Deal(**(fields | changes))  # type: ignore[arg-type]  # each is the field's


def row_at(day: date, hour: int, deal: Deal) -> DealRow:
    """Return a deal's row that its platform sends at an hour of a day."""
    at = VENUE.instant(day, time(hour))
    return DealRow(to_ms(at), replace(deal, updated_at=at))


def the_night_of_2015(
    seed: int = 2015, *, absurd: int = THE_NIGHTS_VOUCHERS, honest: int = 6_000
) -> World:
    """Return the sale of 2015: weeks of honest sales, then a night at 0.01 yuan.

    The deal's quota is 20,000 and known. The absurd sales go on for 15 hours, and a few people
    still pay the honest price meanwhile, on another shelf of the same platform.
    """
    chance, world = random.Random(seed), World()
    first, night = date(2015, 1, 5), date(2015, 2, 11)
    deal = new_deal(
        "OCT-EAST-001", "lvtu", date(2015, 1, 6), date(2015, 3, 31),
        sale_price_minor=23_800, settle_price_minor=21_000, quota=20_000,
    )  # fmt: skip
    seller = Seller(chance, deal)
    days = days_between(first, night)
    begin = to_ms(THE_NIGHT)
    times = [at for at in seller.times(honest, days, [1.0] * len(days)) if at < begin]
    shelf = sorted(begin + chance.randrange(15 * HOUR_MS) for _ in range(honest // 100))
    earlier = seller.orders([*times, *shelf], 23_800)
    # The crowd grows: word gets around until midnight, and again in the morning.
    tide = sorted(begin + int(15 * HOUR_MS * chance.betavariate(1.3, 1.1)) for _ in range(absurd))
    cheap: list[Sale] = []
    left, buyer, sold_ms = 0, "", 0
    for each in tide:
        if not left:
            left, buyer, sold_ms = chance.choice((1, 2, 2, 2, 3)), seller.buyer(), each
        left -= 1
        cheap.append(seller.sale(sold_ms + chance.randrange(400, 8_000), sold_ms, 1, buyer))
    world.add([row_at(first, 0, deal)], [*earlier, *cheap])
    codes = frozenset(sale.code for sale in cheap)
    also = frozenset({"over_quota", "rate_surge", "day_over_capacity"})
    world.faults.append(Fault(deal.deal_id, "2015", "price_low", cheap[0].sold_ms, codes, also))
    world.finish()
    world.capacity = 30_000
    return world
