"""Signed heads reach the platforms: each day's, signed twice, until somebody has taken it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate_server.cli import main
from gate_server.duty import send
from gate_server.duty_forms import write_posting
from gate_server.feeder_watch import is_needed
from gate_server.head_sends import list_sent
from gate_server.heads import sign_head
from gate_server.ledger import feeds
from tests.night import Night
from tests.robots import SECRET, robots

URL = "https://platform.example/notify"


@pytest.fixture
def night(tmp_path):
    with Night(tmp_path / "var") as night:
        yield night


def sign(night, gate_id=""):
    """Sign the newest head; with a gate to add, there is something new."""
    if gate_id:
        night.park.add_gate(gate_id, gate_id, "park")
    assert sign_head(night.park.ledger, night.park.keys, again=True)
    return night.park.ledger.read(
        lambda db: db.execute("SELECT MAX(revision) FROM signed_heads").fetchone()[0]
    )


def test_head_goes_to_the_platform_and_anybody_can_verify_it(night):
    night.connect(notify_url=URL)
    revision = sign(night)
    (message,) = night.take()
    head = json.loads(write_posting(message, night.park.now).body)["data"]["head"]

    said = "\0".join(str(head[name]) for name in ("epoch", "revision", "day", "signed_at_ms"))
    signed = (
        b"gatehouse audit head v1\0" + said.encode() + b"\0" + bytes.fromhex(head["audit_head"])
    )
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(head["public_key"])).verify(
        bytes.fromhex(head["signature"]), signed
    )
    assert (message.told.type, message.url, head["revision"]) == ("audit.head", URL, revision)
    assert "台账校验值" in message.told.title_zh
    (sent,) = list_sent(night.park.ledger)
    assert (sent.platform, sent.revision, sent.waiting) == ("lvtu", revision, None)
    assert sent.taken_at == night.park.now
    assert night.take() == []


def test_what_is_sent_is_signed_by_the_feeds_secret(night):
    with robots() as server:
        night.connect(notify_url=server.standard)
        sign(night)
        (message,) = night.calls.due("feeder 1")
        night.calls.settle([send(message)])

        assert [each["type"] for each in server.of("standard")] == ["audit.head"]
        assert server.ids() == [message.message_id]
    assert list_sent(night.park.ledger)[0].waiting is None


def test_head_that_is_not_taken_is_sent_again_under_its_id(night):
    night.connect(notify_url=URL)
    revision, ids = sign(night), []
    for seconds in (0, 5, 15, 40, 120, 600, 600):
        night.pass_time(seconds=seconds)
        (message,) = night.take("nothing listens")
        ids.append(message.message_id)

    assert len(set(ids)) == 1
    (sent,) = list_sent(night.park.ledger)
    assert (sent.revision, sent.waiting, sent.problem) == (None, revision, "nothing listens")
    assert is_needed(night.park.ledger)


def test_newer_head_takes_the_place_of_one_that_waits(night):
    night.connect(notify_url=URL)
    sign(night)
    (first,) = night.calls.due("feeder 1")
    newest = sign(night, "G3")
    (message,) = night.take()

    assert message.message_id != first.message_id
    assert list_sent(night.park.ledger)[0].revision == newest
    assert night.take() == []


def test_what_a_killed_feeder_had_is_handed_out_at_once_to_the_next(night):
    night.connect(notify_url=URL)
    sign(night)
    (first,) = night.calls.due("feeder 1")

    assert night.calls.due("feeder 1") == []
    assert [each.message_id for each in night.calls.due("feeder 2")] == [first.message_id]


@pytest.mark.parametrize("config", [{}, {"notify_url": None}])
def test_platform_that_told_no_address_is_sent_nothing(night, config):
    night.connect(**config)
    sign(night)

    assert night.take() == []
    assert list_sent(night.park.ledger) == []
    assert not is_needed(night.park.ledger)


def test_feed_that_was_removed_is_sent_nothing_any_more(night):
    feed_id = night.connect(notify_url=URL)
    sign(night)
    feed = night.park.ledger.catalogue.feeds[feed_id]
    night.park.change(lambda tx: feeds.remove_feed(tx, feed, by="t", now=night.park.now))

    assert night.take() == []
    assert not is_needed(night.park.ledger)


def test_damaged_secret_is_told_and_keeps_no_other_message_waiting(night):
    feed_id = night.connect(notify_url=URL)
    night.call()
    sign(night)
    spoil = "UPDATE feed_secrets SET sealed = x'00' WHERE feed_id = ?"
    night.park.change(lambda tx: tx.db.execute(spoil, (feed_id,)))
    night.find()

    assert [each.told.type for each in night.take()] == ["incident.opened"]
    (sent,) = [each for each in list_sent(night.park.ledger) if each.waiting]
    assert "sealed" in (sent.problem or "")


def test_heads_that_wait_outlive_the_server(night):
    night.connect(notify_url=URL)
    revision = sign(night)
    night.reopen()

    assert [each.told.data["head"]["revision"] for each in night.take()] == [revision]


def test_command_says_which_head_a_platform_has_and_shows_no_secret(night):
    night.park.now = None
    night.connect(notify_url=URL)
    sign(night)
    night.take()
    night.park.ledger.close()
    night.park.lock.release()
    done = CliRunner().invoke(main, ["--data", str(night.park.directory), "audit", "heads"])
    night.park.lock.take()

    assert done.exit_code == 0, done.output
    assert "lvtu" in done.output.splitlines()[-1]
    assert SECRET not in done.output
