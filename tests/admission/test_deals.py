"""Deals: rights, days and hours, the scope of a hold."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from admission.deals import HoldScope, Right
from tests.builders import VENUE, a_deal, a_voucher, at

FRIDAY, SATURDAY = date(2015, 2, 13), date(2015, 2, 14)


def test_a_deal_needs_a_window() -> None:
    with pytest.raises(ValueError, match="empty validity window"):
        a_deal(valid_from=at("10:00"), valid_until=at("09:59"))


def test_a_voucher_needs_a_window_and_people() -> None:
    with pytest.raises(ValueError, match="empty validity window"):
        a_voucher(valid_from=at("10:00"), valid_until=at("09:59"))
    with pytest.raises(ValueError, match="admits must be 1 to 99"):
        a_voucher(admits=0)


def test_a_right_opens_at_least_once() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Right("park", 0)


def test_a_deal_knows_its_right_to_an_area() -> None:
    deal = a_deal(rights=(Right("canyon"), Right("valley", 2)))

    assert deal.right_to("valley") == Right("valley", 2)
    assert deal.right_to("park") is None


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        (at("19:44:59.999", FRIDAY), False),
        (at("19:45", FRIDAY), True),
        (at("02:30", SATURDAY), True),
        (at("02:30:00.001", SATURDAY), False),
        (at("20:00", SATURDAY), False),
    ],
)
def test_hours_of_a_friday_night(instant: datetime, is_open: bool) -> None:
    deal = a_deal(
        weekdays=frozenset({5}), hours=(time(20), time(2)), early_minutes=15, late_minutes=30
    )

    assert deal.open_at(instant, VENUE) is is_open


def test_early_minutes_reach_into_the_evening_before() -> None:
    deal = a_deal(weekdays=frozenset({6}), hours=(time(0), time(6)), early_minutes=15)

    assert deal.open_at(at("23:45", FRIDAY), VENUE)
    assert not deal.open_at(at("23:44:59.999", FRIDAY), VENUE)


@pytest.mark.parametrize(
    ("sold", "price", "admits", "covered"),
    [
        ("12:00", 100, 1, True),
        ("14:00", 100, 1, True),
        ("11:59:59.999", 100, 1, False),
        ("14:00:00.001", 100, 1, False),
        ("13:00", 101, 1, False),
        ("13:00", 300, 3, True),
        ("13:00", 301, 3, False),
        (None, 100, 1, True),
        (None, 101, 1, False),
        ("13:00", None, 1, True),
        (None, None, 1, True),
    ],
)
def test_the_scope_of_a_hold(
    sold: str | None, price: int | None, admits: int, covered: bool
) -> None:
    scope = HoldScope(at("12:00"), at("14:00"), 100)
    sold_at = at(sold) if sold else None

    assert scope.covers(sold_at=sold_at, price_minor=price, admits=admits) is covered


def test_a_scope_without_bounds_covers_all() -> None:
    assert HoldScope().covers(sold_at=at("12:00"), price_minor=26000, admits=1)
