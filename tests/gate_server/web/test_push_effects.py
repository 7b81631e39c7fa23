"""What pushed rows lead to: freshness, failures that show, conflicts; and what they cannot do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.pushers import BytesPusher, Pusher, connect

CODE = "9K3F-22AX-8K2F"
DEAL = {
    "deal_id": "NEW", "platform": "lvtu", "title": "New", "face_price_minor": 100,
    "currency": "CNY", "valid_from": "2014-01-01", "valid_until": "2099-12-31",
}  # fmt: skip


@pytest.fixture
def pusher(park, site):
    return Pusher(site, connect(park))


def test_age_alone_makes_unknown_codes_stale_and_a_refused_push_does_not_help(park, site, pusher):
    device = park.enrol()
    park.now = utc_now()

    def reason():
        return site.scan(device, "NEVER-SOLD-1")["reason"]

    before = reason()
    pusher.vouchers(at=park.now)
    fresh = reason()
    park.now += timedelta(seconds=301)
    old = reason()
    Pusher(site, pusher.secret[:-8] + "AAAAAAA=").vouchers(at=park.now)
    refused = reason()
    degraded = site.http.get("/readyz").json()["degraded"]
    pusher.vouchers(at=park.now)

    assert (before, fresh, old, refused) == (
        "ledger_stale", "unknown_code", "ledger_stale", "ledger_stale",
    )  # fmt: skip
    assert "feed_stale" in degraded
    assert reason() == "unknown_code"


def test_failures_show_in_readiness_metrics_and_the_list(park, site):
    pusher = BytesPusher(site, connect(park))
    pusher.vouchers({"code": CODE}, {"code": "OTHER-1", "deal_id": "NONE"})
    for _ in range(3):
        pusher.send(b"nonsense")

    ready = site.http.get("/readyz").json()
    (feed,) = site.get("/feeds", park.hire("steward")).json()["feeds"]
    metrics = site.http.get("/metrics").text

    assert "feed_failing" in ready["degraded"]
    assert (feed["state"], feed["failures"], feed["set_aside"]) == ("failing", 3, 1)
    labels = '{feed="1",kind="native",platform="lvtu"}'
    assert f"gatehouse_feed_failures{labels} 3.0" in metrics
    assert f"gatehouse_feed_set_aside{labels} 1.0" in metrics
    assert f"gatehouse_feed_rows_total{labels} 1.0" in metrics
    assert f"gatehouse_feed_age_seconds{labels}" in metrics


def test_a_cancellation_after_use_that_is_pushed_is_a_conflict(park, site, pusher):
    device = park.enrol()
    pusher.vouchers({"code": CODE})
    site.scan(device, CODE)

    pusher.vouchers({"code": CODE, "status": "cancelled"})

    found = site.get("/conflicts", park.hire()).json()["conflicts"]
    assert [each["kind"] for each in found] == ["cancelled_after_use"]


def test_the_same_code_of_two_platforms_is_kept_for_both_and_referred(park, site, pusher):
    device = park.enrol()
    park.offer("OTHERS", platform="tuan")
    other = Pusher(site, connect(park, "tuan"), "tuan")

    pusher.vouchers({"code": CODE})
    other.vouchers({"code": CODE, "deal_id": "OTHERS"})

    assert site.scan(device, CODE)["reason"] == "ambiguous_code"


def test_a_push_ends_no_hold_void_or_block(park, site, pusher):
    boss, device = park.hire(), park.enrol()
    pusher.deals(DEAL)
    pusher.vouchers({"code": CODE, "deal_id": "NEW", "buyer_ref": "b1"})
    site.post("/deals/NEW/hold", boss, {"reason": "absurd price"})
    site.post("/blocks", boss, {"platform": "lvtu", "buyer_ref": "b2", "reason": "scalper"})

    pusher.deals(DEAL | {"title": "Newer"}, told=utc_now() + timedelta(seconds=1))
    pusher.vouchers({"code": CODE, "deal_id": "NEW"}, {"code": "OTHER-1", "buyer_ref": "b2"})

    reasons = [site.scan(device, code)["reason"] for code in (CODE, "OTHER-1")]
    assert reasons == ["deal_held", "buyer_blocked"]
