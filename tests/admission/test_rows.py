"""Rows of deals and vouchers as platforms send them: every column, and what is refused."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.deals import EVERY_DAY, Category, Reentry, Right
from admission.errors import FeedRejected
from admission.rows import DEAL_COLUMNS, DEAL_NEEDS, VOUCHER_COLUMNS, RowReader, check_columns
from admission.vouchers import Status
from tests.builders import VENUE, a_venue, at

NOW = datetime(2015, 2, 12, 2, 0, tzinfo=UTC)
CODE = "9K3F-22AX-8K2F"


def a_deal_row(**columns):
    row = {
        "deal_id": "OCT-EAST-001",
        "platform": "lvtu",
        "title": "两园联票",
        "face_price_minor": "26000",
        "currency": "CNY",
        "valid_from": "2015-02-12",
        "valid_until": "2015-03-12",
    }
    return row | columns


def read_deal(venue=VENUE, **columns):
    return RowReader(venue).deal(a_deal_row(**columns), updated_at=NOW)


def read_voucher(venue=VENUE, **columns):
    row = {"code": CODE, "deal_id": "OCT-EAST-001"} | columns
    return RowReader(venue).voucher(row, updated_at=NOW)


def rejected(read, **columns):
    with pytest.raises(FeedRejected) as caught:
        read(**columns)
    return caught.value.field


def test_a_deal_needs_few_columns_and_has_defaults_for_the_rest():
    deal = read_deal()

    assert deal.category is Category.ADULT
    assert deal.rights == (Right("park"),)
    assert deal.weekdays == EVERY_DAY
    assert deal.reentry is Reentry.NONE
    assert (deal.early_minutes, deal.late_minutes, deal.hours) == (0, 0, None)
    assert deal.gates == deal.not_on == frozenset()
    assert deal.updated_at == NOW


def test_every_column_of_a_deal_is_read():
    deal = read_deal(
        product="P1",
        category="child",
        rights="canyon:1|valley:2/day",
        sale_price_minor="1",
        settle_price_minor="20000",
        quota="500",
        sale_from="2015-02-01",
        sale_until="2015-02-11 23:00",
        weekdays="1-5|7",
        not_on="2015-02-18|2015-02-19",
        hours="16:00-24:00",
        early_minutes="10",
        late_minutes="15",
        gates="G1|G2",
        reentry="same_day",
        updated_at="2015-02-12T09:00:00.123456+08:00",
    )

    assert deal.category is Category.CHILD
    assert deal.rights == (Right("canyon"), Right("valley", 2, True))
    assert (deal.sale_price_minor, deal.settle_price_minor, deal.quota) == (1, 20000, 500)
    assert deal.sale_until == at("23:00", date(2015, 2, 11))
    assert deal.weekdays == {1, 2, 3, 4, 5, 7}
    assert deal.not_on == {date(2015, 2, 18), date(2015, 2, 19)}
    assert deal.hours == (time(16), time(0))
    assert deal.gates == {"G1", "G2"}
    assert deal.updated_at == datetime(2015, 2, 12, 1, 0, 0, 123000, tzinfo=UTC)


def test_a_date_is_its_venue_days_first_or_last_instant():
    deal = read_deal(sale_from="2015-02-01", sale_until="2015-02-01")

    assert deal.valid_from == at("00:00", date(2015, 2, 12))
    assert deal.valid_until == at("00:00", date(2015, 3, 13)) - timedelta(milliseconds=1)
    assert deal.sale_until - deal.sale_from == timedelta(days=1, milliseconds=-1)


def test_a_night_parks_day_ends_when_the_next_begins():
    deal = read_deal(a_venue(day_starts_at="04:00"))

    assert deal.valid_from == at("04:00", date(2015, 2, 12))
    assert deal.valid_until == at("04:00", date(2015, 3, 13)) - timedelta(milliseconds=1)


def test_a_naive_time_that_clocks_show_twice_lets_in_longest():
    berlin = a_venue("Europe/Berlin")

    voucher = read_voucher(berlin, valid_from="2015-10-25 02:30", valid_until="2015-10-25 02:30")

    assert voucher.valid_until - voucher.valid_from == timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2015-02-12T09:00:00+08:00", at("09:00")),
        ("2015-02-12T01:00:00Z", at("09:00")),
        ("2015-02-12 09:00", at("09:00")),
        ("2015-02-12T09:00:00.5", at("09:00:00.500")),
        (" 2015-02-12T09:00+0800 ", at("09:00")),
    ],
)
def test_times_are_read_as_people_write_them(text, instant):
    assert read_voucher(sold_at=text).sold_at == instant


@pytest.mark.parametrize(
    "text",
    [
        *("2015-02-30", "2015-02-12T25:00", "2015-02-12T23:59:60", "12.2.2015", "yesterday"),
        *("20150212", "2015-W07-4", "9999-12-31", "0001-01-01", "1423702800", "2015-02-12T09"),
    ],
)
def test_other_times_are_refused(text):
    assert rejected(read_voucher, sold_at=text) == "sold_at"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[(name, "") for name in DEAL_NEEDS],
        *[("deal_id", value) for value in ("A B", "A/B", "x" * 65)],
        *[("face_price_minor", v) for v in ("260.00", "-1", "+1", "1e3", "２６０", "10" * 8, "¥1")],
        *[("currency", value) for value in ("cny", "RMBX", "¥")],
        *[("category", value) for value in ("Adult", "kid")],
        *[("rights", v) for v in ("park:0", "park:1/week", ":1", "park|park", "park:1|", "a b")],
        *[("weekdays", value) for value in ("0", "8", "5-1", "Mon", "1,2", "1-5|")],
        *[("not_on", value) for value in ("2015-02-30", "18.2.", "2015-02-18,2015-02-19")],
        *[("hours", v) for v in ("16-22", "16:00", "24:00-08:00", "16:00-24:30", "16:00-25:00")],
        *[("early_minutes", value) for value in ("-1", "1441", "1.5")],
        *[("gates", value) for value in ("G1||G2", "G 1", "G1|")],
        *[("reentry", value) for value in ("yes", "same-day")],
        *[("quota", value) for value in ("-5", "many")],
        ("title", "x" * 201),
    ],
)
def test_a_wrong_deal_is_refused_by_its_column(column, value):
    assert rejected(read_deal, **{column: value}) == column


def test_windows_that_are_empty_are_refused():
    assert rejected(read_deal, valid_until="2015-02-11") == "valid_until"
    assert rejected(read_deal, sale_from="2015-02-12", sale_until="2015-02-11") == "sale_until"
    window = {"valid_from": "2015-02-13", "valid_until": "2015-02-12"}
    assert rejected(read_voucher, **window) == "valid_until"


def test_a_voucher_says_nothing_of_what_its_row_does_not():
    voucher = read_voucher(status="", admits=" ")

    assert (voucher.status, voucher.admits, voucher.price_paid_minor) == (None, None, None)
    assert (voucher.tail, voucher.updated_at) == ("8K2F", NOW)


def test_every_column_of_a_voucher_is_read():
    voucher = read_voucher(
        voucher_ref="V1",
        order_ref="ORDER-1",
        buyer_ref="user 7",
        buyer_phone="+86 138 0013 8000",
        admits="2",
        price_paid_minor="2",
        valid_from="2015-02-12",
        valid_until="2015-02-13",
        status="refunded",
        status_at="2015-02-12T09:00:00+08:00",
        sold_at="2015-02-12T08:00:00+08:00",
        updated_at="2015-02-12T10:00:00+08:00",
    )

    assert (voucher.order_ref, voucher.order_code) == ("ORDER-1", "ORDER-1")
    assert (voucher.phone, voucher.phone_last4) == ("13800138000", "8000")
    assert (voucher.admits, voucher.price_paid_minor) == (2, 2)
    assert voucher.status is Status.REFUNDED
    assert voucher.status_at == at("09:00")
    assert voucher.updated_at == at("10:00")


def test_ndjson_may_give_numbers():
    voucher = read_voucher(admits=2, price_paid_minor=0, order_ref=1234567)

    assert (voucher.admits, voucher.price_paid_minor, voucher.order_ref) == (2, 0, "1234567")


@pytest.mark.parametrize("value", [True, 1.0, ["1"], {"a": 1}])
def test_ndjson_may_not_give_anything_else(value):
    assert rejected(read_voucher, admits=value) == "admits"
    assert rejected(read_voucher, code=value) == "code"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("code", v) for v in ("", "12345", "x" * 513, "ab\x00cdef", "abc\tdef", "abc\x85def")],
        *[("admits", value) for value in ("0", "100", "two")],
        *[("price_paid_minor", value) for value in ("0.01", "-1")],
        *[("status", value) for value in ("used", "VALID")],
        *[("buyer_phone", value) for value in ("123", "phone", "1" * 21)],
        ("buyer_ref", "evil\x1b[2Jname"),
        ("voucher_ref", "turned\u202etext"),
        ("order_ref", "line\u2028break"),
        ("deal_id", ""),
    ],
)
def test_a_wrong_voucher_is_refused_by_its_column(column, value):
    assert rejected(read_voucher, **{column: value}) == column


def test_a_refusal_never_quotes_a_code_or_a_person():
    with pytest.raises(FeedRejected) as caught:
        read_voucher(code="SECRET-CODE\x07")

    assert "SECRET" not in str(caught.value)
    assert "8K2F" in repr(read_voucher())
    assert CODE not in repr(read_voucher(buyer_ref="somebody"))


def test_a_masked_phone_keeps_its_end_only():
    voucher = read_voucher(buyer_phone="138****8000")

    assert (voucher.phone, voucher.phone_last4) == (None, "8000")


def test_a_code_is_kept_as_scanning_reads_it():
    voucher = read_voucher(code="\\0000269K3F-22ax-8K2F ")

    assert voucher.code == "9K3F-22ax-8K2F"
    assert not voucher.signed
    assert read_voucher(code="GH1:ANYTHING").signed


def test_an_order_number_of_any_length_finds_its_vouchers_but_never_poses_as_a_token():
    assert read_voucher(order_ref="O-1").order_code == "O-1"
    assert read_voucher(order_ref="GH1:ABCDEF").order_code is None


def test_columns_are_checked_by_name():
    def check(*names):
        with pytest.raises(FeedRejected) as caught:
            check_columns(names, VOUCHER_COLUMNS, ("code", "deal_id"))
        return caught.value.field

    assert check("code", "deal_id", "colour") == "colour"
    assert check("code", "deal_id", "code") == "code"
    assert check("code") == "deal_id"


def test_the_columns_are_those_of_the_contract():
    assert len(DEAL_COLUMNS) == 23
    assert len(VOUCHER_COLUMNS) == 14


_VALUES = st.one_of(st.text(max_size=30), st.integers(), st.none(), st.booleans(), st.floats())


def outcome(read, row):
    """Return what a row was read as, or the column that it was refused for."""
    try:
        return read(row, updated_at=NOW)
    except FeedRejected as refused:
        return refused.field


@given(st.dictionaries(st.sampled_from(VOUCHER_COLUMNS), _VALUES))
def test_whatever_a_voucher_row_holds_it_is_read_or_refused(row):
    found = outcome(RowReader(VENUE).voucher, row)

    assert found in VOUCHER_COLUMNS or 6 <= len(found.code) <= 512


@given(st.dictionaries(st.sampled_from(DEAL_COLUMNS), _VALUES))
def test_whatever_a_deal_row_holds_it_is_read_or_refused(row):
    found = outcome(RowReader(VENUE).deal, a_deal_row() | row)

    assert found in DEAL_COLUMNS or found.title
