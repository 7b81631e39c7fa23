"""A real server process: how it starts, what ends it, and what it leaves."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests import nursery
from tests.server import (
    API,
    ROOT,
    Park,
    a_free_port,
    a_nonce,
    a_running_server,
)

# Enough threads for a few streams, so that a test can have all of them.
SMALL = "[server]\nthreads = 40\nstreams = 8\n"


@pytest.fixture
def furnished(tmp_path):
    park = Park(tmp_path / "var", settings=SMALL)
    park.sell(*(f"VOUCHER-{number}" for number in range(40)))
    park.device, park.boss = park.enrol(), park.hire()
    park.devices = [park.enrol() for _ in range(10)]
    park.close()
    return park


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def wait_until(true, within_s=20.0):
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def refused(directory, *options):
    """Run `serve` where it must refuse; return what it said."""
    done = nursery.run("gate-server", "--data", directory, "serve", *options, timeout_s=30)
    assert done.returncode != 0
    assert done.stdout == ""
    return done


def test_it_says_where_it_listens_and_ends_cleanly(furnished):
    with a_running_server(furnished.directory) as server:
        answer = server.scan(furnished.device, "VOUCHER-1")
        worker = server.worker()
        wait_until(lambda: "listens" in server.log)
        status = server.stop(signal.SIGTERM)

    assert answer["outcome"] == "admit"
    assert status == 0
    assert not alive(worker)
    assert server.log == f"gate-server listens at {server.url}\n"
    left = {path.name for path in furnished.directory.iterdir()}
    assert "control.sock" not in left
    assert "ledger.db-wal" not in left


def test_interrupt_ends_it_with_streams_open(furnished):
    with a_running_server(furnished.directory) as server, ExitStack() as streams:
        for device in furnished.devices[:5]:
            headers = {"Authorization": f"Bearer {device.token}"}
            call = server.http.stream("GET", f"{API}/events", headers=headers)
            next(streams.enter_context(call).iter_lines())
        began = time.monotonic()
        status = server.stop(signal.SIGINT)

    assert status == 0
    assert time.monotonic() - began < 4


def test_tls_is_by_the_venues_own_authority(furnished):
    with a_running_server(furnished.directory, tls=True) as server:
        served = server.http.get("/ca")
        answer = server.scan(furnished.device, "VOUCHER-1")

    assert served.content == (furnished.directory / "keys/tls/ca.pem").read_bytes()
    assert served.content == served.content.strip() + b"\n"
    assert answer["outcome"] == "admit"


def test_killed_worker_comes_back_and_knows_what_it_answered(furnished):
    with a_running_server(furnished.directory) as server:
        first = server.scan(furnished.device, "VOUCHER-1", nonce="before-kill")
        killed = server.worker()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: server.worker() != killed)
        server.wait_ready()
        again = server.scan(furnished.device, "VOUCHER-1", nonce="before-kill")
        status = server.stop()

    assert again == first | {"replayed": True}
    assert status == 0


def test_killed_parent_leaves_no_orphan(furnished):
    with a_running_server(furnished.directory) as server:
        first = server.scan(furnished.device, "VOUCHER-1", nonce="before-kill")
        worker = server.worker()
        server.process.kill()
        wait_until(lambda: not alive(worker))

    with a_running_server(furnished.directory) as server:
        again = server.scan(furnished.device, "VOUCHER-1", nonce="before-kill")

    assert again == first | {"replayed": True}


def test_second_server_refuses_and_the_first_goes_on(furnished):
    with a_running_server(furnished.directory) as server:
        done = refused(furnished.directory, "--http", "--port", str(a_free_port()))
        answer = server.scan(furnished.device, "VOUCHER-1")

    assert "in use by another gate server" in done.stderr
    assert done.stderr.count("\n") == 1
    assert answer["outcome"] == "admit"


def test_plain_http_is_for_loopback_only(furnished):
    done = refused(furnished.directory, "--http", "--host", "0.0.0.0")

    assert "only on loopback" in done.stderr


def test_taken_port_is_told(furnished):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused(furnished.directory, "--http", "--port", str(port))

    assert "cannot listen" in done.stderr
    assert str(port) in done.stderr


def test_port_of_another_gate_server_is_taken_too(furnished, tmp_path):
    (tmp_path / "other").mkdir()
    other = Park(tmp_path / "other" / "var")
    other.close()
    with a_running_server(furnished.directory) as server:
        done = refused(other.directory, "--http", "--port", str(server.port))

    assert "cannot listen" in done.stderr


def test_foreign_file_is_refused_once(furnished):
    (furnished.directory / "ledger.db").write_bytes(b"not a ledger" * 100)
    done = refused(furnished.directory, "--http")

    assert "doctor" in done.stderr
    assert done.stderr.count("\n") == 1


def test_ledger_that_breaks_meanwhile_ends_the_parent_with_one_reason(furnished):
    with a_running_server(furnished.directory) as server:
        (furnished.directory / "gate.toml").write_text("[server]\nthraeds = 1\n", "utf-8")
        os.kill(server.worker(), signal.SIGKILL)
        status = server.process.wait(15)

    assert status != 0
    assert server.log.count("thraeds") == 1


def test_clock_behind_the_ledger_must_be_accepted(tmp_path):
    park = Park(tmp_path / "var", settings=SMALL)
    park.now = park.ledger.clock().replace(year=2099)
    park.sell("VOUCHER-1")
    device = park.enrol()
    park.close()
    done = refused(park.directory, "--http")

    assert "--accept-clock" in done.stderr
    with a_running_server(park.directory, "--accept-clock") as server:
        assert server.scan(device, "VOUCHER-1")["outcome"] == "admit"


def open_stream(port, member):
    """Open an event stream whose client never reads, with the smallest buffer there is."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.connect(("127.0.0.1", port))
    head = f"GET {API}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {member.token}"
    client.sendall(f"{head}\r\n\r\n".encode())
    return client


def streams_of(server):
    text = server.http.get("/metrics").text
    return next(
        int(float(line.split()[1]))
        for line in text.splitlines()
        if line.startswith("gatehouse_event_streams ")
    )


def test_listeners_who_never_read_hold_up_no_scan(furnished):
    with a_running_server(furnished.directory) as server, ExitStack() as clients:
        for device in furnished.devices[:8]:
            clients.enter_context(open_stream(server.port, device))
        wait_until(lambda: streams_of(server) == 8)
        full = server.get("/events", furnished.devices[8])
        answers = []
        for number in range(200):
            answers.append(server.scan(furnished.device, f"VOUCHER-{number % 40}")["reason"])
            state = {"state": "paused" if number % 2 else "open", "reason": "test"}
            if number % 10 == 0:
                server.post("/gates/G2/state", furnished.boss, state)
        status = server.stop()

    assert (full.status_code, full.headers["retry-after"]) == (503, "5")
    assert answers.count("admitted") == 40
    assert answers.count("used_up") == 160
    assert status == 0


def test_newer_stream_of_a_device_ends_its_older(furnished):
    device = furnished.device
    with a_running_server(furnished.directory) as server:
        headers = {"Authorization": f"Bearer {device.token}"}
        with server.http.stream("GET", f"{API}/events", headers=headers) as older:
            lines = older.iter_lines()
            assert next(lines) == "retry: 2000"
            with server.http.stream("GET", f"{API}/events", headers=headers) as newer:
                assert next(newer.iter_lines()) == "retry: 2000"
                rest = list(lines)
        wait_until(lambda: streams_of(server) <= 1)

    assert rest[-1] == ""


def test_threads_of_streams_that_were_left_are_free_again(furnished):
    with a_running_server(furnished.directory) as server:
        for _ in range(3):
            with ExitStack() as clients:
                for device in furnished.devices[:8]:
                    clients.enter_context(open_stream(server.port, device))
                wait_until(lambda: streams_of(server) == 8)
            for number in range(4):
                state = {"state": "paused" if number % 2 else "open", "reason": "test"}
                server.post("/gates/G1/state", furnished.boss, state)
                time.sleep(0.25)
            wait_until(lambda: streams_of(server) == 0)


def get_raw(server, path, member):
    """Send a path as it stands, which no HTTP library would."""
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close"
        raw.sendall(f"{head}\r\nAuthorization: Bearer {member.token}\r\n\r\n".encode())
        return b"".join(iter(lambda: raw.recv(65536), b""))


def test_path_in_any_bytes_finds_nothing(furnished):
    codes = ("%ff%fe", "%E4%B8%AD%E6%96%87", "%00", "%F0%9F%8E%9F")
    with a_running_server(furnished.directory) as server:
        answers = [get_raw(server, f"{API}/deals/{code}", furnished.boss) for code in codes]

    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 404 Not Found"}


def test_body_that_never_comes_holds_up_nobody(furnished):
    with a_running_server(furnished.directory) as server, ExitStack() as clients:
        for _ in range(5):
            raw = clients.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            head = f"POST {API}/scans HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100"
            token = furnished.device.token
            raw.sendall(f"{head}\r\nAuthorization: Bearer {token}\r\n\r\n{{".encode())
        answer = server.scan(furnished.device, "VOUCHER-1", nonce=a_nonce())

    assert answer["outcome"] == "admit"


def test_chunked_body_is_limited_too(furnished):
    def too_much():
        for _ in range(40):
            yield b"x" * 65536

    with a_running_server(furnished.directory) as server:
        answer = httpx.post(
            server.url + f"{API}/scans",
            content=too_much(),
            headers={"Authorization": f"Bearer {furnished.device.token}"},
        )

    assert answer.status_code == 413


def test_two_servers_that_start_at_once_never_share_a_port(tmp_path):
    port, command = a_free_port(), "from gate_server.cli import main; main()"
    directories = [tmp_path / name for name in ("one", "two")]
    for directory in directories:
        Park(directory, settings=SMALL).close()

    starts = [
        subprocess.Popen(
            [sys.executable, "-c", command, "--data", str(directory), "serve", "--http",
             "--port", str(port)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        for directory in directories
    ]  # fmt: skip
    wait_until(lambda: any(start.poll() is not None for start in starts))
    ended = [start for start in starts if start.poll() is not None]
    running = [start for start in starts if start.poll() is None]

    assert len(ended) == len(running) == 1
    assert ended[0].returncode == 1
    assert "Address already in use" in ended[0].communicate()[1]
    running[0].terminate()
    running[0].communicate()
    assert running[0].returncode == 0
