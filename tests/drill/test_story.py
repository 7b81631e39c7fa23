"""Story time becomes real time; sizes follow the scale."""

from itertools import pairwise

import pytest

from drill.story import (
    ADMIT_UNTIL_S,
    CUT_FROM_S,
    CUT_UNTIL_S,
    HOUR_S,
    LONGEST_DAY_S,
    SHORTEST_DAY_S,
    SOLD,
    Sizes,
    choose_pace,
)

EVENLY = [number * 30.0 for number in range(1000)]


@pytest.mark.parametrize("rate", [1.0, 50.0, 5_000.0])
def test_time_never_goes_backwards(rate):
    pace = choose_pace(EVENLY, rate)

    moments = [pace.real_s(at) for at in range(0, int(ADMIT_UNTIL_S) + 1, 60)]

    assert moments[0] == 0.0
    assert moments[-1] == pytest.approx(pace.day_s)
    assert all(earlier < later for earlier, later in pairwise(moments))


def test_cut_is_long_enough_for_a_scanner_to_notice_it():
    pace = choose_pace([], 100.0)

    assert pace.real_s(CUT_UNTIL_S) - pace.real_s(CUT_FROM_S) == pytest.approx(8.0)
    assert pace.day_s < 3 * SHORTEST_DAY_S


def test_busy_hour_gets_more_time_than_a_quiet_one():
    busy = [7 * HOUR_S + number for number in range(3000)]

    pace = choose_pace(busy, 100.0)

    assert pace.real_s(8 * HOUR_S) - pace.real_s(7 * HOUR_S) > 3000 / 100.0
    assert pace.real_s(2 * HOUR_S) - pace.real_s(HOUR_S) < 3.0


def test_slow_machine_gets_a_longer_day_within_limits():
    quick, slow = choose_pace(EVENLY, 400.0), choose_pace(EVENLY, 50.0)
    slowest = choose_pace(EVENLY, 0.1)

    assert quick.day_s < slow.day_s < slowest.day_s
    assert quick.faster > slow.faster
    assert slowest.day_s == pytest.approx(LONGEST_DAY_S, rel=0.05)


def test_small_drill_still_has_everybody():
    sizes = Sizes.of(0.005)

    assert Sizes.of(1.0).sold == SOLD
    assert min(sizes.fakes, sizes.blocked, sizes.kiosk, sizes.exchanged, sizes.early) > 0
