"""Decided without the server: by the same rules, from the replica and this scanner's own record."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from admission import wire
from admission.codes import normalise
from admission.deals import Right
from admission.history import Record
from admission.replica_columns import pack, scan_line
from admission.scans import Direction, Gate, GateState, Mode, PartyDefault
from admission.verdicts import Outcome, Reason
from admission.wire_outage import DealLine, GateLine
from scanner_client.annulment import Annulment
from scanner_client.checkin import Terms
from scanner_client.journal_rows import Settled
from scanner_client.state import Told
from tests.scanner_client.scanners import (
    TOLD,
    a_lasting_deal,
    a_park,
    a_row,
    a_scanner,
    feed,
    key_of,
)

CODE, OTHER, ORDER = "9K3F-22AX-8K2F", "9K3F-22AX-OTHR", "ORDER-0001"


@pytest.fixture
def kit(tmp_path):
    with a_scanner(tmp_path) as kit:
        feed(kit.replica, *a_park(CODE, OTHER))
        yield kit


def scan(kit, code=CODE, **terms):
    check_in = kit.check_in(Terms(**terms))
    shown = check_in.check_in(code)
    check_in.seen(shown)
    return shown


def reason(kit, code=CODE, **terms):
    shown = scan(kit, code, **terms)
    assert shown.answer is not None, shown.problem
    assert shown.offline
    return shown.answer.reason


def a_scan_of_it(shown, revision, *, device=TOLD.device_id, code=CODE, **changes):
    """Return the replica's line of a scan."""
    record = Record(
        device_id=device,
        nonce=shown.nonce,
        scan_at=shown.answer.decided_at,
        gate_id="G1",
        area="park",
        reason=shown.answer.reason,
        people=shown.answer.admitted,
        **changes,
    )
    return scan_line(record, revision=revision, key=key_of(code), platform="lvtu")


# --- own history ----------------------------------------------------------------------------------


def test_same_voucher_twice_is_used_up_also_after_the_upload_and_after_the_delta(kit):
    first = scan(kit)
    assert first.admitted
    assert reason(kit) is Reason.USED_UP

    taken = [Settled(line.entry_id) for line in kit.journal.waiting(10)]
    kit.journal.settle(taken, epoch="epoch-1", revision=9, now=kit.clock.now())
    assert reason(kit) is Reason.USED_UP

    feed(kit.replica, a_scan_of_it(first, 9), revision=9)
    assert reason(kit) is Reason.USED_UP


def test_own_scan_and_the_deltas_word_of_it_are_one(tmp_path):
    with a_scanner(tmp_path) as kit:
        feed(kit.replica, *a_park(CODE, admits=3))
        first = scan(kit, party=1)
        feed(kit.replica, a_scan_of_it(first, 9), revision=9)

        second = scan(kit, party=1)
    assert (second.answer.admitted, second.answer.remaining) == (1, 1)


def test_scan_that_only_another_device_made_is_history_too(kit):
    elsewhere = scan(kit, OTHER)
    feed(kit.replica, a_scan_of_it(elsewhere, 9, device="d-2"), revision=9)

    assert reason(kit) is Reason.USED_UP


def test_delta_that_holds_this_very_scan_is_its_own_answer(kit):
    """The answer was lost, the delta came through: it is not a use by somebody else."""
    read = kit.check_in()
    request = wire.ScanRequest(nonce="nonce-of-lost-answer", code=CODE)
    request, _ = kit.offline.begin(request, kit.clock.now())
    record = Record(
        device_id=TOLD.device_id,
        nonce=request.nonce,
        scan_at=kit.clock.now(),
        gate_id="G1",
        area="park",
        reason=Reason.ADMITTED,
        people=1,
    )
    line = scan_line(record, revision=9, key=key_of(CODE), platform="lvtu")
    feed(kit.replica, line, revision=9)

    decided = kit.offline.decide(request, kit.clock.now())

    assert decided.answer.reason is Reason.ADMITTED
    assert not decided.offline
    assert kit.journal.depth().waiting == 0
    assert read is not None


def test_two_lanes_never_let_in_the_same_code(kit):
    shown = []
    check_in = kit.check_in()
    threads = [
        threading.Thread(target=lambda: shown.append(check_in.check_in(CODE))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(each.admitted for each in shown) == 1


# --- nothing to decide from -----------------------------------------------------------------------


def test_without_a_replica_every_code_is_referred_and_recorded(tmp_path):
    with a_scanner(tmp_path) as kit:
        shown = scan(kit)

        assert (shown.answer.reason, shown.outcome) == (Reason.LEDGER_STALE, Outcome.REFER)
        assert kit.journal.depth().waiting == 1
        assert reason(kit, "x") is Reason.MALFORMED_CODE


def test_replica_that_is_too_old_decides_nothing(tmp_path):
    with a_scanner(tmp_path, max_age=timedelta(hours=12)) as kit:
        for hours, expected in ((11.9, Reason.ADMITTED), (12.1, Reason.LEDGER_STALE)):
            told_at = datetime.now(UTC) - timedelta(hours=hours)
            feed(kit.replica, *a_park(CODE, OTHER), server_time=told_at)
            assert reason(kit, CODE if hours < 12 else OTHER) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, Reason.UNKNOWN_CODE),
        ({"server_time": datetime.now(UTC) - timedelta(minutes=10)}, Reason.LEDGER_STALE),
        ({"feed_silent": True}, Reason.LEDGER_STALE),
        ({"feeds_ms": 0}, Reason.LEDGER_STALE),
    ],
)
def test_code_that_is_not_held_is_unknown_only_in_a_fresh_replica(kit, state, expected):
    feed(kit.replica, revision=6, **state)

    assert reason(kit, "9K3F-NOBODYS") is expected
    assert reason(kit) is Reason.ADMITTED


def test_damaged_replica_refers_and_is_thrown_away(kit, tmp_path):
    scan(kit, OTHER)
    path = tmp_path / "replica.db"
    path.write_bytes(b"\x00" * path.stat().st_size)

    with a_scanner(tmp_path) as fresh:
        assert reason(fresh) is Reason.LEDGER_STALE
        assert any("replica" in line for line in fresh.said)
        assert fresh.journal.depth().waiting == 2


# --- modes, parties, gates ------------------------------------------------------------------------


def test_exchange_is_the_servers_alone_and_nothing_is_recorded(kit):
    shown = scan(kit, mode=Mode.EXCHANGE)

    assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
    assert kit.journal.depth().waiting == 0
    assert reason(kit) is Reason.ADMITTED


def test_check_records_nothing(kit):
    for _ in range(2):
        shown = scan(kit, mode=Mode.CHECK)
        assert (shown.answer.reason, shown.answer.admitted) == (Reason.ADMITTED, 0)

    assert kit.journal.depth().seq == 0


def test_exit_gives_people_back_and_is_recorded(tmp_path):
    with a_scanner(tmp_path) as kit:
        deal = a_lasting_deal(reentry="same_day")
        feed(kit.replica, *a_park(CODE, deal=deal))
        assert reason(kit) is Reason.ADMITTED
        assert reason(kit, direction=Direction.EXIT) is Reason.EXIT_RECORDED
        assert reason(kit) is Reason.REENTERED


def test_arrivals_are_numbered_here_once_a_day(kit):
    first = scan(kit, mode=Mode.ARRIVE)
    again = scan(kit, mode=Mode.ARRIVE)
    other = scan(kit, OTHER, mode=Mode.ARRIVE)
    unknown = scan(kit, "9K3F-NOBODYS", mode=Mode.ARRIVE)

    assert first.answer.arrival_number == "d-1-1000001"
    assert again.answer.arrival_number == first.answer.arrival_number
    assert other.answer.arrival_number == "d-1-1000003"
    assert unknown.answer.arrival_number is None


@pytest.mark.parametrize(("default", "people"), [(PartyDefault.ALL, 3), (PartyDefault.ONE, 1)])
def test_party_is_the_devices_default(tmp_path, default, people):
    told = Told("d-1", "G1", "South gate", "park", True, default)
    with a_scanner(tmp_path, told=told) as kit:
        feed(kit.replica, *a_park(CODE, admits=3))
        assert scan(kit).answer.admitted == people


def test_closed_gate_and_emergency_hold_offline_too(kit):
    closed = Gate("G1", "South gate", "park", GateState.PAUSED)
    feed(kit.replica, GateLine(revision=6, gate=closed), revision=6)
    assert reason(kit) is Reason.GATE_CLOSED
    feed(kit.replica, revision=7, emergency=True)
    assert reason(kit) is Reason.EMERGENCY
    assert reason(kit, direction=Direction.EXIT) is Reason.EXIT_RECORDED


def test_venue_is_full_with_those_whom_this_scanner_let_in(tmp_path):
    with a_scanner(tmp_path) as kit:
        codes = [f"{CODE}-{n}" for n in range(4)]
        feed(kit.replica, *a_park(*codes), limit=10, inside=8)

        assert [reason(kit, code) for code in codes] == [
            *(Reason.ADMITTED, Reason.ADMITTED),
            *(Reason.VENUE_FULL, Reason.VENUE_FULL),
        ]


def test_those_who_were_inside_yesterday_have_left(tmp_path):
    with a_scanner(tmp_path) as kit:
        told_at = datetime.now(UTC) - timedelta(hours=24)
        feed(kit.replica, *a_park(CODE), limit=1, inside=1, server_time=told_at)
        kit.offline._max_age = timedelta(days=7)
        assert reason(kit) is Reason.ADMITTED


# --- codes that find several, or tokens -----------------------------------------------------------


class Picks:
    """Staff who pick the same line each time."""

    def __init__(self, number):
        self.number = number
        self.asked = []

    def ask_pick(self, picks):
        self.asked.append(picks)
        return picks[self.number]


def test_several_vouchers_of_an_order_can_be_picked_offline(tmp_path):
    with a_scanner(tmp_path) as kit:
        deal = a_lasting_deal()
        keys = (key_of(ORDER),)
        rows = [a_row(code, order_keys=keys) for code in (CODE, OTHER)]
        park = [*a_park(deal=deal), pack(3, 1, sorted(rows, key=lambda row: row.key))]
        feed(kit.replica, *park)
        assert reason(kit, ORDER) is Reason.SEVERAL_VOUCHERS
        staff = Picks(0)

        reasons = []
        for staff.number in (0, 0, 1):
            shown = kit.check_in(questions=staff).check_in(ORDER)
            reasons.append(shown.answer.reason)

        assert reasons == [Reason.ADMITTED, Reason.USED_UP, Reason.ADMITTED]
        assert [pick.remaining for pick in staff.asked[1]] in ([0, 1], [1, 0])
        assert reason(kit) is Reason.USED_UP


def test_handle_of_the_server_cannot_be_picked_offline(kit):
    request = wire.ScanRequest(nonce="nonce-pick", pick="c2VydmVy")
    shown = kit.check_in()._show("nonce-pick", lambda: kit.check_in()._decide(request))

    assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
    assert "pick again" in shown.message.en


def test_wrong_gate_names_where_it_is_good(tmp_path):
    with a_scanner(tmp_path) as kit:
        deal = a_lasting_deal(rights=(Right("canyon"),))
        feed(kit.replica, *a_park(CODE, deal=deal))
        shown = scan(kit)

    assert shown.answer.reason is Reason.WRONG_GATE
    assert "canyon" in shown.message.en


def test_deal_told_anew_takes_effect_at_the_next_scan(kit):
    closed = a_lasting_deal(valid_until=datetime(2011, 1, 1, tzinfo=UTC))
    feed(kit.replica, DealLine(revision=6, deal=closed), revision=6)

    assert reason(kit) is Reason.EXPIRED


# --- the record -----------------------------------------------------------------------------------


def test_full_disk_admits_nobody_and_says_what_to_do(kit):
    kit.journal.intents.begin(b"", "nonce-of-nobody", kit.clock.now())
    db = kit.journal._store._db
    db.execute("PRAGMA query_only = ON")
    shown = scan(kit)
    db.execute("PRAGMA query_only = OFF")

    assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
    assert "Cannot record" in shown.message.en
    assert any("journal" in line for line in kit.said)
    assert reason(kit) is Reason.ADMITTED


def test_payment_code_leaves_nothing_behind(kit):
    assert reason(kit, "134567890123456789") is Reason.NOT_A_TICKET

    [line] = kit.journal.waiting(10)
    assert b"code_key" not in line.body
    assert b"tail" not in line.body


def test_answer_reads_like_the_servers(kit):
    answer = scan(kit).answer

    assert answer.voucher.tail == normalise(CODE)[-4:]
    assert (answer.voucher.title, answer.voucher.area) == ("One day", "park")
    assert (answer.epoch, answer.ledger_revision, answer.scan_id) == ("epoch-1", 5, None)
    again = scan(kit).answer
    assert again.voucher.first_use.gate_id == "G1"
    assert "South gate" in again.message.en


# --- taken back -----------------------------------------------------------------------------------


@pytest.fixture
def annulment(kit):
    return Annulment(kit.relay, kit.contact, kit.journal, kit.replica, kit.clock)


def test_annulled_admission_may_come_again_and_the_server_is_told_in_order(kit, annulment):
    shown = scan(kit)
    done = annulment.annul(shown.nonce, wire.AnnulRequest(reason="did not pass"))

    assert (done.people, done.offline) == (1, True)
    assert reason(kit) is Reason.ADMITTED
    bodies = [line.body for line in kit.journal.waiting(10)]
    assert [b'"annul"' in body for body in bodies] == [False, True, False]


def test_annulment_has_the_rules_limits(kit, annulment):
    request = wire.AnnulRequest(reason="did not pass")
    admitted, refused = scan(kit), scan(kit)
    with pytest.raises(Exception, match="let nobody in"):
        annulment.annul(refused.nonce, request)
    with pytest.raises(Exception, match="name at most that many"):
        annulment.annul(admitted.nonce, wire.AnnulRequest(reason="x", people=2))
    with pytest.raises(Exception, match="nothing listens"):
        annulment.annul("nonce-of-nobody", request)
    annulment.annul(admitted.nonce, request)
    assert annulment.annul(admitted.nonce, request).people == 1
    assert kit.journal.depth().waiting == 3
