"""Attacks from outside, over HTTP against a real server: a thief's QR, replays, other venues."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from admission.tokens import Purpose, Token, write_token
from gate_server.cli import main
from gate_server.heads import sign_head
from gate_server.ledger.ledger import utc_now
from gate_server.venue_setup import create_venue
from tests.offline_lines import a_line, send
from tests.server import Member, Park, Running, a_running_server, slug_of

CODES = tuple(f"9K3F-22AX-8K{number:02}" for number in range(8))
FOREVER = date(2099, 12, 31)


class Stage(NamedTuple):
    """A server that is attacked; `other` is the directory of another venue."""

    server: Running
    invitations: list[str]
    gate: Member
    exits: Member
    stolen: Member
    boss: Member
    other: Path
    stranger: Member
    foreign_token: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    base = tmp_path_factory.mktemp("attacks")
    # With keys of its own, which a copy of the tests' empty venue has not.
    create_venue(base / "other", now=utc_now())
    other = Park(base / "other")
    other.sell("THEIR-CODE-1")
    key = other.keys.signing_key(utc_now())
    token = Token(key.key_id, 1, 1, date(2014, 1, 1), FOREVER, 9, Purpose.VOUCHER)
    foreign = write_token(token, key.private_key)
    other.enrol()
    stranger = other.enrol()
    sign_head(other.ledger, other.keys)
    other.close()
    park = Park(base / "var")
    park.sell(*CODES)
    made = Stage(
        server=None,  # type: ignore[arg-type]
        invitations=[park.invite() for _ in range(3)],
        gate=park.enrol(),
        exits=park.enrol(),
        stolen=park.enrol(),
        boss=park.hire(),
        other=other.directory,
        stranger=stranger,
        foreign_token=foreign,
    )
    park.revoke(made.stolen.name)
    park.close()
    with a_running_server(park.directory) as server:
        yield made._replace(server=server)


def enrol(stage, code, **fields):
    return stage.server.post("/devices/enrol", None, {"code": code, **fields})


def incidents(stage, kind):
    found = stage.server.get("/incidents", stage.boss).json()["incidents"]
    return [each for each in found if each["kind"] == kind]


# --- an enrolment QR that a bystander has photographed ------------------------------------------


def test_photographed_enrolment_is_used_once_and_shows_itself(stage):
    before = len(incidents(stage, "enrolment_used_twice"))
    ours = enrol(stage, stage.invitations[0], nonce="our-device-1").json()
    theirs = enrol(stage, stage.invitations[0], nonce="bystander-1")
    first = Member(ours["device_id"], ours["token"])
    scanned = stage.server.try_scan(first, CODES[0])

    assert (theirs.status_code, slug_of(theirs)) == (410, "enrolment-gone")
    assert "token" not in theirs.json()
    assert (scanned.status_code, slug_of(scanned)) == (403, "device-suspended")
    (incident, *_) = incidents(stage, "enrolment_used_twice")
    assert incident["device_id"] == ours["device_id"]
    assert len(incidents(stage, "enrolment_used_twice")) == before + 1


def test_bystander_who_was_first_is_out_as_soon_as_staff_try(stage):
    thief = enrol(stage, stage.invitations[1]).json()
    staff = enrol(stage, stage.invitations[1], nonce="our-device-2")
    scanned = stage.server.try_scan(Member(thief["device_id"], thief["token"]), CODES[0])

    assert staff.status_code == 410
    assert slug_of(scanned) == "device-suspended"


def test_lost_answer_is_no_theft_and_its_token_ends(stage):
    lost = enrol(stage, stage.invitations[2], nonce="our-device-3").json()
    again = enrol(stage, stage.invitations[2], nonce="our-device-3").json()
    first = stage.server.try_scan(Member(lost["device_id"], lost["token"]), "NO-SUCH-CODE")
    second = stage.server.try_scan(Member(again["device_id"], again["token"]), "NO-SUCH-CODE")

    assert again["device_id"] == lost["device_id"]
    assert (first.status_code, second.status_code) == (401, 200)


# --- a scan that is sent again ----------------------------------------------------------------


def test_nonce_of_an_annulled_scan_opens_nothing(stage):
    server, gate = stage.server, stage.gate
    assert server.scan(gate, CODES[1], nonce="a-replay-1")["outcome"] == "admit"
    server.post("/scans/a-replay-1/annul", gate, {"reason": "did not turn"})
    again = [server.try_scan(gate, CODES[1], nonce="a-replay-1") for _ in range(2)]
    late = send(server, gate, a_line(CODES[1]) | {"nonce": "a-replay-1"})

    assert {(each.status_code, slug_of(each)) for each in again} == {(409, "annulled")}
    assert late[0]["status"] in {"replayed", "rejected"}
    assert server.scan(gate, CODES[1])["admitted"] == 1


def test_nonce_of_an_admission_admits_no_other_code_party_or_direction(stage):
    server, gate = stage.server, stage.gate
    first = server.scan(gate, CODES[2], nonce="a-replay-2", party=1)
    others = [
        server.try_scan(gate, CODES[3], nonce="a-replay-2", party=1),
        server.try_scan(gate, CODES[2], nonce="a-replay-2", party=2),
        server.try_scan(gate, CODES[2], nonce="a-replay-2", party=1, direction="exit"),
        server.try_scan(gate, CODES[2], nonce="a-replay-2", party=1, mode="reentry"),
    ]
    same = server.scan(gate, CODES[2], nonce="a-replay-2", party=1)

    assert {(each.status_code, slug_of(each)) for each in others} == {(409, "nonce-reused")}
    assert (same["replayed"], same["scan_id"]) == (True, first["scan_id"])


def test_another_device_cannot_annul_nor_replay_a_scan(stage):
    server = stage.server
    server.scan(stage.gate, CODES[3], nonce="a-replay-3")
    annulled = server.post("/scans/a-replay-3/annul", stage.exits, {"reason": "a friend"})
    replayed = server.scan(stage.exits, CODES[3], nonce="a-replay-3")

    assert annulled.status_code == 404
    assert (replayed["outcome"], replayed["reason"]) == ("refuse", "used_up")


# --- devices and codes of elsewhere -----------------------------------------------------------


def test_token_of_another_venues_device_is_unknown_here(stage):
    answer = stage.server.try_scan(stage.stranger, CODES[4])

    assert (answer.status_code, slug_of(answer)) == (401, "device-unknown")


def test_code_that_another_venue_signed_admits_nobody(stage):
    answer = stage.server.scan(stage.gate, stage.foreign_token)

    assert (answer["outcome"], answer["reason"]) == ("refuse", "bad_signature")
    assert stage.server.scan(stage.gate, "THEIR-CODE-1")["reason"] == "unknown_code"


def test_head_of_another_venue_is_no_proof_here(stage, tmp_path):
    heads = tmp_path / "heads.ndjson"
    done = CliRunner().invoke(main, ["--data", str(stage.other), "audit", "heads",
                                     "--out", str(heads)])  # fmt: skip
    assert done.exit_code == 0, done.output
    ours = CliRunner().invoke(main, ["--data", str(stage.server.directory), "audit", "verify",
                                     "--heads", str(heads)])  # fmt: skip

    assert json.loads(heads.read_text("utf-8"))["signature"]
    assert ours.exit_code == 1, ours.output


def test_rows_of_a_revoked_device_are_kept_and_count_for_nothing(stage):
    line = a_line(CODES[5])
    answers = send(stage.server, stage.stolen, line)
    heartbeat = stage.server.try_scan(stage.stolen, CODES[5])

    assert (answers[0]["status"], "untrusted" in answers[0]["problem"]) == ("accepted", True)
    assert slug_of(heartbeat) == "device-revoked"
    assert stage.server.scan(stage.gate, CODES[5])["outcome"] == "admit"


def test_no_attack_is_in_the_log_with_a_code_or_a_token(stage):
    log = stage.server.log

    secrets = [*CODES, *stage.invitations, stage.gate.token, stage.stolen.token, stage.boss.token]
    assert "gate-server listens" in log
    assert [each for each in secrets if each in log] == []
