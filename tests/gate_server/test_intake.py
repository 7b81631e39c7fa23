"""Parts of a feed into the ledger: with their place, what is set aside, and what a second fills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from admission.errors import FeedRejected, NotFound
from admission.rows import RowReader
from gate_server import intake
from gate_server.feeds.contract import Kind, Part, SourceRow
from gate_server.intake import PreparedPart, prepare, retry, take
from gate_server.key_files import KeyPurpose
from gate_server.ledger import aside, feeds, recount
from gate_server.ledger.feeds import FeedKind
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.prepared import Preparer
from tests.server import Park, an_app

CODE = "9K3F-22AX-8K2F"
NOON = datetime(2026, 2, 12, 4, 0, tzinfo=UTC)
DEAL = {
    "deal_id": "NEW", "platform": "lvtu", "title": "New", "face_price_minor": 100,
    "currency": "CNY", "valid_from": "2014-01-01", "valid_until": "2099-12-31",
}  # fmt: skip


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


class Fed:
    """A feed of a park, told in parts."""

    def __init__(self, park, *, platform="lvtu", secondary=False, most_aside=100):
        self.park, self.most_aside = park, most_aside
        self.feed_id = park.change(
            lambda tx: feeds.add_feed(
                tx, platform, FeedKind.PULL, {}, secondary=secondary, by="t", now=utc_now()
            )
        )

    @property
    def feed(self):
        return self.park.ledger.read(lambda db: feeds.get_feed(db, self.feed_id))

    def prepared(self, kind, *rows, timestamp=NOON, cursor=None, whole=False):
        rows = [row if isinstance(row, SourceRow) else SourceRow(f"row {n}", row)
                for n, row in enumerate(rows, 1)]  # fmt: skip
        deals = self.park.ledger.catalogue.deals.values()
        platforms = {deal.deal_id: deal.platform for deal in deals}
        preparer = Preparer(self.park.keys, platforms, now=NOON, platform=self.feed.platform)
        part = Part(kind, rows, timestamp, cursor, whole)
        return prepare(part, preparer, RowReader(self.park.ledger.venue))

    def take(self, prepared):
        # As it travels between two processes.
        travelled = msgspec.msgpack.decode(msgspec.msgpack.encode(prepared), type=PreparedPart)
        ledger, keys = self.park.ledger, self.park.keys
        return take(ledger, keys, self.feed, travelled, by="t", most_aside=self.most_aside)

    def vouchers(self, *rows, **options):
        rows = [row if isinstance(row, SourceRow) else {"deal_id": "DAY", "code": CODE} | row
                for row in rows]  # fmt: skip
        return self.take(self.prepared(Kind.VOUCHERS, *rows, **options))

    def deals(self, *rows, **options):
        return self.take(self.prepared(Kind.DEALS, *rows, **options))

    def retry(self, most=100):
        ledger, keys = self.park.ledger, self.park.keys
        return retry(ledger, keys, self.feed, most=most, most_aside=self.most_aside)

    def rejects(self):
        return self.park.ledger.read(lambda db: aside.list_rejects(db, self.feed_id, 1000))


def at(minute):
    return (NOON + timedelta(minutes=minute)).isoformat()


def query(park, sql, *values):
    return park.ledger.read(lambda db: db.execute(sql, values).fetchall())


def counts(taken):
    return taken.added, taken.changed, taken.unchanged, len(taken.rejected)


def test_rows_place_and_age_go_in_together(park):
    fed = Fed(park)

    taken = fed.vouchers({}, {"code": "OTHER-1"}, cursor="page 2", whole=True)

    assert counts(taken) == (2, 0, 0, 0)
    assert (fed.feed.cursor, fed.feed.rows_taken) == ("page 2", 2)
    assert fed.feed.accepted_at is not None


def test_the_same_part_again_changes_nothing(park):
    fed = Fed(park)
    rows = [{"code": f"CODE-{n:03}", "buyer_ref": "b"} for n in range(300)]
    fed.vouchers(*rows)
    before = query(park, "SELECT * FROM vouchers"), query(park, "SELECT COUNT(*) FROM audit")

    assert counts(fed.vouchers(*rows)) == (0, 0, 300, 0)
    assert (query(park, "SELECT * FROM vouchers"), query(park, "SELECT COUNT(*) FROM audit")) == (
        before
    )


def test_a_part_of_a_removed_feed_is_not_taken(park):
    fed = Fed(park)
    feed, prepared = fed.feed, fed.prepared(Kind.VOUCHERS, {"code": CODE, "deal_id": "DAY"})
    park.change(lambda tx: feeds.remove_feed(tx, feed, by="t", now=utc_now()))

    with pytest.raises(NotFound):
        take(park.ledger, park.keys, feed, prepared, by="t", most_aside=9)
    assert query(park, "SELECT COUNT(*) FROM vouchers") == [(0,)]


def test_bad_rows_are_set_aside_and_the_others_go_in(park):
    fed = Fed(park)
    wrong = SourceRow("b:2", {"code": "X-CODE-9"}, problem=FeedRejected("unit", "has no price"))

    taken = fed.vouchers({"admits": "0"}, wrong, {"code": "GOOD-CODE"}, {"colour": "red"})

    assert taken.accepted == 1
    assert [(each.line, each.field) for each in taken.rejected] == [
        (1, "admits"), (2, "unit"), (4, "colour"),
    ]  # fmt: skip
    assert [(each.place, each.field) for each in fed.rejects()] == [
        ("row 4", "colour"), ("b:2", "unit"),
    ]  # fmt: skip


def test_nothing_of_a_row_that_is_set_aside_can_be_read(park):
    fed = Fed(park)
    fed.vouchers({"code": "SECRET-CODE-1", "buyer_ref": "SECRET-NAME", "admits": "0"})
    park.ledger.close()

    written = b"".join(path.read_bytes() for path in park.directory.glob("ledger.db*"))

    assert b"SECRET-CODE-1" not in written
    assert b"SECRET-NAME" not in written
    park.ledger = intake.Ledger.open(park.directory, park.settings.venue)


def test_a_voucher_before_its_deal_goes_in_once_the_deal_is_there(park):
    fed = Fed(park)
    assert counts(fed.vouchers({"deal_id": "NEW", "updated_at": at(0)})) == (0, 0, 0, 1)
    assert fed.retry() == 0

    fed.deals(DEAL)

    assert fed.retry() == 1
    assert fed.rejects() == []
    assert query(park, "SELECT deal_id FROM vouchers JOIN deals USING (deal_no)") == [("NEW",)]


def test_a_row_without_its_time_keeps_the_time_of_its_part(park):
    fed = Fed(park)
    fed.vouchers({"deal_id": "NEW", "status": "cancelled"})
    fed.vouchers({"status": "valid"}, timestamp=NOON - timedelta(hours=1))
    fed.deals(DEAL)

    fed.retry()

    assert query(park, "SELECT status FROM vouchers") == [("cancelled",)]


def test_a_newer_row_of_the_same_code_ends_the_one_set_aside(park):
    fed = Fed(park)
    fed.vouchers({"admits": "0", "updated_at": at(1)})
    fed.vouchers({"admits": "0", "updated_at": at(3)})
    fed.vouchers({"admits": "0", "updated_at": at(2)})
    assert [each.tries for each in fed.rejects()] == [2]

    fed.vouchers({"admits": "1", "updated_at": at(2)})
    assert len(fed.rejects()) == 1
    fed.vouchers({"admits": "1", "updated_at": at(3)})

    assert fed.rejects() == []


def test_a_bad_row_that_is_older_than_the_ledger_is_not_kept(park):
    fed = Fed(park)
    fed.vouchers({"updated_at": at(5)})

    taken = fed.vouchers({"updated_at": at(4), "admits": "0"})

    assert (len(taken.rejected), fed.rejects()) == (1, [])


def test_where_no_more_can_be_set_aside_the_feed_keeps_its_place(park):
    fed = Fed(park, most_aside=2)
    bad = [{"code": f"BAD-CODE-{n}", "admits": "0"} for n in range(3)]
    fed.vouchers(cursor="first", whole=True)
    accepted_at = fed.feed.accepted_at

    taken = fed.vouchers(*bad, {"code": "GOOD-CODE"}, cursor="second", whole=True)

    assert (taken.added, taken.unkept, len(fed.rejects())) == (1, 1, 2)
    assert (fed.feed.cursor, fed.feed.accepted_at) == ("first", accepted_at)
    assert fed.feed.failures == 1
    assert "feed rejects" in fed.feed.error


def test_a_row_that_stays_bad_is_tried_ever_more_rarely(park):
    fed = Fed(park)
    park.now = utc_now()
    fed.vouchers({"admits": "0"})
    tried = []

    for _minute in range(60):
        park.now += timedelta(minutes=1)
        tried.append(fed.retry())

    assert sum(tried) == 5
    assert fed.rejects()[0].tries == 6


def test_a_platform_writes_its_own_deals_and_vouchers_only(park):
    park.offer("TUAN", platform="tuan")
    fed = Fed(park)

    deals = fed.deals(DEAL | {"platform": "tuan"}, DEAL | {"deal_id": "TUAN"})
    vouchers = fed.vouchers({"deal_id": "TUAN"})

    assert [each.field for each in deals.rejected] == ["platform", "deal_id"]
    assert [each.field for each in vouchers.rejected] == ["deal_id"]
    assert query(park, "SELECT COUNT(*) FROM vouchers") == [(0,)]


def test_a_second_feed_fills_gaps_and_overwrites_nothing(park):
    first, second = Fed(park), Fed(park, secondary=True)
    first.vouchers({"price_paid_minor": 100, "updated_at": at(1)})
    first.deals(DEAL | {"updated_at": at(1)})

    vouchers = second.vouchers(
        {"price_paid_minor": 1, "status": "cancelled", "updated_at": at(9)}, {"code": "GAP-CODE"}
    )
    deals = second.deals(DEAL | {"title": "Theirs", "updated_at": at(9)}, DEAL | {"deal_id": "GAP"})

    assert (counts(vouchers), counts(deals)) == ((1, 0, 1, 0), (1, 0, 1, 0))
    assert query(park, "SELECT price_paid_minor, status, filled FROM vouchers ORDER BY 1") == [
        (None, "valid", 1), (100, "valid", 0),
    ]  # fmt: skip
    assert park.ledger.catalogue.deal("NEW").title == "New"


def test_the_authority_takes_over_what_a_second_feed_filled(park):
    first, second = Fed(park), Fed(park, secondary=True)
    second.vouchers({"price_paid_minor": 1, "status": "cancelled", "updated_at": at(9)})
    second.deals(DEAL | {"title": "Theirs", "updated_at": at(9)})

    first.vouchers({"admits": 2, "updated_at": at(1)})
    first.deals(DEAL | {"updated_at": at(1)})
    second.vouchers({"status": "refunded", "updated_at": at(10)})
    second.deals(DEAL | {"title": "Theirs again", "updated_at": at(10)})

    assert query(park, "SELECT admits, price_paid_minor, status, filled FROM vouchers") == [
        (2, None, "valid", 0)
    ]
    assert park.ledger.catalogue.deal("NEW").title == "New"


def test_further_codes_find_the_same_voucher_and_share_its_history(park):
    fed, device = Fed(park), park.enrol()
    row = {"code": CODE, "deal_id": "DAY", "admits": 2}
    fed.vouchers(SourceRow("b", row, more_codes=("TICKET-ONE", "TICKET-TWO")))

    with an_app(park) as (_, site):
        reasons = [site.scan(device, code, party=1)["reason"]
                   for code in ("TICKET-ONE", CODE, "TICKET-TWO")]  # fmt: skip

    assert reasons == ["admitted", "admitted", "used_up"]


def test_scans_of_a_further_code_before_it_was_known_are_the_vouchers_history(park):
    fed, device, boss = Fed(park), park.enrol(), park.hire()
    body = {"device_id": device.name, "reason": "paper receipt"}
    with an_app(park) as (_, site):
        for nonce, code in (("nonce-0001", "TICKET-ONE"), ("nonce-0002", "TICKET-TWO")):
            site.scan(device, code, nonce=nonce)
            assert site.post(f"/scans/{nonce}/override", boss, body).status_code == 200
        row = {"code": CODE, "deal_id": "DAY", "admits": 3, "updated_at": at(1)}
        fed.vouchers(SourceRow("b", row, more_codes=("TICKET-ONE",)))
        before = query(park, "SELECT revision FROM vouchers")
        fed.vouchers(SourceRow("b", row, more_codes=("TICKET-ONE", "TICKET-TWO")))
        again = fed.vouchers(SourceRow("b", row, more_codes=("TICKET-ONE", "TICKET-TWO")))

        left = site.scan(device, CODE, party=1)

    assert query(park, "SELECT revision FROM vouchers") > before
    assert counts(again) == (0, 0, 1, 0)
    assert (left["reason"], left["remaining"]) == ("admitted", 0)
    assert park.ledger.read(lambda db: recount.differences(db, park.settings.venue)) == []


def test_after_a_rotation_a_further_code_is_linked_once(park):
    fed = Fed(park)
    row = SourceRow("b", {"code": CODE, "deal_id": "DAY"}, more_codes=("TICKET-ONE",))
    fed.vouchers(row)
    park.keys.rotate(KeyPurpose.CODES, now=utc_now(), signs_from=utc_now())

    assert counts(fed.vouchers(row)) == (0, 0, 1, 0)


def test_a_part_shows_nothing_that_a_code_could_be_read_from(park):
    fed = Fed(park)
    prepared = fed.prepared(
        Kind.VOUCHERS,
        {"code": "SECRET-CODE-1", "deal_id": "DAY"},
        {"code": "SECRET-CODE-2", "deal_id": "DAY", "admits": "0"},
    )

    assert "SECRET-CODE" not in repr(prepared)
    assert b"SECRET-CODE" not in msgspec.msgpack.encode(prepared)
