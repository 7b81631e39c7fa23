"""Start, kill and stop the real programs, and tell which of their processes still live."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests import nursery

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
START_WITHIN_S = 30


def free_port():
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    """Say whether somebody takes connections at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(so, within_s, what):
    """Wait until something is so, or fail."""
    end_s = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < end_s, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


def gate_server(directory, *arguments, status=0):
    """Run a command of the gate server and return its stdout."""
    done = nursery.run("gate-server", "--data", directory, *arguments)
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def lives(pid):
    """Say whether a process is there and not only its exit status."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(pid):
    """Return the processes that a process has started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def mentioning(text):
    """Return the processes whose command line holds a text, but for this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            pid = int(path.parent.name)
            if os.fsencode(text) in path.read_bytes() and pid != os.getpid() and lives(pid):
                found.append(pid)
    return found


class Server:
    """A real gate server over plain HTTP on loopback; `with` starts it and ends it."""

    def __init__(self, directory, port):
        self.directory = directory
        self.port = port
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def start(self):
        """Start it and wait until it can commit."""
        with (self.directory / "server.log").open("ab") as log:
            self.process = nursery.start(
                *self.command, stdout=log, stderr=log, start_new_session=True
            )
        self.await_ready()

    @property
    def command(self):
        port = ("--http", "--port", str(self.port))
        return [BIN / "gate-server", "--data", self.directory, "serve", *port]

    @property
    def workers(self):
        return [pid for pid in children_of(self.process.pid) if lives(pid)]

    def await_ready(self):
        """Wait until it answers that it can commit."""

        def is_ready():
            assert self.process.poll() is None, (self.directory / "server.log").read_text()
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("GET", "/readyz")[0] == 200
            return False

        wait_until(is_ready, START_WITHIN_S, "readiness")

    def ask(self, method, path, token="", body=None):
        """Make one call; return its status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def enrol(self, gate_id, profile="gate"):
        """Enrol a device as its client does; return its token."""
        options = ("--gate", gate_id, "--name", "e2e", "--profile", profile, "--json")
        code = json.loads(gate_server(self.directory, "device", "enrol", *options))["code"]
        status, device = self.ask("POST", "/api/v1/devices/enrol", body={"code": code})
        assert status == 201, device
        return device["token"]
