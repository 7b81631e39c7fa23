"""Closures over HTTP: previewed, declared, amended and taken back, effective at the next scan."""

from datetime import datetime, timedelta

import pytest

from gate_server.ledger import audit
from tests.server import Park, an_app, slug_of

NOW = datetime.fromisoformat("2027-05-01T09:00:00+08:00")
RAIN = {
    "reason": "rain",
    "day": "2027-05-01",
    "extend_until": "2027-05-31T23:59:59.999+08:00",
    "deals": ["DAILY"],
    "used_too": True,
    "refunds_open": True,
    "notice": {
        "zh": "因暴雨闭园，门票有效期延至5月31日",
        "en": "Closed for rain; come until 31 May",
    },
}


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def furnish(park):
    """Sell three vouchers of the day, one of them for two people, and others of other days."""
    park.now = NOW
    park.offer("DAILY", valid_from="2027-05-01", valid_until="2027-05-01")
    park.offer("VALLEY", rights="valley:1", valid_from="2027-05-01", valid_until="2027-05-02")
    park.offer("LATER", valid_from="2027-06-01", valid_until="2027-06-30")
    for code, columns in {"USED-0001": {}, "FRESH-001": {}, "PAIR-0001": {"admits": "2"}}.items():
        park.sell(code, deal_id="DAILY", price_paid_minor="20000", buyer_ref=code, **columns)


@pytest.fixture
def gate(park):
    furnish(park)
    return park.enrol()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A park where nothing is changed: who asks, and whom."""
    park = Park(tmp_path_factory.mktemp("told") / "var")
    furnish(park)
    with an_app(park) as (_, site):
        yield site, park.hire("supervisor")
    park.close()


def declare(site, boss, query="", path="", **changes):
    return site.post(f"/closures{path}{query}", boss, RAIN | changes)


def test_preview_counts_and_changes_nothing(site, park, gate, boss):
    site.scan(gate, "PAIR-0001", party=2)
    before = park.ledger.revision
    answer = declare(site, boss, "?preview=true").json()
    preview = answer["preview"]

    assert (answer["closure_id"], answer["status"], answer["versions"]) == (None, "preview", [])
    assert answer["terms"]["deals"] == ["DAILY"]
    assert preview["before"] is None
    assert preview["after"] == {
        "vouchers": 3,
        "people": 4,
        "buyers": 3,
        "paid_minor": {"CNY": 60000},
        "extended": 3,
        "used_vouchers": 1,
        "used_people": 2,
        "new_rights": 2,
        "inside": 2,
    }
    assert park.ledger.revision == before


def test_closure_extends_and_renews_at_the_next_scan_and_restore_ends_it(site, park, gate, boss):
    site.scan(gate, "USED-0001")
    made = declare(site, boss).json()
    park.now = NOW + timedelta(days=2)
    again = site.scan(gate, "USED-0001")["reason"]
    fresh = site.scan(gate, "FRESH-001", mode="check")["reason"]
    number = made["closure_id"]
    ended = site.post(f"/closures/{number}/restore", boss, {"reason": "mistake"}).json()
    after = site.scan(gate, "FRESH-001", mode="check")["reason"]

    assert (made["status"], ended["status"]) == ("in_force", "restored")
    assert (again, fresh, after) == ("admitted", "admitted", "expired")
    assert [each["restored"] for each in ended["versions"]] == [False, True]


def test_every_version_is_kept_with_who_and_when(site, park, gate, boss):
    number = declare(site, boss).json()["closure_id"]
    park.now = NOW + timedelta(hours=1)
    declare(site, boss, path=f"/{number}", reason="rain goes on", used_too=False)
    shown = site.get(f"/closures/{number}", boss).json()

    assert [each["version"] for each in shown["versions"]] == [1, 2]
    assert [each["by"] for each in shown["versions"]] == [boss.name] * 2
    assert [each["reason"] for each in shown["versions"]] == ["rain", "rain goes on"]
    assert [each["used_too"] for each in shown["versions"]] == [True, False]
    times = [datetime.fromisoformat(each["committed_at"]) for each in shown["versions"]]
    assert times[1] - times[0] == timedelta(hours=1)
    assert site.get("/closures", boss).json() == {"closures": [shown]}
    assert site.get("/deals/DAILY", boss).json()["closures"] == [number]


def test_open_incident_of_a_bound_deal_is_told(site, gate, boss):
    asked = {"kind": "crowd", "title": "queue at the north gate", "deal_id": "DAILY"}
    made = site.post("/incidents", boss, asked).json()
    number = declare(site, boss).json()["closure_id"]
    [shown] = site.get("/incidents", boss).json()["incidents"]

    [told] = [each for each in shown["timeline"] if each["kind"] == "closure"]
    assert made["incident_id"] == shown["incident_id"]
    assert (told["text"], told["by"]) == ("rain", boss.name)
    assert told["refs"] == {"closure_id": number, "closure_version": 1}


def test_preview_of_other_terms_compares_them_with_those_in_force(site, gate, boss):
    site.scan(gate, "USED-0001")
    number = declare(site, boss).json()["closure_id"]
    amended = declare(site, boss, "?preview=true", f"/{number}", used_too=False).json()["preview"]
    query = f"/closures/{number}/restore?preview=true"
    ended = site.post(query, boss, {"reason": "x"}).json()["preview"]

    assert (amended["before"]["new_rights"], amended["after"]["new_rights"]) == (1, 0)
    assert (amended["before"]["extended"], amended["after"]["extended"]) == (3, 3)
    assert (ended["before"]["vouchers"], ended["after"]["vouchers"]) == (3, 0)
    assert site.get(f"/closures/{number}", boss).json()["status"] == "in_force"


@pytest.mark.parametrize(
    ("asked", "deals"),
    [
        ({"areas": ["park"]}, ["DAILY", "DAY"]),
        ({"areas": ["valley"]}, ["VALLEY"]),
        ({"gates": ["G2"]}, ["VALLEY"]),
        ({"platforms": ["lvtu"]}, ["DAILY", "DAY", "VALLEY"]),
        ({"all_deals": True}, ["DAILY", "DAY", "VALLEY"]),
        ({"deals": ["LATER"], "gates": ["G2"]}, ["LATER", "VALLEY"]),
    ],
)
def test_deals_of_a_place_are_found_once(told, asked, deals):
    made = declare(*told, "?preview=true", **({"deals": []} | asked)).json()

    assert sorted(made["terms"]["deals"]) == deals


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"day": None}, "day"),
        ({"closed_from": "2027-05-01T09:00:00+08:00"}, "day"),
        ({"last_day": "2027-04-30"}, "last_day"),
        ({"day": "9999-12-31", "extend_until": "9998-12-31T00:00:00Z"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"last_day": "2027-06-30", "extend_until": "2027-07-01T00:00:00+08:00"}, "last_day"),
        ({"extend_until": "2027-05-01T12:00:00+08:00"}, "extend_until"),
        ({"extend_until": "2037-05-01T12:00:00+08:00"}, "extend_until"),
        ({"deals": ["NONE"]}, "deals"),
        ({"deals": []}, "deals"),
        ({"gates": ["G9"]}, "gates"),
        ({"areas": ["moon"]}, "areas"),
        ({"platforms": ["nobody"]}, "platforms"),
        (
            {"day": None, "closed_from": "2027-05-01T12:00:00+08:00",
             "closed_until": "2027-05-01T09:00:00+08:00"},
            "closed_until",
        ),
        ({"reason": "rain\x1b[2J"}, "reason"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?preview=true"])
def test_what_cannot_be_meant_is_refused_by_field(told, query, changes, field):
    answer = declare(*told, query, **changes)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_far_day_is_asked_about(told):
    near = declare(*told, "?preview=true").json()
    far = declare(*told, "?preview=true", day="2027-05-20").json()
    past = declare(*told, "?preview=true", day="2026-01-20").json()

    assert near["warnings"] == []
    assert "more than 14 days from now" in far["warnings"][0]["en"]
    assert "14天以后" in far["warnings"][0]["zh"]
    assert "more than 14 days ago" in past["warnings"][0]["en"]
    assert "14天以前" in past["warnings"][0]["zh"]


def test_notice_stands_at_the_shut_gate(site, gate, boss):
    declare(site, boss)
    site.post("/gates/G1/state", boss, {"state": "paused", "reason": "rain"})
    refused = site.scan(gate, "FRESH-001")

    assert refused["reason"] == "gate_closed"
    assert refused["message"] == RAIN["notice"]


def test_notice_is_told_to_who_was_in_and_has_no_new_right(site, park, gate, boss):
    site.scan(gate, "USED-0001")
    declare(site, boss, used_too=False)
    park.now = NOW + timedelta(days=1)
    refused = site.scan(gate, "USED-0001")

    assert refused["reason"] == "used_up"
    assert refused["message"] == RAIN["notice"]


def test_restore_of_a_restored_closure_is_refused(site, gate, boss):
    number = declare(site, boss).json()["closure_id"]
    body = {"reason": "x"}
    site.post(f"/closures/{number}/restore", boss, body)
    again = site.post(f"/closures/{number}/restore", boss, body)
    missing = site.get("/closures/99999", boss)

    assert (again.status_code, slug_of(again)) == (409, "closure-restored")
    assert (missing.status_code, slug_of(missing)) == (404, "not-found")


def test_closures_are_audited(site, park, gate, boss):
    number = declare(site, boss).json()["closure_id"]
    site.post(f"/closures/{number}/restore", boss, {"reason": "x"})
    sql = "SELECT body ->> 'by', body ->> 'restored' FROM audit WHERE kind = 'closure'"
    told = park.ledger.read(lambda db: db.execute(sql).fetchall())

    assert told == [(boss.name, 0), (boss.name, 1)]
    assert park.ledger.read(audit.verify).findings == ()


def test_replay_decides_by_the_closures_of_then(site, park, gate, boss):
    number = declare(site, boss).json()["closure_id"]
    park.now = NOW + timedelta(days=2)
    scan = site.scan(gate, "FRESH-001")
    site.post(f"/closures/{number}/restore", boss, {"reason": "x"})
    again = site.get(f"/scans/{scan['scan_id']}/replay", boss).json()

    assert (scan["reason"], again["agreement"]) == ("admitted", "agrees")
