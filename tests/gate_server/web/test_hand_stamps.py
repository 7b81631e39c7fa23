"""POST /scans/batch, `stamp` lines: arrivals that a hand scanner kept while nobody answered."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.chance import without_chance
from tests.offline_lines import CODE, beat, check, conflicts, send, stored

_numbers = itertools.count(1)


@pytest.fixture
def marshal(park):
    park.sell(CODE)
    return park.enrol("marshal")


def a_stamp(code=CODE, *, ago_s=60.0, **fields):
    """An arrival some seconds ago that nobody decided about."""
    scanned_at = (utc_now() - timedelta(seconds=ago_s)).isoformat()
    return {"stamp": f"stamp-{next(_numbers):04}", "code": code, "scanned_at": scanned_at} | fields


def void(site, park, **honour):
    body = {"reason": "flash sale", "honour": honour, "cost_bearer": "platform"}
    answer = site.post("/deals/DAY/void", park.hire("supervisor"), body)
    assert answer.status_code == 200, answer.text


def test_a_kept_stamp_is_decided_by_the_rules_when_it_arrives(site, park, marshal):
    line = a_stamp()

    answer = send(site, marshal, line)[0]

    assert (answer["status"], answer["conflicts"]) == ("accepted", [])
    reason, people, offline, scan_at, received_at, shown, voucher = stored(
        park, marshal, line["stamp"]
    )
    assert (reason, people, offline, shown) == ("admitted", 0, 1, None)
    assert voucher is not None
    assert 59_000 <= received_at - scan_at <= 65_000
    check(park)


def test_a_kept_stamp_consumes_nothing_and_proves_the_arrival(site, park, marshal):
    by = utc_now() - timedelta(seconds=30)
    send(site, marshal, a_stamp(ago_s=60))
    void(site, park, arrived_by=by.isoformat())

    answer = site.scan(park.enrol(), CODE)

    assert (answer["reason"], answer["admitted"]) == ("honoured", 1)
    check(park)


def test_a_stamp_made_after_the_hour_covers_nobody(site, park, marshal):
    by = utc_now() - timedelta(seconds=90)
    send(site, marshal, a_stamp(ago_s=60))
    void(site, park, arrived_by=by.isoformat())

    assert site.scan(park.enrol(), CODE)["reason"] == "deal_voided"


def test_a_clock_that_runs_behind_makes_nobody_early(site, park, marshal):
    # It had nothing waiting a moment ago, so it cannot have made this stamp an hour before.
    beat(site, marshal)
    by = utc_now() - timedelta(seconds=30)
    line = a_stamp(ago_s=3600)

    assert send(site, marshal, line)[0]["conflicts"] == ["clock_skew"]
    void(site, park, arrived_by=by.isoformat())
    assert site.scan(park.enrol(), CODE)["reason"] == "deal_voided"
    assert [each["kind"] for each in conflicts(site, park)] == ["clock_skew"]
    check(park)


def test_the_same_stamp_twice_is_one(site, park, marshal):
    line = a_stamp()

    assert [send(site, marshal, line)[0]["status"] for _ in range(2)] == ["accepted", "replayed"]
    assert len(site.get("/stats", park.hire("steward")).json()["gates"]) == 2
    assert park.ledger.tallies.today.scans == 1


def test_a_stamp_whose_answer_was_lost_is_no_second_one(site, park, marshal):
    line = a_stamp()
    site.scan(marshal, CODE, nonce=line["stamp"], mode="arrive")

    assert send(site, marshal, line)[0]["status"] == "replayed"
    assert stored(park, marshal, line["stamp"])[5] is None
    assert conflicts(site, park) == []


def test_the_stamp_that_was_kept_gets_the_days_number(site, park, marshal):
    send(site, marshal, a_stamp())

    again = site.scan(marshal, CODE, mode="arrive")

    assert again["arrival_number"] == f"{marshal.name}-1"


def test_of_a_payment_code_nothing_is_kept(site, park, marshal):
    line = a_stamp("134567890123456789")

    assert send(site, marshal, line)[0]["status"] == "accepted"
    kept = park.ledger.read(lambda db: db.execute("SELECT * FROM scans").fetchall())
    assert "not_a_ticket" in kept[0]
    assert "6789" not in without_chance(str(kept[0]))
    assert stored(park, marshal, line["stamp"])[-1] is None


def test_a_voucher_that_comes_after_its_stamp_has_it(site, park, marshal):
    send(site, marshal, a_stamp("LATE-CODE-1"))
    by = utc_now() - timedelta(seconds=30)
    park.sell("LATE-CODE-1")
    void(site, park, arrived_by=by.isoformat())

    assert site.scan(park.enrol(), "LATE-CODE-1")["reason"] == "honoured"
    check(park)


def test_a_gate_registers_no_arrivals(site, park, device):
    answer = send(site, device, a_stamp())[0]

    assert answer["status"] == "rejected"
    assert answer["problem"].startswith("stamp:")


@pytest.mark.parametrize(
    "change",
    [{"code": None}, {"party": 0}, {"stamp": "x"}, {"scanned_at": "2026-01-01"}, {"mode": "admit"}],
    ids=str,
)
def test_a_line_that_says_more_or_less_is_rejected_and_blocks_no_other(site, park, marshal, change):
    good = a_stamp()

    answers = send(site, marshal, a_stamp() | change, good)

    assert [each["status"] for each in answers] == ["rejected", "accepted"]
    assert answers[0]["problem"]


def test_stamps_of_a_revoked_device_are_evidence_only(site, park, marshal):
    park.revoke(marshal.name)
    line = a_stamp()

    assert send(site, marshal, line)[0]["status"] == "accepted"
    assert stored(park, marshal, line["stamp"]) is None
    kept = park.ledger.read(lambda db: db.execute("SELECT nonce FROM evidence").fetchall())
    assert kept == [(line["stamp"],)]
