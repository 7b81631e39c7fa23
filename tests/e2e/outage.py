"""A venue with real scanners, each behind a way of its own that can be cut; and what came of it.

`Venue` runs the gate server as a process, `Lane` a scanner as a process (`tests/e2e/lane.py`).
`Venue.compare` holds the ledger against what the scanners showed, worked out independently.
"""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from drill.plug import Plug
from tests import nursery

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LANE = Path(__file__).with_name("lane.py")
SCANNER_SETTINGS = "bell = false\nheartbeat_s = 0.5\npoll_s = 1.0\n"
Shown = dict[str, Any]


def wait_until(so: Callable[[], object], within_s: float, what: str) -> None:
    """Wait until something is so, or fail."""
    end_s = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < end_s, f"{what} did not happen within {within_s} s"
        time.sleep(0.05)


def free_port() -> int:
    """Return a port below those that the system gives to clients."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Lane:
    """One scanner process and the way between it and the server.

    Attributes:
        shown: every verdict that it showed, oldest first.
    """

    def __init__(self, directory: Path, server_port: int) -> None:
        self.directory = directory
        self.plug = Plug(server_port)
        self.shown: list[Shown] = []
        self.process: nursery.Program | None = None
        self.plug.__enter__()

    @property
    def device_id(self) -> str:
        """The name that the server gave it."""
        return str(json.loads((self.directory / "device.json").read_text("utf-8"))["device_id"])

    def start(self, *, wrong_s: float = 0.0) -> None:
        """Start the scanner, with a clock that is wrong by so much."""
        with (self.directory.parent / f"{self.directory.name}.log").open("ab") as log:
            self.process = nursery.start(
                LANE,
                self.directory,
                wrong_s,
                stdin=nursery.PIPE,
                stdout=nursery.PIPE,
                stderr=log,
            )

    def ask(self, **asked: Any) -> Any:
        """Give it one line and return its answer."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, f"the scanner ended with {self.process.wait()}; see {self.directory}.log"
        return json.loads(said)

    def scan(self, code: str) -> Shown:
        """Hold a code before it."""
        said: Shown = self.ask(scan=code)
        if said["reason"] is not None:
            self.shown.append(said)
        return said

    def status(self) -> dict[str, Any]:
        """Return where it stands."""
        said: dict[str, Any] = self.ask(status=True)
        return said

    def await_online(self, within_s: float = 15) -> None:
        """Wait until it asks the server again."""
        wait_until(lambda: self.status()["online"], within_s, "ONLINE")

    def await_offline(self, within_s: float = 15) -> None:
        """Wait until it decides alone."""
        wait_until(lambda: self.status()["online"] is False, within_s, "OFFLINE")

    def await_empty(self, within_s: float = 30) -> None:
        """Wait until nothing waits in it."""
        wait_until(lambda: self.status()["waiting"] == 0, within_s, "the upload")

    def end(self, *, kill: bool = False) -> None:
        """Let it end, or kill it."""
        process, self.process = self.process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        if kill:
            process.kill()
        else:
            process.stdin.close()
        process.wait(15)
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


class Venue:
    """A gate server with its directory, its lanes and the codes it has sold."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.data = directory / "var"
        self.port = free_port()
        self.lanes: list[Lane] = []
        self._process: nursery.Program | None = None
        self.run("init")
        self.run("gate", "add", "G1", "--name", "South gate", "--area", "park")
        self.offer("DAY")
        user = json.loads(self.run("user", "add", "boss", "--role", "supervisor", "--json"))
        self._token = user["api_token"]

    def run(self, *arguments: str) -> str:
        """Give a command to the venue."""
        done = nursery.run("gate-server", "--data", self.data, *arguments, timeout_s=120)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def offer(self, deal_id: str, **columns: str) -> None:
        """Put in a deal that opens `park` once."""
        row = {
            "deal_id": deal_id,
            "platform": "lvtu",
            "title": deal_id,
            "face_price_minor": "26000",
            "currency": "CNY",
            "valid_from": "2014-01-01",
            "valid_until": "2099-12-31",
        }
        self._load("deals", [row | columns])

    def sell(self, codes: Iterable[str], deal_id: str = "DAY") -> None:
        """Put in vouchers for one person each."""
        self._load("vouchers", [{"code": code, "deal_id": deal_id} for code in codes])

    def _load(self, kind: str, rows: list[dict[str, str]]) -> None:
        path = self.root / f"{kind}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        self.run("import", kind, str(path))

    # --- the server -------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and wait until it can commit."""
        port = ("--port", str(self.port))
        with (self.root / "server.log").open("ab") as log:
            self._process = nursery.start(
                "gate-server",
                *("--data", self.data, "serve", "--http", *port),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._is_ready, 30, "readiness")

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def stop(self, *, kill: bool = False) -> None:
        """End the server, or kill it with its worker."""
        process, self._process = self._process, None
        if process is None:
            return
        if not kill:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Make a supervisor's call, past every way that may be cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    # --- its scanners -----------------------------------------------------------------------------

    def lane(self, *, start: bool = True, settings: str = SCANNER_SETTINGS) -> Lane:
        """Enrol a scanner behind a way of its own, and start it with its replica downloaded."""
        name = f"lane{len(self.lanes)}"
        lane = Lane(self.root / name, self.port)
        self.lanes.append(lane)
        lane.directory.mkdir(mode=0o700)
        (lane.directory / "scanner.toml").write_text(settings, "utf-8")
        options = ("--gate", "G1", "--name", name, "--profile", "gate", "--json")
        code = json.loads(self.run("device", "enrol", *options))["code"]
        url = f"http://127.0.0.1:{lane.plug.port}"
        nursery.run(
            "scanner-client", "--state", lane.directory, "enrol", url, code
        ).check_returncode()
        if start:
            lane.start()
            self.await_replica(lane)
        return lane

    def await_replica(self, lane: Lane, within_s: float = 30) -> None:
        """Wait until a scanner knows what the ledger knows now."""
        revision = self.ask("GET", "/readyz")[1]["ledger_revision"]
        wait_until(lambda: lane.status()["revision"] >= revision, within_s, "the replica")
        lane.await_online()

    def close(self) -> None:
        """End everything."""
        for lane in self.lanes:
            lane.end(kill=True)
            lane.plug.close()
        self.stop(kill=True)

    # --- what came of it --------------------------------------------------------------------------

    def conflicts(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the open conflicts, of one kind or of all."""
        _, answer = self.ask("GET", "/api/v1/conflicts")
        return [
            each
            for each in answer["conflicts"]
            if each["status"] == "open" and kind in {None, each["kind"]}
        ]

    def recorded(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Return what counts of every recorded scan: reason and people by device and nonce."""
        uri = f"{(self.data / 'ledger.db').as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            rows = db.execute(
                "SELECT device_id, nonce, COALESCE(shown_reason, reason),"
                " COALESCE(shown_people, people) FROM scans"
            ).fetchall()
        return {(device, nonce): (reason, people) for device, nonce, reason, people in rows}

    def compare(self, *lanes: Lane) -> None:
        """Check that the ledger holds what these scanners showed, and which codes came twice."""
        devices = {lane.device_id: lane for lane in lanes or self.lanes}
        shown, admitted = {}, defaultdict(set)
        for device, lane in devices.items():
            for each in lane.shown:
                shown[device, each["nonce"]] = (each["reason"], each["people"])
                if each["people"]:
                    admitted[each["code"]].add((device, each["nonce"]))
        recorded = {scan: what for scan, what in self.recorded().items() if scan[0] in devices}
        assert recorded == shown
        twice = set().union(*(scans for scans in admitted.values() if len(scans) > 1))
        reported = {
            (scan["device_id"], scan["nonce"])
            for each in self.conflicts("double_use")
            for scan in each["scans"]
            if scan["device_id"] in devices
        }
        assert reported == twice


@contextlib.contextmanager
def a_venue(directory: Path, codes: Iterable[str]) -> Iterator[Venue]:
    """Give a venue with its server running."""
    venue = Venue(directory)
    try:
        venue.sell(codes)
        venue.start()
        yield venue
    finally:
        venue.close()


@contextlib.contextmanager
def a_lane(directory, server, code):
    """Enrol a scanner at a server and have it run, by a cable that can be pulled."""
    lane = Lane(directory, server.port)
    directory.mkdir(mode=0o700)
    (directory / "scanner.toml").write_text(SCANNER_SETTINGS, "utf-8")
    url = f"http://127.0.0.1:{lane.plug.port}"
    nursery.run("scanner-client", "--state", directory, "enrol", url, code).check_returncode()
    lane.start()
    try:
        lane.await_online()
        yield lane
    finally:
        lane.end(kill=True)
        lane.plug.close()
