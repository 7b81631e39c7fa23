"""`gate-server refund` and `feed lookup`: what they print, and what a running server does."""

from __future__ import annotations

import time

import pytest

from gate_server.ledger.ledger import utc_now
from tests.gate_server.test_cli import answer, run, venue  # noqa: F401 - a fixture
from tests.offline_lines import a_line, send
from tests.platforms import Platform, a_deal_row, a_voucher_row, content, status
from tests.pushers import Pusher, a_push
from tests.refund_requests import request
from tests.server import Member, Park, a_running_server, an_app


@pytest.fixture
def directory(venue):  # noqa: F811
    """A venue with a request that was refused and one that was approved."""
    park = Park(venue)
    park.sell("REFUND-CODE-1", "REFUND-CODE-2", voucher_ref="V-1")
    device = park.enrol()
    with an_app(park) as (_, site):
        send(site, device, a_line("REFUND-CODE-1"))
    request(park, "REFUND-CODE-1", name="used")
    request(park, "REFUND-CODE-2", name="fresh", people=1)
    park.close()
    return venue


def test_list_shows_decisions_with_their_scans(directory):
    found = answer(directory, "refund", "list", "lvtu")
    text = run(directory, "refund", "list").stdout

    fresh, used = found["refund_requests"]
    assert (fresh["id"], fresh["decision"], fresh["asked"]) == ("fresh", "approve", 1)
    assert (used["reason"], len(used["evidence"])) == ("used", 1)
    assert "REFUND-CODE" not in text
    assert "G1 " in text


def test_list_of_another_platform_is_empty(directory):
    assert answer(directory, "refund", "list", "moon") == {"refund_requests": [], "more": False}


def test_deal_shows_how_many_were_given_back(directory):
    assert "1 of them were given back on request" in run(directory, "deal", "show", "DAY").stdout


def test_platform_that_pushes_is_asked_once_it_says_where(venue):  # noqa: F811
    made = answer(venue, "feed", "add", "native", "--platform", "sunny")
    device = _enrol(venue)
    told = {"type": "vouchers", "timestamp": utc_now().isoformat(), "data": []}
    with Platform() as platform, a_running_server(venue) as server:
        pusher = Pusher(server, made["secret"], "sunny")
        assert pusher.send(a_push("deals", [a_deal_row()])).status_code == 200
        run(venue, "feed", "lookup", "sunny", "--on", status=1)
        done = answer(venue, "feed", "lookup", "sunny", "--find-url", f"{platform.url}/find")
        platform.always = content(told | {"data": [a_voucher_row("LATE-SOLD-001")]})
        # On a busy machine the first answer may be late: then the next presentation finds it.
        while (found := server.scan(device, "LATE-SOLD-001")["reason"]) == "ledger_stale":
            time.sleep(0.2)
        platform.always = status(503)
        for number in range(6):
            server.scan(device, f"NOBODY-{number:04}")
        states = [each["lookup"] for each in answer(venue, "feed", "status")]
        metrics = server.http.get("/metrics").text
        listed = server.get("/feeds", _hire(venue)).json()["feeds"]
        answer(venue, "feed", "lookup", "sunny", "--off")
        asked = len(platform.asked)
        server.scan(device, "NOBODY-9999")
        off = [each["lookup"] for each in answer(venue, "feed", "status")]

    assert (done["asked"], found) == (True, "admitted")
    assert states[0] in {"open", "closed"}
    assert listed[0]["lookup"] == states[0]
    assert 'gatehouse_lookups_total{feed="1",outcome="' in metrics
    assert "gatehouse_lookup_open" in metrics
    assert (len(platform.asked), off) == (asked, [None])


def _enrol(directory):
    park = Park(directory)
    device = park.enrol()
    park.close()
    return device


def _hire(directory):
    made = answer(directory, "user", "add", "boss", "--role", "supervisor")
    return Member("boss", made["api_token"])


@pytest.mark.parametrize(
    "url", ["http://example.org/find", "https://user:pass@example.org/x", "https://e.org/?a=1"]
)
def test_address_that_could_leak_a_code_is_refused(venue, url):  # noqa: F811
    run(venue, "feed", "add", "native", "--platform", "sunny")

    run(venue, "feed", "lookup", "sunny", "--find-url", url, status=1)


def test_folder_cannot_be_asked(venue):  # noqa: F811
    park = Park(venue)
    sql = "INSERT INTO feeds (platform, kind) VALUES ('s', 'folder')"
    park.change(lambda tx: tx.db.execute(sql))
    park.close()

    run(venue, "feed", "lookup", "s", "--on", status=1)
    run(venue, "feed", "lookup", "s", "--find-url", "https://e.org", status=1)
