"""POST /scans/batch: what was shown is what happened, and what does not fit is told."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import datetime, timedelta

import pytest

from admission.journal_chain import first_head, next_head
from admission.keys import code_hash
from admission.wire_outage import NDJSON
from gate_server.ledger import audit, recount
from gate_server.ledger.ledger import utc_now
from gate_server.web.batches import read_line
from tests.server import slug_of

CODE = "9K3F-22AX-8K2F"
ADMITTED = {"outcome": "admit", "reason": "admitted", "admitted": 1}
REFUSED = {"outcome": "refuse", "reason": "used_up", "admitted": 0}
_numbers = itertools.count(1)


@pytest.fixture
def device(park):
    park.sell(CODE)
    return park.enrol()


@pytest.fixture
def other(park):
    return park.enrol()


def a_line(code=CODE, *, ago_s=60.0, **fields):
    """An admission that a scanner made by itself some seconds ago."""
    return {
        "nonce": f"off-{next(_numbers):06}",
        "code": code,
        "scanned_at": (utc_now() - timedelta(seconds=ago_s)).isoformat(),
        "verdict": ADMITTED,
    } | fields


def send(site, device, *lines):
    """Send lines and return the answers to them."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    answer = site.post("/scans/batch", device, b"".join(text + b"\n" for text in texts))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(NDJSON)
    return [json.loads(line) for line in answer.content.splitlines()]


def beat(site, device, **fields):
    word = {"epoch": "e", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 0}
    answer = site.post("/devices/self/heartbeat", device, word | fields)
    assert answer.status_code == 200, answer.text


def conflicts(site, park, *, status="open"):
    found = site.get("/conflicts", park.hire("supervisor")).json()["conflicts"]
    return [each for each in found if each["status"] == status]


def check(park):
    """The chain holds, and the counters are what the records add up to."""
    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []


def stored(park, device, nonce):
    columns = "reason, people, offline, scan_at, received_at, shown_reason, voucher_id"
    return park.ledger.read(
        lambda db: db.execute(
            f"SELECT {columns} FROM scans WHERE device_id = ? AND nonce = ?", (device.name, nonce)
        ).fetchone()
    )


# --- recording -----------------------------------------------------------------------------------


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


# --- conflicts -----------------------------------------------------------------------------------


def test_a_double_use_is_told_to_scanner_and_supervisor(site, park, device, other):
    first, second = a_line(ago_s=90), a_line(ago_s=80)

    assert send(site, other, second)[0]["conflicts"] == []
    assert send(site, device, first)[0]["conflicts"] == ["double_use"]
    (found,) = conflicts(site, park)
    assert (found["kind"], found["tail"], found["deal_id"]) == ("double_use", "8K2F", "DAY")
    assert {(each["device_id"], each["nonce"]) for each in found["scans"]} == {
        (device.name, first["nonce"]),
        (other.name, second["nonce"]),
    }
    # Persons once, scans all: a single lets in one person, and two came.
    assert park.ledger.tallies.today.scans == 2
    assert park.ledger.tallies.today.inside == 2
    check(park)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_whatever_order_scanners_return_in_the_end_is_the_same(site, park, device, other, order):
    third = park.enrol()
    steps = [
        (device, a_line(ago_s=90, nonce="scan-0001")),
        (other, a_line(ago_s=80, nonce="scan-0002")),
        (third, a_line(ago_s=70, nonce="scan-0003")),
        (third, a_line("NEVER-SOLD-1", ago_s=60, nonce="scan-0004")),
    ]

    for index in order:
        send(site, steps[index][0], steps[index][1])

    found = conflicts(site, park)
    named = {(each["kind"], frozenset(s["nonce"] for s in each["scans"])) for each in found}
    assert named == {
        ("double_use", frozenset({"scan-0001", "scan-0002"})),
        ("double_use", frozenset({"scan-0002", "scan-0003"})),
        ("unknown_at_upload", frozenset({"scan-0004"})),
    }
    assert park.ledger.tallies.today.scans == 4
    check(park)


def test_an_unknown_code_is_solved_when_its_row_comes(site, park, device):
    send(site, device, a_line("SOLD-LATER-1"))
    assert [each["kind"] for each in conflicts(site, park)] == ["unknown_at_upload"]

    park.sell("SOLD-LATER-1")

    assert conflicts(site, park) == []
    assert [each["kind"] for each in conflicts(site, park, status="solved")] == [
        "unknown_at_upload"
    ]
    check(park)


def test_a_use_after_the_void_and_after_a_cancellation(site, park, device):
    park.sell("CODE-VOID-1", "CODE-GONE-1")
    park.sell("CODE-GONE-1", status="cancelled", updated_at="2099-01-01T00:00:00+08:00",
              status_at="2020-01-01T00:00:00+08:00")  # fmt: skip
    boss = park.hire("supervisor")
    assert send(site, device, a_line("CODE-GONE-1"))[0]["conflicts"] == ["used_after_cancel"]
    terms = {"reason": "mis-sold", "honour": None, "cost_bearer": "platform"}
    assert site.post("/deals/DAY/void", boss, terms).status_code == 200

    answer = send(site, device, a_line("CODE-VOID-1", ago_s=-1))

    assert answer[0]["conflicts"] == ["used_after_void"]
    check(park)


def test_a_cancellation_of_what_was_used_is_told_online_too(site, park, device):
    site.scan(device, CODE)

    park.sell(CODE, status="cancelled", updated_at="2099-01-01T00:00:00+08:00")

    assert [each["kind"] for each in conflicts(site, park)] == ["cancelled_after_use"]


def test_an_annulment_solves_a_double_use(site, park, device, other):
    send(site, device, a_line(ago_s=90))
    second = a_line(ago_s=80)
    send(site, other, second)
    assert len(conflicts(site, park)) == 1

    body = {"reason": "did not turn"}
    assert site.post(f"/scans/{second['nonce']}/annul", other, body).status_code == 200

    assert conflicts(site, park) == []
    check(park)


def test_a_resolved_conflict_stays_resolved(site, park, device, other):
    lines = a_line(ago_s=90), a_line(ago_s=80)
    send(site, device, lines[0])
    send(site, other, lines[1])
    (found,) = conflicts(site, park)
    boss = park.hire("supervisor")
    path = f"/conflicts/{found['conflict_id']}/resolve"

    done = site.post(path, boss, {"note": "a copied screenshot"})

    assert (done.status_code, done.json()["status"]) == (200, "resolved")
    assert done.json()["by"] == boss.name
    assert slug_of(site.post(path, boss, {"note": "again"})) == "resolved-already"
    send(site, park.enrol(), a_line("OTHER-CODE-1"))
    assert [each["kind"] for each in conflicts(site, park)] == ["unknown_at_upload"]
    assert slug_of(site.post("/conflicts/999999/resolve", boss, {"note": "x"})) == "not-found"
    check(park)


# --- answers that were lost ----------------------------------------------------------------------


def test_the_shown_verdict_counts_where_the_answer_was_lost(site, park, device, other):
    site.scan(other, CODE)
    lost = site.scan(device, CODE, nonce="lost-answer")
    assert lost["reason"] == "used_up"

    line = a_line(nonce="lost-answer", ago_s=0)
    assert send(site, device, line)[0] | {"problem": None} == {
        "nonce": "lost-answer",
        "status": "accepted",
        "conflicts": ["answer_differs"],
        "problem": None,
    }

    again = site.scan(device, CODE, nonce="lost-answer")
    assert (again["reason"], again["admitted"], again["replayed"]) == ("admitted", 1, True)
    assert stored(park, device, "lost-answer")[:3] == ("used_up", 0, 0)
    assert park.ledger.tallies.today.inside == 2
    assert {each["kind"] for each in conflicts(site, park)} == {"answer_differs"}
    assert send(site, device, line)[0]["status"] == "replayed"
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


# --- time and evidence ---------------------------------------------------------------------------


def chained(device, lines, boot="boot-1"):
    """Give lines their places in the device's own record."""
    head, done = first_head(device.name), []
    for seq, line in enumerate(lines, 1):
        placed = line | {"seq": seq, "boot_id": boot}
        head = next_head(head, read_line(json.dumps(placed).encode()))
        done.append(placed | {"head": head})
    return done


def test_a_time_outside_the_contacts_is_held_between_them_and_told(site, park, device):
    beat(site, device, boot_id="boot-1", outbox_seq=0, outbox_head=first_head(device.name))
    contact = park.ledger.clock()
    years_ago = {"scanned_at": "2015-02-12T10:00:00Z"}
    (line,) = chained(device, [a_line() | years_ago])

    assert send(site, device, line)[0]["conflicts"] == ["clock_skew"]

    scan_at, received_at = stored(park, device, line["nonce"])[3:5]
    assert contact.timestamp() * 1000 - 500 <= scan_at <= received_at
    check(park)


def test_a_device_clock_that_the_server_has_measured_is_corrected(site, park, device):
    off = timedelta(hours=5)
    beat(site, device, boot_id="boot-1", device_time=(utc_now() + off).isoformat())
    real = utc_now()
    line = a_line() | {"scanned_at": (real + off).isoformat()}

    assert send(site, device, line)[0]["conflicts"] == []

    scan_at = stored(park, device, line["nonce"])[3]
    assert abs(scan_at - real.timestamp() * 1000) < 2000


def test_a_head_that_was_seen_before_bounds_the_lines_under_it(site, park, device):
    lines = chained(device, [a_line(f"CODE-000{n}") for n in range(4)])
    beat(site, device, boot_id="boot-1", outbox_seq=2, outbox_head=lines[1]["head"], outbox_depth=2)

    send(site, device, *lines)

    rows = park.ledger.read(
        lambda db: db.execute(
            "SELECT seq, proven, bounded_at IS NOT NULL FROM offline_scans ORDER BY seq"
        ).fetchall()
    )
    assert rows == [(1, 1, 1), (2, 1, 1), (3, 1, 0), (4, 1, 0)]


def test_a_changed_line_proves_nothing(site, park, device):
    lines = chained(device, [a_line(f"CODE-000{n}") for n in range(3)])
    beat(site, device, boot_id="boot-1", outbox_seq=3, outbox_head=lines[2]["head"], outbox_depth=3)
    lines[1]["scanned_at"] = datetime(2026, 1, 1).astimezone().isoformat()

    send(site, device, *lines)

    rows = park.ledger.read(
        lambda db: db.execute(
            "SELECT seq, proven, bounded_at IS NOT NULL FROM offline_scans ORDER BY seq"
        ).fetchall()
    )
    assert rows == [(1, 1, 0), (2, 0, 0), (3, 1, 1)]


# --- theft and copies ----------------------------------------------------------------------------


def test_a_revoked_device_hands_over_evidence_that_counts_for_nothing(site, park, device, other):
    park.revoke(device.name)
    line = a_line()

    answers = send(site, device, line, b"garbage")

    assert [each["status"] for each in answers] == ["accepted"] * 2
    assert "untrusted" in answers[0]["problem"]
    assert stored(park, device, line["nonce"]) is None
    assert site.scan(other, CODE)["outcome"] == "admit"
    kept = park.ledger.read(lambda db: db.execute("SELECT line FROM evidence").fetchall())
    assert [json.loads(row[0])["nonce"] for row in kept if row[0] != "garbage"] == [line["nonce"]]
    send(site, device, line, b"garbage")
    assert park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM evidence").fetchone()) == (
        2,
    )
    check(park)


def test_a_number_that_stands_twice_is_a_cloned_device(site, park, device):
    send(site, device, *chained(device, [a_line("CODE-0001"), a_line("CODE-0002")]))
    send(site, device, *chained(device, [a_line("CODE-0003")], boot="boot-2"))

    assert "device_cloned" in {each["kind"] for each in conflicts(site, park)}


def test_two_starts_that_alternate_are_a_cloned_device(site, park, device):
    word = {"outbox_seq": 0, "outbox_head": first_head(device.name)}
    for boot in ("boot-1", "boot-2"):
        beat(site, device, boot_id=boot, **word)
    assert conflicts(site, park) == []

    beat(site, device, boot_id="boot-1", **word)

    (found,) = conflicts(site, park)
    assert (found["kind"], found["device_id"]) == ("device_cloned", device.name)
