"""The page of accounts: who has one; the first password is told once, and must be changed."""

from __future__ import annotations

import pytest

from tests.desk import PASSWORD, Desk, told_once


@pytest.fixture
def desk(park, site):
    desk = Desk(park, site)
    desk.sit("admin", "boss")
    return desk


def test_page_lists_accounts_with_role_and_state(desk):
    desk.park.hire("partner", "lvtu-desk", "lvtu")

    page = desk.see("/users")

    assert "boss" in page
    assert "lvtu-desk" in page
    assert 'href="/act/user-add' in page


def test_first_password_is_told_once_and_must_be_changed(desk):
    answer = desk.do("user-add", name="anne", role="supervisor", password=PASSWORD)
    name, first, token = told_once(answer)

    assert answer.headers["cache-control"] == "no-store"
    assert name == "anne"
    assert token not in desk.see("/users")
    assert first not in desk.see("/users")
    assert desk.audited("user")[-1]["by"] == "boss"
    desk.site.http.cookies.clear()
    assert desk.site.log_in("anne", first).status_code == 303
    moved = desk.open("/users")
    assert (moved.status_code, moved.headers["location"]) == (303, "/account")


def test_account_is_not_added_without_the_own_password(desk):
    answer = desk.try_to("user-add", name="anne", role="steward", password="another one")

    assert answer.status_code == 403
    assert "anne" not in desk.park.ledger.catalogue.users


def test_partner_needs_a_platform(desk):
    answer = desk.try_to("user-add", name="lvtu-desk", role="partner", password=PASSWORD)

    assert answer.status_code == 400
    assert "platform" in answer.text


def test_disabled_account_is_out_at_once(desk):
    desk.park.hire("steward", "anne", password=PASSWORD)

    desk.do("user-disable", user="anne", password=PASSWORD)

    assert desk.park.ledger.catalogue.users["anne"].disabled
    desk.site.http.cookies.clear()
    assert desk.site.log_in("anne", PASSWORD).status_code == 403


def test_admin_ends_the_sessions_of_somebody(desk):
    desk.park.hire("steward", "anne", password=PASSWORD)
    before = desk.park.ledger.catalogue.users["anne"].session_no

    desk.do("user-log-out", user="anne", password=PASSWORD)

    assert desk.park.ledger.catalogue.users["anne"].session_no == before + 1
    assert desk.audited("end_sessions")[-1] | {"at": 0} == {"at": 0, "by": "boss", "name": "anne"}


def test_own_sessions_end_with_a_warning(desk):
    assert "This is your own account" in desk.ask("user-log-out", user="boss")

    desk.do("user-log-out", user="boss", password=PASSWORD)

    assert desk.open("/users").headers["location"].startswith("/login")


def test_reset_tells_a_new_first_password(desk):
    desk.park.hire("steward", "anne", password=PASSWORD)

    name, first, _ = told_once(desk.do("user-reset", user="anne", password=PASSWORD))

    assert name == "anne"
    desk.site.http.cookies.clear()
    assert desk.site.log_in("anne", PASSWORD).status_code == 403
    assert desk.site.log_in("anne", first).status_code == 303


@pytest.mark.parametrize("role", ["steward", "supervisor", "partner", "auditor"])
def test_only_admins_change_accounts(park, site, role):
    desk = Desk(park, site)
    desk.sit(role)

    assert desk.try_to("user-add", name="x", role="admin", password=PASSWORD).status_code == 403
    assert desk.open("/users").status_code == (200 if role == "auditor" else 403)
    assert "x" not in park.ledger.catalogue.users
