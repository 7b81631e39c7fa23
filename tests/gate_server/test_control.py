"""Commands beside a running server and without one: the same functions, the same errors."""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from admission.errors import (
    InvalidInput,
    LedgerConflict,
    LedgerRefused,
    LedgerUnavailable,
    NotFound,
)
from gate_server import control
from gate_server.control import ControlServer, Services
from gate_server.ledger.directory import DirectoryLock, lock_is_free
from gate_server.ledger.inspection import read_only
from tests.server import Park

GATE = {"gate_id": "G9", "name": "New gate"}


@contextlib.contextmanager
def a_server(directory):
    """A process's worth of server: the lock, the ledger and the socket."""
    park = Park(directory)
    services = Services(park.ledger, park.keys, park.settings, directory)
    server = ControlServer(directory, services)
    server.start()
    try:
        yield park
    finally:
        server.stop()
        park.close()


@pytest.fixture(params=["beside a server", "alone"])
def directory(request, tmp_path):
    """A venue whose commands go through a server's socket, or take the lock."""
    directory = tmp_path / "var"
    with contextlib.ExitStack() as stack:
        if request.param == "alone":
            Park(directory).close()
        else:
            stack.enter_context(a_server(directory))
        yield directory


def test_a_change_is_seen_by_the_next_command(directory):
    control.call(directory, "gate add", GATE)

    assert [gate["gate_id"] for gate in control.call(directory, "gate list")] == ["G1", "G2", "G9"]


@pytest.mark.parametrize(
    ("name", "params", "kind", "detail"),
    [
        ("gate add", {"gate_id": "G1", "name": "again"}, LedgerConflict, "gate-exists"),
        ("gate add", {"gate_id": "G 9", "name": "n"}, InvalidInput, "ID"),
        ("gate add", {"gate_id": "G9", "name": "bell\x07"}, InvalidInput, "name"),
        ("gate add", {"gate_id": "G9"}, InvalidInput, ""),
        ("gate add", {**GATE, "colour": "red"}, InvalidInput, ""),
        ("device revoke", {"name": "D99"}, NotFound, None),
        ("user add", {"name": "a b", "role": "admin"}, InvalidInput, "NAME"),
        ("user add", {"name": "pat", "role": "partner"}, InvalidInput, "platform"),
        ("key rotate", {"purpose": "buyers"}, InvalidInput, "purpose"),
        ("voucher issue", {"deal_id": "NONE", "count": 1}, NotFound, None),
        ("voucher issue", {"deal_id": "DAY", "count": 0}, InvalidInput, "count"),
        ("no such command", {}, NotFound, None),
    ],
)
def test_errors_arrive_as_what_they_are(directory, name, params, kind, detail):
    with pytest.raises(kind) as caught:
        control.call(directory, name, params)

    assert type(caught.value) is kind
    assert getattr(caught.value, "slug", getattr(caught.value, "field", None)) == detail


def test_the_audit_says_who_typed_it(directory):
    control.call(directory, "gate add", GATE)

    with read_only(directory / "ledger.db") as db:
        rows = db.execute("SELECT body FROM audit WHERE kind = 'gate' ORDER BY revision").fetchall()
    assert "command line (" in rows[-1][0]


def test_a_rotated_key_is_the_servers_at_once(tmp_path):
    with a_server(tmp_path / "var") as park:
        control.call(tmp_path / "var", "key rotate", {"purpose": "codes", "at_once": True})

        assert park.keys.code_key(park.ledger.clock()).number == 2


def test_the_socket_is_its_owners_alone_and_goes_with_the_server(tmp_path):
    with a_server(tmp_path / "var"):
        mode = (tmp_path / "var" / "control.sock").stat().st_mode

    assert mode & 0o777 == 0o600
    assert not (tmp_path / "var" / "control.sock").exists()


def test_a_socket_that_a_killed_server_left_is_no_obstacle(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(directory / "control.sock"))

    assert control.call(directory, "gate add", GATE)["gate_id"] == "G9"
    with a_server(directory):
        assert len(control.call(directory, "gate list")) == 3


def test_a_path_longer_than_a_sockets_address_works(tmp_path):
    directory = tmp_path / ("long-" * 30) / "var"
    directory.parent.mkdir()
    with a_server(directory):
        assert len(control.call(directory, "gate list")) == 2


def test_a_command_waits_for_the_one_before_it(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    lock = DirectoryLock(directory)
    lock.take()
    threading.Timer(0.3, lock.release).start()

    begun = time.monotonic()
    control.call(directory, "gate list")

    assert time.monotonic() - begun >= 0.3


def test_a_directory_that_is_held_and_silent_is_refused_in_time(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    lock = DirectoryLock(directory)
    lock.take()

    with pytest.raises(LedgerRefused, match="in use"), control.connect(directory, wait_s=0.2):
        pass
    lock.release()


def test_a_directory_without_a_ledger_is_refused_at_once(tmp_path):
    with pytest.raises(LedgerRefused, match="init"):
        control.call(tmp_path, "gate list")


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\xff" * 400, struct.pack(">I", 3) + b"abc"])
def test_nonsense_on_the_socket_hurts_nobody(tmp_path, sent):
    with a_server(tmp_path / "var"):
        with socket.socket(socket.AF_UNIX) as rude:
            rude.connect(str(tmp_path / "var" / "control.sock"))
            rude.sendall(sent)
        assert len(control.call(tmp_path / "var", "gate list")) == 2


def test_a_server_that_ends_says_nothing_false(tmp_path):
    with contextlib.ExitStack() as server:
        server.enter_context(a_server(tmp_path / "var"))
        caller = server.enter_context(control.connect(tmp_path / "var"))
        caller.call("gate list")
        server.pop_all().close()

        with pytest.raises(LedgerUnavailable, match="not"):
            caller.call("gate list")


def test_many_commands_at_once_are_all_carried_out(tmp_path):
    directory = tmp_path / "var"
    with a_server(directory) as park:
        jobs = [
            threading.Thread(
                target=partial(
                    control.call, directory, "gate add", {"gate_id": f"M{n}", "name": "m"}
                )
            )
            for n in range(12)
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()

        assert len(park.ledger.catalogue.gates) == 14


_APART = """
import sys
from pathlib import Path
from gate_server.control import connect
with connect(Path(sys.argv[1]), apart=True) as caller:
    print(len(caller.call("gate list")), flush=True)
    sys.stdin.read()
"""


def test_a_ledger_held_in_a_process_apart_is_let_go_when_its_command_dies(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    command = subprocess.Popen(
        [sys.executable, "-c", _APART, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert command.stdout.readline() == b"2\n"
    held = not lock_is_free(directory)

    command.kill()
    command.communicate()
    until = time.monotonic() + 10
    while not lock_is_free(directory) and time.monotonic() < until:
        time.sleep(0.02)

    assert held
    assert lock_is_free(directory)


def test_a_process_apart_passes_on_why_it_cannot_open(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    (directory / "gate.toml").write_text("[venue]\nlimit = -1\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _APART, directory], capture_output=True, text=True, check=False
    )

    assert "InvalidInput" in done.stderr
    assert "venue.limit" in done.stderr
