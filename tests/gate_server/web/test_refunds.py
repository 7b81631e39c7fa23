"""Platforms ask over HTTP, signed, and are answered the same for ever; people see what was said."""

from __future__ import annotations

import itertools
import json
import signal
from datetime import timedelta

import pytest

from gate_server.ledger import audit
from gate_server.ledger.ledger import utc_now
from tests.offline_lines import CODE
from tests.pushers import Pusher, connect
from tests.server import Park, a_running_server, slug_of

PATH = "/feeds/native/lvtu/refund-requests"
_numbers = itertools.count(1)


@pytest.fixture
def pusher(park, site, device):
    return Pusher(site, connect(park))


def ask(pusher, webhook_id=None, *, at=None, headers=None, **fields):
    """Ask as a platform does; a field that is None is left out."""
    name = webhook_id or f"webhook-{next(_numbers)}"
    told = {"id": "r1", "code": CODE} | fields
    body = json.dumps({key: value for key, value in told.items() if value is not None}).encode()
    signed = pusher.headers(body, name, at or utc_now()) | (headers or {})
    return pusher.site.call("POST", PATH, None, body, headers=signed)


def recorded(park):
    sql = "SELECT COUNT(*) FROM refund_requests"
    return park.ledger.read(lambda db: db.execute(sql).fetchone()[0])


def test_platform_is_told_and_the_gate_knows_at_once(site, park, pusher, device):
    answer = ask(pusher, people=1)

    told = answer.json()
    assert answer.status_code == 200
    assert told.pop("decided_at").endswith("Z")
    assert told == {
        "id": "r1",
        "decision": "approve",
        "reason": "unused",
        "people": 1,
        "refundable": 1,
        "evidence": [],
        "withdrawn_at": None,
    }
    assert site.scan(device, CODE)["reason"] == "refunded"


def test_refusal_carries_its_evidence(site, pusher, device):
    scan = site.scan(device, CODE)

    told = ask(pusher).json()

    assert (told["decision"], told["reason"], told["refundable"]) == ("refuse", "used", 0)
    (seen,) = told["evidence"]
    assert seen == {
        "scan_id": scan["scan_id"],
        "at": scan["decided_at"],
        "gate_id": "G1",
        "people": 1,
    }


def test_same_body_again_gets_the_first_answer_whatever_happened_since(site, pusher, device):
    first = ask(pusher, "once")
    ask(pusher, id="r1", code=None, withdraw=True)

    again = ask(pusher, "once")

    assert again.content == first.content


def test_same_request_in_another_envelope_is_answered_alike(pusher):
    assert ask(pusher).json() == ask(pusher).json()


def test_same_names_for_something_else_are_conflicts(pusher, park):
    ask(pusher, "once")

    assert slug_of(ask(pusher, "once", people=1)) == "push-reused"
    assert slug_of(ask(pusher, people=1)) == "request-reused"
    assert recorded(park) == 1


def test_withdrawal_lets_people_in_again(site, pusher, device):
    ask(pusher)

    told = ask(pusher, code=None, withdraw=True).json()

    assert (told["decision"], told["withdrawn_at"] is None) == ("approve", False)
    assert site.scan(device, CODE)["reason"] == "admitted"
    assert ask(pusher).json() == told


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"voucher_ref": "V-1"}, "voucher_ref"),
        ({"code": None}, "voucher_ref"),
        ({"people": 0}, "people"),
        ({"people": 100}, "people"),
        ({"people": "2"}, "people"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"withdraw": True}, "withdraw"),
        ({"code": None, "withdraw": True, "people": 1}, "withdraw"),
        ({"amount": 5}, "amount"),
        ({"code": "x" * 513}, "code"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field(pusher, park, fields, field):
    answer = ask(pusher, **fields)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    assert recorded(park) == 0


def test_body_that_is_too_long_is_refused_before_it_is_read(pusher):
    assert ask(pusher, code="x" * 20_000).status_code == 400


@pytest.mark.parametrize("how", ["another secret", "another body", "too old", "none"])
def test_nobody_asks_without_the_platforms_signature(site, park, pusher, how):
    stranger = Pusher(site, "whsec_" + "A" * 43 + "=")
    headers = {"webhook-signature": ""} if how == "none" else None
    if how == "another body":
        headers = pusher.headers(b"{}", "webhook-x", utc_now())
    at = utc_now() - timedelta(minutes=6) if how == "too old" else None

    answer = ask(stranger if how == "another secret" else pusher, at=at, headers=headers)

    assert slug_of(answer) == "unauthorized"
    assert recorded(park) == 0


def test_platform_asks_about_its_own_vouchers_alone(site, park, pusher):
    park.offer("MOON-DAY", platform="moon")
    park.sell("MOON-CODE-1", deal_id="MOON-DAY", voucher_ref="V-1")

    assert ask(pusher, code="MOON-CODE-1").json()["reason"] == "unknown_voucher"
    assert ask(pusher, id="r2", code=None, voucher_ref="V-1").json()["reason"] == "unknown_voucher"


def test_code_stands_nowhere_but_in_the_question(site, park, pusher, caplog):
    answer = ask(pusher)

    listed = site.get("/refund-requests", park.hire("supervisor"))
    dump = park.ledger.read(lambda db: "\n".join(db.iterdump()))
    for text in (answer.text, listed.text, dump, caplog.text):
        assert CODE not in text
    assert park.ledger.read(audit.verify).findings == ()


# --- who sees them -------------------------------------------------------------------------------


def test_supervisor_sees_all_and_a_partner_the_own_platform(site, park, pusher):
    moon = Pusher(site, connect(park, "moon"), "moon")
    ask(pusher, people=1)
    body = json.dumps({"id": "m1", "voucher_ref": "V-9"}).encode()
    path = "/feeds/native/moon/refund-requests"
    site.call("POST", path, None, body, headers=moon.headers(body, "webhook-moon", utc_now()))

    def seen(member, query=""):
        answer = site.get(f"/refund-requests{query}", member)
        return [each["id"] for each in answer.json()["refund_requests"]]

    boss, partner = park.hire("supervisor"), park.hire("partner")
    assert seen(boss) == ["m1", "r1"]
    assert seen(boss, "?platform=lvtu") == ["r1"]
    assert seen(partner) == seen(partner, "?platform=lvtu") == ["r1"]
    assert seen(partner, "?platform=moon") == []


def test_listed_request_says_what_was_asked(site, park, pusher):
    ask(pusher)

    (found,) = site.get("/refund-requests", park.hire("admin")).json()["refund_requests"]
    assert {
        name: found[name] for name in ("platform", "asked", "deal_id", "tail", "voucher_ref")
    } == {
        "platform": "lvtu",
        "asked": None,
        "deal_id": "DAY",
        "tail": "8K2F",
        "voucher_ref": None,
    }


# --- a server that dies --------------------------------------------------------------------------


def test_approval_that_was_answered_survives_a_kill(tmp_path):
    park = Park(tmp_path / "var")
    secret, device = connect(park), park.enrol()
    codes = [f"KILLED-{number:03}" for number in range(8)]
    park.sell(*codes)
    park.close()
    with a_running_server(park.directory) as server:
        pusher = Pusher(server, secret)
        first = [ask(pusher, id=code, code=code).json() for code in codes]
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)

    with a_running_server(park.directory) as server:
        pusher = Pusher(server, secret)
        again = [ask(pusher, id=code, code=code).json() for code in codes]
        reasons = {server.scan(device, code)["reason"] for code in codes}

    assert again == first
    assert reasons == {"refunded"}
