"""Work for platforms is found by what changed, one deed a voucher; kept codes stay sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.errors import LedgerUnavailable
from gate_server.ledger.feeds import FeedKind
from gate_server.ledger.kept_codes import about_code, platforms_by_code
from gate_server.ledger.redemption_lists import differences
from gate_server.ledger.redemption_places import first_scan_from, standing
from gate_server.ledger.redemptions import find_changed
from gate_server.privacy import purge
from tests.platforms_redeem import a_platform
from tests.redeem_desk import a_desk
from tests.server import Park


@pytest.fixture
def desk(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform) as desk:
        desk.report(1)
        yield desk


def rows(park, sql, *values):
    return park.ledger.read(lambda db: db.execute(sql, values).fetchall())


def steps_of(ledger, work):
    """Return the steps of SQLite's machine that reading takes, in hundreds."""
    steps = []

    def count(db):
        db.set_progress_handler(lambda: steps.append(1), 100)
        work(db)
        db.set_progress_handler(None, 0)

    ledger.read(count)
    return len(steps)


def test_finding_work_costs_what_changed_and_not_what_is_on_record(desk):
    codes = [f"MANY-CODE-{n:03}" for n in range(61)]
    desk.park.sell(*codes)
    for code in codes[:60]:
        desk.scan(code)
    many = steps_of(desk.park.ledger, lambda db: find_changed(db, "lvtu"))
    desk.report(4)
    desk.scan(codes[-1])

    one = steps_of(desk.park.ledger, lambda db: find_changed(db, "lvtu"))

    assert many > 10 * max(1, one)


def test_scan_writes_nothing_for_redemptions(desk):
    desk.park.sell("PLAIN-CODE-1", voucher_ref="V1")
    before = desk.park.ledger.read(lambda db: standing(db, "lvtu"))

    desk.scan("PLAIN-CODE-1")

    assert rows(desk.park, "SELECT COUNT(*) FROM deeds") == [(0,)]
    after = desk.park.ledger.read(lambda db: standing(db, "lvtu"))
    assert (before.waits_since, after.waiting) == (None, 0)
    assert after.waits_since == desk.park.now  # whoever should look has not: it is told as late


def test_voucher_has_one_open_deed_whatever_is_tried(desk):
    desk.park.sell("ONLY-CODE-01", voucher_ref="V1")
    desk.scan("ONLY-CODE-01")
    desk.report()
    again = "UPDATE deeds SET state = 'waiting'"
    copy = (
        "INSERT INTO deeds (key, voucher_id, platform, number, deed, people, gate_id, at, made_at,"
        " next_try_at) SELECT 'k', voucher_id, platform, 2, deed, 1, '', 0, 0, 0 FROM deeds"
    )
    desk.park.change(lambda tx: tx.db.execute(again))

    with pytest.raises(LedgerUnavailable, match="UNIQUE"):
        desk.park.change(lambda tx: tx.db.execute(copy))


def test_doctor_sees_what_was_confirmed_and_never_told(desk):
    desk.park.sell("SICK-CODE-01", voucher_ref="V1")
    desk.scan("SICK-CODE-01")
    desk.report()
    well = desk.park.ledger.read(differences)

    desk.park.change(lambda tx: tx.db.execute("UPDATE redeemed SET people = 2"))

    assert well == []
    assert desk.park.ledger.read(differences) == ["voucher 1: 2 people are confirmed, not 1"]


def test_first_scan_of_an_instant_is_found_by_halves(desk):
    desk.park.sell(*(f"HALF-CODE-{n:02}" for n in range(20)))
    instants = []
    for number in range(20):
        desk.pass_time(seconds=1)
        instants.append(desk.park.now)
        desk.scan(f"HALF-CODE-{number:02}")
    ids = [row[0] for row in rows(desk.park, "SELECT scan_id FROM scans ORDER BY scan_id")]

    def first(at):
        return desk.park.ledger.read(lambda db: first_scan_from(db, at))

    assert [first(at) for at in instants] == ids
    assert first(instants[-1] + timedelta(seconds=1)) > ids[-1]


def test_code_that_two_platforms_hold_is_told_to_one(desk):
    desk.scan("TWICE-CODE-1", nonce="twice-scan")
    body = {"device_id": desk.lane.name, "reason": "has paid"}
    desk.site.post("/scans/twice-scan/override", desk.boss, body)
    desk.park.offer("OTHER", platform="other")
    desk.park.sell("TWICE-CODE-1", deal_id="OTHER", voucher_ref="W1")
    desk.park.sell("TWICE-CODE-1", voucher_ref="V1")

    desk.report()

    assert desk.deeds() == []


# --- kept codes ----------------------------------------------------------------------------------


@pytest.fixture
def octo(tmp_path):
    with (
        a_platform(octo=True) as platform,
        a_desk(tmp_path / "var", platform, kind=FeedKind.OCTO) as desk,
    ):
        yield desk


def kept(park: Park):
    found = rows(park, "SELECT credential_key, sealed_code FROM vouchers ORDER BY voucher_id")
    return [
        None if sealed is None else park.keys.unseal(sealed, about=about_code(key)).decode()
        for key, sealed in found
    ]


def test_codes_are_kept_where_the_platform_redeems_by_them(octo):
    by_code = platforms_by_code(octo.park.ledger.catalogue.feeds)
    octo.park.sell("KEPT-CODE-01", by_code=by_code)
    octo.park.offer("OTHER", platform="other")
    octo.park.sell("OTHER-CODE-1", deal_id="OTHER", by_code=by_code)

    assert by_code == {"lvtu"}
    assert kept(octo.park) == ["KEPT-CODE-01", None]
    assert b"KEPT-CODE-01" not in (octo.park.directory / "ledger.db").read_bytes()


def test_code_comes_later_and_is_not_replaced(octo):
    by_code = frozenset({"lvtu"})
    octo.park.sell("LATER-CODE-1")
    before = kept(octo.park)
    octo.park.sell("LATER-CODE-1", by_code=by_code)
    first = rows(octo.park, "SELECT sealed_code FROM vouchers")

    octo.park.sell("LATER-CODE-1", by_code=by_code)

    assert before == [None]
    assert kept(octo.park) == ["LATER-CODE-1"]
    assert rows(octo.park, "SELECT sealed_code FROM vouchers") == first


def test_codes_are_forgotten_once_they_are_old_and_nobody_waits_for_them(octo):
    by_code = frozenset({"lvtu"})
    octo.park.sell("OLD-CODE-001", by_code=by_code, valid_until="2015-02-12")
    octo.park.sell("OWED-CODE-01", by_code=by_code)
    octo.park.sell("LONG-CODE-01", by_code=by_code)
    octo.report(1)
    octo.scan("OWED-CODE-01")
    octo.platform.refuses["OWED-CODE-01"] = "refunded"
    octo.report()
    past = "UPDATE vouchers SET valid_until = 0 WHERE voucher_id = 2"
    octo.park.change(lambda tx: tx.db.execute(past))

    done = purge(octo.park.ledger, octo.park.keys, octo.park.settings, by="test", dry_run=False)

    assert done.removed["sealed_codes"] == 1
    assert kept(octo.park) == [None, "OWED-CODE-01", "LONG-CODE-01"]
