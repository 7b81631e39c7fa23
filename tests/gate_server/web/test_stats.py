"""Figures: people once, scans each, calls while somebody waits; and the pages that show them."""

from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.boards import sit_down
from tests.server import Park, an_app, slug_of


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def test_people_are_counted_once_and_scans_each(site, park, boss):
    park.offer("BOTH", rights="park:1|valley:1")
    park.sell("COMBINED-1", deal_id="BOTH", admits="2")
    for gate in ("G1", "G2"):
        site.scan(park.enrol(gate_id=gate), "COMBINED-1")
    stats = site.get("/stats", boss).json()
    first, second = stats["gates"]

    assert (stats["people_today"], stats["inside"], stats["scans_today"]) == (2, 2, 2)
    assert (first["people_today"], second["people_today"]) == (2, 2)
    assert (first["people_last_60min"], len(first["per_minute"])) == (2, 60)
    assert sum(first["per_minute"][-2:]) == 2
    assert stats["deals_today"] == [
        {"deal_id": "BOTH", "title": "票 BOTH", "people": 2, "share": 1.0}
    ]
    assert 0 < first["p50_ms"] <= first["p95_ms"]


def test_refusals_are_told_by_reason(site, park, boss):
    device = park.enrol()
    for _ in range(3):
        site.scan(device, "NO-SUCH-CODE")
    site.scan(device, "x")

    refused = site.get("/stats", boss).json()["gates"][0]["refused"]
    assert refused == {"unknown_code": 3, "malformed_code": 1}


def test_exits_leave_the_venue(site, park, boss):
    park.sell("VOUCHER-1", admits="2")
    device = park.enrol()
    site.scan(device, "VOUCHER-1")
    site.scan(device, "VOUCHER-1", direction="exit", party=1)
    stats = site.get("/stats", boss).json()

    assert (stats["inside"], stats["exits_today"], stats["people_today"]) == (1, 1, 2)


def a_call(site, park, device):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    site.scan(device, "ORDER-77", nonce="a-referral")


def calls_waiting(site, boss):
    return site.get("/stats", boss).json()["calls_waiting"]


def test_referred_visitor_is_a_call_though_the_lane_goes_on(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    site.scan(device, "ORDER-77", nonce="a-referral")
    park.sell("SOMEBODY-ELSE")
    site.scan(device, "SOMEBODY-ELSE")
    site.scan(device, "NO-SUCH-CODE")

    (call,) = site.get("/stats", boss).json()["calls"]
    assert call.pop("at")
    assert call == {
        "device_id": device.name,
        "nonce": "a-referral",
        "gate_id": "G1",
        "reason": "several_vouchers",
    }


def test_call_ends_when_what_was_shown_is_answered_anew_at_any_lane(site, park, boss):
    device, other = park.enrol(), park.enrol()
    a_call(site, park, device)
    site.scan(other, "ORDER-77")
    moved = site.get("/stats", boss).json()["calls"]
    site.scan(device, "FAMILY-2")

    assert [call["device_id"] for call in moved] == [other.name]
    assert calls_waiting(site, boss) == 0


def test_who_leaves_is_no_call(site, park, boss):
    park.sell("NEVER-CAME-IN")
    answer = site.scan(park.enrol(), "NEVER-CAME-IN", direction="exit")

    assert answer["outcome"] == "refer"
    assert calls_waiting(site, boss) == 0


def test_override_answers_a_call(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    body = {"device_id": device.name, "reason": "has the order"}
    site.post("/scans/a-referral/override", boss, body)

    assert calls_waiting(site, boss) == 0


def answer_call(site, by, device, nonce="a-referral"):
    body = {"device_id": device.name, "reason": "sent to the desk"}
    return site.post(f"/scans/{nonce}/answer", by, body)


def test_call_may_be_answered_though_nobody_is_let_in(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    first, again = answer_call(site, boss, device), answer_call(site, boss, device)
    sql = "SELECT body FROM audit WHERE kind = 'call_answered'"
    [[audited]] = park.ledger.read(lambda db: db.execute(sql).fetchall())

    assert first.status_code == again.status_code == 200
    assert (first.json()["outcome"], first.json()["admitted"]) == ("refer", 0)
    assert calls_waiting(site, boss) == 0
    assert (boss.name in audited, "sent to the desk" in audited) == (True, True)
    assert site.scan(device, "FAMILY-1")["outcome"] == "admit"


def test_only_calls_are_answered(site, park, boss):
    device = park.enrol()
    park.sell("VOUCHER-1")
    site.scan(device, "VOUCHER-1", nonce="an-admission")
    site.scan(device, "NO-SUCH-CODE", nonce="a-refusal")
    site.scan(device, "VOUCHER-1", nonce="an-exit-1", direction="exit")
    nonces = "an-admission", "a-refusal", "an-exit-1", "no-such-scan"

    assert [slug_of(answer_call(site, boss, device, nonce)) for nonce in nonces] == [
        "admitted-already",
        "not-a-call",
        "not-an-entry",
        "not-found",
    ]


@pytest.mark.parametrize("call", ["answer", "override"])
def test_answered_call_does_not_wait_again_after_a_restart(site, park, boss, call):
    device, other = park.enrol(), park.enrol()
    a_call(site, park, device)
    site.scan(other, "ORDER-77", nonce="once-more")
    body = {"device_id": other.name, "reason": "has the order"}
    assert site.post(f"/scans/once-more/{call}", boss, body).status_code == 200

    with an_app(park) as (_, restarted):
        assert calls_waiting(restarted, boss) == 0


def test_call_is_forgotten_after_twenty_minutes(site, park, boss):
    a_call(site, park, park.enrol())
    park.now = utc_now() + timedelta(minutes=20, seconds=1)

    assert calls_waiting(site, boss) == 0


def test_call_is_not_forgotten_by_a_restart(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    with an_app(park) as (_, restarted):
        after_restart = calls_waiting(restarted, boss)
        restarted.scan(device, "FAMILY-1")

        assert (after_restart, calls_waiting(restarted, boss)) == (1, 0)


def test_check_is_no_call(site, park, boss):
    device = park.enrol()
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    site.scan(device, "ORDER-77", mode="check")

    assert calls_waiting(site, boss) == 0


def test_new_day_begins_with_nobody(site, park, boss):
    park.sell("VOUCHER-1")
    site.scan(park.enrol(), "VOUCHER-1")
    park.now = utc_now() + timedelta(days=1)
    stats = site.get("/stats", boss).json()

    assert (stats["inside"], stats["people_today"], stats["scans_today"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("people", "level"), [(7, "normal"), (8, "warning"), (9, "alarm"), (10, "full")]
)
def test_levels_of_a_filling_venue(tmp_path, people, level):
    park = Park(tmp_path / "var", settings="[venue]\nlimit = 10\n")
    boss = park.hire()
    with an_app(park) as (_, site):
        body = {"kind": "walk_in", "people": people, "nonce": "a-count-1", "gate_id": "G1"}
        site.post("/counts", boss, body)
        capacity = site.get("/stats", boss).json()["capacity"]
    park.close()

    assert capacity == {"limit": 10, "share": people / 10, "level": level}


def test_metrics_count_scans_by_gate_outcome_and_reason(site, park):
    park.sell("VOUCHER-1")
    device = park.enrol()
    site.scan(device, "VOUCHER-1")
    site.scan(device, "VOUCHER-1")
    text = site.http.get("/metrics").text

    labels = 'gate="G1",outcome="admit",reason="admitted"'
    assert f"gatehouse_scans_total{{{labels}}} 1.0" in text
    assert "gatehouse_decision_seconds_count 2.0" in text
    for name in ("queue_depth", "wal_bytes", "disk_free_bytes", "event_streams", "inside"):
        assert f"\ngatehouse_{name} " in text
    assert f'epoch="{park.ledger.epoch}"' in text


@pytest.fixture
def far(park):
    """The same site, called from another machine."""
    with an_app(park, remote_addr="192.0.2.7") as (_, site):
        yield site


def test_metrics_are_for_this_machine_or_staff(far, park, boss):
    def ask(member):
        headers = {"Authorization": f"Bearer {member.token}"} if member else {}
        return far.http.get("/metrics", headers=headers).status_code

    partner, device = park.hire("partner"), park.enrol()
    statuses = [ask(each) for each in (None, device, partner, boss, park.hire("auditor"))]
    assert statuses == [401, 403, 403, 200, 200]


def test_device_that_only_scans_was_seen_too(site, park, boss):
    device = park.enrol()
    site.scan(device, "NO-SUCH-CODE")
    (gate, _) = site.get("/stats", boss).json()["gates"]
    with an_app(park) as (_, restarted):
        after = restarted.get("/stats", boss).json()["gates"][0]["devices"]
    park.now = park.ledger.clock() + timedelta(seconds=40)

    assert gate["devices"][0]["last_seen_at"] == after[0]["last_seen_at"] is not None
    # It never said that it beats, so its silence says nothing.
    assert "cut off" not in sit_down(site, park).see()


def test_health_and_readiness(site, park):
    assert site.http.get("/healthz").text == "alive\n"
    assert site.http.get("/readyz").json() == {
        "ready": True,
        "epoch": park.ledger.epoch,
        "ledger_revision": park.ledger.revision,
        "degraded": [],
    }


def test_unready_server_says_so(site, park):
    park.ledger.close()
    answer = site.http.get("/readyz")

    assert (answer.status_code, slug_of(answer)) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


def test_authority_is_handed_out(site, park):
    assert slug_of(site.http.get("/ca")) == "not-found"
    with an_app(park, ca_pem=b"-----BEGIN CERTIFICATE-----\n") as (_, with_tls):
        for path in ("/ca", "/ca.pem"):
            assert b"BEGIN CERTIFICATE" in with_tls.http.get(path).content


def test_enrolment_page_names_the_program(site):
    assert "scanner-client enrol" in site.http.get("/enrol").text
