"""Whose code it is when a frame shows several."""

import pytest

from scanner_client.choice import FLICKER, PATIENCE, Choice, marked, nearest
from scanner_client.rescue import Reading, Spot

FRAME = (720, 1280)


def a_reading(text, *, x, y=360, size=100, behind=False):
    half = size / 2
    corners = (
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
    )
    return Reading(text, corners, "fast", behind)


def chosen(choice, *readings):
    reading = choice.choose(readings, FRAME)
    return None if reading is None else reading.text


def test_nearest_to_the_middle_is_chosen_wherever_it_stands_in_the_list():
    left, right = a_reading("LEFT", x=500), a_reading("RIGHT", x=900)

    assert nearest([left, right], FRAME) == nearest([right, left], FRAME) == left
    assert nearest([], FRAME) is None


def test_of_two_that_are_equally_near_the_larger_is_chosen():
    small, large = a_reading("SMALL", x=440, size=80), a_reading("LARGE", x=850, size=160)

    assert nearest([small, large], FRAME) == large


def test_two_codes_held_still_never_take_turns():
    choice = Choice()
    frames = [
        (a_reading("LEFT", x=430 + tremble), a_reading("RIGHT", x=850 + tremble))
        for tremble in (0, -40, 40, -40, 40, -40)
    ]

    assert [chosen(choice, *frame) for frame in frames] == ["LEFT"] * 6


def test_clearly_nearer_code_takes_over():
    choice = Choice()
    first = a_reading("FIRST", x=300)

    assert chosen(choice, first) == "FIRST"
    assert chosen(choice, first, a_reading("OTHER", x=880)) == "FIRST"
    assert chosen(choice, first, a_reading("OTHER", x=700)) == "OTHER"


def test_while_the_held_code_flickers_the_one_beside_it_is_not_taken():
    choice = Choice()
    first, other = a_reading("FIRST", x=500), a_reading("OTHER", x=900)
    chosen(choice, first, other)

    assert chosen(choice, other) is None
    assert chosen(choice) is None
    assert chosen(choice, first, other) == "FIRST"


def test_when_the_held_code_has_left_the_one_beside_it_is_taken():
    choice = Choice()
    other = a_reading("OTHER", x=900)
    chosen(choice, a_reading("FIRST", x=500), other)

    seen = [chosen(choice, other) for _ in range(FLICKER + 2)]
    assert seen == [None] * FLICKER + ["OTHER"] * 2


def test_new_code_in_the_old_ones_place_is_taken_at_once():
    choice = Choice()
    chosen(choice, a_reading("FIRST", x=500))

    assert chosen(choice, a_reading("RENEWED", x=510)) == "RENEWED"


@pytest.mark.parametrize(
    ("spot", "behind"),
    [
        (Spot((600, 360), 100), True),
        (Spot((600, 360), 30), False),
        (Spot((200, 360), 100), False),
        (Spot((870, 370), 60), False),
    ],
    ids=["nearer", "too small", "farther", "in the code itself"],
)
def test_code_is_behind_where_a_nearer_one_was_not_read(spot, behind):
    [reading] = marked([a_reading("FAR", x=880)], [spot], FRAME)

    assert reading.behind is behind
    assert (nearest([reading], FRAME) is None) is behind


def test_nearer_code_that_is_read_after_all_lifts_the_mark():
    far, near = a_reading("FAR", x=900), a_reading("NEAR", x=600)
    spots = [Spot((602, 358), 95)]

    assert nearest(marked([far, near], spots, FRAME), FRAME) == near


def test_code_behind_is_taken_once_the_nearer_one_was_waited_for():
    choice = Choice()
    behind = a_reading("BEHIND", x=900, behind=True)

    seen = [chosen(choice, behind) for _ in range(PATIENCE + 1)]
    assert seen == [None] * PATIENCE + ["BEHIND"]


def test_held_code_stays_though_something_nearer_is_not_read():
    choice = Choice()
    chosen(choice, a_reading("FIRST", x=500))

    assert chosen(choice, a_reading("FIRST", x=500, behind=True)) == "FIRST"
