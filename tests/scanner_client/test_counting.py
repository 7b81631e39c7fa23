"""`scanner-client count`: people without a voucher, by the server, without it, and told later."""

from __future__ import annotations

import json

import pytest

from gate_server.ledger import audit, lanes, recount
from scanner_client.practice_note import PracticeNote
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.people import PIN, an_operator
from tests.scanner_client.test_cli_people import scanner
from tests.server import Park, a_running_server


def counted(state, *arguments):
    return json.loads(scanner(state, *arguments, "--json").stdout)


@pytest.fixture
def venue(tmp_path):
    """A park with an operator and a supervisor; and invitations for a gate and a marshal."""
    park = Park(tmp_path / "var")
    an_operator(park)
    made = park.hire(), park.invite(), park.invite("marshal")
    park.close()
    return tmp_path / "var", *made


def problems(directory):
    park = Park(directory)
    try:
        return [
            *park.ledger.read(audit.verify).findings,
            *park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)),
            *park.ledger.read(lanes.differences),
        ]
    finally:
        park.close()


def test_counts_are_the_same_with_and_without_the_server(venue, tmp_path):
    directory, boss, code, marshals = venue
    state, tail = tmp_path / "s", tmp_path / "tail"
    with a_running_server(directory) as server:
        scanner(state, "enrol", server.url, code)
        scanner(tail, "enrol", server.url, marshals)
        scanner(state, "operator", "in", "4711", typed=f"{PIN}\n")
        online = counted(state, "count", "free_child", 5)
        part = counted(state, "annul", online["nonce"], "--people", 1)
        refused = scanner(tail, "count", "staff", 1, status=1).output
    out = counted(state, "count", "staff", 2, "--exit")
    wrong = counted(state, "count", "vip", 4)
    back = [counted(state, "annul", each["nonce"]) for each in (wrong, wrong)]
    more = counted(state, "annul", online["nonce"], "--people", 2)
    many = scanner(state, "annul", online["nonce"], "--people", 6, status=1).output
    with a_running_server(directory, port=server.port) as server:
        handed = counted(state, "flush")
        again = counted(state, "annul", out["nonce"], "--people", 1)
        [row] = server.get("/handover", boss).json()["rows"]

    assert (online["people"], online["offline"], part["people"]) == (5, False, 4)
    assert "marshal counts nobody" in refused
    assert (out["offline"], wrong["offline"], more["offline"]) == (True, True, True)
    assert [each["people"] for each in (*back, more)] == [0, 0, 3]
    assert "5 people" in many
    assert (handed["taken"], handed["parked"], handed["outbox_depth"]) == (4, 0, 0)
    assert (again["people"], again["offline"]) == (1, False)
    assert (row["operator"], row["counted"], row["counted_out"]) == (
        "4711",
        {"free_child": 3},
        {"staff": 1},
    )
    assert problems(directory) == []


def test_a_server_that_was_restored_is_told_of_counts_again(tmp_path):
    state = tmp_path / "s"
    with FakeGate() as gate:
        scanner(state, "enrol", gate.url, ENROLMENT_CODE)
        one = counted(state, "count", "walk_in", 2)
        scanner(state, "flush")
        gate.epoch = "another"
        scanner(state, "flush")
        scanner(state, "status")
        scanner(state, "flush")
        told = [line for batch in gate.batches for line in batch]

    assert one["offline"] is True
    assert [line["nonce"] for line in told] == [one["nonce"]] * 2


def test_nothing_is_counted_in_practice(tmp_path):
    state = tmp_path / "s"
    with FakeGate() as gate:
        scanner(state, "enrol", gate.url, ENROLMENT_CODE)
    PracticeNote(state).write(60)
    refused = scanner(state, "count", "staff", 1, status=1).output
    PracticeNote(state).write(-1)
    live = counted(state, "count", "staff", 1)

    assert "PRACTICE" in refused
    assert (live["people"], live["offline"]) == (1, True)


def test_a_practice_that_was_killed_holds_nobody_up(tmp_path):
    note = PracticeNote(tmp_path)
    note.write(60)
    lasts = note.lasts
    (tmp_path / "practice.json").write_text('{"owner": "1.0", "until_s": 99999999999}')

    assert (lasts, note.lasts) == (True, False)
    (tmp_path / "practice.json").write_text("{")
    assert not note.lasts
