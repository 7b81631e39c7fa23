"""Sixty faulty sales for a seed, each among honest deals, each with its label.

Tune on `TUNING_SEEDS`; `HELD_OUT_SEEDS` are for measuring alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, TypeAlias

from admission.calendar import from_ms, to_ms
from admission.deals import Deal
from benchmarks.sales import (
    FACE_MINOR,
    HOUR_MS,
    VENUE,
    DealRow,
    Fault,
    Sale,
    Seller,
    World,
    days_between,
)
from benchmarks.sales_year import (
    a_deal,
    childrens_day,
    concession,
    early_bird,
    family,
    flash_sale,
    ordinary,
    price_steps,
    sold,
    told_anew,
    tour_groups,
    two_kinds,
)

TUNING_SEEDS: Final = (11, 12, 13)
HELD_OUT_SEEDS: Final = (101, 102, 103)
VARIANTS: Final = 60
_HONEST: Final = (
    ordinary, flash_sale, tour_groups, price_steps, early_bird, childrens_day, concession, family,
    two_kinds,
)  # fmt: skip
_FIRST: Final = date(2015, 3, 2)
_DAYS: Final = 40

Made: TypeAlias = tuple[list[DealRow], list[Sale], Fault]
Faulty: TypeAlias = "Callable[[random.Random, str], Made]"


def _base(
    chance: random.Random, deal_id: str, *, quota: int | None = None, **changes: object
) -> tuple[Deal, list[DealRow], list[Sale], float]:
    """Return a deal that is sold honestly for weeks, its rows, its sales and its price."""
    price = round(FACE_MINOR * chance.choice((1.0, 0.9, 0.85, 0.7)), -1)
    said = chance.choice((price, price, None))
    last = _FIRST + timedelta(chance.choice((45, 60, 90)))
    deal = a_deal(chance, deal_id, _FIRST, last, sale_price_minor=said, quota=quota, **changes)
    days = days_between(_FIRST, _FIRST + timedelta(_DAYS))
    rows, sales = sold(chance, deal, days, chance.randint(150, 700), price, regret=0.02)
    return deal, rows, sales, price


def _begins(chance: random.Random) -> int:
    """Return when a fault begins: some weeks into the sale, at any hour."""
    day = _FIRST + timedelta(chance.randint(8, 36))
    return to_ms(VENUE.day_bounds(day)[0]) + chance.randrange(24) * HOUR_MS


def _codes(sales: list[Sale]) -> frozenset[str]:
    return frozenset(sale.code for sale in sales)


def _spread(chance: random.Random, begin: int, count: int, hours: float) -> list[int]:
    span = int(hours * HOUR_MS)
    return sorted(begin + chance.randrange(span) for _ in range(count))


def price_fault(chance: random.Random, deal_id: str, factor: float, name: str) -> Made:
    """From an instant on the price is wrong by a factor; people find out and buy."""
    deal, rows, sales, price = _base(chance, deal_id, quota=chance.choice((None, None, 20_000)))
    begin = _begins(chance)
    seller = Seller(chance, deal)
    count = int(10 ** chance.uniform(1.6, 3.6))
    wrong = max(0, int(price * factor))
    cheap = [
        replace(sale, price_minor=wrong, buyer=f"x{sale.buyer}")
        for sale in seller.orders(_spread(chance, begin, count, chance.choice((2, 8, 20))), price)
    ]
    if chance.random() < 0.3:  # the whole shelf is wrong, nobody pays the right price meanwhile
        sales = [sale for sale in sales if sale.sold_ms < begin or sale.status != "valid"]
    also = frozenset({"rate_surge", "over_quota"})
    fault = Fault(deal_id, name, "price_low", cheap[0].sold_ms, _codes(cheap), also)
    return rows, [*sales, *cheap], fault


def one_fen(chance: random.Random, deal_id: str) -> Made:
    """0.01 yuan."""
    return price_fault(chance, deal_id, 1.05 / (0.7 * FACE_MINOR), "one fen")


def a_tenth(chance: random.Random, deal_id: str) -> Made:
    """A decimal point in the wrong place."""
    return price_fault(chance, deal_id, 0.1, "a tenth")


def a_hundredth(chance: random.Random, deal_id: str) -> Made:
    """Yuan taken for fen."""
    return price_fault(chance, deal_id, 0.01, "a hundredth")


def foreign(chance: random.Random, deal_id: str) -> Made:
    """Priced in dollars, booked in yuan."""
    return price_fault(chance, deal_id, 1 / chance.uniform(6.1, 7.3), "currency")


def free(chance: random.Random, deal_id: str) -> Made:
    """For nothing."""
    return price_fault(chance, deal_id, 0.0, "free")


def wrong_admits(chance: random.Random, deal_id: str) -> Made:
    """From an instant on a voucher for one person says that it admits two."""
    deal, rows, sales, price = _base(chance, deal_id)
    begin, seller = _begins(chance), Seller(chance, deal)
    times = _spread(chance, begin, chance.randint(60, 600), 48)
    wrong = seller.orders(times, price, admits=2)
    fault = Fault(deal_id, "admits 2", "price_low", wrong[0].sold_ms, _codes(wrong),
                  frozenset({"rate_surge"}))  # fmt: skip
    return rows, [*sales, *wrong], fault


def quota_fault(chance: random.Random, deal_id: str) -> Made:
    """The platform sells on beyond the quota, from 1.2 to 50 times, at the right price."""
    quota = chance.choice((200, 300, 500))
    deal, rows, sales, price = _base(chance, deal_id, quota=quota)
    begin, seller = _begins(chance), Seller(chance, deal)
    sales = [sale for sale in sales if sale.status == "valid" and sale.sold_ms < begin]
    sales = sorted(sales, key=lambda sale: sale.sold_ms)[: int(quota * 0.95)]
    times_over = chance.choice((1.2, 1.5, 2, 3, 5, 10, 20, 50))
    count = int(quota * times_over) - len(sales)
    hours = chance.choice((6, 12, 48))
    more = seller.orders(_spread(chance, begin, count, hours), price)
    over = sorted([*sales, *more], key=lambda sale: sale.sold_ms)[quota:]
    fault = Fault(deal_id, f"quota x{times_over}", "over_quota", over[0].sold_ms, _codes(over),
                  frozenset({"rate_surge"}))  # fmt: skip
    return rows, [*sales, *more], fault


def rate_fault(chance: random.Random, deal_id: str) -> Made:
    """A machine buys at the right price, hundreds an hour where dozens a day are usual."""
    deal, rows, sales, price = _base(chance, deal_id)
    begin, seller = _begins(chance), Seller(chance, deal)
    times = _spread(chance, begin, chance.randint(900, 3_000), chance.choice((1, 2, 3)))
    more = seller.orders(times, price)
    fault = Fault(deal_id, "rate", "rate_surge", more[0].sold_ms, _codes(more))
    return rows, [*sales, *more], fault


def hoarder(chance: random.Random, deal_id: str) -> Made:
    """One account buys hundreds, in small orders, for days."""
    deal, rows, sales, price = _base(chance, deal_id)
    begin, seller = _begins(chance), Seller(chance, deal)
    count = chance.randint(200, 800)
    times = _spread(chance, begin, count, chance.choice((6, 24, 96)))
    more = [replace(sale, buyer="hoarder") for sale in seller.orders(times, price)]
    fault = Fault(deal_id, "hoard", "buyer_hoard", more[0].sold_ms, _codes(more),
                  frozenset({"rate_surge"}))  # fmt: skip
    return rows, [*sales, *more], fault


def guessable(chance: random.Random, deal_id: str) -> Made:
    """Codes of six digits, or running numbers behind a prefix."""
    _, rows, sales, _ = _base(chance, deal_id, quota=chance.choice((500, 2_000)))
    start, running = chance.randrange(100_000, 800_000), chance.random() < 0.5
    names: dict[str, str] = {}
    for number, sale in enumerate(sorted(sales, key=lambda each: each.sold_ms)):
        if sale.code not in names:
            thin = f"LY2015{start + number:08d}" if running else f"{chance.randrange(10**6):06d}"
            names[sale.code] = thin
    # Two vouchers of one platform never have one code.
    taken = dict.fromkeys(names.values(), True)
    sales = [replace(sale, code=names[sale.code]) for sale in sales]
    if not running:
        seen: dict[str, str] = {}
        sales = [sale for sale in sales if seen.setdefault(sale.code, sale.buyer) == sale.buyer]
    fault = Fault(deal_id, "running" if running else "six digits", "guessable_codes",
                  min(sale.sold_ms for sale in sales), frozenset(taken))  # fmt: skip
    return rows, sales, fault


def price_changed(chance: random.Random, deal_id: str) -> Made:
    """The platform writes another price into a deal that was sold for weeks."""
    deal, rows, sales, price = _base(chance, deal_id)
    begin = _begins(chance)
    deal = replace(deal, sale_price_minor=round(price))
    rows = [replace(rows[0], deal=replace(deal, updated_at=from_ms(rows[0].at_ms)))]
    wrong = int(price * chance.choice((0.01, 0.1, 0.2)))
    rows.append(told_anew(deal, begin, sale_price_minor=wrong))
    after = [sale for sale in sales if sale.sold_ms > begin and sale.status == "valid"]
    kept = [sale for sale in sales if sale.sold_ms <= begin]
    cheap = [replace(sale, price_minor=wrong) for sale in after]
    fault = Fault(deal_id, "price changed", "deal_changed", begin, _codes(cheap),
                  frozenset({"price_low"}))  # fmt: skip
    return rows, [*kept, *cheap], fault


def window_changed(chance: random.Random, deal_id: str) -> Made:
    """The platform cuts or stretches the window of a deal that was sold for weeks."""
    deal, rows, sales, _ = _base(chance, deal_id)
    begin = _begins(chance)
    if chance.random() < 0.5:
        until = VENUE.day_bounds(VENUE.day_of(from_ms(begin)) + timedelta(1))[1]
    else:
        until = deal.valid_until + timedelta(days=chance.choice((365, 3_650)))
    rows = [*rows, told_anew(deal, begin, valid_until=until)]
    return rows, sales, Fault(deal_id, "window changed", "deal_changed", begin, frozenset())


FAULTS: Final[tuple[tuple[Faulty, int], ...]] = (
    (one_fen, 6), (a_tenth, 5), (a_hundredth, 5), (foreign, 5), (free, 5), (wrong_admits, 5),
    (quota_fault, 8), (rate_fault, 6), (hoarder, 5), (guessable, 4), (price_changed, 3),
    (window_changed, 3),
)  # fmt: skip


def variants(seed: int, *, every: int = 1) -> Iterator[World]:
    """Yield sixty worlds, each with one faulty deal among eight honest ones.

    Args:
        every: make each so-manieth of them only.
    """
    wanted = [maker for maker, count in FAULTS for _ in range(count)]
    for number in range(0, len(wanted), every):
        yield _world(random.Random(f"{seed}-{number}"), wanted[number])


def _world(chance: random.Random, maker: Faulty) -> World:
    world = World()
    for number in range(8):
        make = chance.choice(_HONEST)
        start = _FIRST + timedelta(chance.randrange(_DAYS - 10))
        world.add(*make(chance, f"H{number}-{make.__name__}", start))
    rows, sales, fault = maker(chance, f"X-{maker.__name__}")
    world.add(rows, sales)
    world.faults.append(fault)
    world.finish()
    # The venue holds any of these days: what is measured here is the deals.
    world.capacity = 0
    return world
