"""Closed queues, slips and stamps over HTTP, for tests of arrivals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gate_server import attesting
from tests.offline_lines import a_line

CODE, OTHER = "ARRIVED-0001", "ARRIVED-0002"
NOON = datetime(2040, 5, 1, 4, 0, tzinfo=UTC)


def later(park, **span):
    park.now += timedelta(**span)


def told(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def close(site, boss, **fields):
    answer = site.post("/queues", boss, {"reason": "long tail", "gate_id": "G1"} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def void(site, boss, arrived_by, **fields):
    body = {"reason": "limit failed", "honour": {"arrived_by": arrived_by.isoformat()}}
    answer = site.post("/deals/DAY/void", boss, body | {"cost_bearer": "platform"} | fields)
    assert answer.status_code == 200, answer.text


def stamp(site, marshal, code=CODE, **fields):
    return site.scan(marshal, code, mode="arrive", **fields)


def slips_of(park, count=3):
    return attesting.print_slips(park.ledger, park.keys, count, by="test")


def hand_out(site, by, slips, **fields):
    body = {"first": slips[0].number, "last": slips[-1].number}
    return site.post("/slips/handouts", by, body | fields)


def a_stamp_line(park, *, ago_s=60.0, **fields):
    """A stamp that a marshal's scanner made without the server."""
    line = a_line(CODE, mode="arrive", operator="4711", **fields)
    at = park.now - timedelta(seconds=ago_s)
    verdict = {"outcome": "admit", "reason": "admitted", "admitted": 0}
    return {"verdict": verdict} | line | {"scanned_at": at.isoformat(), "verdict": verdict}
