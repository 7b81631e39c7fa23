"""Who stands at a lane: badges, PINs, shifts, and the operator on every record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from admission.operators import badge_name
from gate_server.ledger import audit, lanes
from gate_server.ledger.people import disable_operator
from tests.chance import without_chance
from tests.offline_lines import CODE
from tests.people import PIN, an_operator, sheet, sign_in
from tests.server import Park, a_nonce, an_app, slug_of


def rows_of(park, sql):
    return park.ledger.read(lambda db: db.execute(sql).fetchall())


def test_a_badge_signs_in_and_the_name_is_masked(site, park, device):
    hired = an_operator(park, name="早班甲", role="supervisor")

    answer = sign_in(site, device, hired)

    assert (answer["operator"], answer["name"], answer["role"]) == ("4711", "早**", "supervisor")
    assert site.get("/devices/self", device).json()["operator"] == "4711"


def test_a_badge_is_read_as_readers_and_keyboards_deliver_it(site, park, device):
    hired = an_operator(park)

    answer = site.post("/operators/sign-in", device, {"badge": f"]Q1{hired.badge.lower()}\r\n"})

    assert answer.json()["operator"] == "4711"


def test_number_and_pin_sign_in(site, park, device):
    an_operator(park)

    answer = site.post("/operators/sign-in", device, {"operator": "4711", "pin": PIN})

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        ({"badge": "GHB1:" + "A" * 26}, "sign-in-failed"),
        ({"badge": "GHB1:AAAA"}, "invalid"),
        ({"operator": "4711", "pin": "999999"}, "sign-in-failed"),
        ({"operator": "no-such", "pin": PIN}, "sign-in-failed"),
        ({"operator": "4711"}, "invalid"),
        ({"badge": "GHB1:" + "A" * 26, "pin": PIN}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_what_proves_nothing_signs_nobody_in(site, park, device, body, slug):
    an_operator(park)

    answer = site.post("/operators/sign-in", device, body)

    assert slug_of(answer) == slug
    assert site.get("/devices/self", device).json()["operator"] is None
    assert "A" * 26 not in answer.text
    for secret in (PIN, "999999"):
        assert secret not in without_chance(answer.text)


def test_pins_cannot_be_tried_without_end_and_a_badge_still_works(site, park, device, other):
    hired = an_operator(park)
    wrong = {"operator": "4711", "pin": "135790"}

    slugs = [slug_of(site.post("/operators/sign-in", device, wrong)) for _ in range(6)]
    right = site.post("/operators/sign-in", other, {"operator": "4711", "pin": PIN})

    assert slugs == ["sign-in-failed"] * 5 + ["too-many"]
    assert slug_of(right) == "too-many"  # the operator is locked, at every device
    assert int(right.headers["retry-after"]) > 60
    assert "badge still works" in right.json()["detail"]
    assert sign_in(site, device, hired)["operator"] == "4711"


def test_a_device_cannot_try_many_operators(site, park, device):
    for number in range(5):
        wrong = {"operator": f"48{number}", "pin": "135790"}
        assert slug_of(site.post("/operators/sign-in", device, wrong)) == "sign-in-failed"

    wrong = {"operator": "4899", "pin": "135790"}
    assert slug_of(site.post("/operators/sign-in", device, wrong)) == "too-many"


def test_a_right_pin_forgets_the_wrong_ones(site, park, device):
    an_operator(park)
    for pin in ["135790"] * 4 + [PIN] + ["135790"] * 4 + [PIN]:
        answer = site.post("/operators/sign-in", device, {"operator": "4711", "pin": pin})

    assert answer.status_code == 200


def test_every_record_carries_who_stood_there(site, park, device):
    hired, boss = an_operator(park), park.hire()
    sign_in(site, device, hired)
    site.scan(device, CODE, nonce="nonce-one")
    site.scan(device, "NO-SUCH-CODE", nonce="nonce-two")
    site.post("/counts", device, {"kind": "staff", "people": 2, "nonce": "count-one"})
    body = {"device_id": device.name, "reason": "receipt", "operator": "9001"}
    assert site.post("/scans/nonce-two/override", boss, body).status_code == 200
    site.post("/scans/nonce-one/annul", device, {"reason": "stuck"})

    scans = rows_of(park, "SELECT nonce, operator, overridden_operator FROM scans ORDER BY nonce")
    assert scans == [("nonce-one", "4711", None), ("nonce-two", "4711", "9001")]
    assert rows_of(park, "SELECT operator FROM counts") == [("4711",)]
    personal = "SELECT field, value FROM audit_personal JOIN audit USING (revision) WHERE kind ="
    assert rows_of(park, f"{personal} 'annul'") == [("operator", "4711")]
    assert rows_of(park, f"{personal} 'override'") == [("operator", "9001")]
    assert park.ledger.read(audit.verify).findings == ()


def test_what_a_scan_says_of_its_operator_is_the_record(site, park, device):
    sign_in(site, device, an_operator(park))
    site.scan(device, CODE, operator="9001")

    assert rows_of(park, "SELECT operator FROM scans") == [("9001",)]


def test_one_operator_a_device_and_the_next_ends_the_shift_before(site, park, device, other):
    first, second = an_operator(park), an_operator(park, "4712", "Li Wei")
    sign_in(site, device, first)
    again = sign_in(site, device, first)
    sign_in(site, other, first)
    sign_in(site, device, second)
    out = site.post("/operators/sign-out", device)

    shifts = rows_of(park, "SELECT operator, device_id, ended_by FROM shifts ORDER BY shift_id")
    assert shifts == [
        ("4711", device.name, "sign_in"),
        ("4711", other.name, None),
        ("4712", device.name, "sign_out"),
    ]
    assert again["operator"] == "4711"
    assert out.json()["operator"] == "4712"
    assert site.post("/operators/sign-out", device).json()["operator"] is None
    assert park.ledger.read(audit.verify).findings == ()


def test_disabling_ends_a_shift_and_the_badge(site, park, device):
    hired = an_operator(park)
    sign_in(site, device, hired)
    park.change(lambda tx: disable_operator(tx, "4711", by="boss", now=park.ledger.clock()))

    assert rows_of(park, "SELECT ended_by FROM shifts") == [("disabled",)]
    assert site.get("/devices/self", device).json()["operator"] is None
    for proof in ({"badge": hired.badge}, {"operator": "4711", "pin": PIN}):
        assert slug_of(site.post("/operators/sign-in", device, proof)) == "sign-in-failed"


def test_nobody_is_on_duty_after_the_days_end(tmp_path):
    park = Park(tmp_path / "var")
    park.now = datetime(2090, 2, 12, 15, 50, tzinfo=UTC)  # 23:50 at the venue
    hired, device = an_operator(park), park.enrol()
    with an_app(park) as (_, site):
        sign_in(site, device, hired)
        park.now += timedelta(minutes=20)
        site.scan(device, "NO-SUCH-CODE")
        sign_in(site, device, hired)
        yesterday = sheet(site, park.hire("steward"), day="2090-02-12")

    assert rows_of(park, "SELECT operator FROM scans") == [(None,)]
    assert rows_of(park, "SELECT ended_by FROM shifts ORDER BY shift_id")[0] == ("day_end",)
    assert yesterday["rows"][0]["shifts"][0]["until"].startswith("2090-02-12T15:59:59.999")
    park.close()


# --- where somebody must have signed in ----------------------------------------------------------


@pytest.fixture
def strict(tmp_path):
    park = Park(tmp_path / "strict", settings="[people]\noperator_required = true\n")
    park.sell(CODE, "OTHER-CODE-1")
    yield park
    park.close()


def test_lanes_wait_for_a_sign_in_but_exits_looks_and_kiosks_do_not(strict):
    device, kiosk = strict.enrol(), strict.enrol("kiosk")
    with an_app(strict) as (_, site):
        refused = site.try_scan(device, CODE)
        left = site.scan(device, CODE, direction="exit")
        looked = site.scan(device, CODE, mode="check")
        alone = site.scan(kiosk, "OTHER-CODE-1")
        said = site.scan(device, CODE, operator="4711")
        required = site.get("/devices/self", device).json()["operator_required"]

    assert (refused.status_code, slug_of(refused)) == (403, "operator-required")
    assert (left["outcome"], looked["outcome"]) == ("refer", "admit")
    assert (alone["reason"], said["reason"], required) == ("admitted", "admitted", True)


def test_a_recorded_scan_is_answered_again_after_the_shift(strict):
    device, hired = strict.enrol(), an_operator(strict)
    with an_app(strict) as (_, site):
        sign_in(site, device, hired)
        nonce = a_nonce()
        site.scan(device, CODE, nonce=nonce)
        site.post("/operators/sign-out", device)
        again = site.scan(device, CODE, nonce=nonce)

    assert (again["reason"], again["replayed"]) == ("admitted", True)


def test_an_evacuation_waits_for_nobody(strict):
    device, boss = strict.enrol(), strict.hire()
    with an_app(strict) as (_, site):
        on = {"on": True, "reason": "fire"}
        assert site.post("/venue/emergency", boss, on).status_code == 200
        answer = site.scan(device, CODE)

    assert answer["reason"] == "emergency"


# --- what scanners did while they could not ask --------------------------------------------------


def shifts_of(site, device, *shifts):
    return site.post("/operators/shifts", device, {"shifts": list(shifts)})


def test_offline_shifts_are_kept_unverified_and_once(site, park, device):
    an_operator(park)
    told = {
        "operator": "4711",
        "since": "2015-02-12T09:00:00+08:00",
        "until": "2015-02-12T11:00:00+08:00",
    }
    for _ in range(2):
        answer = shifts_of(site, device, told)

    assert answer.json() == {"taken": 1, "operator": None}
    [row] = sheet(site, park.hire("steward"), day="2015-02-12")["rows"]
    [shift] = row["shifts"]
    assert (row["operator"], shift["verified"], shift["disabled"]) == ("4711", False, False)
    assert shift["since"] == "2015-02-12T01:00:00Z"


def test_an_offline_sign_out_ends_the_shift_that_the_server_began(site, park, device):
    since = sign_in(site, device, an_operator(park))["since"]
    until = datetime.now(UTC).isoformat()
    shifts_of(site, device, {"operator": "4711", "since": since, "until": until})

    assert rows_of(park, "SELECT ended_by, verified FROM shifts") == [("sign_out", 1)]


def test_a_running_offline_shift_goes_on_and_a_badge_verifies_it(site, park, device):
    hired = an_operator(park)
    answer = shifts_of(site, device, {"operator": "4711", "since": (datetime.now(UTC)).isoformat()})
    before = rows_of(park, "SELECT verified FROM shifts")
    sign_in(site, device, hired)

    assert answer.json()["operator"] == "4711"
    assert (before, rows_of(park, "SELECT verified FROM shifts")) == ([(0,)], [(1,)])


def test_the_server_knows_whose_badge_an_offline_scanner_saw(site, park, device):
    hired = an_operator(park)
    name = badge_name(hired.badge)
    shifts_of(site, device, {"operator": name, "since": datetime.now(UTC).isoformat()})
    line = (
        '{"nonce": "offline-one", "verdict": {"outcome": "admit", "reason": "admitted",'
        f' "admitted": 1}}, "code": "{CODE}", "scanned_at": "{datetime.now(UTC).isoformat()}",'
        f' "operator": "{name}"}}'
    )
    answer = site.post("/scans/batch", device, line.encode())

    assert '"accepted"' in answer.text
    assert hired.badge not in name
    assert rows_of(park, "SELECT operator FROM scans") == [("4711",)]
    assert rows_of(park, "SELECT operator FROM shifts") == [("4711",)]


def test_a_scanner_whose_clock_is_ahead_signs_nobody_in_tomorrow(site, park, device):
    shifts_of(site, device, {"operator": "4711", "since": "2099-02-12T09:00:00Z"})

    [(since,)] = rows_of(park, "SELECT from_at FROM shifts")
    assert since <= datetime.now(UTC).timestamp() * 1000
    assert site.get("/devices/self", device).json()["operator"] == "4711"


@pytest.mark.parametrize(
    "shift",
    [
        {"operator": "4711", "since": "2015-02-12T09:00:00"},
        {"operator": "", "since": "2015-02-12T09:00:00Z"},
        {"operator": "4711", "since": "2015-02-12T09:00:00Z", "until": "2015-02-12T08:00:00Z"},
        {"operator": "4711"},
    ],
)
def test_shifts_of_nonsense_are_refused(site, park, device, shift):
    answer = shifts_of(site, device, shift)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")


# --- secrets -------------------------------------------------------------------------------------


def test_a_badge_shown_as_a_code_is_refused_and_nothing_of_it_is_kept(site, park, device):
    hired = an_operator(park)
    answer = site.scan(device, hired.badge)
    site.scan(device, hired.badge.lower())
    kept = rows_of(park, "SELECT credential_key, tail, voucher_id FROM scans")

    assert (answer["outcome"], answer["reason"]) == ("refuse", "malformed_code")
    assert kept == [(None, None, None)] * 2


def test_no_secret_is_in_the_ledgers_files(site, park, device):
    hired = an_operator(park)
    sign_in(site, device, hired)
    site.post("/operators/sign-in", device, {"operator": "4711", "pin": PIN})
    files = b"".join(path.read_bytes() for path in park.directory.glob("ledger.db*"))

    for secret in (hired.badge, PIN):
        assert secret.encode() not in files
    assert park.ledger.read(lanes.differences) == []
