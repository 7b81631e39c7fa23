"""POST /scans: the contract's words, one verdict for whatever is presented."""

from datetime import timedelta

import pytest

from admission.calendar import whole_ms
from gate_server.ledger.ledger import utc_now
from tests.server import a_nonce, slug_of


@pytest.fixture
def device(park):
    park.sell("9K3F-22AX-8K2F", admits="2")
    return park.enrol()


def test_admission_is_answered_with_everything_staff_need(site, device, park):
    answer = site.scan(device, "9K3F-22AX-8K2F", nonce="first-nonce", party=2)

    assert answer["outcome"] == "admit"
    assert answer["reason"] == "admitted"
    assert (answer["admitted"], answer["remaining"]) == (2, 0)
    assert (answer["nonce"], answer["replayed"]) == ("first-nonce", False)
    assert set(answer["message"]) == {"zh", "en"}
    assert answer["epoch"] == park.ledger.epoch
    assert answer["ledger_revision"] == int(answer["scan_id"]) == park.ledger.revision
    assert (answer["void_version"], answer["rules_version"]) == (None, 1)
    assert answer["voucher"] == {
        "tail": "8K2F",
        "deal_id": "DAY",
        "title": "票 DAY",
        "category": "adult",
        "admits": 2,
        "area": "park",
        "arrived_at": None,
        "first_use": None,
        "order": None,
    }
    empty = ("vouchers", "arrival_number", "tickets", "clock_skew_s")
    assert [answer[name] for name in empty] == [None] * 4


def test_every_answer_to_a_device_says_epoch_and_revision(site, device, park):
    for answer in (
        site.try_scan(device, "9K3F-22AX-8K2F"),
        site.try_scan(device, "9K3F-22AX-8K2F", nonce="short"),
        site.get("/devices/self", device),
        site.get("/gates", device),
    ):
        assert answer.headers["x-gatehouse-epoch"] == park.ledger.epoch
        assert answer.headers["x-gatehouse-revision"] == str(park.ledger.revision)


def test_refusal_is_an_answer(site, device):
    site.scan(device, "9K3F-22AX-8K2F")
    answer = site.scan(device, "9K3F-22AX-8K2F")

    assert (answer["outcome"], answer["reason"]) == ("refuse", "used_up")
    assert answer["voucher"]["first_use"]["gate_id"] == "G1"


def test_same_nonce_is_answered_again(site, device):
    first = site.scan(device, "9K3F-22AX-8K2F", nonce="same-nonce")
    again = site.scan(device, "9K3F-22AX-8K2F", nonce="same-nonce")

    assert again == first | {"replayed": True}


@pytest.mark.parametrize(
    "changed",
    [{"code": "ANOTHER-CODE"}, {"mode": "check"}, {"direction": "exit"}, {"party": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_nonce_belongs_to_one_scan(site, device, changed):
    scan = {"code": "9K3F-22AX-8K2F", "nonce": "same-nonce"}
    site.scan(device, **scan)
    answer = site.post("/scans", device, scan | changed)

    if changed == {"mode": "check"}:  # a check has no nonce of its own
        assert answer.status_code == 200
    else:
        assert (answer.status_code, slug_of(answer)) == (409, "nonce-reused")


def test_annulled_scan_never_opens_again(site, device):
    scan = {"code": "9K3F-22AX-8K2F", "nonce": "same-nonce"}
    site.scan(device, **scan)
    site.post("/scans/same-nonce/annul", device, {"reason": "did not turn"})
    answer = site.post("/scans", device, scan)

    assert (answer.status_code, slug_of(answer)) == (409, "annulled")


def test_check_records_nothing(site, device, park):
    before = park.ledger.revision
    answer = site.scan(device, "9K3F-22AX-8K2F", mode="check")

    assert (answer["outcome"], answer["scan_id"]) == ("admit", None)
    assert park.ledger.revision == before


def test_arrival_gets_a_number_and_consumes_nothing(site, device, park):
    marshal = park.enrol("marshal")
    stamp = site.scan(marshal, "9K3F-22AX-8K2F", mode="arrive")
    again = site.scan(marshal, "9K3F-22AX-8K2F", mode="arrive")
    entry = site.scan(device, "9K3F-22AX-8K2F")

    assert stamp["arrival_number"] == again["arrival_number"] == f"{marshal.name}-1"
    assert entry["admitted"] == 2
    assert entry["voucher"]["arrived_at"] is not None


def test_party_is_all_at_a_gate_and_one_at_a_kiosk(site, device, park):
    kiosk = park.enrol("kiosk")
    at_kiosk = site.scan(kiosk, "9K3F-22AX-8K2F")
    at_gate = site.scan(device, "9K3F-22AX-8K2F")

    assert (at_kiosk["admitted"], at_gate["admitted"]) == (1, 1)


def test_wrong_device_clock_costs_the_visitor_nothing(site, device):
    now = whole_ms(utc_now())
    within = site.scan(device, "9K3F-22AX-8K2F", scanned_at=now.isoformat(), party=1)
    years = (now - timedelta(days=3650)).isoformat()
    off = site.scan(device, "9K3F-22AX-8K2F", scanned_at=years, party=1)

    assert within["clock_skew_s"] is None
    assert off["outcome"] == "admit"
    assert off["clock_skew_s"] == pytest.approx(-3650 * 86400, abs=60)


def test_several_vouchers_are_listed_and_one_is_picked(site, park):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    device = park.enrol()
    listed = site.scan(device, "ORDER-77")
    first, second = listed["vouchers"]

    assert (listed["outcome"], listed["reason"]) == ("refer", "several_vouchers")
    assert set(first) == {"pick", "tail", "title", "category", "remaining"}
    assert site.scan(device, pick=second["pick"])["outcome"] == "admit"
    assert site.scan(device, pick=second["pick"])["reason"] == "used_up"


def test_pick_is_of_this_device_for_two_minutes(site, park):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    device, other = park.enrol(), park.enrol()
    pick = site.scan(device, "ORDER-77")["vouchers"][0]["pick"]
    elsewhere = site.try_scan(other, pick=pick)
    used = site.scan(device, pick=pick, nonce="pick-nonce")
    park.now = utc_now() + timedelta(minutes=2, seconds=1)
    late = site.try_scan(device, pick=pick)

    for answer in (elsewhere, late, site.try_scan(device, pick="nonsense")):
        assert (answer.status_code, slug_of(answer)) == (400, "invalid")
        assert answer.json()["errors"][0]["field"] == "pick"
    assert site.scan(device, pick=pick, nonce="pick-nonce")["scan_id"] == used["scan_id"]


@pytest.mark.parametrize(
    ("profile", "scan", "status"),
    [
        ("gate", {"mode": "arrive"}, 403),
        ("gate", {"mode": "exchange"}, 403),
        ("marshal", {"mode": "admit"}, 403),
        ("marshal", {"mode": "reentry"}, 403),
        ("kiosk", {"mode": "reentry"}, 403),
        ("kiosk", {"direction": "exit"}, 403),
        ("marshal", {"mode": "check", "direction": "exit"}, 403),
        ("exchange", {"mode": "admit"}, 403),
        ("exchange", {"mode": "exchange"}, 200),
        ("exchange", {"mode": "check"}, 200),
        ("gate", {"direction": "exit"}, 200),
        ("gate", {"mode": "reentry"}, 200),
    ],
)
def test_profile_fixes_what_a_device_may_ask(site, park, profile, scan, status):
    answer = site.try_scan(park.enrol(profile), "ANY-CODE-1", **scan)

    assert answer.status_code == status
    if status == 400:
        assert slug_of(answer) == "mode-unavailable"


@pytest.mark.parametrize("fields", [{}, {"code": "A-CODE-1", "pick": "x"}], ids=["none", "both"])
def test_scan_has_either_code_or_pick(site, device, fields):
    answer = site.post("/scans", device, {"nonce": a_nonce(), **fields})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "code")


def test_emergency_lets_nobody_in_and_everybody_out(site, device, park):
    supervisor = park.hire()
    site.post("/venue/emergency", supervisor, {"on": True, "reason": "fire"})
    entry = site.scan(device, "9K3F-22AX-8K2F")
    leaving = site.scan(device, "9K3F-22AX-8K2F", direction="exit")

    assert (entry["outcome"], entry["reason"]) == ("wait", "emergency")
    assert (leaving["outcome"], leaving["reason"]) == ("admit", "exit_recorded")
