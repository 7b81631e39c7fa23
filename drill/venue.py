"""The throw-away venue: its directory, its real server, its accounts, gates and devices."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from admission.scans import Profile
from drill.calls import Caller, DrillFailed, Platform
from drill.plug import Plug
from drill.sales import PLATFORM
from drill.story import DESK, KIOSK, LANES, MARSHAL_NAMES
from gate_server.commands.feeds import AddNative
from gate_server.commands.venue import AddGate, AddUser, Enrol
from gate_server.control import connect
from gate_server.key_files import write_durably
from gate_server.settings import FILE, default_file
from gate_server.venue_setup import create_venue
from scanner_client.enrolment import enrol, read_invitation

READY_WITHIN_S: Final = 60.0
END_WITHIN_S: Final = 20.0
ZONE: Final = ZoneInfo("Asia/Shanghai")
# The venue day begins so long before the drill, so that none ends while it runs.
DAY_BEGAN: Final = timedelta(hours=3)
SUPERVISOR: Final = "drill-supervisor"
PARTNER: Final = "drill-partner"
SCANNER_SETTINGS: Final = """# The drill's own; every other setting has its default.
bell = false
heartbeat_s = 1.0
poll_s = 2.0

[broadcasts]
quiet_s = 0.0
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A scanner of the drill, enrolled.

    Attributes:
        directory: the scanner's own.
        plug: the way between it and the server, which can be cut.
    """

    name: str
    device_id: str
    directory: Path
    plug: Plug


@dataclass(slots=True)
class Venue:
    """A venue that is made for one drill.

    Attributes:
        root: of all that the drill writes; `data` is the gate server's directory in it.
    """

    root: Path
    port: int = 0
    supervisor: Caller = field(default_factory=lambda: Caller(0))
    partner: Caller = field(default_factory=lambda: Caller(0))
    secret: str = field(default="", repr=False)
    devices: list[Device] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The gate server's directory."""
        return self.root / "venue"

    def platform(self) -> Platform:
        """Return the platform that this venue is connected to."""
        return Platform(self.port, self.secret)

    # --- before the server runs ------------------------------------------------------------------

    def make(self) -> None:
        """Make the directory, accounts, gates and the platform's push."""
        self.data.mkdir(mode=0o700, parents=True)
        write_durably(self.data / FILE, _settings().encode(), replace=False)
        create_venue(self.data, now=datetime.now(UTC))
        self.port = free_port()
        with connect(self.data) as caller:
            for number, lane in enumerate(LANES, 1):
                name = f"{number}号通道 Lane {number}"
                caller.call("gate add", AddGate(gate_id=gate_of(lane), name=name))
            hall = AddGate(gate_id=gate_of(DESK), name="换票窗口 Exchange desk", area="hall")
            caller.call("gate add", hall)
            boss = caller.call("user add", AddUser(name=SUPERVISOR, role="supervisor"))
            theirs = AddUser(name=PARTNER, role="partner", platform=PLATFORM)
            partner = caller.call("user add", theirs)
            self.secret = caller.call("feed add native", AddNative(platform=PLATFORM))["secret"]
        self.supervisor = Caller(self.port, boss["api_token"])
        self.partner = Caller(self.port, partner["api_token"])

    # --- the server ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and wait until it can commit.

        Raises:
            DrillFailed: it ended, or is not ready in time.
        """
        command = [sys.executable, "-m", "gate_server", "--data", str(self.data), "serve"]
        with self.log.open("ab") as log:
            # In a session of its own: Ctrl-C reaches the drill alone, which ends it in order.
            self._process = subprocess.Popen(
                [*command, "--http", "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_s = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until_s:
                raise DrillFailed(f"the gate server did not start: {self.last_words}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        with contextlib.suppress(DrillFailed):
            return Caller(self.port).ask("GET", "/readyz")[0] == 200
        return False

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.root / "server.log"

    @property
    def last_words(self) -> str:
        """The last lines of the server's log."""
        lines = self.log.read_text("utf-8", "replace").splitlines()[-5:]
        return " | ".join(lines) or "it said nothing"

    def stop(self) -> None:
        """End the server in good order, and whatever it left."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End the server and every way to it."""
        for device in self.devices:
            device.plug.close()
        self.stop()

    # --- its scanners ----------------------------------------------------------------------------

    def enrol_all(self) -> None:
        """Enrol every scanner of the story, each behind a way of its own."""
        wanted = [(lane, gate_of(lane), Profile.GATE) for lane in LANES]
        wanted += [(name, gate_of(LANES[0]), Profile.MARSHAL) for name in MARSHAL_NAMES]
        wanted += [(KIOSK, gate_of(LANES[-1]), Profile.KIOSK)]
        wanted += [(DESK, gate_of(DESK), Profile.EXCHANGE)]
        with connect(self.data) as caller:
            for name, gate_id, profile in wanted:
                asked = Enrol(gate_id=gate_id, name=name, profile=profile)
                self.devices.append(self._enrol(name, caller.call("device enrol", asked)))

    def _enrol(self, name: str, made: dict[str, Any]) -> Device:
        plug = Plug(self.port)
        plug.__enter__()
        directory = self.root / "scanners" / name
        directory.mkdir(mode=0o700, parents=True)
        (directory / "scanner.toml").write_text(SCANNER_SETTINGS, "utf-8")
        invitation = read_invitation(f"http://127.0.0.1:{plug.port}", made["code"])
        return Device(name, enrol(directory, invitation).device_id, directory, plug)

    def revision(self) -> int:
        """Return the ledger's revision."""
        return int(json.loads(self.supervisor.ask("GET", "/readyz")[1])["ledger_revision"])


def gate_of(place: str) -> str:
    """Return the gate at which a scanner of the story stands."""
    return place.replace("L", "G") if place in LANES else "WINDOW"


def free_port() -> int:
    """Return a port below those that the system gives to clients."""
    while True:
        port = random.randrange(12_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def _settings() -> str:
    """Return the packaged settings, with a venue day that began some hours ago.

    A minute of the drill is up to an hour of the story, so what one device may stamp in a minute is
    so much more.
    """
    hour = (datetime.now(ZONE) - DAY_BEGAN).hour
    text = default_file()
    for name, value in (("day_starts_at", f'"{hour:02}:00"'), ("arrivals_a_minute", "72000")):
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    return text
