"""A year of honest deals: flash sales, holidays, tour groups, price steps, children's days.

Each maker sells one deal as a kind of deal is sold; `honest_year` sells a thousand of them.
Whatever looks odd here is honest: test orders of a platform at 0.01, coupons, raised quotas, deals
that are prolonged after rain or closed for a typhoon.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, TypeAlias

from admission.calendar import from_ms, to_ms
from admission.deals import Category, Deal
from benchmarks.sales import (
    DAY,
    DAY_MS,
    FACE_MINOR,
    HOUR_MS,
    PLATFORMS,
    VENUE,
    DealRow,
    Sale,
    Seller,
    World,
    days_between,
    new_deal,
    row_at,
)

YEAR: Final = 2015
DEALS: Final = 1_000
# First day off, and how many: New Year, Spring Festival, Qingming, Labour Day, Dragon Boat,
# the national week.
HOLIDAYS: Final = (
    (date(2015, 1, 1), 3), (date(2015, 2, 18), 7), (date(2015, 4, 4), 3), (date(2015, 5, 1), 3),
    (date(2015, 6, 20), 3), (date(2015, 10, 1), 7),
)  # fmt: skip

Made: TypeAlias = tuple[list[DealRow], list[Sale]]
Maker: TypeAlias = "Callable[[random.Random, str, date], Made]"


def ordinary(chance: random.Random, deal_id: str, first: date) -> Made:
    """A ticket that is sold for months, at most a little under the board's price."""
    months = chance.choice((30, 60, 90, 150))
    price = round(FACE_MINOR * chance.uniform(0.82, 1.0), -2)
    quota = chance.choice((None, None, 3_000, 8_000))
    said = chance.choice((price, price, None))
    deal = a_deal(
        chance, deal_id, first, first + timedelta(months), sale_price_minor=said, quota=quota
    )
    days = days_between(first, first + timedelta(months - 1))
    return sold(chance, deal, days, chance.randint(60, 700), price, regret=0.03)


def flash_sale(chance: random.Random, deal_id: str, first: date) -> Made:
    """Half price for a day or three from ten o'clock or eight in the evening; most goes at once."""
    length, quota = chance.choice((1, 1, 2, 3)), chance.choice((200, 300, 500, 500, 800, 1500))
    price = FACE_MINOR * chance.choice((0.45, 0.5, 0.5, 0.5, 0.55))
    until = first + timedelta(chance.choice((14, 30, 45)))
    told = chance.random() < 0.8
    opens = VENUE.day_bounds(first)[0] + timedelta(hours=chance.choice((10, 20)))
    deal = a_deal(
        chance, deal_id, first, until, sale_price_minor=round(price) if told else None, quota=quota,
        sale_from=opens if told else None,
        sale_until=VENUE.day_bounds(first + timedelta(length - 1))[1] if told else None,
    )  # fmt: skip
    count = int(quota * chance.uniform(0.6, 1.0))
    seller, begin = Seller(chance, deal), to_ms(opens)
    span = length * DAY_MS - 11 * HOUR_MS
    times = sorted(
        begin + int(min(chance.expovariate(1 / (HOUR_MS * chance.choice((0.5, 1, 6)))), span))
        for _ in range(count)
    )
    sales = seller.visits(seller.orders(times, price), days_between(first, until))
    return [row_at(first - DAY, 18, deal)], [*sales, *seller.regrets(sales, 0.02)]


def holiday(chance: random.Random, deal_id: str, first: date) -> Made:
    """Tickets for the days of a holiday; sales climb for weeks and peak just before and in it."""
    begins, length = min(HOLIDAYS, key=lambda each: abs(each[0] - first - timedelta(20)))
    last = begins + timedelta(length - 1)
    price = round(FACE_MINOR * chance.uniform(0.9, 1.0), -2)
    quota = chance.choice((1_000, 2_000, 4_000))
    deal = a_deal(chance, deal_id, begins, last, sale_price_minor=price, quota=quota)
    start = begins - timedelta(chance.choice((14, 21, 28)))
    days = days_between(start, last)
    weights = [
        1.0 + 12.0 * max(0.0, 1 - abs((day - begins).days) / 9) ** 2
        for day in days
    ]  # fmt: skip
    count = int(quota * chance.uniform(0.4, 0.98))
    made = sold(chance, deal, days, count, price, weights=weights, regret=0.02, at=start)
    if chance.random() < 0.6:
        return made
    rows, sales = made
    return rows, [replace(sale, valid_on=sale.visit) for sale in sales]


def tour_groups(chance: random.Random, deal_id: str, first: date) -> Made:
    """Agencies buy for 15 to 60 people at once, week after week; a few buyers in all."""
    price = FACE_MINOR * chance.uniform(0.6, 0.75)
    last = first + timedelta(chance.choice((60, 90, 120)))
    category = chance.choice((Category.GROUP, Category.GROUP, Category.GROUP, Category.ADULT))
    deal = a_deal(chance, deal_id, first, last, sale_price_minor=round(price), category=category)
    seller, sales = Seller(chance, deal), []
    agencies = [f"agency-{chance.randrange(40)}" for _ in range(chance.randint(3, 12))]
    days = days_between(first, last - DAY)
    for begun in seller.times(chance.randint(6, 22), days, [1.0] * len(days)):
        agency, people = chance.choice(agencies), chance.randint(15, 60)
        at_ms = begun + seller.delay_ms()
        some = [seller.sale(at_ms, begun, round(price), agency) for _ in range(people)]
        visit = min(last, VENUE.day_of(from_ms(begun)) + timedelta(chance.randint(1, 10)))
        sales += [replace(sale, visit=visit) for sale in some]
    if category is Category.ADULT:
        # Families buy the same deal, so that no agency is most of it.
        more = seller.orders(seller.times(500, days, [1.0] * len(days)), round(price * 1.1))
        sales += seller.visits(more, days)
    return [row_at(first, 0, deal)], sales


def price_steps(chance: random.Random, deal_id: str, first: date) -> Made:
    """The earlier the cheaper; the platform tells each new price before it sells at it."""
    steps = (0.6, 0.75, 0.9, 1.0)[chance.randint(0, 1) :]
    length = chance.randint(10, 25)
    last = first + timedelta(len(steps) * length + 20)
    deal = a_deal(chance, deal_id, first, last)
    rows: list[DealRow] = []
    sales: list[Sale] = []
    order = chance.choice((1, 1, 1, -1))
    for number, share in enumerate(steps[::order]):
        price = round(FACE_MINOR * share)
        deal = replace(deal, sale_price_minor=price)
        start = first + timedelta(number * length)
        rows.append(row_at(start, 0, deal))
        days = days_between(start, start + timedelta(length - 1))
        _, some = sold(chance, deal, days, chance.randint(20, 160), price, visit_until=last)
        sales += some
    return rows, sales


def early_bird(chance: random.Random, deal_id: str, first: date) -> Made:
    """Far ahead at half to two thirds of the price, for a season that begins later."""
    price = round(FACE_MINOR * chance.uniform(0.5, 0.68), -1)
    begins = first + timedelta(chance.randint(30, 60))
    deal = a_deal(
        chance, deal_id, begins, begins + timedelta(60), sale_price_minor=price,
        quota=chance.choice((500, 1_000)),
    )  # fmt: skip
    days = days_between(first, begins - DAY)
    return sold(chance, deal, days, chance.randint(80, 480), price, regret=0.04, at=first)


def childrens_day(chance: random.Random, deal_id: str, first: date) -> Made:
    """One yuan for a child, or nothing, on some days; declared as such by price and category."""
    price = chance.choice((100, 100, 100, 0))
    by_title = price == 100 and chance.random() < 0.3
    deal = a_deal(
        chance, deal_id, first, first + timedelta(chance.choice((1, 2, 6))),
        sale_price_minor=price, quota=chance.choice((300, 600, 1_000)),
        category=Category.ADULT if by_title else Category.CHILD,
        title="1元亲子日 1 yuan family day" if by_title else "儿童日 Children's day",
    )  # fmt: skip
    begins = first - timedelta(chance.choice((3, 7, 14)))
    days = days_between(begins, first)
    count = int((deal.quota or 0) * chance.uniform(0.5, 1.0))
    weights = [1.0 + 2.0 * (index == 0) for index in range(len(days))]
    return sold(chance, deal, days, count, price, weights=weights, at=begins)


def concession(chance: random.Random, deal_id: str, first: date) -> Made:
    """Students, children and seniors, for a third to a half of the board's price."""
    category = chance.choice((Category.STUDENT, Category.CHILD, Category.SENIOR))
    price = round(FACE_MINOR * chance.choice((0.3, 0.5, 0.5, 0.6)))
    face = chance.choice((FACE_MINOR, price))
    said = chance.choice((price, price, None))
    deal = a_deal(
        chance, deal_id, first, first + timedelta(90), sale_price_minor=said, category=category,
        face_price_minor=face,
    )  # fmt: skip
    days = days_between(first, first + timedelta(80))
    return sold(chance, deal, days, chance.randint(40, 300), price, regret=0.02)


def family(chance: random.Random, deal_id: str, first: date) -> Made:
    """One voucher for three or four, a third off."""
    admits = chance.choice((3, 3, 4))
    each = round(FACE_MINOR * chance.uniform(0.62, 0.8))
    deal = a_deal(
        chance, deal_id, first, first + timedelta(60), sale_price_minor=each,
        category=Category.FAMILY,
    )  # fmt: skip
    days = days_between(first, first + timedelta(55))
    count = chance.randint(40, 200)
    return sold(chance, deal, days, count, each * admits, admits=admits, regret=0.03)


def two_kinds(chance: random.Random, deal_id: str, first: date) -> Made:
    """One deal that is sold for one person and, with a little off, for two."""
    price = round(FACE_MINOR * 0.9)
    deal = a_deal(chance, deal_id, first, first + timedelta(60), sale_price_minor=price)
    days = days_between(first, first + timedelta(50))
    rows, singles = sold(chance, deal, days, chance.randint(80, 200), price)
    _, pairs = sold(
        chance, deal, days, chance.randint(40, 120), round(1.8 * price), admits=2, prefix="pair-"
    )
    return rows, [*singles, *pairs]


def dated(chance: random.Random, deal_id: str, first: date) -> Made:
    """A ticket for one day, which the buyer chose."""
    rows, sales = ordinary(chance, deal_id, first)
    return rows, [replace(sale, valid_on=sale.visit) for sale in sales]


def annual(chance: random.Random, deal_id: str, first: date) -> Made:
    """A card for a year, at twice the price of a day."""
    price = FACE_MINOR * 2
    deal = a_deal(
        chance, deal_id, first, first + timedelta(365), sale_price_minor=price,
        face_price_minor=price, category=Category.ANNUAL,
    )  # fmt: skip
    days = days_between(first, first + timedelta(120))
    return sold(chance, deal, days, chance.randint(50, 200), price, regret=0.01)


MAKERS: Final[tuple[tuple[Maker, int], ...]] = (
    (ordinary, 230), (flash_sale, 120), (holiday, 110), (tour_groups, 80), (price_steps, 100),
    (early_bird, 80), (childrens_day, 40), (concession, 80), (family, 60), (two_kinds, 20),
    (dated, 60), (annual, 20),
)  # fmt: skip


def a_deal(chance: random.Random, deal_id: str, first: date, last: date, **changes: object) -> Deal:
    """Return a deal of some platform, closed on some Mondays as the venue is."""
    closed = frozenset(range(2, 8)) if chance.random() < 0.1 and (last - first).days > 10 else None
    if closed is not None:
        changes.setdefault("weekdays", closed)
    return new_deal(deal_id, chance.choice(PLATFORMS), first, last, **changes)


def sold(
    chance: random.Random,
    deal: Deal,
    days: Sequence[date],
    count: int,
    price: float,
    *,
    weights: Sequence[float] | None = None,
    regret: float = 0.0,
    admits: int = 1,
    at: date | None = None,
    visit_until: date | None = None,
    prefix: str = "",
) -> Made:
    """Sell so many vouchers on these days; people visit in the deal's window, after they bought.

    Args:
        at: the day on which the platform tells of the deal; None: the first of sale.
        prefix: of the buyers' accounts.
    """
    seller = Seller(chance, deal)
    times = seller.times(count, days, weights or [1.4 if d.isoweekday() > 4 else 1.0 for d in days])
    sales = seller.orders(times, price, admits=admits)
    last = visit_until or VENUE.day_of(deal.valid_until)
    begins = VENUE.day_of(deal.valid_from)
    dated_sales = []
    for sale in sales:
        bought = VENUE.day_of(from_ms(sale.sold_ms))
        window = days_between(max(begins, bought), last)[:30] or [last]
        dated_sales += seller.visits([sale], window) if _opens(deal, window) else [sale]
    dated_sales = [replace(sale, buyer=prefix + sale.buyer) for sale in dated_sales]
    row = row_at(at or min(days[0], begins), 0, deal)
    return [row], [*dated_sales, *seller.regrets(dated_sales, regret)]


def _opens(deal: Deal, window: Sequence[date]) -> bool:
    return any(deal.opens_on(day) for day in window)


def honest_year(seed: int = 365, *, deals: int = DEALS) -> World:
    """Return a year of honest deals, with what makes honest deals look odd."""
    chance, world = random.Random(seed), World()
    first = date(YEAR, 1, 1)
    total = sum(weight for _, weight in MAKERS)
    wanted = [maker for maker, weight in MAKERS for _ in range(round(deals * weight / total))]
    chance.shuffle(wanted)
    for number, maker in enumerate(wanted):
        start = first + timedelta(chance.randrange(330))
        rows, sales = maker(chance, f"D{number:04d}-{maker.__name__}", start)
        rows, sales = oddities(chance, rows, sales)
        world.add(rows, sales)
    return world.finish()


def oddities(chance: random.Random, rows: list[DealRow], sales: list[Sale]) -> Made:
    """Let some deals be tested at 0.01, get a larger quota, or be prolonged or cut short."""
    last = rows[-1]
    deal, luck = last.deal, chance.random()
    middle = sorted(sale.at_ms for sale in sales)[len(sales) // 2]
    if luck < 0.03:
        tests = [
            Seller(chance, deal).sale(last.at_ms + n * 60_000, last.at_ms, 1, "test-account")
            for n in range(chance.randint(1, 3))
        ]
        return rows, [*tests, *sales]
    if luck < 0.06 and deal.quota is not None:
        # Sold out under its first quota, raised while people still buy.
        small = max(1, sum(1 for sale in sales if sale.at_ms <= middle and sale.status == "valid"))
        rows = [*rows, told_anew(deal, middle - 1, quota=deal.quota)]
        return [replace(rows[0], deal=replace(rows[0].deal, quota=small)), *rows[1:]], sales
    if luck < 0.09 and deal.category is not Category.ANNUAL:
        rain = timedelta(chance.choice((2, 7, 14)))
        return [*rows, told_anew(deal, middle, valid_until=deal.valid_until + rain)], sales
    if luck < 0.091:
        typhoon = frozenset({VENUE.day_of(from_ms(middle)) + timedelta(5)})
        return [*rows, told_anew(deal, middle, not_on=typhoon)], sales
    return rows, sales


def told_anew(deal: Deal, at_ms: int, **changes: object) -> DealRow:
    """Return a deal's row with changes, as its platform sends it later."""
    return DealRow(at_ms, replace(deal, **changes, updated_at=from_ms(at_ms)))  # type: ignore[arg-type]
