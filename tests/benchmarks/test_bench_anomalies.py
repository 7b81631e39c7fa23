"""The measurements of the look at sales, small: what they show at full size must hold here too."""

from admission.findings import FindingKind
from benchmarks.bench_anomalies import the_faults, the_sale, the_year
from benchmarks.sales_faults import FAULTS, HELD_OUT_SEEDS, TUNING_SEEDS, VARIANTS


def test_sale_of_2015_is_held_in_time_and_no_honest_buyer_with_it(tmp_path):
    result = the_sale(tmp_path, absurd=400, honest=120)

    assert result.late_s <= 60.0
    assert (result.earlier_held, result.absurd_held) == (0, result.absurd)
    assert result.earlier > 100
    assert result.incidents == 1


def test_honest_deals_are_neither_held_nor_told_of(tmp_path):
    result = the_year(tmp_path, seed=7, deals=24, hours=72)

    assert (result.holds, result.warnings) == ([], [])
    assert result.deals >= 20


def test_faults_are_found_and_honest_deals_beside_them_are_left_alone(tmp_path):
    score = the_faults(tmp_path, TUNING_SEEDS[0], every=20, hours=24)

    assert (score.wrong, score.missed) == ([], [])
    assert (score.right, score.earlier_held) == (3, 0)


def test_faults_are_sixty_and_seeds_for_tuning_are_not_measured():
    assert sum(count for _, count in FAULTS) == VARIANTS
    assert not set(TUNING_SEEDS) & set(HELD_OUT_SEEDS)
    assert {kind.value for kind in FindingKind} >= {"price_low", "over_quota"}
