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


def test_flicker_of_some_frames_begins_no_new_scan():
    debounce = Debounce(away_s=3)
    seen_s = [number / 25 for number in range(250) if number % 7 not in {2, 3}]

    assert [debounce.is_new("A", now_s) for now_s in seen_s] == [True] + [False] * (len(seen_s) - 1)


def test_two_codes_side_by_side_are_two_scans_however_long_they_take_turns():
    debounce = Debounce(away_s=1)
    both = ("A", "B")

    scans = [
        code
        for second in range(40)
        for code in ("A" if second // 10 % 2 else "B",)
        if debounce.is_new(code, second / 2, both)
    ]
    assert scans == ["B", "A"]


def test_code_that_was_only_beside_the_scanned_one_is_still_to_be_scanned():
    debounce = Debounce(away_s=3)
    debounce.is_new("A", 0, ("A", "B"))

    assert debounce.is_new("B", 0.5, ("B",))


def test_code_that_comes_back_after_it_was_out_of_sight_is_new():
    debounce = Debounce(away_s=3)
    debounce.is_new("A", 0, ("A",))

    assert debounce.is_new("B", 2, ("B",))
    assert debounce.is_new("A", 3.5, ("A", "B"))
