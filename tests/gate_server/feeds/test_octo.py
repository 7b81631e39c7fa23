"""OCTO day by day: what is asked for, what is taken again, and codes that share one history."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice
from zoneinfo import ZoneInfo

import msgspec
import pytest

from gate_server.feed_sources import FetchedFeed, open_source
from gate_server.feeds.contract import Kind
from gate_server.feeds.http import PlatformHttp
from gate_server.feeds.octo import COLD_DAYS_A_ROUND, Dates, OctoPlan, OctoSource, Place
from tests.platforms import TOKEN, Platform, Sold, a_booking
from tests.server import Park, an_app
from tests.sides import NOW, QUICK, OctoSide

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = "2026-05-01"


@pytest.fixture
def platform():
    with Platform() as found:
        yield found


@pytest.fixture
def side(tmp_path):
    park = Park(tmp_path / "var")
    side = OctoSide(park)
    yield side
    side.close()
    park.close()


def rounds(platform, count, *, days=4, dates=Dates.CREATED, cursor=None, now=NOW):
    """Run rounds; return the codes that each told, and the cursor after the last."""
    told = []
    for number in range(count):
        clock = now + timedelta(minutes=number)
        http = PlatformHttp(platform.url, TOKEN, limits=QUICK)
        plan = OctoPlan(dates, days, SHANGHAI)
        with closing(OctoSource("sunny", http, plan, now=lambda at=clock: at, limits=QUICK)) as it:
            codes = []
            for part in it.changes(cursor):
                codes += [row.row.get("code") for row in part.rows if part.kind is Kind.VOUCHERS]
                cursor = part.cursor or cursor
            told.append(codes)
    return told, cursor


def asked(platform):
    """Return the days that were asked for, oldest question first."""
    found = [each.query["localDateStart"] for each in platform.asked]
    assert found == [each.query["localDateEnd"] for each in platform.asked]
    platform.asked.clear()
    return found


def test_first_round_asks_for_every_day_and_the_next_for_the_likeliest(platform):
    _, cursor = rounds(platform, 1, days=20)
    first = asked(platform)
    rounds(platform, 1, days=20, cursor=cursor)
    second = asked(platform)

    assert first == [(date(2026, 5, 1) - timedelta(days=away)).isoformat() for away in range(21)]
    assert second[:2] == ["2026-05-01", "2026-04-30"]
    assert len(second) == 2 + COLD_DAYS_A_ROUND


def test_every_day_is_looked_at_again_within_some_rounds(platform):
    _, cursor = rounds(platform, 1, days=20)
    asked(platform)
    rounds(platform, 4, days=20, cursor=cursor)

    assert len(set(asked(platform))) == 21


def test_server_that_filters_by_visit_is_asked_for_days_to_come(platform):
    rounds(platform, 1, days=3, dates=Dates.VISIT)

    assert asked(platform) == ["2026-05-01", "2026-05-02", "2026-04-30", "2026-05-03", "2026-05-04"]


def test_day_of_the_server_that_is_behind_ours_is_asked_for_too(platform):
    early = datetime(2026, 4, 30, 17, tzinfo=UTC)
    rounds(platform, 1, days=1, now=early)

    assert asked(platform) == ["2026-05-01", "2026-04-30"]


def test_prices_are_asked_for(platform):
    config = {"url": platform.url, "days": 1}
    feed = FetchedFeed(feed_id=1, platform="sunny", kind="octo", config=config)
    with closing(open_source(feed, TOKEN, zone=SHANGHAI, now=lambda: NOW)) as source:
        next(iter(source.changes(None)))

    assert platform.asked[0].headers["Octo-Capabilities"] == "octo/pricing"


def test_only_what_was_changed_is_told_again(platform):
    old = Sold(1, ("OLD-0001",), updated="2026-05-01T05:00:00Z")
    new = Sold(2, ("NEW-0001",), updated="2026-05-01T08:00:00Z")
    platform.bookings[TODAY] = [a_booking(old), a_booking(new)]
    first, cursor = rounds(platform, 1)
    changed = Sold(1, ("OLD-0001",), status="CANCELLED", updated="2026-05-01T07:55:00Z")
    platform.bookings[TODAY] = [a_booking(changed), a_booking(new)]
    second, cursor = rounds(platform, 1, cursor=cursor)
    platform.bookings[TODAY].append(a_booking(Sold(3, ("LATE-0001",), updated=None)))
    third, _ = rounds(platform, 1, cursor=cursor)

    assert "OLD-0001" in first[0]
    assert second[0].count("OLD-0001") == 1, "changed within the overlap"
    assert "LATE-0001" in third[0], "confirmed is the last that is known of it"


def test_old_booking_of_a_cold_day_is_passed_over_until_it_changes(platform):
    far = "2026-04-28"
    booked = Sold(1, ("COLD-0001",), updated="2026-04-28T01:00:00Z")
    other = Sold(2, ("COLD-0002",), updated="2026-04-28T09:00:00Z")
    platform.bookings[far] = [a_booking(booked), a_booking(other)]
    first, cursor = rounds(platform, 1)
    again, cursor = rounds(platform, 2, cursor=cursor)
    platform.bookings[far][0] = a_booking(booked.as_cancelled("2026-05-01T08:00:00Z"))
    after, _ = rounds(platform, 2, cursor=cursor)

    assert [*chain(*first)].count("COLD-0001") == 1
    assert "COLD-0001" not in [*chain(*again)]
    assert "COLD-0001" in [*chain(*after)]


def test_same_booking_in_two_days_is_one(side):
    for day in ("2026-04-30", TODAY):
        side.platform.bookings[day] = [a_booking(Sold(1, ("CODE-0001",)))]
    tally = side.round()

    assert (tally.added, tally.unchanged) == (2, 1)


def test_place_of_another_version_begins_anew(platform):
    platform.bookings[TODAY] = [a_booking(Sold(1, ("CODE-0001",)))]
    told, cursor = rounds(platform, 1, cursor='{"days": 7}')

    assert told == [["CODE-0001"]]
    assert msgspec.json.decode(cursor, type=Place).days[TODAY] == "2026-05-01T08:00:00+00:00"


def test_deal_is_told_once_so_that_what_the_venue_imports_for_it_stays(side):
    side.platform.bookings[TODAY] = [a_booking(Sold(1, ("CODE-0001",)))]
    side.round()
    deals = side.park.ledger.catalogue.deals.values()
    (deal_id,) = [deal.deal_id for deal in deals if deal.platform == "sunny"]
    side.park.offer(deal_id, platform="sunny", rights="valley:1")
    cheaper = a_booking(Sold(2, ("CODE-0002",), updated="2026-05-01T09:00:00Z"))
    cheaper["unitItems"][0]["pricing"]["original"] = 1
    side.platform.bookings[TODAY].append(cheaper)
    side.round()
    deal = side.park.ledger.catalogue.deal(deal_id)

    assert [right.area for right in deal.rights] == ["valley"]
    assert deal.face_price_minor == 26000


@pytest.mark.parametrize("entry", range(3))
def test_codes_of_one_booking_share_one_history(side, entry):
    codes = ("BOOKING-1", "TICKET-1", "TICKET-2")
    side.platform.bookings[TODAY] = [a_booking(Sold(1, codes[1:], codes[0]), availability=None)]
    side.round()
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        first = site.scan(gate, codes[entry])
        others = [site.scan(gate, code)["reason"] for code in codes]

    assert (first["reason"], first["admitted"]) == ("admitted", 2)
    assert others == ["used_up"] * 3


def test_cancelled_booking_admits_by_none_of_its_codes(side):
    sold = Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1")
    side.platform.bookings[TODAY] = [a_booking(sold, availability=None)]
    side.round()
    side.platform.bookings[TODAY] = [a_booking(sold.as_cancelled(), availability=None)]
    tally = side.round()
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        found = {site.scan(gate, code)["reason"] for code in ("BOOKING-1", "TICKET-1", "TICKET-2")}

    assert found == {"refunded"}
    assert tally.added == 0


def test_voucher_only_booking_that_is_cancelled_admits_no_more(side):
    sold = Sold(1, (None, None), "BOOKING-1")
    side.platform.bookings[TODAY] = [a_booking(sold, availability=None)]
    side.round()
    side.platform.bookings[TODAY] = [a_booking(sold.as_cancelled(), availability=None)]
    side.round()
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        assert site.scan(gate, "BOOKING-1")["reason"] == "refunded"


def test_one_code_of_unlike_units_lets_staff_choose(side):
    sold = Sold(1, ("TICKET-1", "TICKET-2"), "BOOKING-1", units=("adult", "child"))
    side.platform.bookings[TODAY] = [a_booking(sold, availability=None)]
    side.round()
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        asked_for = site.scan(gate, "BOOKING-1")
        own = site.scan(gate, "TICKET-2")

    assert asked_for["reason"] == "several_vouchers"
    assert [each["category"] for each in asked_for["vouchers"]] == ["adult", "child"]
    assert own["reason"] == "admitted"


def test_test_booking_is_listed_and_admits_nobody(side):
    side.platform.bookings[TODAY] = [a_booking(Sold(1, ("TICKET-1",)), testMode=True)]
    side.round()
    side.round()
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        assert site.scan(gate, "TICKET-1")["outcome"] == "refuse"
    (reject,) = side.rejects()
    assert (reject["field"], reject["place"]) == ("testMode", f"{TODAY} #1")


def test_place_moves_with_the_last_rows_of_a_day(platform):
    one = msgspec.json.encode(a_booking(Sold(1, ("TICKET-1",))))

    def many(handler):
        handler.stream(iter([b"[" + one, *[b"," + one] * 3000, b"]"]))

    platform.troubles = [many]
    http = PlatformHttp(platform.url, TOKEN)
    source = OctoSource("sunny", http, OctoPlan(Dates.CREATED, 1, SHANGHAI), now=lambda: NOW)
    parts = [*islice(source.changes(None), 3)]
    source.close()

    told = [(part.kind, len(part.rows), part.cursor is None) for part in parts]
    assert told == [
        (Kind.DEALS, 1, True),
        (Kind.VOUCHERS, 2000, True),
        (Kind.VOUCHERS, 1001, False),
    ]
