"""Which deals surge: by counts alone, against their own hour before and the others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.errors import InvalidInput
from admission.surges import (
    DealScans,
    Look,
    Measure,
    SurgeBars,
    Usual,
    find_surges,
    next_steps,
    usual_of,
)
from tests.crowds import BARS, Crowd, Day, an_ordinary_day, peak, steady

VECTORS = Path(__file__).parents[1] / "vectors" / "surges.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["surges"]
SINCE = datetime(2015, 2, 12, 1, 0, tzinfo=UTC)

SCANS = st.tuples(st.integers(0, 900), st.floats(0, 1), st.floats(0, 1)).map(
    lambda told: DealScans(
        told[0], int(told[0] * told[1]), int((told[0] - int(told[0] * told[1])) * told[2])
    )
)
BY_DEAL = st.dictionaries(st.integers(1, 6), SCANS, max_size=6)


def a_look(latest, before=None, usual=None):
    return Look(
        since=SINCE,
        minutes=12.0,
        latest={int(deal_no): DealScans(*each) for deal_no, each in latest.items()},
        before={int(deal_no): DealScans(*each) for deal_no, each in (before or {}).items()},
        usual=usual or Usual(),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    usual = case.get("usual", {"busiest": 0, "shares": {}})
    shares = {int(deal_no): share for deal_no, share in usual["shares"].items()}
    look = a_look(case["latest"], case["before"], Usual(usual["busiest"], shares))

    found = [(str(each.deal_no), each.measure.value) for each in find_surges(look, BARS)]

    assert found == list(case["expect"].items())


@pytest.mark.parametrize("seed", range(2))
def test_ordinary_day_of_60_000_visitors_opens_nothing(seed):
    day = Day(an_ordinary_day(), seed).run()

    assert day.rose == []


def test_coach_party_and_a_saturday_of_families_open_nothing():
    coaches = Crowd(lambda now: 40.0 if 800 <= now < 815 else 0.0)
    saturday = an_ordinary_day(deal_7=coaches) | {2: Crowd(peak(560, 40, 18_000))}

    assert Day(saturday, 1).run().rose == []


@pytest.mark.parametrize(
    ("crowd", "measure", "within"),
    [
        (Crowd(steady(36, 540), steady(0.8), steady(0.05)), Measure.REFUSED, 3),
        (Crowd(steady(60, 540), steady(0.02), steady(0.95)), Measure.CALLED, 2),
        (Crowd(steady(120, 540)), Measure.SCANS, 11),
    ],
    ids=["voided", "on hold", "nobody had noticed"],
)
def test_morning_after_the_sale_opens_one_within_minutes(crowd, measure, within):
    (rose,) = Day(an_ordinary_day(deal_99=crowd), 2).run(last=720).rose
    minute, surge = rose

    assert (surge.deal_no, surge.measure) == (99, measure)
    assert minute - 540 < within


def test_surge_that_lasts_is_told_once_and_again_after_it_fell():
    two_waves = Crowd(
        lambda now: 40.0 if 540 <= now < 660 or 780 <= now < 840 else 0.0, steady(0.8)
    )
    day = Day(an_ordinary_day(deal_99=two_waves), 3).run()

    assert [surge.deal_no for _, surge in day.rose] == [99, 99]
    assert [deal_no for _, deal_no in day.fell] == [99, 99]
    (first, _), (second, _) = day.rose
    assert first < 545
    assert 780 <= second < 785
    assert 660 <= day.fell[0][0] < 680


@settings(max_examples=40)
@given(BY_DEAL, BY_DEAL)
def test_fewer_than_the_bars_never_surge(latest, before):
    found = find_surges(Look(SINCE, 12.0, latest, before), BARS)

    assert all(each.count >= getattr(BARS, each.measure.value) for each in found)
    assert len({each.deal_no for each in found}) == len(found)


@settings(max_examples=40)
@given(BY_DEAL, BY_DEAL, st.permutations(range(1, 7)))
def test_numbers_of_deals_mean_nothing(latest, before, order):
    look = Look(SINCE, 12.0, latest, before, Usual(1, {}))
    renamed = Look(
        SINCE,
        12.0,
        {order[deal_no - 1]: each for deal_no, each in latest.items()},
        {order[deal_no - 1]: each for deal_no, each in before.items()},
        Usual(1, {}),
    )

    assert {(order[each.deal_no - 1], each.measure) for each in find_surges(look, BARS)} == {
        (each.deal_no, each.measure) for each in find_surges(renamed, BARS)
    }


@settings(max_examples=40)
@given(BY_DEAL)
def test_what_was_so_all_hour_is_no_surge_of_stopped_scans(latest):
    before = {
        deal_no: DealScans(4 * each.scans, 4 * each.refused, 4 * each.called)
        for deal_no, each in latest.items()
    }
    found = find_surges(Look(SINCE, 15.0, latest, before), BARS)

    assert found == []


@settings(max_examples=40)
@given(BY_DEAL, BY_DEAL, st.frozensets(st.integers(1, 6)))
def test_no_deal_rises_and_falls_at_once(latest, before, up):
    steps = next_steps(up, Look(SINCE, 12.0, latest, before, Usual(1, {})), BARS)

    assert not {each.deal_no for each in steps.rose} & up
    assert set(steps.fell) <= up
    again = next_steps(
        up | {each.deal_no for each in steps.rose},
        Look(SINCE, 12.0, latest, before, Usual(1, {})),
        BARS,
    )
    assert again.rose == []
    assert {each.deal_no for each in steps.rose}.isdisjoint(again.fell)


def test_usual_is_the_busiest_hour_and_each_deals_largest_part_of_a_day():
    hours = {2: {1: 800, 2: 200}, 3: {1: 100}, 26: {2: 900}, 50: {3: 9_000}}
    usual = usual_of(hours, 50, BARS)

    assert usual.busiest == 1000
    assert usual.shares[1] == pytest.approx(900 / 1100)
    assert usual.shares[2] == 1.0
    assert 3 not in usual.shares


def test_days_with_few_scans_say_nothing():
    assert usual_of({1: {1: 599}}, 50, BARS) == Usual()


@pytest.mark.parametrize("name", ["scans", "refused", "called"])
@pytest.mark.parametrize("number", [9, 100_001])
def test_bar_that_makes_no_sense_is_refused(name, number):
    bars = {"scans": 150, "refused": 60, "called": 40} | {name: number}

    with pytest.raises(InvalidInput, match=f"surges.{name}"):
        SurgeBars(**bars)
