"""When a scanner decides on its own, and when it asks again; what staff wait for meanwhile."""

import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from admission import wire
from admission.scans import PartyDefault
from admission.verdicts import Outcome, Reason
from scanner_client.answers import NoAnswer
from scanner_client.broadcasts import Broadcasts
from scanner_client.connectivity import Connectivity
from scanner_client.contact import REVOKED
from scanner_client.heartbeat import Heartbeat
from tests import fakes
from tests.fakes import NOW, FakeGate
from tests.scanner_client.scanners import TOLD, a_park, a_scanner, feed

CODES = [f"9K3F-22AX-{n:04}" for n in range(40)]
# DESIGN section 8: this very scan, whatever the network does.
GLANCE_S = 1.0


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@pytest.fixture
def kit(gate, tmp_path):
    with a_scanner(tmp_path / "s", gate.url, timeout_s=0.8) as kit:
        feed(kit.replica, *a_park(*CODES))
        yield kit


def timed(check_in, code):
    began_s = time.monotonic()
    shown = check_in.check_in(code)
    check_in.seen(shown)
    return shown, time.monotonic() - began_s


def online(kit):
    return [link.online for link in kit.links]


# --- the link by itself ---------------------------------------------------------------------------


def a_link():
    links = []
    return Connectivity(links.append), links


def test_one_slow_answer_is_no_outage():
    link, links = a_link()
    link.note_answer(NOW)
    for _ in range(5):
        link.note_miss(NOW, "slow")
        link.note_answer(NOW)

    assert [each.online for each in links] == [True]


def test_two_misses_in_a_row_are_one_and_two_answers_end_it():
    link, links = a_link()
    link.note_answer(NOW)
    link.note_miss(NOW, "slow")
    link.note_miss(NOW + timedelta(seconds=1), "slow")
    assert link.offline
    link.note_answer(NOW)
    link.note_miss(NOW, "slow")
    link.note_answer(NOW)
    assert link.offline
    link.note_answer(NOW)

    assert not link.offline
    assert [each.online for each in links] == [True, False, True]
    assert links[1].since == NOW + timedelta(seconds=1)


def test_server_that_is_not_there_at_all_is_one_at_once():
    link, links = a_link()
    link.note_answer(NOW)
    link.note_miss(NOW, "nothing listens", hard=True)

    assert [each.online for each in links] == [True, False]


def test_device_that_was_stopped_stays_so_until_the_server_answers():
    link, _ = a_link()
    link.note_bar(NOW, "suspended")
    link.note_miss(NOW, "away", hard=True)
    assert link.link.barred

    link.note_answer(NOW)
    link.note_answer(NOW)
    assert link.link.online


# --- this very scan -------------------------------------------------------------------------------


TROUBLES = [
    fakes.resets,
    fakes.lost,
    fakes.slow(3),
    fakes.drips,
    fakes.cut_off,
    fakes.endless,
    fakes.portal,
    fakes.redirected,
    fakes.gives(200, b"{}"),
    fakes.gives(200, b"[[[["),
    fakes.gives(500, b"oops", "text/plain"),
    fakes.gives(403, b"<html>no</html>", "text/html"),
    fakes.problem(400, "invalid"),
    fakes.problem(401, "device-unknown"),
    fakes.problem(404, "not-found"),
    fakes.problem(429, "too-many"),
    fakes.problem(503, "unavailable"),
]


@pytest.mark.parametrize("trouble", range(len(TROUBLES)))
def test_whatever_the_server_does_the_scan_is_decided_within_a_glance(gate, kit, trouble):
    gate.troubles += [TROUBLES[trouble]] * 50

    shown, took_s = timed(kit.check_in(), CODES[0])

    assert took_s < GLANCE_S
    assert shown.admitted
    assert shown.offline
    assert len({scan.nonce for scan in gate.scans()}) == 1
    assert kit.journal.find(shown.nonce).state == "waiting"


def test_black_hole_is_decided_within_a_glance(tmp_path):
    """Packets vanish: the connection is never refused and never made."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        port = hole.getsockname()[1]
        full = [socket.socket() for _ in range(4)]
        for each in full:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with a_scanner(tmp_path, f"http://127.0.0.1:{port}", timeout_s=0.8) as kit:
            feed(kit.replica, *a_park(*CODES))
            check_in = kit.check_in()
            first, first_s = timed(check_in, CODES[0])
            second, second_s = timed(check_in, CODES[1])
        for each in full:
            each.close()

    assert (first.offline, second.offline) == (True, True)
    assert first_s < GLANCE_S
    assert second_s < 0.5, "an outage that is known costs no waiting"


def test_name_that_nobody_knows_is_decided_within_a_glance(tmp_path):
    with a_scanner(tmp_path, "https://gate.invalid:8443", timeout_s=0.8) as kit:
        feed(kit.replica, *a_park(*CODES))
        shown, took_s = timed(kit.check_in(), CODES[0])

    assert shown.admitted
    assert took_s < GLANCE_S


def test_server_of_somebody_else_is_none(tmp_path, gate):
    url = gate.url.replace("http://", "https://")
    with a_scanner(tmp_path, url, timeout_s=0.8) as kit:
        feed(kit.replica, *a_park(*CODES))
        shown, took_s = timed(kit.check_in(), CODES[0])

    assert shown.admitted
    assert took_s < GLANCE_S
    assert online(kit) == [False]


def test_slow_scan_is_decided_offline_and_the_next_one_asks_again(gate, kit):
    check_in = kit.check_in()
    timed(check_in, CODES[0])
    gate.delay_s[CODES[1]] = 3
    slow, _ = timed(check_in, CODES[1])
    after, _ = timed(check_in, CODES[2])

    assert (slow.offline, after.offline) == (True, False)
    assert online(kit) == [True]


def test_real_no_of_the_server_is_shown_and_never_decided_over(gate, kit):
    gate.troubles.append(fakes.problem(409, "nonce-reused"))

    shown, _ = timed(kit.check_in(), CODES[0])

    assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
    assert kit.journal.depth().waiting == 0


def test_other_lanes_of_a_scanner_do_not_wait_for_the_slow_one(gate, kit):
    gate.delay_s[CODES[0]] = 3
    check_in, took = kit.check_in(), []
    slow = threading.Thread(target=lambda: timed(check_in, CODES[0]))
    slow.start()
    time.sleep(0.1)
    took.append(timed(check_in, CODES[1])[1])
    slow.join()

    assert max(took) < 1.5


# --- going and coming back ------------------------------------------------------------------------


def a_heart(kit, learned=None, broadcasts=None):
    word = wire.HeartbeatRequest(
        epoch="", replica_revision=0, replica_age_s=0, outbox_depth=kit.journal.depth().waiting
    )
    learn = learned.append if learned is not None else lambda _: None
    broadcasts = broadcasts or Broadcasts()
    parts = {"word": lambda: word, "learn": learn, "broadcasts": broadcasts}
    return Heartbeat(kit.relay, kit.contact, kit.clock, **parts)


def test_scanner_that_is_offline_asks_nobody_about_scans_and_comes_back_by_itself(gate, kit):
    check_in, heart = kit.check_in(), a_heart(kit)
    gate.troubles += [fakes.resets] * 50
    timed(check_in, CODES[0])
    gate.troubles.clear()
    asked = len(gate.scans())
    assert timed(check_in, CODES[1])[0].offline
    assert len(gate.scans()) == asked

    heart.beat()
    assert timed(check_in, CODES[2])[0].offline
    heart.beat()
    assert not timed(check_in, CODES[3])[0].offline
    assert online(kit) == [False, True]


def test_heartbeat_asks_each_second_while_nobody_answers(gate, kit):
    stop, heart = threading.Event(), a_heart(kit)
    gate.troubles += [fakes.portal] * 2
    thread = threading.Thread(target=heart.run, args=(stop, 60))
    thread.start()
    until_s = time.monotonic() + 8
    while online(kit) != [False, True] and time.monotonic() < until_s:
        time.sleep(0.05)
    stop.set()
    thread.join()

    assert online(kit) == [False, True]


def test_heartbeat_learns_what_the_device_is_and_what_time_it_is(gate, kit):
    learned = []
    gate.party_default = PartyDefault.ASK
    a_heart(kit, learned).beat()

    assert [known.party_default for known in learned] == [PartyDefault.ASK]
    assert abs(kit.clock.now() - NOW) < timedelta(seconds=5)
    beat = wire.read(wire.HeartbeatRequest, gate.calls[1].body)
    assert abs(beat.device_time - kit.clock.wall()) < timedelta(seconds=5)
    assert beat.version


def test_moved_scanner_asks_anew_who_it_is(gate, kit):
    learned, heart = [], None
    heart = a_heart(kit, learned)
    heart.beat()
    gate.moved_to = "G2"
    heart.beat()
    heart.beat()

    assert [known.gate_id for known in learned] == [TOLD.gate_id, "G2"]


def test_server_that_does_not_say_where_a_scanner_stands_is_asked_once(gate, kit):
    learned = []
    heart = a_heart(kit, learned)
    heart.beat()
    heart.beat()

    assert len(learned) == 1


# --- a server that will not have this device ------------------------------------------------------


def test_unknown_device_goes_on_and_says_so_once(gate, tmp_path):
    with a_scanner(tmp_path, gate.url, token="another") as kit:
        feed(kit.replica, *a_park(*CODES))
        check_in = kit.check_in()
        shown = [timed(check_in, code)[0] for code in CODES[:3]]
        a_heart(kit).beat()

        assert [each.admitted for each in shown] == [True] * 3
        assert sum("device-unknown" in line for line in kit.said) == 1
        assert not kit.contact.revoked.is_set()


@pytest.mark.parametrize("slug", ["device-revoked", "device-suspended"])
def test_device_that_is_named_decides_nothing_any_more(gate, kit, slug):
    gate.troubles.append(fakes.problem(403, slug, TOLD.device_id))
    check_in = kit.check_in()
    first, second = timed(check_in, CODES[0])[0], timed(check_in, CODES[1])[0]

    for shown in (first, second):
        assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
        assert "stopped" in shown.message.en
    assert kit.contact.revoked.is_set() is (slug == "device-revoked")
    assert kit.journal.depth().waiting == 0
    if slug == "device-revoked":
        assert any(REVOKED in line for line in kit.said)


@pytest.mark.parametrize("device_id", ["d-2", None])
def test_revocation_of_another_device_is_no_reason_to_stop(gate, kit, device_id):
    gate.troubles.append(fakes.problem(403, "device-revoked", device_id))

    shown, _ = timed(kit.check_in(), CODES[0])

    assert shown.admitted
    assert not kit.contact.revoked.is_set()


# --- a scan whose verdict nobody saw --------------------------------------------------------------


def test_verdict_that_nobody_saw_is_shown_and_not_taken_for_a_use(gate, kit, tmp_path):
    """The scanner dies between the server's commit and the screen."""
    script = (
        "import os, sys; from pathlib import Path;"
        "from tests.scanner_client.scanners import a_scanner;"
        "opened = a_scanner(Path(sys.argv[1]), sys.argv[2]);"
        "kit = opened.__enter__();"
        "kit.relay.scan = lambda *a, scan=kit.relay.scan: (scan(*a), os._exit(9));"
        "kit.check_in().check_in(sys.argv[3])"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script, tmp_path / "s", gate.url, CODES[0]], cwd=root)
    [lost] = gate.scans()

    shown, _ = timed(kit.check_in(), CODES[0])
    again, _ = timed(kit.check_in(), CODES[0])

    assert shown.nonce == lost.nonce
    assert shown.admitted
    assert again.nonce != lost.nonce


def test_recorded_verdict_that_nobody_saw_is_shown_again(kit):
    check_in = kit.check_in()
    kit.contact.failed(NoAnswer("away", absent=True))
    first = check_in.check_in(CODES[0])
    # Killed here: nobody has said that it was seen.
    kit.journal.intents.end(first.nonce, shown=False)

    again, _ = timed(check_in, CODES[0])
    third, _ = timed(check_in, CODES[0])

    assert (again.nonce, again.admitted, again.offline) == (first.nonce, True, True)
    assert third.answer.reason is Reason.USED_UP
    assert kit.journal.depth().waiting == 2
