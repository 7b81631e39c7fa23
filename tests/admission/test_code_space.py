"""How many codes look like those of a deal: few can be guessed, many cannot."""

import random

import pytest

from admission.code_space import ENOUGH_CODES, MOST_CODES, CodeShape, Shapes, measure

CHANCE = random.Random(7)


def some(make, count=200):
    return [make(number) for number in range(count)]


def letters(length, alphabet):
    return "".join(CHANCE.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize(
    ("codes", "least", "most"),
    [
        (some(lambda n: f"OCT-{n + 4000:06}"), 150, 300),
        (some(lambda _: letters(6, "0123456789")), 9e5, 1e6),
        (some(lambda _: letters(12, "0123456789")), 9e11, 1e12),
        (some(lambda _: "MT2026" + letters(8, "ABCDEFGHJKMN23456789")), 1e12, 3e12),
        (some(lambda _: letters(24, "0123456789abcdef")), 1e30, 1e40),
        (["SAME-CODE"] * 50, 1e11, 1e14),
        ([], 0, 0),
    ],
    ids=["sequence", "six digits", "twelve digits", "prefix", "hexadecimal", "one", "none"],
)
def test_space_is_about_what_it_is(codes, least, most):
    assert least <= measure(codes).space <= most


def test_few_codes_prove_no_fixed_place():
    codes = some(lambda n: f"77777777{n:02}", ENOUGH_CODES - 1)

    assert measure(codes).space == 1e10


def test_codes_of_several_lengths_add_up():
    short, long = some(lambda _: letters(6, "01234")), some(lambda _: letters(9, "0123456789"))

    assert measure([*short, *long]).space > measure(long).space


def test_two_parts_say_the_larger_space():
    assert CodeShape(3, 10.0).join(CodeShape(4, 99.0)) == CodeShape(7, 99.0)


def test_each_deal_has_its_own_and_shows_no_code():
    shapes = Shapes()
    for number in range(MOST_CODES + 100):
        shapes.add("DAY", f"SECRET-{number}")
    shapes.add("NIGHT", "999999")

    measured = shapes.measured()
    assert measured["DAY"].codes == MOST_CODES
    assert measured["NIGHT"].space == 1e6
    assert "SECRET" not in repr(shapes) + repr(measured)
