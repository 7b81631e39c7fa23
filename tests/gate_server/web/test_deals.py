"""Deals, blocks, gates over HTTP: what supervisors see and do, effective at the next scan."""

from datetime import timedelta

import pytest

from tests.server import slug_of

VOID = {
    "reason": "flash-sale limit failed",
    "honour": {"arrived_by": "2099-02-12T17:00:00+08:00"},
    "cost_bearer": "platform",
    "settlement_unit_minor": 26000,
    "notice": {"zh": "活动取消", "en": "The offer was withdrawn"},
    "remedy": {"refund": "price_paid", "compensation_per_buyer_minor": 1000},
}
NOBODY = {"reason": "withdrawn", "honour": None, "cost_bearer": "venue"}


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


@pytest.fixture
def device(park):
    park.sell("VOUCHER-1", "VOUCHER-2", admits="2", price_paid_minor="52000", buyer_ref="buyer-1")
    return park.enrol()


def test_deal_is_told_with_its_counts(site, park, device, boss):
    site.scan(device, "VOUCHER-1")
    listed = site.get("/deals", boss).json()
    one = site.get("/deals/DAY", boss).json()

    assert listed == {"deals": [one]}
    assert (one["deal_id"], one["platform"], one["status"]) == ("DAY", "lvtu", "active")
    assert (one["vouchers"], one["people_sold"], one["people_admitted"]) == (2, 4, 2)
    assert one["rights"] == "park:1"
    assert (one["hold"], one["void"]) == (None, None)


def test_counts_follow_later_vouchers(site, park, device, boss):
    before = site.get("/deals/DAY", boss).json()["vouchers"]
    park.sell("VOUCHER-3")

    assert (before, site.get("/deals/DAY", boss).json()["vouchers"]) == (2, 3)


def test_partner_sees_its_own_platform_only(site, park):
    park.offer("OTHER", platform="ctrip")
    partner = park.hire("partner", platform="lvtu")
    listed = site.get("/deals", partner).json()["deals"]
    other = site.get("/deals/OTHER", partner)

    assert [deal["deal_id"] for deal in listed] == ["DAY"]
    assert (other.status_code, slug_of(other)) == (404, "not-found")


def test_hold_and_release(site, device, boss):
    scope = {"sold_from": "2015-02-12T00:00:00+08:00", "price_at_most_minor": 26000}
    body = {"reason": "absurd price", "scope": scope}
    held = site.post("/deals/DAY/hold", boss, body).json()
    at_gate = site.scan(device, "VOUCHER-1")
    released = site.post("/deals/DAY/release", boss, {"reason": "was a true sale"})

    assert held["status"] == "held"
    assert held["hold"]["sold_from"] == "2015-02-11T16:00:00Z"
    assert (held["hold"]["price_at_most_minor"], held["hold"]["at_gate"]) == (26000, "refer")
    assert (at_gate["outcome"], at_gate["reason"]) == ("refer", "deal_held")
    assert released.json()["status"] == "active"
    assert site.scan(device, "VOUCHER-1")["outcome"] == "admit"


def test_admit_and_mark_lets_in(site, device, boss):
    body = {"reason": "to be looked at", "at_gate": "admit_and_mark"}
    site.post("/deals/DAY/hold", boss, body)

    assert site.scan(device, "VOUCHER-1")["outcome"] == "admit"


def test_void_refuses_from_the_next_scan_and_restore_admits(site, device, boss):
    voided = site.post("/deals/DAY/void", boss, NOBODY)
    refused = site.scan(device, "VOUCHER-1")
    restored = site.post("/deals/DAY/restore", boss, {"reason": "by mistake"})
    admitted = site.scan(device, "VOUCHER-1")

    assert (voided.status_code, voided.json()["void_version"]) == (200, 1)
    assert (refused["outcome"], refused["reason"]) == ("refuse", "deal_voided")
    assert refused["void_version"] == 1
    assert restored.json()["void_version"] == 2
    assert (admitted["outcome"], admitted["void_version"]) == ("admit", None)


def test_void_terms_in_force_are_told_with_their_defaults(site, device, boss):
    site.post("/deals/DAY/void", boss, VOID)
    deal = site.get("/deals/DAY", boss).json()
    honour = deal["void"]["honour"]

    assert deal["status"] == "voided"
    assert honour["arrived_by"] == "2099-02-12T09:00:00Z"
    assert honour["arrived_from"] == "2099-02-11T16:00:00Z"
    assert honour["admit_until"] == "2099-02-12T15:59:59.999000Z"
    assert deal["void"]["settlement_unit_minor"] == 26000
    assert deal["void"]["cost_bearer"] == "platform"


def test_notice_stands_on_the_refusal(site, device, boss):
    site.post("/deals/DAY/void", boss, {**NOBODY, "notice": VOID["notice"]})

    assert site.scan(device, "VOUCHER-1")["message"] == VOID["notice"]


def test_preview_counts_and_changes_nothing(site, park, device, boss):
    site.scan(park.enrol("marshal"), "VOUCHER-2", mode="arrive")
    site.scan(device, "VOUCHER-1", party=1)
    before = park.ledger.revision
    answer = site.post("/deals/DAY/void?preview=true", boss, NOBODY).json()

    assert (answer["void_version"], answer["status"]) == (None, "active")
    assert (
        answer["preview"]
        | {
            "vouchers": 2,
            "people": 4,
            "buyers": 1,
            "paid_minor": 104000,
            "arrived": 2,
            "admitted_people": 1,
            "inside": 1,
            "would_admit": 0,
            "would_refuse": 2,
            "refunded_people": 0,
        }
        == answer["preview"]
    )
    assert park.ledger.revision == before


def test_preview_counts_arrivals_inside_the_honour_terms(site, park, device, boss):
    site.scan(park.enrol("marshal"), "VOUCHER-2", mode="arrive")
    terms = {"arrived_by": "2015-02-12T17:00:00+08:00"}
    answer = site.post("/deals/DAY/void?preview=true", boss, {**NOBODY, "honour": terms}).json()

    assert answer["preview"]["arrived"] == 0
    terms = {"arrived_by": (park.ledger.clock() + timedelta(seconds=1)).isoformat()}
    answer = site.post("/deals/DAY/void?preview=true", boss, {**NOBODY, "honour": terms}).json()
    counted = answer["preview"]
    assert (counted["arrived"], counted["would_admit"], counted["would_refuse"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("path", "body", "slug"),
    [
        ("/deals/DAY/release", {"reason": "x"}, "not-held"),
        ("/deals/DAY/restore", {"reason": "x"}, "not-voided"),
        ("/deals/NONE/hold", {"reason": "x"}, "not-found"),
        ("/deals/NONE/void", NOBODY, "not-found"),
        ("/deals/NONE/void?preview=true", NOBODY, "not-found"),
        ("/gates/G9/state", {"state": "open", "reason": "x"}, "not-found"),
        ("/blocks/999/lift", {"reason": "x"}, "not-found"),
        ("/blocks/9999999999999999999999/lift", {"reason": "x"}, "not-found"),
        ("/blocks/one/lift", {"reason": "x"}, "not-found"),
    ],
)
def test_what_cannot_be_done_is_told(site, boss, path, body, slug):
    answer = site.post(path, boss, body)

    assert slug_of(answer) == slug


def test_voided_deal_cannot_be_held(site, boss):
    site.post("/deals/DAY/void", boss, NOBODY)
    answer = site.post("/deals/DAY/hold", boss, {"reason": "x"})

    assert (answer.status_code, slug_of(answer)) == (409, "deal-voided")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"honour": ...}, "honour"),
        ({"honour": {"arrived_by": "2015-02-12T17:00:00"}}, "honour.arrived_by"),
        ({"cost_bearer": "visitor"}, "cost_bearer"),
        ({"settlement_unit_minor": 1.5}, "settlement_unit_minor"),
        ({"remedy": {"refund": "half"}}, "remedy.refund"),
        ({"notice": {"zh": "只有中文"}}, "notice.en"),
    ],
)
def test_void_of_nonsense_is_refused_by_field(site, park, boss, changed, field):
    body = {name: value for name, value in (NOBODY | changed).items() if value is not ...}
    answer = site.post("/deals/DAY/void", boss, body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert park.ledger.catalogue.voids == {}


def test_block_refers_until_it_is_lifted(site, device, boss):
    body = {"platform": "lvtu", "buyer_ref": "buyer-1", "reason": "scalper"}
    made = site.post("/blocks", boss, body)
    blocked = site.scan(device, "VOUCHER-1")
    lifted = site.post(f"/blocks/{made.json()['block_id']}/lift", boss, {"reason": "explained"})
    again = site.post(f"/blocks/{made.json()['block_id']}/lift", boss, {"reason": "explained"})

    assert made.status_code == 201
    assert made.json()["vouchers"] == 2
    assert "buyer-1" not in made.text
    assert (blocked["outcome"], blocked["reason"]) == ("refer", "buyer_blocked")
    assert lifted.json()["lifted_at"] is not None
    assert (again.status_code, slug_of(again)) == (409, "lifted-already")
    assert site.get("/blocks", boss).json() == {"blocks": [lifted.json()]}
    assert site.scan(device, "VOUCHER-1")["outcome"] == "admit"


def test_block_in_the_past_is_refused(site, boss):
    body = {"platform": "lvtu", "buyer_ref": "buyer-1", "reason": "x"}
    answer = site.post("/blocks", boss, body | {"expires_at": "2015-02-12T00:00:00Z"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "expires_at")


@pytest.mark.parametrize("state", ["paused", "exit_only"])
def test_closed_gate_makes_visitors_wait(site, device, boss, state):
    answer = site.post("/gates/G1/state", boss, {"state": state, "reason": "lift broken"})
    entry = site.scan(device, "VOUCHER-1")

    assert answer.json() == {"gate_id": "G1", "name": "South gate", "area": "park", "state": state}
    assert (entry["outcome"], entry["reason"]) == ("wait", "gate_closed")
    assert site.get("/gates", boss).json()["gates"][0]["state"] == state
