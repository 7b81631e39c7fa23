"""Pages about feeds, operators, the hand-over and the settings."""

from __future__ import annotations

import re

import pytest

from admission.operators import read_badge
from gate_server.settings import read_settings
from gate_server.settings_told import tell_settings
from tests.desk import PASSWORD, Desk, a_desk, told_once
from tests.platforms_redeem import a_platform
from tests.pushers import Pusher, a_push, connect
from tests.redeem_desk import a_desk as at_platform


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    settings = "[venue]\nlimit = 500\n[limits]\npin_tries = 5\n"
    with a_desk(tmp_path_factory.mktemp("ops"), "admin", settings=settings) as desk:
        yield desk


# --- feeds ---------------------------------------------------------------------------------------


def test_rows_set_aside_are_listed_with_why_and_let_go_by_an_admin(desk):
    pusher = Pusher(desk.site, connect(desk.park))
    body = a_push("vouchers", [{"code": "X" * 9, "deal_id": "NO-SUCH"}])
    assert pusher.send(body).status_code == 200
    (feed_id,) = desk.park.ledger.catalogue.feeds

    page = desk.see(f"/feeds/{feed_id}")

    assert "1 row set aside" in page
    assert "NO-SUCH" in page
    assert "X" * 9 not in page
    assert desk.see("/feeds").count("in step") == 1
    assert desk.try_to("feed-drop", feed_id=str(feed_id), password="wrong").status_code == 403
    desk.do("feed-drop", feed_id=str(feed_id), password=PASSWORD)
    assert "0 rows set aside" in desk.see(f"/feeds/{feed_id}")


@pytest.mark.parametrize("role", ["steward", "auditor"])
def test_feeds_are_seen_and_not_touched(desk, role):
    (feed_id,), other = desk.park.ledger.catalogue.feeds, desk.beside(role)

    page = other.see("/feeds")

    assert "in step" in page
    assert "/act/" not in page
    assert other.open(f"/feeds/{feed_id}").status_code == (200 if role == "auditor" else 403)
    assert other.try_to("feed-ask", feed_id=str(feed_id)).status_code == 403


def test_platform_that_pushes_cannot_be_asked(desk):
    (feed_id,) = desk.park.ledger.catalogue.feeds

    assert desk.try_to("feed-ask", feed_id=str(feed_id)).status_code == 400
    assert desk.try_to("feed-ask", feed_id="99").status_code == 404
    assert desk.open("/feeds/99").status_code == 404


def test_what_a_platform_refuses_is_listed_and_told_again(tmp_path):
    with a_platform() as platform, at_platform(tmp_path / "var", platform) as reports:
        platform.refuses["V1"] = "已退款 refunded"
        reports.park.sell("REFUSED-CODE", voucher_ref="V1")
        reports.scan("REFUSED-CODE")
        reports.settle()
        desk = Desk(reports.park, reports.site)
        desk.sit()
        (feed_id,) = desk.park.ledger.catalogue.feeds
        assert "1 message needs a human" in desk.see("/feeds")
        page = desk.see(f"/feeds/{feed_id}")
        assert "已退款 refunded" in page
        assert "REFUSED-CODE" not in page
        platform.refuses.clear()

        desk.do("feed-retry", feed_id=str(feed_id))

        assert "已退款 refunded" not in desk.see(f"/feeds/{feed_id}")
        assert desk.audited("redemptions_retried")[-1]["deeds"] == 1


# --- operators -----------------------------------------------------------------------------------


def test_badge_and_pin_are_told_once_and_sign_in(desk):
    number, pin, badge = told_once(
        desk.do("operator-add", operator="4711", name="早班甲", role="steward")
    )
    lane = desk.park.enrol()

    assert (number, read_badge(badge)) == ("4711", badge)
    assert pin not in desk.see("/operators")
    signed = desk.site.post("/operators/sign-in", lane, {"operator": number, "pin": pin})
    assert signed.json()["operator"] == "4711"
    assert "South gate lane" in desk.see("/operators")
    assert "Signed in at lane now" in desk.ask("operator-reset", operator="4711")


def test_lost_badge_is_worth_nothing_once_there_is_a_new_one(desk):
    first = told_once(desk.do("operator-add", operator="4712", name="B", role="marshal"))[2]
    second = told_once(desk.do("operator-reset", operator="4712"))[2]
    lane = desk.park.enrol()

    assert desk.site.post("/operators/sign-in", lane, {"badge": first}).status_code == 403
    assert desk.site.post("/operators/sign-in", lane, {"badge": second}).status_code == 200
    desk.do("operator-disable", operator="4712")
    assert desk.site.post("/operators/sign-in", lane, {"badge": second}).status_code == 403
    assert desk.park.ledger.catalogue.operators["4712"].disabled


# --- hand-over -----------------------------------------------------------------------------------


def test_handover_tells_lanes_and_the_difference_to_the_count_by_hand(desk):
    lane = desk.park.enrol()
    desk.park.sell("HAND-0001", admits="3")
    desk.site.scan(lane, "HAND-0001", operator="4711")

    page = desk.see("/handover?counted=5&gate=G1")

    assert ">+2<" in page
    assert "4711 早班甲" in page
    assert 'href="/handover/sheet?gate=G1&counted=5"' in page
    # Nobody without a voucher is a number, too.
    assert '<td data-label="Without voucher">0</td>' in page
    assert "交班人" in desk.see("/handover/sheet?counted=5")
    assert desk.open("/handover?day=yesterday").status_code == 400


# --- settings ------------------------------------------------------------------------------------


def row(page, key):
    return page.partition(f'id="setting-{key}"')[2].partition("</tr>")[0]


def test_settings_say_their_source_and_what_is_not_as_packaged(desk):
    page = desk.see("/settings")

    assert "<b>500</b>" in row(page, "venue.limit")
    assert "packaged: 0" in row(page, "venue.limit")
    assert "gate.toml" in row(page, "limits.pin_tries")
    assert "<b>" not in row(page, "limits.pin_tries")
    assert "packaged default" in row(page, "server.threads")


def test_change_in_the_file_waits_for_the_next_start(desk):
    path = desk.park.directory / "gate.toml"
    before = path.read_text("utf-8")
    path.write_text(before.replace("500", "600"), "utf-8")
    changed = row(desk.see("/settings"), "venue.limit")
    path.write_text("[venue\n", "utf-8")
    broken = desk.see("/settings")
    path.write_text(before, "utf-8")

    assert "<b>500</b>" in changed
    assert "600 after the next start" in changed
    assert "the server would not start with it" in broken
    assert "<b>500</b>" in row(broken, "venue.limit")


def test_every_setting_says_what_it_means(tmp_path):
    told = tell_settings(tmp_path, read_settings(tmp_path))

    rows = [each for rows in told.tables.values() for each in rows]
    assert [each.key for each in rows if not each.meaning.en] == []
    assert [each.key for each in rows if not re.search("[一-鿿]", each.meaning.zh)] == []
    assert [each.key for each in rows if each.own or each.changed or each.next_value] == []


@pytest.mark.parametrize("role", ["steward", "supervisor", "partner"])
def test_settings_are_for_admins(desk, role):
    other = desk.beside(role)

    assert other.open("/settings").status_code == 403
    assert other.open("/handover").status_code == (403 if role == "partner" else 200)
