"""How the scopes of holds are joined, and when a decided finding asks again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.deals import HoldScope
from admission.findings import contains, decides_again, join_scopes
from tests.sales import T0, hours

TIMES = st.none() | st.integers(0, 6).map(hours)
SCOPES = st.builds(HoldScope, TIMES, TIMES, st.none() | st.integers(0, 4), TIMES)
VOUCHERS = [
    {"sold_at": at, "price_minor": price, "admits": 1}
    for at in (None, *(T0 + timedelta(minutes=30 * n) for n in range(-1, 14)))
    for price in (None, *range(6))
]


def covered(scope):
    return {n for n, voucher in enumerate(VOUCHERS) if scope.covers(**voucher)}


@given(SCOPES, SCOPES)
def test_joined_scope_covers_what_either_covers(one, other):
    joined = join_scopes(one, other)

    assert covered(joined) >= covered(one) | covered(other)
    assert contains(joined, one)
    assert contains(joined, other)


@given(SCOPES, SCOPES)
def test_contained_scope_covers_nothing_more(outer, inner):
    if contains(outer, inner):
        assert covered(outer) >= covered(inner)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4))
def test_price_and_quota_join_without_catching_honest_earlier_buyers(low, passed, price):
    low_price = HoldScope(sold_from=hours(low), price_at_most_minor=price)
    quota = HoldScope(sold_from=hours(passed))

    for joined in (join_scopes(low_price, quota), join_scopes(quota, low_price)):
        assert covered(joined) == covered(low_price) | covered(quota)


@pytest.mark.parametrize(
    ("size", "decided", "again"),
    [(1, None, True), (199, 100, False), (200, 100, True), (100, 100, False)],
)
def test_decided_finding_asks_again_when_it_has_doubled(size, decided, again):
    assert decides_again(size, decided, 2.0) is again
