"""Sign-ins at a scanner: by a real server, without one, and told later; no badge is ever a scan."""

from __future__ import annotations

import io
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from admission import wire
from admission.operators import badge_name, write_badge
from admission.scans import Direction, PartyDefault
from admission.verdicts import Outcome
from scanner_client.checkin import SIGN_IN, UNRECORDED, Shown, Terms
from scanner_client.desk import LOCKED, NOT_RIGHT, Desk, NotSignedIn
from scanner_client.duty import DUTY_FILE, LOCK_FILE, DutyFile
from scanner_client.presenter import Presenter
from scanner_client.relay import Relay, Server
from scanner_client.state import Told
from tests.fakes import EPOCH, NOW, FakeGate
from tests.people import PIN, an_operator
from tests.scanner_client.scanners import a_park, a_scanner, feed
from tests.server import Member, Park, a_running_server

CODE = "9K3F-22AX-8K2F"
BADGE = write_badge(b"0123456789abcdef")
NOWHERE = "http://127.0.0.1:9"


class FixedClock:
    """A clock that stands still."""

    def __init__(self, at):
        self._at = at

    def now(self):
        return self._at


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """A server with an operator, and the rows of its tables."""
    directory = tmp_path_factory.mktemp("desk") / "var"
    park = Park(directory)
    operators = an_operator(park), an_operator(park, "4712", "Li Wei")
    devices = [park.enrol() for _ in range(9)]
    park.close()
    with a_running_server(directory) as server:
        yield server, operators, iter(devices)


@contextmanager
def a_desk(directory: Path, url: str, device: Member | None = None, **told):
    """Yield the desk of a scanner that holds CODE, its use case and its parts."""
    token = {} if device is None else {"token": device.token}
    told = Told("d-1", "G1", "South gate", "park", True, PartyDefault.ALL, **told)
    with a_scanner(directory, url, told=told, timeout_s=1.5, **token) as kit:
        if not kit.replica.there:
            feed(kit.replica, *a_park(CODE))
        desk = desk_of(kit)
        yield desk, kit


def desk_of(kit, relay=None, clock=None):
    """Return another desk of the same scanner, as another process has it."""
    file, clock = DutyFile(kit.directory), clock or kit.clock
    return Desk(
        file, relay or kit.relay, kit.contact, clock, venue=lambda: kit.replica.standing.venue
    )


def a_relay(server, device):
    return Relay(Server(server.url), token=device.token, timeout_s=1.5)


def test_a_badge_signs_in_and_out_and_the_next_replaces_it(venue, tmp_path):
    server, (first, second), devices = venue
    with a_desk(tmp_path / "s", server.url, next(devices)) as (desk, _):
        said = [desk.present(first.badge), desk.present(second.badge)]
        here = desk.find_here()
        said.append(desk.present(second.badge))

        assert desk.find_here() is None
    assert (here.operator, here.name, here.verified) == ("4712", "L**", True)
    assert [text.en for text in said] == [
        "Signed in: 4711 早**",
        "Signed in: 4712 L**",
        "Signed out: 4712 L**",
    ]


def test_number_and_pin_sign_in_at_another_process_of_the_same_scanner(venue, tmp_path):
    server, _, devices = venue
    with a_desk(tmp_path / "s", server.url, next(devices)) as (desk, kit):
        running = desk_of(kit)
        before = running.operator()
        desk.sign_in("4711", PIN)

        assert (before, running.operator()) == (None, "4711")
        desk.sign_out()
        assert running.operator() is None


def test_what_the_server_refuses_signs_nobody_in(venue, tmp_path):
    server, _, devices = venue
    with a_desk(tmp_path / "s", server.url, next(devices)) as (desk, kit):
        texts = []
        for _ in range(6):
            with pytest.raises(NotSignedIn) as caught:
                desk.sign_in("no-such", "135790")
            texts.append(caught.value.text)
        with pytest.raises(NotSignedIn) as caught:
            desk.present(BADGE)

        assert texts == [NOT_RIGHT] * 5 + [LOCKED]
        assert caught.value.text == NOT_RIGHT
        assert BADGE not in str(caught.value)
        assert desk.find_here() is None
        assert kit.contact.connectivity.link.online is not False


def test_without_a_server_the_scanners_word_is_taken_and_told_later(venue, tmp_path):
    server, (first, _), devices = venue
    device = next(devices)
    with a_desk(tmp_path / "s", NOWHERE, device) as (desk, kit):
        offline = desk.present(first.badge)
        called = desk.operator()
        desk.sign_in("4712", "")
        with a_relay(server, device) as relay:
            for _ in range(2):
                desk_of(kit, relay).tell()

        assert called == badge_name(first.badge)
        assert "to be verified" in offline.en
        assert desk.operator() == "4712"
        assert kit.contact.connectivity.offline
    told = server.get("/devices/self", device).json()
    assert told["operator"] == "4712"


def test_whom_only_the_badge_tells_is_named_once_the_server_knows(venue, tmp_path):
    server, (first, _), devices = venue
    device = next(devices)
    with a_desk(tmp_path / "s", NOWHERE, device) as (desk, kit):
        desk.present(first.badge)
        with a_relay(server, device) as relay:
            back = desk_of(kit, relay)
            lines = [back.hear(a_beat("4711"), kit.clock.now()) for _ in range(2)]

        assert (lines, desk.operator()) == (["", ""], "4711")
        assert desk.present(first.badge).en.startswith("Signed out")


def a_beat(operator):
    return wire.Heartbeat(
        server_time=NOW, epoch=EPOCH, ledger_revision=7, audit_head="", operator=operator
    )


def test_the_servers_end_of_a_shift_is_followed_but_an_older_word_is_not(venue, tmp_path):
    server, (first, _), devices = venue
    with a_desk(tmp_path / "s", server.url, next(devices)) as (desk, kit):
        asked_before = kit.clock.now() - timedelta(seconds=60)
        desk.present(first.badge)
        old = desk.hear(a_beat(None), asked_before)
        kept = desk.operator()
        line = desk.hear(a_beat(None), kit.clock.now() + timedelta(seconds=60))

        assert (old, kept, desk.operator()) == ("", "4711", None)
        assert "signed out by the gate server" in line


def test_nobody_stands_here_when_the_venue_day_is_over(tmp_path):
    with a_desk(tmp_path / "s", NOWHERE) as (desk, kit):
        desk.sign_in("4711", "")
        tomorrow = FixedClock(kit.clock.now() + timedelta(days=1))

        assert desk.operator() == "4711"
        assert desk_of(kit, clock=tomorrow).operator() is None


def test_a_damaged_note_means_that_nobody_has_signed_in(tmp_path):
    with a_desk(tmp_path / "s", NOWHERE) as (desk, kit):
        desk.sign_in("4711", "")
        (kit.directory / DUTY_FILE).write_bytes(b'{"here": {"operator"')

        assert desk.operator() is None
        desk.sign_in("4712", "")
        assert desk.operator() == "4712"


def test_no_secret_is_kept_at_the_scanner(venue, tmp_path):
    server, (first, _), devices = venue
    with a_desk(tmp_path / "s", server.url, next(devices)) as (desk, kit):
        desk.present(first.badge)
        desk.sign_in("4711", PIN)
        kept = b"".join(path.read_bytes() for path in kit.directory.iterdir() if path.is_file())

    for secret in (first.badge, first.badge[5:], PIN):
        assert secret.encode() not in kept


# --- at the lane ---------------------------------------------------------------------------------


def test_scans_carry_who_stands_here_and_a_badge_is_no_scan(tmp_path):
    with FakeGate() as gate, a_desk(tmp_path / "s", gate.url) as (desk, kit):
        kit.contact.connectivity.note_miss(kit.clock.now(), "away", hard=True)
        check_in = kit.check_in(desk=desk)
        shown = check_in.check_in(f" {BADGE}\r\n")
        kit.contact.connectivity.note_answer(kit.clock.now())
        kit.contact.connectivity.note_answer(kit.clock.now())
        check_in.check_in(CODE)

    assert (shown.staff, shown.admitted, shown.answer) == (True, False, None)
    [scan] = gate.scans()
    assert (scan.code, scan.operator) == (CODE, badge_name(BADGE))
    assert all(BADGE.encode() not in call.body for call in gate.calls if "/scans" in call.path)


def test_an_offline_scan_is_recorded_with_its_operator(tmp_path):
    with a_desk(tmp_path / "s", NOWHERE) as (desk, kit):
        desk.sign_in("4711", "")
        check_in = kit.check_in(desk=desk)
        for code in (CODE, BADGE, BADGE[:20]):
            check_in.check_in(code)
        [line] = kit.journal.waiting(9)

    assert b'"operator":"4711"' in line.body


@pytest.mark.parametrize(
    ("required", "direction", "sent"),
    [
        (True, Direction.ENTRY, False),
        (True, Direction.EXIT, True),
        (False, Direction.ENTRY, True),
    ],
)
def test_a_lane_asks_for_a_sign_in_before_it_sends_anything(tmp_path, required, direction, sent):
    told = {"operator_required": required}
    with FakeGate() as gate, a_desk(tmp_path / "s", gate.url, **told) as (desk, kit):
        shown = kit.check_in(Terms(direction=direction), desk=desk).check_in(CODE)

    assert (shown.message == SIGN_IN) is not sent
    assert bool(gate.scans()) is sent
    assert sent or shown.outcome is Outcome.WAIT


def test_an_evacuation_is_said_without_a_sign_in(tmp_path):
    with FakeGate() as gate:
        told = {"operator_required": True}
        with a_desk(tmp_path / "s", gate.url, **told) as (desk, kit):
            feed(kit.replica, *a_park(CODE), emergency=True)
            kit.check_in(desk=desk).check_in(CODE)

    assert len(gate.scans()) == 1


def test_staff_see_a_badge_as_no_verdict():
    out = io.StringIO()
    text = wire.Text(zh="已上岗：4711 早**", en="Signed in: 4711 早**")
    Presenter(out, io.StringIO()).show(Shown("n", Outcome.WAIT, text, staff=True))

    assert out.getvalue().startswith("● STAFF 员工 | 已上岗：4711 早**")
    assert "GO" not in out.getvalue()
    assert "WAIT" not in out.getvalue()


def test_a_full_disk_signs_nobody_in_and_says_so(tmp_path):
    with a_desk(tmp_path / "s", NOWHERE) as (desk, kit):
        (kit.directory / LOCK_FILE).mkdir()  # as unwritable as a full disk, for root too
        shown = kit.check_in(desk=desk).check_in(BADGE)

        assert (shown.outcome, shown.message, shown.staff) == (Outcome.REFER, UNRECORDED, True)
        assert desk.operator() is None
