"""Log-in at a browser: first passwords, lock-outs, sessions that end, forms of other sites."""

from datetime import timedelta

import httpx
import pytest

from gate_server.ledger import devices
from gate_server.ledger.accounts import end_sessions
from tests.server import Park, Site, an_app, slug_of

OWN, OTHER = "the right password", "another long password"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def anne(park, site):
    """A supervisor who has logged in."""
    member = park.hire("supervisor", "anne", password=OWN)
    assert site.log_in("anne", OWN).status_code == 303
    return member


def another_browser(site):
    """Return the same server as another browser sees it, without its cookies."""
    transport = site.http._transport
    return Site(httpx.Client(transport=transport, base_url="http://127.0.0.1"))


def is_in(site):
    return site.http.get("/").status_code == 200


def test_stranger_is_sent_to_the_log_in_and_from_there_back(site, park):
    park.hire("supervisor", "anne", password=OWN)
    sent = site.http.get("/account?x=1")
    into = site.send(sent.headers["location"], "/login", name="anne", password=OWN, next="/account")

    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/account?x%3D1")
    assert (into.status_code, into.headers["location"]) == (303, "/account")
    assert is_in(site)


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil", "evil"])
def test_log_in_leads_to_no_other_site(site, park, next_):
    park.hire("supervisor", "anne", password=OWN)
    into = site.send("/login", "/login", name="anne", password=OWN, next=next_)

    assert into.headers["location"] == "/"


def test_part_of_a_page_is_told_to_go_to_the_log_in(site):
    answer = site.http.get("/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/login")


def test_first_password_must_be_changed_before_anything_else(site, park):
    park.hire("supervisor", "anne", password=OWN)
    park.change(
        lambda tx: tx.db.execute("UPDATE users SET must_change = 1") and tx.touched.add("users")
    )
    site.log_in("anne", OWN)
    page, call = site.http.get("/"), site.http.get("/api/v1/gates")
    changed = site.send("/account", "/account", old=OWN, new=OTHER, again=OTHER)

    assert (page.status_code, page.headers["location"]) == (303, "/account")
    assert slug_of(call) == "unauthorized"
    assert changed.status_code == 303
    assert is_in(site)
    assert another_browser(site).log_in("anne", OWN).status_code == 403


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", OTHER, OTHER),
        (OWN, OTHER, OTHER + "!"),
        (OWN, "short", "short"),
        (OWN, OWN, OWN),
        (OWN, "x" * 201, "x" * 201),
    ],
)
def test_password_is_not_changed_without_the_old_one_or_to_a_poor_one(site, anne, old, new, again):
    answer = site.send("/account", "/account", old=old, new=new, again=again)

    assert answer.status_code in {400, 403}
    assert 'role="alert"' in answer.text
    assert another_browser(site).log_in("anne", OWN).status_code == 303


def test_new_password_ends_every_other_session(site, anne):
    other = another_browser(site)
    other.log_in("anne", OWN)
    site.send("/account", "/account", old=OWN, new=OTHER, again=OTHER)

    assert is_in(site)
    assert not is_in(other)


def test_unknown_and_wrong_are_answered_alike(site, park):
    park.hire("supervisor", "anne", password=OWN)
    answers = [site.log_in(name, "wrong password") for name in ("anne", "nobody")]

    said = {answer.text.partition('role="alert">')[2].partition("<")[0] for answer in answers}
    assert [answer.status_code for answer in answers] == [403, 403]
    assert said == {"账号或密码不正确。"}


def test_five_wrong_passwords_lock_the_account_from_that_address_and_are_noted(park):
    park.hire("supervisor", "anne", password=OWN)
    with an_app(park) as (app, site):
        statuses = [site.log_in("anne", "wrong password").status_code for _ in range(6)]
        right = site.log_in("anne", OWN)
        transport = httpx.WSGITransport(app=app, remote_addr="10.0.0.7")
        elsewhere = Site(httpx.Client(transport=transport, base_url="http://127.0.0.1"))
        there = elsewhere.log_in("anne", OWN)

    assert statuses == [403] * 5 + [429]
    assert right.status_code == 429
    assert there.status_code == 303
    kinds = park.ledger.read(lambda db: [row[0] for row in db.execute(_EVENTS)])
    assert kinds.count("lock_out") == 1
    assert kinds.count("log_in") == 1


_EVENTS = "SELECT kind FROM audit"


def test_disabled_account_is_out_with_its_next_request(site, park, anne):
    now = park.ledger.clock()
    park.change(lambda tx: devices.disable_user(tx, "anne", by="test", now=now))

    assert not is_in(site)
    assert site.http.get("/api/v1/gates").status_code == 401
    assert another_browser(site).log_in("anne", OWN).status_code == 403


def test_sessions_end_by_their_owner_by_an_admin_and_by_a_restore(site, park, anne):
    other = another_browser(site)
    other.log_in("anne", OWN)
    site.send("/account", "/account/sessions/end")
    both = is_in(site), is_in(other)
    site.log_in("anne", OWN)
    park.change(lambda tx: end_sessions(tx, "anne", by="admin"))
    by_admin = is_in(site)
    site.log_in("anne", OWN)
    park.change(lambda tx: tx.db.execute("UPDATE venue SET epoch = 'another'"))
    park.ledger.close()

    assert both == (False, False)
    assert not by_admin


def test_session_ends_after_the_longest_shift(site, park, anne):
    park.now = park.ledger.clock() + timedelta(hours=11, minutes=59)
    before = is_in(site)
    park.now += timedelta(minutes=2)

    assert before
    assert not is_in(site)


def test_log_out_forgets_this_browser_alone(site, anne):
    other = another_browser(site)
    other.log_in("anne", OWN)
    site.send("/account", "/logout")

    assert not is_in(site)
    assert is_in(other)


def test_form_without_its_token_does_nothing(site, anne):
    for form in ({}, {"csrf_token": "made-up"}):
        answer = site.http.post("/logout", data=form)
        assert answer.status_code == 403
    other = another_browser(site)
    other.log_in("anne", OWN)
    page = other.http.get("/account").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    of_another_session = site.http.post("/logout", data={"csrf_token": token})

    assert of_another_session.status_code == 403
    assert is_in(site)


def test_api_takes_the_session_and_changes_only_with_its_token(site, anne):
    page = site.http.get("/account").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    body = {"state": "paused", "reason": "rain"}
    without = site.post("/gates/G1/state", None, body)
    within = site.post("/gates/G1/state", None, body, headers={"X-CSRF-Token": token})

    assert site.get("/gates").status_code == 200
    assert slug_of(without) == "forbidden"
    assert within.json()["state"] == "paused"


def test_role_is_asked_for_before_the_password(site, park):
    park.hire("steward", "bo", password=OWN)
    other = another_browser(site)
    other.log_in("bo", OWN)
    page = other.http.get("/account").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    body = {"reason": "nobody looks"}
    answer = other.post("/deals/DAY/void", None, body, headers={"X-CSRF-Token": token})

    assert slug_of(answer) == "forbidden"


def test_cookie_over_tls_is_this_hosts_alone(park):
    park.hire("supervisor", "anne", password=OWN)
    with an_app(park, ca_pem=b"authority") as (app, _):
        transport = httpx.WSGITransport(app=app)
        with httpx.Client(transport=transport, base_url="https://gate.example") as http:
            page = http.get("/login")
            cookie = page.headers["set-cookie"]

    assert cookie.startswith("__Host-gatehouse=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
