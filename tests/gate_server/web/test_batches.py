"""POST /scans/batch: what was shown is what happened."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

from admission.keys import code_hash
from gate_server.ledger.ledger import utc_now
from tests.offline_lines import (
    ADMITTED,
    CODE,
    REFUSED,
    a_line,
    check,
    conflicts,
    send,
    stored,
)
from tests.server import slug_of


def test_an_offline_admission_counts_and_uses_the_voucher_up(site, park, device, other):
    line = a_line()

    assert send(site, device, line) == [
        {"nonce": line["nonce"], "status": "accepted", "conflicts": [], "problem": None}
    ]
    assert site.scan(other, CODE)["reason"] == "used_up"
    assert stored(park, device, line["nonce"])[:3] == ("admitted", 1, 1)
    assert park.ledger.tallies.today.inside == 1
    check(park)


def test_the_same_lines_again_change_nothing(site, park, device):
    lines = [a_line(), a_line("ANOTHER-CODE-1", verdict=REFUSED)]
    send(site, device, *lines)
    revision = park.ledger.revision

    assert [each["status"] for each in send(site, device, *lines)] == ["replayed"] * 2
    assert park.ledger.revision == revision
    assert park.ledger.tallies.today.inside == 1


def test_a_code_may_be_told_by_its_key_alone(site, park, device):
    key = park.keys.code_key(utc_now())
    text = base64.urlsafe_b64encode(code_hash(CODE, key)).rstrip(b"=").decode()
    line = a_line(None, code_key=text, tail="8K2F")
    del line["code"]

    assert send(site, device, line)[0]["status"] == "accepted"
    assert stored(park, device, line["nonce"])[-1] is not None


def test_one_bad_line_never_keeps_the_others_back(site, park, device):
    good = [a_line("CODE-0001"), a_line("CODE-0002")]
    bad = [
        b"not json",
        b"[]",
        b"\xff\xfe",
        json.dumps(a_line() | {"unknown": 1}).encode(),
        json.dumps(a_line() | {"scanned_at": "2015-02-12T10:00:00"}).encode(),
        json.dumps(a_line() | {"verdict": {**ADMITTED, "outcome": "refuse"}}).encode(),
        json.dumps(a_line() | {"verdict": {**REFUSED, "admitted": 2}}).encode(),
        json.dumps(a_line() | {"mode": "check"}).encode(),
        json.dumps({"annul": "no-such-scan", "scanned_at": "2026-01-01T00:00:00Z", "reason": "x"}),
    ]
    bad = [each if isinstance(each, bytes) else each.encode() for each in bad]

    answers = send(site, device, good[0], *bad, good[1])

    assert [each["status"] for each in answers] == ["accepted", *["rejected"] * 9, "accepted"]
    assert all(each["problem"] for each in answers[1:-1])
    assert answers[4]["nonce"].startswith("off-")
    check(park)


def test_a_line_that_cannot_be_written_keeps_no_other_back(site, park, device):
    park.change(
        lambda tx: tx.db.execute(
            "CREATE TRIGGER poison BEFORE INSERT ON scans WHEN NEW.nonce = 'poison-line'"
            " BEGIN SELECT RAISE(ABORT, 'a defect'); END"
        )
    )
    lines = [a_line("CODE-0001"), a_line("CODE-0002", nonce="poison-line"), a_line("CODE-0003")]

    answers = send(site, device, *lines)

    assert [each["status"] for each in answers] == ["accepted", "rejected", "accepted"]
    assert "defect" in answers[1]["problem"]
    check(park)


def test_an_offline_annulment_gives_the_people_back(site, park, device, other):
    line = a_line(ago_s=120)
    annul = {
        "annul": line["nonce"],
        "scanned_at": (utc_now() - timedelta(seconds=100)).isoformat(),
        "reason": "did not turn",
    }

    answers = send(site, device, line, annul, annul)

    assert [each["status"] for each in answers] == ["accepted", "accepted", "replayed"]
    assert site.scan(other, CODE)["outcome"] == "admit"
    assert park.ledger.tallies.today.inside == 1
    assert conflicts(site, park) == []
    check(park)


def test_a_count_is_taken_once(site, park, device):
    line = {
        "nonce": "count-0001",
        "kind": "free_child",
        "people": 3,
        "scanned_at": (utc_now() - timedelta(seconds=60)).isoformat(),
    }

    assert [each["status"] for each in send(site, device, line, line)] == ["accepted", "replayed"]
    assert park.ledger.tallies.today.inside == 3
    check(park)


def test_bodies_of_more_than_a_mebibyte_are_taken_here_and_nowhere_else(site, device):
    padding = b" " * (2 << 20)

    assert site.post("/scans/batch", device, padding).status_code == 200
    assert slug_of(site.post("/scans", device, padding)) == "too-large"
    assert slug_of(site.post("/scans/batch", device, b" " * ((16 << 20) + 1))) == "too-large"


# --- answers that were lost ----------------------------------------------------------------------


def test_the_shown_verdict_counts_where_the_answer_was_lost(site, park, device, other):
    site.scan(other, CODE)
    lost = site.scan(device, CODE, nonce="lost-answer")
    assert lost["reason"] == "used_up"

    line = a_line(nonce="lost-answer", ago_s=0)
    assert send(site, device, line)[0] | {"problem": None} == {
        "nonce": "lost-answer",
        "status": "accepted",
        "conflicts": ["answer_differs", "double_use"],
        "problem": None,
    }

    again = site.scan(device, CODE, nonce="lost-answer")
    assert (again["reason"], again["admitted"], again["replayed"]) == ("admitted", 1, True)
    assert stored(park, device, "lost-answer")[:3] == ("used_up", 0, 0)
    assert park.ledger.tallies.today.inside == 2
    assert {each["kind"] for each in conflicts(site, park)} == {"answer_differs", "double_use"}
    assert send(site, device, line)[0]["status"] == "replayed"
    check(park)


def test_an_override_that_was_shown_is_no_other_answer(site, park, device, other):
    site.scan(other, CODE)
    site.scan(device, CODE, nonce="refused-first")
    body = {"device_id": device.name, "reason": "a twin", "party": 1}
    boss = park.hire("supervisor")
    assert site.post("/scans/refused-first/override", boss, body).status_code == 200
    shown = {"outcome": "admit", "reason": "overridden", "admitted": 1}

    line = a_line(nonce="refused-first", verdict=shown, online=True)

    assert send(site, device, line)[0]["status"] == "replayed"
    assert conflicts(site, park) == []


def test_a_shown_refusal_of_what_was_annulled_counts_nobody_twice(site, park, device):
    site.scan(device, CODE, nonce="lost-answer")
    body = {"reason": "nobody came", "device_id": device.name}
    assert site.post("/scans/lost-answer/annul", park.hire("supervisor"), body).status_code == 200

    send(site, device, a_line(nonce="lost-answer", verdict=REFUSED, ago_s=0))

    assert park.ledger.tallies.today.inside == 0
    check(park)


def test_the_same_verdict_in_a_lost_answer_is_no_conflict(site, park, device):
    site.scan(device, CODE, nonce="lost-answer")

    assert send(site, device, a_line(nonce="lost-answer", ago_s=0))[0]["status"] == "replayed"
    assert conflicts(site, park) == []


def test_a_late_request_gets_the_verdict_that_was_shown(site, device, other):
    line = a_line(verdict=REFUSED)
    send(site, device, line)

    answer = site.scan(device, CODE, nonce=line["nonce"])

    assert (answer["reason"], answer["replayed"]) == ("used_up", True)
