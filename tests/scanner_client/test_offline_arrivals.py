"""Attested arrivals without the server: closed queues, numbered slips, too many at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admission import base64url, wire
from admission.calendar import to_ms
from admission.errors import InvalidInput
from admission.scans import Mode
from admission.tokens import Purpose, Token, write_token
from admission.verdicts import Outcome, Reason
from admission.wire_arrivals import HandoutTold, QueueTold
from admission.wire_outage import TokenKey
from scanner_client.checkin import SIGN_IN, Terms, new_nonce
from scanner_client.presenter import tell_attested
from scanner_client.slip_beside import REMEMBERED_S, SlipBeside
from tests.fakes import ENROLMENT_CODE, FakeGate, an_answer
from tests.scanner_client.scanners import a_park, a_scanner, feed
from tests.scanner_client.test_cli_people import scanner

CODE, OTHER = "9K3F-22AX-8K2F", "9K3F-22AX-OTHR"
CODES = [f"CROWD-{number:05}" for number in range(6)]
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EARLY = timedelta(minutes=3)


def slip(number=101):
    days = date(2015, 1, 1), date(2099, 1, 1)
    return write_token(Token(1, number, 0, *days, 1, Purpose.NUMBERED_SLIP), SIGNER)


def a_state(now, **changes):
    """What a server told of a queue closed three minutes ago, and of slips handed out then."""
    at = to_ms(now - EARLY)
    public = base64url.write(SIGNER.public_key().public_bytes_raw())
    key = TokenKey(key_id=1, public=public, signs_from=datetime(2015, 1, 1, tzinfo=UTC))
    return {
        "token_keys": [key],
        "queues": [QueueTold("Q7", at, to_ms(now + timedelta(hours=1)), "park")],
        "handouts": [HandoutTold(101, 180, at)],
    } | changes


@pytest.fixture
def kit(tmp_path):
    with a_scanner(tmp_path) as kit:
        # At a venue whose day begins now, three minutes ago would be yesterday.
        noon = kit.clock.now().astimezone(UTC)
        zone = "Asia/Shanghai" if 1 <= (noon.hour + 8) % 24 < 23 else "Europe/London"
        feed(kit.replica, *a_park(CODE, OTHER, *CODES), **a_state(noon, zone=zone))
        yield kit


def stamp(kit, code=CODE, **fields):
    now = kit.clock.now()
    request = wire.ScanRequest(nonce=new_nonce(now), code=code, mode=Mode.ARRIVE, **fields)
    return kit.offline.decide(request, now).answer


def reason(check_in, code):
    shown = check_in.check_in(code)
    check_in.seen(shown)
    assert shown.answer is not None, shown.problem
    return shown.answer.reason


def line_of(kit, nonce):
    return kit.journal.find(nonce).line


# --- closed queues -------------------------------------------------------------------------------


def test_a_stamp_counts_as_the_closing_that_the_replica_knows(kit):
    answer = stamp(kit, queue="Q7", operator="4711")

    attested = answer.attested
    assert (answer.reason, attested.queue, attested.by) == (Reason.ADMITTED, "Q7", "4711")
    assert abs(kit.clock.now() - attested.at - EARLY) < timedelta(seconds=30)
    assert line_of(kit, answer.nonce).attested_at == attested.at
    assert kit.journal.find(answer.nonce).record.arrived_at == attested.at


def test_a_queue_that_a_fresh_replica_does_not_know_is_over(kit):
    answer = stamp(kit, queue="Q8", operator="4711")

    assert (answer.reason, answer.attested) == (Reason.QUEUE_OVER, None)
    assert line_of(kit, answer.nonce).queue is None


def test_a_queue_that_an_old_replica_does_not_know_is_left_to_the_server(kit):
    old = kit.clock.now() - timedelta(minutes=20)
    feed(kit.replica, revision=9, server_time=old)

    answer = stamp(kit, queue="Q8", operator="4711")

    assert answer.reason is Reason.LEDGER_STALE
    assert line_of(kit, answer.nonce).queue == "Q8"


def test_without_a_replica_the_stamp_still_names_its_queue(tmp_path):
    with a_scanner(tmp_path) as kit:
        answer = stamp(kit, queue="Q7", operator="4711")

        assert answer.reason is Reason.LEDGER_STALE
        assert line_of(kit, answer.nonce).queue == "Q7"


def test_nobody_stamps_a_queue_before_signing_in(kit):
    shown = kit.check_in(Terms(mode=Mode.ARRIVE, queue="Q7")).check_in(CODE)

    assert (shown.outcome, shown.message) == (Outcome.WAIT, SIGN_IN)


def test_only_stamps_have_a_queue():
    with pytest.raises(InvalidInput, match="arrival stamps only"):
        Terms(mode=Mode.ADMIT, queue="Q7")


@pytest.mark.parametrize(("queue", "status"), [("nonsense", 2), ("Q7", 1)])
def test_the_command_takes_a_queue_for_stamps_only(tmp_path, queue, status):
    with FakeGate() as gate:
        scanner(tmp_path / "s", "enrol", gate.url, ENROLMENT_CODE)
        read = ("read", "--code", CODE, "--queue", queue)
        said = scanner(tmp_path / "s", *read, status=status).output

        assert "queue" in said
        assert gate.scans() == []


# --- numbered slips ------------------------------------------------------------------------------


def test_a_slip_and_then_its_voucher(kit):
    check_in = kit.check_in(Terms())

    first = reason(check_in, slip())
    shown = check_in.check_in(CODE)

    assert (first, shown.answer.reason) == (Reason.SLIP_ALONE, Reason.ADMITTED)
    assert shown.answer.attested.slip == 101
    assert line_of(kit, shown.nonce).slip_key is not None
    assert slip() not in repr(shown)


def test_a_slip_goes_with_one_voucher_also_before_anything_was_uploaded(kit):
    check_in = kit.check_in(Terms())
    for code in (slip(), CODE, slip()):
        reason(check_in, code)

    refused, alone = reason(check_in, OTHER), reason(check_in, OTHER)

    assert (refused, alone) == (Reason.SLIP_BOUND, Reason.ADMITTED)


def test_a_slip_that_was_not_handed_out_is_said_at_once(kit):
    check_in = kit.check_in(Terms())

    assert reason(check_in, slip(181)) is Reason.SLIP_NOT_HANDED_OUT
    assert reason(check_in, CODE) is Reason.ADMITTED


def test_an_old_replica_may_not_have_heard_of_the_hand_out(kit):
    feed(kit.replica, revision=9, server_time=kit.clock.now() - timedelta(minutes=20))

    assert reason(kit.check_in(Terms()), slip(181)) is Reason.LEDGER_STALE


def test_a_slip_is_forgotten_after_a_minute_and_with_its_voucher():
    clock = [0.0]
    beside = SlipBeside(lambda: clock[0])
    waits = an_answer("n-000001", outcome=Outcome.WAIT, reason=Reason.SLIP_ALONE, voucher=None)
    beside.note("SLIP", waits)

    assert (beside.find("CODE"), beside.find("SLIP")) == ("SLIP", None)
    clock[0] = REMEMBERED_S
    assert beside.find("CODE") is None


# --- too many at once ----------------------------------------------------------------------------


def test_too_many_stamps_within_a_minute_are_referred(kit):
    feed(kit.replica, revision=9, **a_state(kit.clock.now(), most_arrivals=3))
    reasons = [stamp(kit, code).reason for code in CODES]
    again = stamp(kit, CODES[0])

    assert reasons == [Reason.ADMITTED] * 4 + [Reason.BULK_ARRIVALS] * 2
    assert again.reason is Reason.ADMITTED
    assert stamp(kit, CODES[-1]).arrival_number is None


def test_stamps_of_before_a_restart_are_counted(tmp_path, kit):
    feed(kit.replica, revision=9, **a_state(kit.clock.now(), most_arrivals=3))
    for code in CODES[:4]:
        stamp(kit, code)
    with a_scanner(tmp_path) as restarted:
        assert stamp(restarted, CODES[4]).reason is Reason.BULK_ARRIVALS


def test_what_staff_read_of_an_attested_arrival(kit):
    told = tell_attested(stamp(kit, queue="Q7", operator="4711").attested, None)

    assert "到场按" in told
    assert told.endswith("4711")
