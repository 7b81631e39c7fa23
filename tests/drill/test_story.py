"""Story time becomes real time; sizes follow the scale."""

import itertools

import pytest

from drill.story import (
    ADMIT_UNTIL_S,
    CUT_FROM_S,
    CUT_LEAST_S,
    CUT_OFF_S,
    CUT_UNTIL_S,
    LONGEST_DAY_S,
    SOLD,
    Pace,
    Sizes,
    choose_pace,
)


@pytest.mark.parametrize("day_s", [12.0, 60.0, 420.0])
def test_time_never_goes_backwards(day_s):
    pace = Pace(day_s)

    moments = [pace.real_s(at) for at in range(0, int(ADMIT_UNTIL_S) + 1, 60)]

    assert moments[0] == 0.0
    assert all(earlier < later for earlier, later in itertools.pairwise(moments))


def test_cut_is_long_enough_for_a_scanner_to_notice_it():
    pace = Pace(12.0)

    assert pace.real_s(CUT_UNTIL_S) - pace.real_s(CUT_FROM_S) == pytest.approx(CUT_LEAST_S)


def test_long_day_runs_evenly():
    pace = Pace(ADMIT_UNTIL_S / 10)

    assert pace.faster == pytest.approx(10)
    assert pace.real_s(CUT_OFF_S) == pytest.approx(CUT_OFF_S / 10)


def test_slow_machine_gets_a_longer_day_within_limits():
    quick, slow = choose_pace(2000, 400.0), choose_pace(2000, 50.0)
    slowest = choose_pace(10**6, 1.0)

    assert quick.faster > slow.faster > slowest.faster
    assert slowest.real_s(ADMIT_UNTIL_S) == pytest.approx(LONGEST_DAY_S)


def test_small_drill_still_has_everybody():
    sizes = Sizes.of(0.005)

    assert Sizes.of(1.0).sold == SOLD
    assert min(sizes.fakes, sizes.blocked, sizes.kiosk, sizes.exchanged, sizes.early) > 0
