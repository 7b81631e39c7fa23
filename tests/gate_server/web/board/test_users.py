"""The page of accounts: who has one; the first password is told once, and must be changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from admission.errors import LedgerConflict
from gate_server.ledger.devices import disable_user
from tests.desk import PASSWORD, a_desk, told_once


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("users"), "admin", "boss") as desk:
        yield desk


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
    hers = desk.beside()
    assert hers.site.log_in("anne", first).status_code == 303
    moved = hers.open("/users")
    assert (moved.status_code, moved.headers["location"]) == (303, "/account")


def test_account_is_not_added_without_the_own_password(desk):
    answer = desk.try_to("user-add", name="never", role="steward", password="another one")

    assert answer.status_code == 403
    assert "never" not in desk.park.ledger.catalogue.users


def test_partner_needs_a_platform(desk):
    answer = desk.try_to("user-add", name="lvtu-desk", role="partner", password=PASSWORD)

    assert answer.status_code == 400
    assert "platform" in answer.text


def test_disabled_account_is_out_at_once(desk):
    theirs = desk.beside()
    name = theirs.sit("steward")
    assert theirs.open("/account").status_code == 200

    desk.do("user-disable", user=name, password=PASSWORD)

    assert theirs.open("/account").headers["location"].startswith("/login")
    assert theirs.site.log_in(name, PASSWORD).status_code == 403


def test_last_admin_in_force_is_not_disabled(desk):
    gone = desk.beside()
    name = gone.sit("admin")
    desk.do("user-disable", user=name, password=PASSWORD)
    refused = desk.try_to("user-disable", user="boss", password=PASSWORD)

    assert refused.status_code == 409
    assert "add another one first" in refused.text
    assert not desk.park.ledger.catalogue.users["boss"].disabled


def test_admin_ends_the_sessions_of_somebody(desk):
    theirs = desk.beside()
    name = theirs.sit("steward")

    desk.do("user-log-out", user=name, password=PASSWORD)

    assert theirs.open("/").headers["location"].startswith("/login")
    assert theirs.site.log_in(name, PASSWORD).status_code == 303
    assert desk.audited("end_sessions")[-1] | {"at": 0} == {"at": 0, "by": "boss", "name": name}


def test_own_sessions_end_with_a_warning(desk):
    assert "This is your own account" in desk.ask("user-log-out", user="boss")

    desk.do("user-log-out", user="boss", password=PASSWORD)

    assert desk.open("/users").headers["location"].startswith("/login")
    desk.site.log_in("boss", PASSWORD)


def test_reset_tells_a_new_first_password(desk):
    name = desk.park.hire("steward", password=PASSWORD).name

    told, first, _ = told_once(desk.do("user-reset", user=name, password=PASSWORD))

    assert told == name
    theirs = desk.beside()
    assert theirs.site.log_in(name, PASSWORD).status_code == 403
    assert theirs.site.log_in(name, first).status_code == 303


@pytest.mark.parametrize("role", ["steward", "supervisor", "partner", "auditor"])
def test_only_admins_change_accounts(desk, role):
    other = desk.beside(role)

    assert other.try_to("user-add", name="x", role="admin", password=PASSWORD).status_code == 403
    assert other.open("/users").status_code == (200 if role == "auditor" else 403)
    assert "x" not in desk.park.ledger.catalogue.users


def test_of_two_admins_that_disable_each_other_one_stays(park):
    both = [park.hire("admin").name for _ in range(2)]
    at_once = Barrier(2)

    def disable(name):
        at_once.wait()
        try:
            park.change(lambda tx: disable_user(tx, name, by="test", now=park.ledger.clock()))
        except LedgerConflict as error:
            return error.slug
        return "gone"

    with ThreadPoolExecutor(2) as two:
        came = sorted(two.map(disable, both))

    assert came == ["gone", "last-admin"]
    assert sum(not park.ledger.catalogue.users[name].disabled for name in both) == 1
