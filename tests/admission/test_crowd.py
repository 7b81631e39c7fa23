"""The crowd, held against a simulation that knows no estimator, and where nothing is known."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from admission.crowd import CrowdSeen, Gap, OccupancyEntry, assess
from admission.crowd_advice import AdviceKind, advise_gates
from admission.crowd_forecast import SLOT, PastDay, Today, forecast
from admission.crowd_queues import (
    GateFlow,
    QueueBasis,
    QueueCount,
    QueueGap,
    QueueSeen,
    Stamps,
    best_rate,
    estimate_queue,
)
from admission.errors import InvalidInput
from benchmarks.bench_crowd import LEAST_QUEUE, TERMS, advise, look
from benchmarks.sim_crowd import draw_plan, play

NOON = datetime(2015, 2, 12, 4, 0, tzinfo=UTC)
MORNING = NOON - timedelta(hours=12)
DAY = date(2015, 2, 12)


def a_gate(gate_id="G1", rate=10, minutes=60, **fields):
    return GateFlow(gate_id, f"gate {gate_id}", "park", True, (rate,) * minutes, **fields)


def a_count(people, ago_min=0.0, gate_id=None):
    return QueueCount("park", gate_id, people, NOON - timedelta(minutes=ago_min))


def a_queue(*counts, gates=None, stamps=None):
    return QueueSeen(NOON, gates or (a_gate(),), counts, stamps or Stamps())


def a_day(**fields):
    values = {"day": DAY, "begins_at": MORNING, "elapsed_min": 720.0, "slots": 96}
    return Today(**values | {"people": 0, "inside": 0} | fields)


def a_crowd(*counts, gates=None, terms=TERMS, **fields):
    gates = gates or (a_gate(),)
    values = {"now": NOON, "until": NOON, "gates": gates, "exits": (0,) * 60, "counts": counts}
    values |= {"today": a_day(), "opens_at": NOON, "closes_at": NOON + timedelta(hours=10)}
    return assess(CrowdSeen(**values | fields), terms)


# --- held against the simulation -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["steady", "rising"])
def test_wait_is_within_a_fifth_of_what_it_was(kind):
    looks = [each for seed in (1, 2, 3) for each in look(play(draw_plan(kind, seed), seed))]

    assert len(looks) > 40
    assert statistics.fmean(each.error for each in looks) < 0.2
    assert statistics.fmean(each.within for each in looks) > 0.85


def test_gates_that_are_advised_bring_the_wait_that_is_said():
    found = list(advise(draw_plan("rising", 3), 3, (70, 90)))

    assert len(found) == 2
    assert statistics.fmean(each.error for each in found) < 0.2
    assert all(each.so < 0.9 * each.without for each in found)


def test_simulation_is_the_same_again_and_another_for_another_seed():
    plan = replace(draw_plan("peaked", 4), minutes=40)
    one, same, other = play(plan, 4), play(plan, 4), play(plan, 5)

    assert (one.truth.queue, one.seen) == (same.truth.queue, same.seen)
    assert one.truth.queue != other.truth.queue
    assert LEAST_QUEUE == 100


# --- queues ---------------------------------------------------------------------------------------


def test_nothing_is_known_of_a_queue_that_nobody_counted():
    found = estimate_queue(a_queue())

    assert (found.waiting, found.wait, found.gap) == (None, None, QueueGap.NOT_COUNTED)


def test_count_of_more_than_an_hour_ago_says_nothing():
    found = estimate_queue(a_queue(a_count(500, ago_min=61)))

    assert (found.waiting, found.gap) == (None, QueueGap.COUNT_TOO_OLD)


def test_counted_queue_waits_as_long_as_its_people_take_at_the_gates():
    found = estimate_queue(a_queue(a_count(300), gates=(a_gate("G1", 10), a_gate("G2", 5))))

    assert (found.waiting.value, found.wait.value) == (300, 20)
    assert found.wait.low < 20 < found.wait.high
    assert found.basis is QueueBasis.COUNTS


def test_older_count_has_a_wider_range():
    young, old = (estimate_queue(a_queue(a_count(300, ago_min=ago))) for ago in (0, 30))

    assert old.wait.high - old.wait.low > 2 * (young.wait.high - young.wait.low)


def test_two_counts_tell_who_joined_between_them_and_since():
    # 10 a minute are let in, and the queue grew by 100 in 10 minutes: 20 a minute join.
    found = estimate_queue(a_queue(a_count(200, ago_min=15), a_count(300, ago_min=5)))

    assert found.inflow == pytest.approx(20)
    assert found.waiting.value == pytest.approx(350)


def test_queue_is_not_less_than_empty():
    found = estimate_queue(a_queue(a_count(200, ago_min=20), a_count(20, ago_min=10)))

    assert (found.waiting.value, found.waiting.low, found.wait.value) == (0, 0, 0)


def test_queue_at_gates_that_let_nobody_in_has_no_wait():
    found = estimate_queue(a_queue(a_count(200), gates=(a_gate(rate=0),)))

    assert (found.waiting.value, found.wait) == (200, None)
    assert found.gap is QueueGap.NOBODY_LET_IN


def test_empty_queue_at_idle_gates_has_no_wait_to_speak_of():
    found = estimate_queue(a_queue(a_count(0), gates=(a_gate(rate=0),)))

    assert (found.wait.value, found.gap) == (0, None)


def test_closed_gate_lets_nobody_in_any_more():
    shut = replace(a_gate("G2"), opened=False)
    found = estimate_queue(a_queue(a_count(200), gates=(a_gate("G1"), shut)))

    assert found.wait.value == pytest.approx(20)


def test_gate_that_has_just_opened_is_not_taken_for_a_slow_one():
    fresh = replace(a_gate(), admitted=(0,) * 57 + (9, 9, 9))

    assert fresh.rate() == 9


def test_stamps_alone_tell_the_queue_of_the_stamped_and_of_the_others():
    # Half of those let in had been stamped, and had waited 20 minutes; 5 a minute are stamped.
    stamps = Stamps((5,) * 60, (5,) * 60, (100.0,) * 60)
    found = estimate_queue(a_queue(stamps=stamps))

    assert found.basis is QueueBasis.STAMPS
    assert (found.waiting.value, found.wait.value) == (pytest.approx(200), pytest.approx(20))


def test_a_few_stamps_are_nothing_to_go_by():
    stamps = Stamps((1,) * 60, (1,) * 60, (20.0,) * 60)

    assert estimate_queue(a_queue(stamps=stamps)).gap is QueueGap.NOT_COUNTED


@pytest.mark.parametrize(
    ("minutes", "best"), [([9] * 9, 0), ([9] * 10, 9), ([0] * 30 + [8] * 10 + [1] * 5, 8)]
)
def test_best_pace_is_one_that_was_kept_up(minutes, best):
    assert best_rate(minutes) == best


def test_queues_counted_gate_by_gate_add_up_where_none_is_missing():
    gates = a_gate("G1"), a_gate("G2", 5)
    part = a_crowd(a_count(100, gate_id="G1"), gates=gates)
    whole = a_crowd(a_count(100, gate_id="G1"), a_count(100, gate_id="G2"), gates=gates)

    assert part.areas[0].found.gap is QueueGap.NOT_COUNTED
    assert part.queues[1].found.wait.value == 10
    assert whole.areas[0].found.waiting.value == 200
    assert whole.areas[0].found.wait.value == pytest.approx(15)


# --- advice ---------------------------------------------------------------------------------------


def closed(gate_id, **fields):
    return replace(a_gate(gate_id, rate=0, **fields), opened=False)


def advised(view, kind):
    return [each for each in view.advice if each.kind is kind]


def test_fewest_gates_are_named_by_which_the_wait_falls_to_the_goal():
    gates = a_gate("G1"), closed("G2", best=9.0), closed("G3", best=10.0), closed("G4", best=8.0)
    advice = advise_gates("park", estimate_queue(a_queue(a_count(150), gates=gates)), gates, TERMS)

    assert (advice.gate_ids, advice.wait_min) == (("G3",), 15)
    assert advice.after_min == pytest.approx(7.5)


def test_gate_without_a_record_is_taken_to_be_like_the_others_below_its_ceiling():
    gates = a_gate("G1", 20), closed("G2", ceiling=5.0)
    view = a_crowd(a_count(400), gates=gates)

    assert advised(view, AdviceKind.OPEN_GATES)[0].after_min == pytest.approx(16)


def test_all_gates_open_and_a_long_wait_is_said():
    assert advised(a_crowd(a_count(150)), AdviceKind.ALL_OPEN)[0].wait_min == 15


def test_short_wait_needs_no_advice():
    assert a_crowd(a_count(100), gates=(a_gate(), closed("G2"))).advice == ()


def test_nobody_is_advised_to_open_gates_in_an_emergency():
    assert a_crowd(a_count(900), gates=(a_gate(), closed("G2")), emergency=True).advice == ()


def test_shares_of_the_limit_are_foretold_at_this_rate():
    # 10 a minute come in and nobody leaves: 80 % of 1,000 in 20 minutes.
    view = a_crowd(a_count(0), limit=1000, today=a_day(inside=600, people=600))
    (ahead,) = advised(view, AdviceKind.WARN_AHEAD)

    assert (ahead.at, ahead.share) == (NOON + timedelta(minutes=20), 0.8)
    assert view.capacity.level == "normal"


@pytest.mark.parametrize(
    ("inside", "level", "kinds"),
    [
        (800, "warning", {AdviceKind.WARN, AdviceKind.NOTICE_AHEAD}),
        (900, "alarm", {AdviceKind.NOTICE, AdviceKind.STOP_AHEAD}),
        (1000, "full", {AdviceKind.STOP}),
    ],
)
def test_reached_share_is_said_with_the_next_one(inside, level, kinds):
    view = a_crowd(a_count(0), limit=1000, today=a_day(inside=inside, people=inside))

    assert (view.capacity.level, {each.kind for each in view.advice}) == (level, kinds)


def test_crowd_that_leaves_as_fast_as_it_comes_fills_nothing():
    today = a_day(inside=700, people=700)
    view = a_crowd(a_count(0), limit=1000, exits=(10,) * 60, today=today)

    assert view.advice == ()


def test_who_joins_too_late_to_get_in_is_told():
    view = a_crowd(a_count(110), closes_at=NOON + timedelta(minutes=10))

    assert advised(view, AdviceKind.CLOSING)[0].wait_min == 11


def test_busy_gates_without_a_count_ask_for_one():
    assert advised(a_crowd(), AdviceKind.COUNT_QUEUE)
    assert a_crowd(gates=(a_gate(rate=1),)).advice == ()
    assert advised(a_crowd(a_count(50, ago_min=21)), AdviceKind.COUNT_QUEUE)


def test_dense_queue_is_told_where_its_room_is_known():
    terms = replace(TERMS, queue_area_m2={"park": 30.0})
    view = a_crowd(a_count(100), terms=terms)

    assert (view.areas[0].density, view.areas[0].m2_a_person) == ("D", 0.3)
    assert not advised(view, AdviceKind.DENSE)
    assert advised(a_crowd(a_count(110), terms=terms), AdviceKind.DENSE)
    assert a_crowd(a_count(110)).areas[0].density is None


# --- capacity and terms ---------------------------------------------------------------------------


def test_capacity_follows_from_the_area_and_the_mean_visit():
    terms = replace(TERMS, usable_area_m2=10_000.0, area_a_visitor_m2=5.0, mean_visit_min=240.0)

    assert terms.at_once() == 2000
    assert terms.a_day(2000, timedelta(hours=8)) == 4000
    assert TERMS.at_once() is None
    assert TERMS.a_day(2000, timedelta(hours=8)) is None


@pytest.mark.parametrize(
    ("m2", "level"), [(2.0, "A"), (1.21, "A"), (0.9, "B"), (0.7, "C"), (0.3, "D"), (0.2, "E"),
                      (0.19, "F")]
)  # fmt: skip
def test_level_of_service_begins_at_its_bound(m2, level):
    assert TERMS.density(m2) == level


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("usable_area_m2", -1.0),
        ("open_until", "late"),
        ("gate_ceiling", 0.0),
        ("gate_ceilings", {"G1": "fast"}),
        ("gate_ceilings", {"G1": True}),
        ("queue_area_m2", {"park": -5}),
        ("density_m2", [1.0, 0.9]),
        ("density_m2", [1.21, 0.7, 0.9, 0.3, 0.2]),
        ("density_m2", ["a", 0.9, 0.7, 0.3, 0.2]),
        ("warn_share", 0.95),
        ("stop_share", 1.5),
        ("wait_goal_min", 0.0),
        ("wait_goal_min", 60.0),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(name, value):
    with pytest.raises(InvalidInput) as refused:
        replace(TERMS, **{name: value})

    assert refused.value.field.startswith("crowd.")


# --- forecast -------------------------------------------------------------------------------------


def a_past_day(back, people=1000, **fields):
    """Return a day of which half had come by noon, and two thirds of those had left by 18:00."""
    arrivals, exits = [0] * 96, [0] * 96
    arrivals[40], arrivals[56] = people // 2, people - people // 2
    exits[72] = people * 2 // 3
    return PastDay(DAY - timedelta(days=back), tuple(arrivals), tuple(exits), **fields)


def test_without_a_past_day_there_is_no_forecast_and_it_is_said():
    view = a_crowd(today=a_day(people=500, inside=500))

    assert (view.forecast, Gap.NO_PAST_DAYS in view.gaps) == (None, True)


def test_day_like_those_before_is_foretold_like_them():
    found = forecast(a_day(people=500, inside=500), [a_past_day(back) for back in (1, 2, 3)])

    assert (found.people.value, found.still_to_come) == (pytest.approx(1000), 500)
    assert sum(slot.people for slot in found.slots) == 500
    assert (found.peak_inside, found.peak_at) == (1000, MORNING + 57 * SLOT)
    assert found.slots[-1].inside == pytest.approx(334, abs=1)


def test_morning_with_twice_as_many_foretells_more_the_later_it_is():
    past = [a_past_day(back) for back in (1, 2, 3)]
    noon = forecast(a_day(people=1000), past)
    night = forecast(a_day(people=2000, elapsed_min=1200.0), past)

    assert 1500 < noon.people.value < 2000
    assert noon.people.low >= 1000
    assert night.people.value == pytest.approx(2000)


def test_vouchers_for_today_alone_tell_before_anybody_has_come():
    past = [a_past_day(back, dated_sold=1000, dated_came=900) for back in (1, 2, 3)]
    dawn = a_day(elapsed_min=300.0, dated_sold=5000, unused=5000)
    found = forecast(dawn, past)

    assert found.people.value == pytest.approx(5000 * 0.9 + 100)


def test_closed_day_says_nothing_about_today():
    assert forecast(a_day(people=500), [a_past_day(1, people=3)]) is None


def test_weekend_is_foretold_from_weekends():
    saturday = date(2015, 2, 14)
    back = (saturday - DAY).days
    past = [a_past_day(days - back, people=3000) for days in (6, 7, 13)]
    past += [a_past_day(days - back, people=100) for days in (2, 3, 4)]

    found = forecast(a_day(day=saturday, people=0, elapsed_min=0.0), past)

    assert found.people.value == pytest.approx(3000)


def test_where_no_exits_are_counted_inside_is_not_foretold_and_it_is_said():
    today = a_day(people=500, inside=500, counts_exits=False)
    view = a_crowd(today=today, past=(a_past_day(1),))
    entered = a_crowd(today=today, entered_by_hand=OccupancyEntry(300, NOON, "li"))

    assert view.occupancy.gap is Gap.NO_EXITS
    assert entered.occupancy.gap is Gap.NO_EXITS_SINCE
    assert view.forecast.peak_inside is None
    assert {slot.inside for slot in view.forecast.slots} == {None}


def test_day_that_takes_fewer_than_are_expected_is_told():
    terms = replace(TERMS, mean_visit_min=600.0)
    past = tuple(a_past_day(back) for back in (1, 2, 3))
    view = a_crowd(today=a_day(people=500, inside=5), past=past, limit=900, terms=terms)

    assert (view.capacity.a_day, view.capacity.left_today) == (900, 400)
    assert advised(view, AdviceKind.DAY_AHEAD)[0].people == 1000
