"""Vouchers and deals into the ledger: new, changed, older, linked to scans that came before."""

from datetime import timedelta

import pytest

from admission.keys import code_hash
from admission.rows import RowReader
from admission.tokens import Purpose, Token, write_token
from gate_server.key_files import KeyPurpose
from gate_server.ledger import imports, recount
from gate_server.ledger.audit import verify
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.merge import VoucherWriter
from gate_server.ledger.prepared import PreparedDeal, Preparer, about_buyer
from tests.server import Park, an_app

CODE = "9K3F-22AX-8K2F"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def put(park, *rows, platform=None):
    """Import voucher rows; `deal_id` is DAY where a row does not say."""
    platforms = {deal.deal_id: deal.platform for deal in park.ledger.catalogue.deals.values()}
    preparer = Preparer(park.keys, platforms, now=park.ledger.clock())
    reader, sealed, now = RowReader(park.settings.venue), {}, utc_now()
    prepared = []
    for line, row in enumerate(rows, 1):
        fields = reader.voucher({"code": CODE, "deal_id": "DAY"} | row, updated_at=now)
        prepared.append(preparer.voucher(line, fields, sealed))
    batch = Batch(prepared, sealed, "test", "test", platform)
    return import_vouchers(park.ledger, batch, park.keys.code_keys)


def counts(imported):
    return imported.added, imported.changed, imported.unchanged


def query(park, sql, *values):
    return park.ledger.read(lambda db: db.execute(sql, values).fetchall())


def voucher(park, columns):
    (row,) = query(park, f"SELECT {columns} FROM vouchers")
    return row if len(row) > 1 else row[0]


def at(minute):
    return f"2026-02-12T09:{minute:02}:00+08:00"


def test_the_same_rows_again_change_nothing(park):
    rows = [{"code": f"VOUCHER-{n}", "buyer_ref": f"b{n // 2}", "order_ref": f"ORDER-{n // 3}"}
            for n in range(200)]  # fmt: skip
    assert counts(put(park, *rows)) == (200, 0, 0)
    before = park.ledger.revision, park.ledger.audit_head
    tables = [query(park, f"SELECT * FROM {name}") for name in ("buyers", "credentials")]

    assert counts(put(park, *rows)) == (0, 0, 200)

    assert (park.ledger.revision, park.ledger.audit_head) == before
    assert [query(park, f"SELECT * FROM {name}") for name in ("buyers", "credentials")] == tables


def test_a_newer_row_changes_and_takes_a_revision(park):
    put(park, {"updated_at": at(1), "admits": "1"})
    before = voucher(park, "revision")

    assert counts(put(park, {"updated_at": at(2), "admits": "2"})) == (0, 1, 0)

    assert voucher(park, "admits") == 2
    assert voucher(park, "revision") > before


def test_an_older_row_never_overwrites_a_newer_one(park):
    put(park, {"updated_at": at(5), "status": "cancelled"})

    assert counts(put(park, {"updated_at": at(4), "status": "valid", "admits": "9"})) == (0, 0, 1)

    assert voucher(park, "status, admits") == ("cancelled", 1)


@pytest.mark.parametrize("first", ["valid", "cancelled", "refunded"])
@pytest.mark.parametrize("second", ["valid", "cancelled", "refunded"])
def test_at_one_instant_the_later_state_of_a_life_wins_in_any_order(park, first, second):
    put(park, {"updated_at": at(5), "status": first})
    put(park, {"updated_at": at(5), "status": second})

    life = ["valid", "cancelled", "refunded"]
    assert voucher(park, "status") == max(first, second, key=life.index)


def test_what_a_row_does_not_say_stays_as_it_was(park):
    put(park, {"updated_at": at(1), "admits": "2", "price_paid_minor": "5", "order_ref": "ORDER-1"})

    put(park, {"updated_at": at(2), "status": "cancelled"})

    assert voucher(park, "admits, price_paid_minor, order_ref, status") == (
        2, 5, "ORDER-1", "cancelled",
    )  # fmt: skip


def test_an_unchanged_status_keeps_the_time_it_was_set(park):
    put(park, {"updated_at": at(1), "status": "cancelled"})
    first = voucher(park, "status_at")
    put(park, {"updated_at": at(2), "status": "cancelled", "price_paid_minor": "7"})
    unchanged = voucher(park, "status_at")
    put(park, {"updated_at": at(3), "status": "refunded"})

    assert unchanged == first
    assert voucher(park, "status_at, updated_at")[0] == voucher(park, "updated_at")


def test_a_code_twice_in_one_file_is_one_voucher(park):
    imported = put(park, {"admits": "1"}, {"admits": "2"}, {"code": "OTHER-1"}, {"admits": "2"})

    assert counts(imported) == (2, 1, 1)
    assert query(park, "SELECT admits FROM vouchers ORDER BY voucher_id") == [(2,), (1,)]


def test_a_code_of_two_platforms_is_kept_for_both(park):
    park.offer("OTHERS", platform="tuan")

    assert counts(put(park, {}, {"deal_id": "OTHERS"})) == (2, 0, 0)
    assert query(park, "SELECT platform FROM vouchers ORDER BY 1") == [("lvtu",), ("tuan",)]


def test_a_platform_writes_its_own_vouchers_only(park):
    imported = put(park, {}, platform="tuan")

    assert counts(imported) == (0, 0, 0)
    assert [(each.line, each.field) for each in imported.rejected] == [(1, "deal_id")]


def test_a_buyers_name_is_sealed_and_only_the_server_reads_it(park):
    put(park, {"buyer_ref": "user-7"})

    ((buyer, sealed),) = query(park, "SELECT buyer, sealed FROM buyers")
    assert b"user-7" not in sealed
    assert park.keys.unseal(sealed, about=about_buyer(buyer)) == b"user-7"


def test_nothing_personal_is_written_as_it_is(park):
    put(park, {"buyer_ref": "NAME-OF-BUYER", "buyer_phone": "13800138000"})
    park.ledger.close()

    written = b"".join(path.read_bytes() for path in park.directory.glob("ledger.db*"))

    for secret in (CODE.encode(), b"NAME-OF-BUYER", b"13800138000"):
        assert secret not in written
    park.ledger = imports.Ledger.open(park.directory, park.settings.venue)


def test_a_changed_order_is_found_by_its_new_number_only(park):
    put(park, {"updated_at": at(1), "order_ref": "ORDER-1"})
    put(park, {"updated_at": at(2), "order_ref": "ORDER-2"})

    key = park.keys.code_key(utc_now())
    assert query(park, "SELECT key FROM credentials") == [(code_hash("ORDER-2", key),)]


def test_every_slice_is_audited_with_its_rows_hash(park, tmp_path):
    put(park, *({"code": f"VOUCHER-{n}"} for n in range(500)))

    sql = "SELECT SUM(body ->> 'count'), MIN(LENGTH(body ->> 'hash')) FROM audit WHERE kind = ?"
    vouchers = "feed_batch' AND body ->> 'kind' = 'vouchers"
    assert query(park, sql.replace("?", f"'{vouchers}'")) == [(500, 64)]
    assert park.ledger.read(verify).findings == ()


def test_a_voucher_that_comes_after_its_scans_has_them_as_history(park):
    device, boss = park.enrol(), park.hire("supervisor")
    with an_app(park) as (_, site):
        refused = site.scan(device, CODE, nonce="nonce-early")
        path = "/scans/nonce-early/override"
        body = {"device_id": device.name, "reason": "paper receipt"}
        assert site.post(path, boss, body).status_code == 200

        put(park, {})
        again = site.scan(device, CODE)

    assert refused["reason"] == "unknown_code"
    assert again["reason"] == "used_up"
    assert park.ledger.read(lambda db: recount.differences(db, park.settings.venue)) == []


def test_more_admits_than_before_keep_the_counters_right(park):
    device = park.enrol()
    put(park, {"updated_at": at(1), "admits": "2"})
    with an_app(park) as (_, site):
        assert site.scan(device, CODE, party=2)["admitted"] == 2

        put(park, {"updated_at": at(2), "admits": "3"})

        assert site.scan(device, CODE, party=1)["admitted"] == 1
    assert park.ledger.tallies.today.persons == 3


def test_after_a_rotation_a_known_code_is_updated_not_added(park):
    put(park, {"updated_at": at(1)})
    park.keys.rotate(KeyPurpose.CODES, now=utc_now(), signs_from=utc_now())

    assert counts(put(park, {"updated_at": at(2), "admits": "2"}, {"code": "NEW-CODE-1"})) == (
        1,
        1,
        0,
    )
    numbers = query(park, "SELECT credential_key FROM vouchers ORDER BY voucher_id")
    assert [key[0][0] for key in numbers] == [1, 2]


def test_scans_under_an_older_key_are_linked_to_their_voucher(park):
    device, boss = park.enrol(), park.hire("supervisor")
    with an_app(park) as (_, site):
        site.scan(device, CODE, nonce="nonce-early")
        body = {"device_id": device.name, "reason": "paper receipt"}
        assert site.post("/scans/nonce-early/override", boss, body).status_code == 200
        park.keys.rotate(KeyPurpose.CODES, now=utc_now(), signs_from=utc_now())

        put(park, {})

        assert site.scan(device, CODE)["reason"] == "used_up"
    assert voucher(park, "more_keys") == 1


def test_a_token_of_ours_is_known_by_its_number(park):
    signing, day = park.keys.signing_key(utc_now()), utc_now().date()
    token = Token(signing.key_id, 7, 1, day, day, 1, Purpose.VOUCHER)

    put(park, {"code": write_token(token, signing.private_key)})

    assert voucher(park, "credential_key") == b"\x00\x01\x00\x00\x00\x07"


def deal(park, updated_at=None, **columns):
    row = {
        "deal_id": "DAY", "platform": "lvtu", "title": "t", "face_price_minor": "1",
        "currency": "CNY", "valid_from": "2014-01-01", "valid_until": "2099-12-31",
    }  # fmt: skip
    return RowReader(park.settings.venue).deal(row | columns, updated_at=updated_at or utc_now())


def put_deals(park, *deals, platform=None):
    rows = [PreparedDeal(line, each) for line, each in enumerate(deals, 1)]
    return import_deals(park.ledger, rows, source="test", by="test", platform=platform)


def test_a_changed_deal_keeps_its_number_and_is_seen_at_once(park):
    number = park.ledger.catalogue.deal_nos["DAY"]

    assert counts(put_deals(park, deal(park, title="New name"))) == (0, 1, 0)

    assert park.ledger.catalogue.deals[number].title == "New name"
    assert counts(put_deals(park, deal(park, title="New name"))) == (0, 0, 1)


def test_an_older_deal_never_overwrites_a_newer_one(park):
    put_deals(park, deal(park, title="new"))

    assert counts(put_deals(park, deal(park, utc_now() - timedelta(days=1), title="old"))) == (
        0,
        0,
        1,
    )
    assert park.ledger.catalogue.deal("DAY").title == "new"


def test_a_deals_id_is_one_platforms(park):
    imported = put_deals(park, deal(park, platform="tuan"))
    pushed = put_deals(park, deal(park, deal_id="NEW"), platform="tuan")

    assert [each.field for each in imported.rejected + pushed.rejected] == ["platform"] * 2
    assert park.ledger.catalogue.deal("NEW") is None


def test_every_column_of_a_deal_comes_back_as_it_went_in(park):
    given = deal(
        park, deal_id="FULL", rights="canyon:1|valley:2/day", hours="16:00-24:00", weekdays="1-5",
        not_on="2026-02-18", gates="G1|G2", reentry="same_day", category="child", quota="5",
        sale_from="2015-01-01", sale_price_minor="1", settle_price_minor="2", early_minutes="3",
    )  # fmt: skip

    put_deals(park, given, deal(park, deal_id="NEXT"))

    found = park.ledger.catalogue.deal("FULL")
    assert imports.replace(found, deal_no=0) == given


def test_what_no_newer_row_has_said_an_older_one_still_tells(park):
    put(park, {"updated_at": at(5), "status": "cancelled"})

    put(park, {"updated_at": at(4), "price_paid_minor": "7", "order_ref": "ORDER-1"})
    put(park, {"updated_at": at(3), "price_paid_minor": "8", "status": "valid"})

    assert voucher(park, "status, price_paid_minor, order_ref") == ("cancelled", 7, "ORDER-1")
    assert len(query(park, "SELECT 1 FROM credentials WHERE kind = 'order'")) == 1


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_rows_of_one_instant_come_to_the_same_in_any_order(park, order):
    rows = {
        1: {"updated_at": at(5), "price_paid_minor": "7", "buyer_ref": "b1", "sold_at": at(1)},
        2: {"updated_at": at(5), "price_paid_minor": "9", "buyer_ref": "b2"},
    }

    for number in (*order, *order):
        last = put(park, rows[number])

    assert counts(last) == (0, 0, 1)
    assert voucher(park, "price_paid_minor, sold_at IS NOT NULL") == (9, 1)


def test_a_code_of_two_platforms_is_told_to_who_looks_at_the_slice(park):
    park.offer("OTHERS", platform="tuan")
    put(park, {"code": "SHARED-1"}, {"code": "ALONE-1"})
    seen = []

    def look(tx):
        writer = VoucherWriter(tx, {}, None, park.keys.code_keys)
        writer.put([prepared(park, {"code": "SHARED-1", "deal_id": "OTHERS"}),
                    prepared(park, {"code": "ALONE-2", "deal_id": "OTHERS"})])  # fmt: skip
        seen.extend(writer.twice)

    park.ledger.write(look)

    assert query(park, "SELECT voucher_id, platform FROM vouchers ORDER BY 1") == [
        (1, "lvtu"), (2, "lvtu"), (3, "tuan"), (4, "tuan"),
    ]  # fmt: skip
    assert seen == [3, 1]


def prepared(park, row):
    platforms = {deal.deal_id: deal.platform for deal in park.ledger.catalogue.deals.values()}
    preparer = Preparer(park.keys, platforms, now=park.ledger.clock())
    fields = RowReader(park.settings.venue).voucher(row, updated_at=utc_now())
    return preparer.voucher(1, fields, {})
