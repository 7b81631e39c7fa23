"""What is odd in what was sold, and what is not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.anomalies import find_anomalies
from admission.anomaly_amounts import ask_quota
from admission.anomaly_changes import find_changes
from admission.anomaly_codes import find_guessable, find_running, find_twice
from admission.anomaly_days import find_full_days
from admission.anomaly_prices import find_low_price
from admission.code_space import CodeShape
from admission.deals import Category, HoldScope
from admission.errors import InvalidInput
from admission.findings import FindingKind, Policy
from admission.sales import BuyerSales, HourSales, PriceSales, QuotaPassed, WindowSales
from tests.builders import VENUE, a_deal
from tests.sales import T0, hours, sales_of, sold, the_bars

BARS = the_bars()
NORMAL = sold(23800, 400)


def kinds(sales, bars=BARS):
    return {finding.kind for finding in find_anomalies(sales, bars)}


# --- prices --------------------------------------------------------------------------------------


def test_the_price_of_2015_is_found_with_its_span_and_its_figures():
    sales = sales_of(NORMAL, sold(1, 120, since=5, until=6), sale_price_minor=23800)

    (found,) = find_anomalies(sales, BARS)

    assert found.kind is FindingKind.PRICE_LOW
    assert (found.vouchers, found.people, found.paid_minor) == (120, 120, 120)
    assert found.face_minor == 120 * 26000
    assert (found.since, found.until) == (hours(5), hours(6))
    assert found.scope == HoldScope(sold_from=hours(5), price_at_most_minor=1)
    assert found.measure == {"lowest_minor": 1, "highest_minor": 1, "expected_minor": 23800}


@pytest.mark.parametrize(
    ("changes", "price", "found"),
    [
        ({}, 13000, False),  # half price, undeclared
        ({}, 5300, False),
        ({}, 5100, True),  # under a fifth of the face price
        ({}, 0, True),
        ({"sale_price_minor": 13000}, 8060, False),  # a coupon on half price
        ({"sale_price_minor": 13000}, 4500, True),  # under 0.35 of what was declared
        ({"sale_price_minor": 100}, 100, True),  # declared, but nobody can mean it for adults
        ({"sale_price_minor": 100, "category": Category.CHILD}, 100, False),
        ({"sale_price_minor": 0, "category": Category.SENIOR}, 0, False),
        ({"sale_price_minor": 100, "category": Category.CHILD}, 30, True),
        ({"sale_price_minor": 100, "title": "1元亲子日"}, 100, False),
        ({"sale_price_minor": 100, "title": "June 1 park 21 days"}, 100, False),
        ({"sale_price_minor": 100, "title": "11元 park"}, 100, True),
        ({"sale_price_minor": 100, "category": Category.GROUP}, 100, True),
        ({"category": Category.CHILD}, 100, True),  # not declared
    ],
)
def test_price_is_low_against_what_the_deal_says(changes, price, found):
    assert (kinds(sales_of(sold(price, 60), **changes)) == {FindingKind.PRICE_LOW}) is found


def test_a_few_test_orders_are_no_finding():
    assert kinds(sales_of(NORMAL, sold(1, 19))) == set()
    assert kinds(sales_of(NORMAL, sold(1, 20))) == {FindingKind.PRICE_LOW}


def test_price_is_low_against_what_others_paid_before():
    dear, low = sold(60000, 200), sold(15000, 60, since=5)

    assert kinds(sales_of(dear, low, face_price_minor=60000)) == {FindingKind.PRICE_LOW}
    assert kinds(sales_of(dear, low, face_price_minor=60000, sale_price_minor=15000)) == set()


def test_who_paid_less_before_a_price_rose_is_no_finding():
    early, dear = sold(15000, 60), sold(60000, 200, since=5)

    assert kinds(sales_of(early, dear, face_price_minor=60000)) == set()


def test_price_that_was_declared_once_stays_meant():
    promoted = sales_of(
        sold(8000, 100), sold(26000, 100), sale_price_minor=26000, lowest_told_minor=8000
    )

    assert kinds(promoted) == set()
    assert kinds(replace(promoted, lowest_told_minor=None)) == {FindingKind.PRICE_LOW}


def test_voucher_for_two_at_the_price_of_one_is_found_and_one_with_a_rebate_is_not():
    wrong, right = sold(23800, 40, admits=2, since=5), sold(42800, 40, admits=2, since=5)

    (found,) = find_anomalies(sales_of(NORMAL, wrong), BARS)
    assert found.scope == HoldScope(sold_from=hours(5), price_at_most_minor=11900)
    assert (found.vouchers, found.people) == (40, 80)
    assert kinds(sales_of(NORMAL, right)) == set()
    assert kinds(sales_of(NORMAL, wrong, sale_price_minor=11900)) == set()


def test_unknown_prices_are_never_low():
    assert kinds(sales_of(sold(None, 500))) == set()


UNITS = st.integers(0, 60_000)
CELLS = st.lists(
    st.builds(
        sold,
        UNITS,
        st.integers(1, 300),
        admits=st.integers(1, 4),
        since=st.floats(0, 40).map(lambda hour: round(hour, 2)),
        until=st.just(50),
    ),
    max_size=8,
)


@given(CELLS, st.none() | UNITS, st.randoms())
def test_order_of_the_sums_changes_nothing(cells, told, chance):
    mixed = list(cells)
    chance.shuffle(mixed)
    changes = {"sale_price_minor": told, "quota": 200}

    one, other = sales_of(*cells, **changes), sales_of(*mixed, **changes)

    assert find_anomalies(one, BARS) == find_anomalies(other, BARS)
    assert ask_quota(one, BARS) == ask_quota(other, BARS)


@given(CELLS, st.none() | UNITS)
def test_hold_for_a_price_covers_what_was_found_and_no_honest_price(cells, told):
    sales = sales_of(*cells, sale_price_minor=told)

    found = find_low_price(sales, BARS)

    if found is None:
        return
    covered = [cell for cell in cells if covers(found.scope, cell, cell.last_at)]
    assert sum(cell.vouchers for cell in covered) >= found.vouchers
    # At least a fifth of the face price, or of what was meant and declared, and what others paid.
    honest = max(26000, told or 0, *(cell.unit_minor for cell in cells))
    assert found.scope.price_at_most_minor < honest
    assert not covers(found.scope, PriceSales(int(honest), 1, 1, T0, T0), hours(60))


def covers(scope, cell, at):
    return scope.covers(sold_at=at, price_minor=cell.price_minor, admits=cell.admits)


# --- amounts -------------------------------------------------------------------------------------


def test_sale_beyond_the_quota_is_held_from_where_the_quota_was_passed():
    sales = sales_of(sold(23800, 260), quota=200, passed=QuotaPassed(hours(4)))

    (found,) = find_anomalies(sales, BARS)

    assert (found.kind, found.vouchers, found.people) == (FindingKind.OVER_QUOTA, 60, 60)
    assert (found.measure["quota"], found.measure["sold"]) == (200, 260)
    assert found.scope == HoldScope(sold_from=hours(4))


@pytest.mark.parametrize(("vouchers", "quota"), [(260, None), (200, 200), (209, 200), (209, 199)])
def test_quota_has_a_little_room(vouchers, quota):
    assert kinds(sales_of(sold(23800, vouchers), quota=quota)) <= {FindingKind.OVER_QUOTA}
    assert (ask_quota(sales_of(sold(23800, vouchers), quota=quota), BARS) is None) == (
        (vouchers, quota) != (209, 199)
    )


def test_absurd_sales_do_not_use_up_the_quota_of_honest_ones():
    within = sales_of(sold(23800, 150), sold(1, 900, since=5), quota=200)
    beyond = sales_of(
        sold(23800, 300), sold(1, 900, since=5), quota=200, passed=QuotaPassed(hours(5), hours(7))
    )

    price, quota = find_anomalies(within, BARS)
    assert (quota.kind, quota.vouchers, quota.scope) == (FindingKind.OVER_QUOTA, 850, None)
    price, quota = find_anomalies(beyond, BARS)
    assert price.scope == HoldScope(sold_from=hours(5), price_at_most_minor=1)
    assert quota.scope == HoldScope(sold_from=hours(7))


@pytest.mark.parametrize(
    ("hour", "quota", "found"),
    [
        (HourSales(T0, 900, 500, 200, 30, 40), None, True),
        (HourSales(T0, 900, 500, 200, 30, 40), 5000, True),
        (HourSales(T0, 299, 200, 200, 3, 4), None, False),  # few
        (HourSales(T0, 900, 500, 200, 200, 40), None, False),  # the deal knows such hours
        (HourSales(T0, 900, 500, 200, 30, 400), None, False),  # others sell as well today
        (HourSales(T0, 900, 500, 0, 0, 40), 1000, False),  # a flash sale within its quota
        (HourSales(T0, 900, 500, 0, 0, 40), None, True),
    ],
)
def test_rate_is_odd_against_the_deals_past_and_other_deals(hour, quota, found):
    sales = sales_of(sold(23800, 900), hours=(hour,), quota=quota)

    assert (FindingKind.RATE_SURGE in kinds(sales)) is found


def test_one_account_with_too_many_is_found_unless_the_deal_is_for_groups():
    buyers = BuyerSales(7, 2350, 150), BuyerSales(8, 2350, 149)

    (found,) = find_anomalies(sales_of(NORMAL, buyers=buyers), BARS)

    assert (found.kind, found.subject, found.people) == (FindingKind.BUYER_HOARD, "7", 150)
    assert found.scope is None
    assert kinds(sales_of(NORMAL, buyers=buyers, category=Category.GROUP)) == set()
    assert kinds(sales_of(NORMAL, buyers=buyers), the_bars(hoard_people=0)) == set()


# --- days, codes, changes ------------------------------------------------------------------------


def windows(*spans):
    day = timedelta(days=1)
    return [
        WindowSales(a_deal(), T0 + first * day, T0 + (last + 1) * day - day / 2, people)
        for first, last, people in spans
    ]


def test_day_is_full_with_those_for_it_and_a_part_of_those_who_may_choose():
    bars = the_bars(day_capacity=1000)
    spans = windows((1, 1, 800), (0, 9, 2001))

    (found,) = find_full_days(spans, VENUE, bars, T0)

    assert found.subject == (T0 + timedelta(days=1)).astimezone(VENUE.zone).date().isoformat()
    assert found.measure == {"people": 1000, "capacity": 1000}
    assert find_full_days(windows((1, 1, 800), (0, 9, 2000)), VENUE, bars, T0) == []
    assert find_full_days(spans, VENUE, the_bars(), T0) == []
    assert find_full_days(spans, VENUE, bars, T0 + timedelta(days=2)) == []


def test_windows_of_a_year_fill_no_day():
    bars = the_bars(day_capacity=10)

    assert find_full_days(windows((0, 364, 100_000)), VENUE, bars, T0) == []


def test_codes_are_thin_below_ten_thousand_times_the_quota():
    sales = sales_of(NORMAL, quota=1000)

    assert find_guessable(sales, CodeShape(40, 1e7), BARS) is None
    assert find_guessable(sales, CodeShape(40, 1e7 - 1), BARS).measure["space"] == 10**7 - 1
    assert find_guessable(sales, CodeShape(19, 1e3), BARS) is None  # too few to tell
    assert find_guessable(sales_of(NORMAL), CodeShape(40, 3.9e6), BARS).scope == HoldScope()


def test_running_numbers_are_found_by_their_last_digits():
    running = [f"{number:04}" for number in range(60, 0, -1)]
    spread = [f"{number * 7919 % 10_000:04}" for number in range(60)]

    assert find_running(sales_of(NORMAL), running, BARS).measure["share"] == 1.0
    assert find_running(sales_of(NORMAL), running[:19], BARS) is None
    assert find_running(sales_of(NORMAL), spread, BARS) is None
    assert find_running(sales_of(NORMAL), ["8K2F", "8K3F"] * 30, BARS) is None


def test_codes_that_two_platforms_sold_are_counted():
    assert find_twice(sales_of(NORMAL), 0) is None
    assert (found := find_twice(sales_of(NORMAL), 3)).vouchers == 3
    assert found.scope is None


@pytest.mark.parametrize(
    ("before", "after", "subject"),
    [
        ({"sale_price_minor": 20000}, {"sale_price_minor": 9999}, "sale_price_minor"),
        ({"sale_price_minor": 20000}, {"sale_price_minor": 10000}, None),
        ({"sale_price_minor": None}, {"sale_price_minor": 100}, None),
        ({"face_price_minor": 26000}, {"face_price_minor": 260}, "face_price_minor"),
        ({}, {"valid_until": hours(24)}, "days_taken"),
        ({}, {"valid_from": hours(24)}, "days_taken"),
        ({"valid_until": hours(24)}, {"valid_until": hours(24 * 15)}, None),
        ({"valid_until": hours(24)}, {"valid_until": hours(24 * 33)}, "days_given"),
        ({"valid_until": hours(-24)}, {"valid_until": hours(-48)}, None),  # over by now
        ({}, {"title": "Another"}, None),
    ],
)
def test_deal_that_changes_after_its_sale_is_told(before, after, subject):
    sales = sales_of(NORMAL, **(before | after))

    found = find_changes(a_deal(**before), sales, BARS, T0)

    assert [each.subject for each in found] == ([] if subject is None else [subject])
    assert find_changes(a_deal(**before), sales_of(**(before | after)), BARS, T0) == []


def test_hold_is_refused_for_kinds_that_would_catch_honest_vouchers():
    for kind in ("buyer_hoard", "day_over_capacity", "code_twice"):
        with pytest.raises(InvalidInput, match=f"policy_{kind}"):
            the_bars(**{f"policy_{kind}": "hold"})
    with pytest.raises(InvalidInput, match="rehold_factor"):
        the_bars(rehold_factor=1.0)
    with pytest.raises(InvalidInput, match="quota_times"):
        the_bars(quota_times=-1.0)
    assert the_bars(policy_rate_surge="off").policy(FindingKind.RATE_SURGE) is Policy.OFF
