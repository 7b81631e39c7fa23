"""A code before the lens is one scan."""

from scanner_client.debounce import Debounce


def test_code_held_before_the_lens_is_one_scan():
    debounce = Debounce(away_s=3)

    assert [debounce.is_new("A", now_s / 10) for now_s in range(200)] == [True] + [False] * 199


def test_code_is_new_again_after_it_was_away():
    debounce = Debounce(away_s=3)
    debounce.is_new("A", 0)

    assert not debounce.is_new("A", 3)
    assert debounce.is_new("A", 6.1)


def test_another_code_is_new_at_once_and_does_not_renew_the_first():
    debounce = Debounce(away_s=3)

    assert debounce.is_new("A", 0)
    assert debounce.is_new("B", 0.1)
    assert not debounce.is_new("A", 0.2)


def test_codes_long_gone_are_forgotten():
    debounce = Debounce(away_s=1)
    for number in range(1000):
        debounce.is_new(f"CODE-{number}", number)

    assert len(debounce._seen) <= 2
