"""Conflicts over HTTP: what does not fit is told, once, and by whoever comes first or last."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.offline_lines import (
    CODE,
    a_line,
    check,
    conflicts,
    send,
)
from tests.server import slug_of


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


def test_an_arrival_that_is_struck_no_longer_covers(site, park, device):
    marshal, boss = park.enrol(profile="marshal"), park.hire("supervisor")
    soon = utc_now() + timedelta(milliseconds=400)
    site.scan(marshal, CODE, mode="arrive", nonce="the-stamp")
    terms = {
        "reason": "mis-sold",
        "honour": {"arrived_by": soon.isoformat()},
        "cost_bearer": "platform",
    }
    assert site.post("/deals/DAY/void", boss, terms).status_code == 200
    time.sleep(0.6)
    honoured = {"outcome": "admit", "reason": "honoured", "admitted": 1}
    assert send(site, device, a_line(ago_s=0, verdict=honoured))[0]["conflicts"] == []

    strike = {"device_id": marshal.name, "reason": "not there"}
    assert site.post("/scans/the-stamp/strike", boss, strike).status_code == 200

    assert [each["kind"] for each in conflicts(site, park)] == ["used_after_void"]


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


@pytest.mark.parametrize("back", [False, True])
def test_an_offline_annulment_counts_in_any_order(site, park, device, other, back):
    first, second = a_line(ago_s=90), a_line(ago_s=80)
    annul = {
        "annul": first["nonce"],
        "scanned_at": (utc_now() - timedelta(seconds=70)).isoformat(),
        "reason": "did not turn",
    }
    steps = [(device, [first, annul]), (other, [second])]

    for who, lines in reversed(steps) if back else steps:
        assert {each["status"] for each in send(site, who, *lines)} == {"accepted"}

    assert conflicts(site, park) == []
    assert park.ledger.tallies.today.inside == 1
    check(park)


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
