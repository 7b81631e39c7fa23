"""What is sold, and who shows what where."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from admission.rows import RowReader
from drill.cast import Cue, choose_cast
from drill.crowd import Visit, draw_crowd
from drill.sales import FIRST_ROWS, FLASH, Sales, deals, fake_code, parts
from drill.story import CUT_FROM_S, CUT_UNTIL_S, DESK, KIOSK, LANES, Sizes
from tests.builders import VENUE

NOW = datetime(2015, 2, 12, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def sales():
    return Sales(Sizes.of(0.01), NOW)


@pytest.fixture(scope="module")
def cast(sales):
    """A day on which everybody is called at once at some gate."""
    visits = [
        Visit(each, served_s=each.arrives_s, gate=number % len(LANES))
        for number, each in enumerate(draw_crowd(3)[::100])
    ]
    return choose_cast(visits, sales, 3)


def test_every_voucher_has_its_own_code(sales):
    codes = [each.code for each in (*sales.all_flash(), *sales.all_honest())]
    codes += [fake_code(number) for number in range(sales.sizes.fakes)]

    assert len(set(codes)) == len(codes)


def test_rows_are_what_a_push_may_carry(sales):
    reader = RowReader(VENUE)
    row = sales.refund(sales.flash(10), NOW)

    told = reader.voucher({name: str(value) for name, value in row.items()}, updated_at=NOW)

    assert (told.admits, told.price_paid_minor, told.status) == (2, 1, "refunded")
    for deal in deals(NOW):
        reader.deal({name: str(value) for name, value in deal.items()}, updated_at=NOW)


def test_night_begins_with_small_pushes_and_loses_no_row():
    rows = [{"number": number} for number in range(6_000)]

    made = list(parts(rows, FIRST_ROWS))

    assert [len(part) for part in made[: len(FIRST_ROWS)]] == list(FIRST_ROWS)
    assert [row for part in made for row in part] == rows


def test_voucher_is_never_shown_in_a_message(sales):
    voucher = sales.flash(5)

    assert voucher.code not in repr(voucher)


def test_steps_are_in_order_and_have_every_cue_and_place(cast):
    moments = [step.at_s for step in cast.steps]
    places = {step.place for step in cast.steps}

    assert moments == sorted(moments)
    assert {step.cue for step in cast.steps if step.cue is not None} == set(Cue)
    assert places >= {*LANES, KIOSK, DESK}


def test_copied_codes_are_shown_at_another_lane_while_cut_off(cast):
    steps = [step for step in cast.steps if step.place in LANES and not step.leaves]
    in_cut = [step for step in steps if CUT_FROM_S <= step.at_s <= CUT_UNTIL_S]
    codes = Counter(step.code for step in in_cut)

    twice = [[s.place for s in in_cut if s.code == code] for code in codes if codes[code] > 1]

    assert twice
    assert all(len(set(lanes)) > 1 for lanes in twice)


def test_blocked_buyers_are_not_those_of_the_morning(cast):
    early = {voucher.code for voucher in cast.early}

    assert cast.blocked
    assert not early & {voucher.code for voucher in cast.blocked}


def test_some_who_were_refunded_come_all_the_same(cast, sales):
    shown = {step.code for step in cast.steps}
    refunded = {voucher.code for voucher in cast.refunded}

    assert len(refunded) == sales.sizes.refunded_first
    assert refunded & shown
    assert {voucher.deal_id for voucher in cast.refunded} == {FLASH}
