"""Money is promised to nobody who may still arrive in time."""

from __future__ import annotations

import pytest

from admission.cut_offs import cut_off_ahead, find_cut_off_ahead
from admission.voids import Honour
from tests.builders import VENUE, a_void, at

HONOUR = Honour.of(at("17:00"), VENUE)


@pytest.mark.parametrize(("now", "ahead"), [("09:00", True), ("17:00", True), ("17:00:01", False)])
def test_cut_off_is_ahead_up_to_its_own_instant(now: str, ahead: bool) -> None:
    found = find_cut_off_ahead(a_void(honour=HONOUR), at(now))

    assert found == (at("17:00") if ahead else None)


def test_nobody_can_arrive_where_nobody_is_honoured_or_no_void_is_in_force() -> None:
    assert find_cut_off_ahead(a_void(honour=None), at("09:00")) is None
    assert find_cut_off_ahead(None, at("09:00")) is None


def test_refusal_says_until_when_and_what_to_do_in_venue_time() -> None:
    told = cut_off_ahead(at("17:00"), VENUE)

    assert "2015-02-12 17:00" in told.en
    assert "another cut-off" in told.en
    assert "2015-02-12 17:00" in told.zh
    assert "更改到场截止时间" in told.zh
