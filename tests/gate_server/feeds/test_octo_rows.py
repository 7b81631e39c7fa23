"""What an OCTO booking says of deals and vouchers, and what it must not be taken to say."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from admission.calendar import Venue
from admission.errors import FeedRejected
from admission.rows import RowReader
from admission.vouchers import MOST_ADMITS
from gate_server.feeds.octo_booking import read_booking, read_list
from gate_server.feeds.octo_rows import NO_CURRENCY, Mapper
from tests.platforms import Sold, a_booking

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SAMPLES = Path(__file__).parents[4] / "shared/octo_samples"
READER = RowReader(Venue(ZoneInfo("Asia/Shanghai")))


def rows_of(document, platform="sunny"):
    text = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Mapper(platform, NOW).rows(read_booking(text), "here")


def vouchers(sold, **changes):
    return rows_of(a_booking(sold, **changes)).vouchers


def only(sold, **changes):
    (row,) = vouchers(sold, **changes)
    return row


def read(row):
    """Read a voucher's row as the ledger does."""
    assert row.problem is None, row.problem
    return READER.voucher(row.row, updated_at=NOW)


def told(rows):
    return [(row.row["code"], row.more_codes, row.row["status"]) for row in rows]


def test_code_on_each_ticket_is_a_voucher_a_unit():
    found = vouchers(Sold(1, ("TICKET-1", "TICKET-2")))

    assert told(found) == [("TICKET-1", (), "valid"), ("TICKET-2", (), "valid")]
    assert [read(row).admits for row in found] == [1, 1]
    assert {read(row).price_paid_minor for row in found} == {25000}


def test_code_of_the_whole_booking_is_one_voucher_that_its_tickets_find_too():
    row = only(Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1"))
    fields = read(row)

    assert told([row]) == [("BOOKING-1", ("TICKET-1", "TICKET-2"), "valid")]
    assert (fields.admits, fields.price_paid_minor) == (2, 50000)


def test_one_code_for_unlike_units_finds_a_voucher_of_each():
    found = vouchers(Sold(1, ("TICKET-1", None), "BOOKING-1", units=("adult", "child")))

    assert [row.more_codes for row in found] == [("BOOKING-1",), ("BOOKING-1",)]
    assert found[0].row["code"] == "TICKET-1"
    assert len({row.row["deal_id"] for row in found}) == 2
    assert [read(row).price_paid_minor for row in found] == [25000, 12000]


def test_one_code_repeated_on_every_ticket_is_the_bookings():
    row = only(Sold(1, ("SAME-CODE", "SAME-CODE")))

    assert row.row["code"] == "SAME-CODE"
    assert read(row).admits == 2
    assert "SAME-CODE" not in row.more_codes


def test_group_that_no_voucher_can_hold_is_a_voucher_a_person():
    count = MOST_ADMITS + 1
    found = vouchers(Sold(1, (None,) * count, "BOOKING-1"))

    assert len({row.row["code"] for row in found}) == count
    assert {row.more_codes for row in found} == {("BOOKING-1",)}


def test_people_of_a_unit_share_its_price():
    booking = a_booking(Sold(1, ("FAMILY-1",)))
    booking["unitItems"][0]["unit"]["restrictions"]["paxCount"] = 3
    found = rows_of(booking)
    (deal,) = found.deals.values()

    assert read(found.vouchers[0]).admits == 3
    assert read(found.vouchers[0]).price_paid_minor == 25000
    assert READER.deal(deal, updated_at=NOW).face_price_minor == 26000 // 3


@pytest.mark.parametrize("status", ["ON_HOLD", "PENDING"])
def test_booking_that_nobody_has_bought_yet_is_nothing(status):
    found = rows_of(a_booking(Sold(1, ("TICKET-1",), status=status)))

    assert (found.deals, list(found.vouchers)) == ({}, [])


@pytest.mark.parametrize(
    ("status", "refund", "expected"),
    [
        ("CANCELLED", "FULL", "refunded"),
        ("CANCELLED", "PARTIAL", "cancelled"),
        ("CANCELLED", "NONE", "cancelled"),
        ("CANCELLED", None, "cancelled"),
        ("EXPIRED", "FULL", "cancelled"),
        ("REJECTED", None, "cancelled"),
        ("REDEEMED", None, "valid"),
    ],
)
def test_bookings_status_rules_over_its_units(status, refund, expected):
    end = {"refund": refund, "utcCancelledAt": "2026-05-01T08:45:00Z"}
    row = only(Sold(1, ("TICKET-1",), status=status), cancellation=end if refund else None)

    assert read(row).status == expected


def test_cancelled_booking_says_nothing_but_its_end():
    row = only(Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1", status="CANCELLED"))
    fields = read(row)

    assert (fields.admits, fields.price_paid_minor, fields.valid_from) == (None, None, None)
    assert fields.status_at == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_cancelled_booking_whose_own_code_is_gone_ends_by_its_tickets():
    before = only(Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1"))
    after = vouchers(Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1").as_cancelled())

    assert {row.row["code"] for row in after} == set(before.more_codes)


def test_booking_without_any_ticket_code_ends_by_the_names_of_its_units():
    before = only(Sold(1, (None, None), "BOOKING-1"))
    after = vouchers(Sold(1, (None, None), "BOOKING-1").as_cancelled())

    assert {row.row["code"] for row in after} == set(before.more_codes)


def test_basket_that_was_never_bought_is_no_voucher():
    sold = Sold(1, (None,), status="CANCELLED")

    assert list(vouchers(sold, utcConfirmedAt=None)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"testMode": True}, "testMode"),
        ({"status": "PARTYING"}, "status"),
        ({"unitItems": []}, "unitItems"),
        ({"utcUpdatedAt": "yesterday"}, "utcUpdatedAt"),
        ({"product": {"timeZone": "Mars/Base"}}, "product.timeZone"),
        ({"product": {"timeZone": "../../etc/passwd"}}, "product.timeZone"),
        ({"availability": {"localDateTimeStart": "soon"}}, "availability.localDateTimeStart"),
    ],
)
def test_what_cannot_be_taken_is_told_and_can_never_be_scanned(changes, field):
    row = only(Sold(1, ("TICKET-1",)), **changes)

    assert row.problem is not None
    assert row.problem.field == field
    assert "code" not in row.row
    assert "TICKET-1" not in str(row)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # What the clock shows counts; a server may put a wrong offset beside it.
        ("2026-11-24T00:00:00+00:00", "2026-11-25T00:00:00+00:00", "24 00:00", "24 23:59"),
        ("2026-11-24T10:00:00+08:00", "2026-11-24T12:00:00+08:00", "24 10:00", "24 11:59"),
        ("2026-11-24T10:00:00", None, "24 10:00", "24 23:59"),
        ("2026-11-24T10:00:00+08:00", "2026-11-24T10:00:00+08:00", "24 10:00", "24 23:59"),
    ],
)
def test_visit_is_when_the_products_clocks_say(start, end, first, last):
    there = {"localDateTimeStart": start, "localDateTimeEnd": end}
    fields = read(only(Sold(1, ("TICKET-1",)), availability=there))
    shown = [
        at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%d %H:%M")
        for at in (fields.valid_from, fields.valid_until)
    ]

    assert shown == [first, last]


def test_booking_without_a_day_is_valid_as_its_deal_is():
    fields = read(only(Sold(1, ("TICKET-1",)), availability=None))

    assert (fields.valid_from, fields.valid_until) == (None, None)


@pytest.mark.parametrize(
    ("currency", "precision", "retail", "minor"),
    [
        ("CNY", 2, 26000, 26000),
        ("CNY", 0, 260, 26000),
        ("CNY", 3, 260000, 26000),
        ("CNY", None, 26000, 26000),
        ("JPY", 0, 5000, 5000),
        ("JPY", 2, 500000, 5000),
        ("KWD", 3, 9500, 9500),
    ],
)
def test_price_is_in_the_currencys_smallest_unit(currency, precision, retail, minor):
    booking = a_booking(Sold(1, ("TICKET-1",)))
    booking["unitItems"][0]["pricing"] = {
        "original": retail, "retail": retail, "net": None, "currency": currency,
        "currencyPrecision": precision,
    }  # fmt: skip

    assert read(rows_of(booking).vouchers[0]).price_paid_minor == minor


@pytest.mark.parametrize("precision", [3, -1, 99])
def test_price_that_is_none_is_not_guessed(precision):
    booking = a_booking(Sold(1, ("TICKET-1",)))
    booking["unitItems"][0]["pricing"] |= {"retail": 12345, "currencyPrecision": precision}

    assert rows_of(booking).vouchers[0].problem.field.startswith("pricing.")


def test_server_without_prices_sells_vouchers_all_the_same():
    booking = a_booking(Sold(1, ("TICKET-1",)))
    del booking["unitItems"][0]["pricing"]
    found = rows_of(booking)
    (deal,) = found.deals.values()

    assert read(found.vouchers[0]).price_paid_minor is None
    assert READER.deal(deal, updated_at=NOW).face_price_minor == 0
    assert deal["currency"] == "CNY"


def test_server_that_says_the_least_is_understood():
    least = {"uuid": "u-1", "status": "CONFIRMED", "unitItems": [{"uuid": "unit-uuid-1"}]}
    found = rows_of(least)
    (deal,) = found.deals.values()

    assert read(found.vouchers[0]).code == "unit-uuid-1"
    assert READER.deal(deal, updated_at=NOW).currency == NO_CURRENCY


def test_deal_is_of_product_option_and_unit_and_of_the_platform():
    booking = a_booking(Sold(1, ("TICKET-1", "TICKET-2"), units=("adult", "child")))
    sunny, moon = rows_of(booking), rows_of(booking, "moon")
    deals = [READER.deal(row, updated_at=NOW) for row in sunny.deals.values()]

    assert [deal.category for deal in deals] == ["adult", "child"]
    assert deals[0].title == "East park / DEFAULT / Adult / ADULT"
    assert deals[0].settle_price_minor == 21000
    assert sunny.deals.keys().isdisjoint(moon.deals)


def test_order_is_the_resellers_and_a_code_never_passes_for_one():
    assert read(only(Sold(1, ("TICKET-1",)))).order_ref == "ORDER-00001"
    assert read(only(Sold(1, ("T-1000",), "BOOK-1"), resellerReference=None)).order_ref is None
    assert read(only(Sold(1, ("T-1000",)), resellerReference="T-1000")).order_ref != "T-1000"


def test_name_of_a_unit_is_no_reference_where_it_is_the_code():
    row = only(Sold(1, (None,)))

    assert row.row["code"] != row.row["voucher_ref"]


@pytest.mark.parametrize("phone", ["call me", "", None, "1" * 30, "12"])
def test_wrong_telephone_number_turns_nobody_away(phone):
    fields = read(only(Sold(1, ("TICKET-1",)), contact={"phoneNumber": phone}))

    assert fields.phone_last4 is None


def test_clock_of_the_server_that_is_ahead_does_not_outlive_the_truth():
    fields = read(only(Sold(1, ("TICKET-1",), updated="2999-01-01T00:00:00Z")))

    assert fields.updated_at == NOW


def test_text_of_a_platform_is_shown_and_never_obeyed():
    booking = a_booking(Sold(1, ("TICKET-1",)))
    booking["product"]["internalName"] = "East\x1b[31m park\u202e" + "x" * 500
    (deal,) = rows_of(booking).deals.values()

    assert READER.deal(deal, updated_at=NOW).title.startswith("East [31m park")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real answers are not beside the repository")
class TestRealAnswers:
    """A real mock supplier's answers to one booking's life."""

    @staticmethod
    def rows(name):
        return rows_of((SAMPLES / name).read_bytes())

    def test_hold_is_nothing_confirmation_is_one_voucher_for_all(self):
        held, confirmed = self.rows("create.json"), self.rows("confirm.json")
        (row,) = confirmed.vouchers
        fields = read(row)

        assert list(held.vouchers) == []
        assert (row.row["code"], *row.more_codes) == ("F7R44X", "IFIM1A", "PXOY32")
        assert (fields.admits, fields.price_paid_minor, fields.phone_last4) == (2, 2000, "0000")
        assert fields.order_ref == "DEAL-0001"

    def test_cancellation_finds_it_by_its_tickets(self):
        after = [read(row) for row in self.rows("cancel.json").vouchers]

        assert [(row.code, row.status) for row in after] == [
            ("IFIM1A", "refunded"),
            ("PXOY32", "refunded"),
        ]

    def test_list_is_the_bookings_and_a_refusal_is_none(self):
        (listed,) = read_list((SAMPLES / "list_ref.json").read_bytes())
        with pytest.raises(FeedRejected):
            read_list((SAMPLES / "list_none.json").read_bytes())

        assert rows_of(bytes(listed)) == self.rows("confirm.json")
