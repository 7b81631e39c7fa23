"""Make the demo's venue in a directory, or find the one it made before; sell fresh vouchers."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import secrets
import shutil
import socket
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from string import Template
from typing import Any

from demo_login import choose_password
from demo_processes import BIN, Failed, run
from demo_story import Gate, Phone, read_text

MARK = "demo.json"
ACCESS = "access.json"
SUPERVISOR = "demo-supervisor"
STEWARD = "demo-steward"
ACCOUNTS = {
    SUPERVISOR: ("--role", "supervisor"),
    STEWARD: ("--role", "steward"),
    "demo-admin": ("--role", "admin"),
    "demo-partner": ("--role", "partner", "--platform", "demo"),
}
FIRST_PORT, FIRST_SCREEN, PORTS = 8080, 8780, 50
# Letters and digits that nobody takes for one another.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_SCANNER_SETTINGS = """# The demo's own; every other setting has its default.
bell = false
away_s = 0.0
heartbeat_s = 5.0

# The demo's own terminal.
[broadcasts]
shown_elsewhere = true
"""


@dataclass(frozen=True, slots=True)
class Access:
    """An account as `gate-server user add` told it, once."""

    name: str
    role: str
    password: str
    api_token: str


@dataclass(frozen=True, slots=True)
class Sold:
    """What a phone has to show: its code, and the title of what was bought."""

    code: str
    title: str


class Venue:
    """The directory of the demo, and the commands that are given to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own = directory / "demo"
        self._titles: dict[str, str] = {}
        self._lock: int | None = None

    def claim(self) -> None:
        """Take the directory for this demo, and make its venue where there is none.

        Raises:
            Failed: something else made it, another demo runs in it, or it cannot be made.
        """
        mark = self.own / MARK
        made = (self.directory / "ledger.db").exists()
        if made and not mark.exists():
            raise Failed(
                f"{self.directory} holds a venue that the demo did not make; it is left alone.\n"
                "    Give the demo a directory of its own: "
                ".venv/bin/python scripts/demo.py --data DIR"
            )
        if not made:
            if mark.exists():  # its ledger was taken away: what is left is of no use
                shutil.rmtree(self.own)
            self.gate_server("init")
            (self.directory / "gate.toml").write_text(read_text("gate.toml"), "utf-8")
            self.own.mkdir(mode=0o700)
            mark.write_text(json.dumps({"made_by": "scripts/demo.py"}), "utf-8")
        self._lock = os.open(self.own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failed(f"a demo is running in {self.directory} already") from error

    def gate_server(self, *arguments: str) -> str:
        """Give a command to the venue, beside the running server or without one."""
        return run([*self.command, *arguments])

    @property
    def command(self) -> list[str]:
        """How `gate-server` is called for this venue."""
        return [str(BIN / "gate-server"), "--data", str(self.directory)]

    def put_gates(self, gates: list[Gate]) -> None:
        """Add the gates that are missing, and open those that an interrupted demo left closed."""
        known = {gate["gate_id"]: gate for gate in self._list("gate", "list", "--json")}
        for gate in gates:
            if gate.id not in known:
                self.gate_server("gate", "add", gate.id, "--name", gate.name, "--area", gate.area)
            elif known[gate.id]["state"] != "open":
                self.gate_server("gate", "state", gate.id, "open", "--reason", "the demo begins")

    def put_deals(self, template: str, today: date) -> None:
        """Import the deals, with dates around today."""
        days = {
            "last_month": today - timedelta(days=30),
            "last_week": today - timedelta(days=7),
            "yesterday": today - timedelta(days=1),
            "next_month": today + timedelta(days=30),
        }
        path = self.own / "deals.csv"
        text = Template(template).substitute(days)
        path.write_text(text, "utf-8")
        self._titles = {row["deal_id"]: row["title"] for row in csv.DictReader(text.splitlines())}
        self.gate_server("import", "deals", str(path))

    def get_access(self, url: str) -> dict[str, Access]:
        """Return the accounts of the demo by name; add them first where they are missing."""
        path = self.own / ACCESS
        if not path.exists():
            known = {user["name"] for user in self._list("user", "list", "--json")}
            told = [self._user(name, known) for name in ACCOUNTS]
            for each in told:
                each["password"] = choose_password(url, each["name"], each["password"])
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(told, file, indent=1)
        return {each["name"]: Access(**each) for each in json.loads(path.read_text("utf-8"))}

    def scanner(self, name: str) -> list[str]:
        """How `scanner-client` is called for one of the demo's scanners."""
        return [str(BIN / "scanner-client"), "--state", str(self.own / f"scanner-{name}")]

    def put_scanner(self, name: str, url: str, gate: str, profile: str) -> None:
        """Enrol a scanner, unless it is enrolled with this server at this address."""
        state, scanner = self.own / f"scanner-{name}", self.scanner(name)
        device = self.own / f"device-{name}.json"
        if device.exists():
            known = json.loads(device.read_text("utf-8"))
            if known["url"] == url and json.loads(run([*scanner, "status", "--json"]))["online"]:
                return
            self.gate_server("device", "revoke", known["device_id"])
            device.unlink()
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "scanner.toml").write_text(_SCANNER_SETTINGS, "utf-8")
        options = ("--gate", gate, "--name", f"demo {name}", "--profile", profile, "--json")
        invitation = json.loads(self.gate_server("device", "enrol", *options))
        told = json.loads(run([*scanner, "enrol", url, invitation["code"], "--json"]))
        # Its replica at once, so that the cable may be pulled from the first moment.
        run([*scanner, "sync"])
        device.write_text(json.dumps({"device_id": told["device_id"], "url": url}), "utf-8")

    def put_screen(self, name: str) -> str:
        """Give a scanner a lane screen at a port that is free now; return its address."""
        port = find_port(FIRST_SCREEN, FIRST_SCREEN + PORTS)
        settings = f"{_SCANNER_SETTINGS}\n[screen]\nport = {port}\n"
        (self.own / f"scanner-{name}" / "scanner.toml").write_text(settings, "utf-8")
        return f"http://127.0.0.1:{port}/"

    def sell(
        self, phones: dict[str, Phone], words: dict[str, str], now: datetime
    ) -> dict[str, Sold]:
        """Sell each phone a fresh voucher and import them all; return what they show."""
        sold: dict[str, Sold] = {}
        rows = []
        for name, phone in phones.items():
            if not phone.deal:
                code = payment_code() if phone.code == "payment" else new_code()
                sold[name] = Sold(code, "")
                continue
            sold[name] = Sold(new_code(), self._titles[phone.deal])
            rows.append(_row(sold[name].code, phone, words, now))
        path = self.own / "vouchers.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        self.gate_server("import", "vouchers", str(path))
        return sold

    def _user(self, name: str, known: set[str]) -> dict[str, Any]:
        # Known, but not kept: the demo was interrupted in between, so it is told a new one.
        command = ("reset", name) if name in known else ("add", name, *ACCOUNTS[name])
        told = json.loads(self.gate_server("user", *command, "--json"))
        return {key: told[key] for key in ("name", "role", "password", "api_token")}

    def _list(self, *command: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.gate_server(*command))
        return found


def _row(code: str, phone: Phone, words: dict[str, str], now: datetime) -> dict[str, object]:
    order = secrets.token_hex(5).upper()
    return {
        "code": code,
        "deal_id": phone.deal,
        "voucher_ref": f"V{order}",
        "order_ref": f"DEMO-{order}",
        "buyer_ref": Template(phone.buyer).substitute(words) or f"buyer-{order}",
        "admits": phone.admits,
        "price_paid_minor": phone.price_minor,
        "sold_at": (now - timedelta(minutes=5)).isoformat(),
    }


def new_code() -> str:
    """Return a code as a platform makes them, never seen before."""
    letters = [secrets.choice(_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))


def payment_code() -> str:
    """Return what a payment app shows: 18 digits that begin with 13."""
    return "13" + "".join(secrets.choice("0123456789") for _ in range(16))


def find_port(first: int, beyond: int = FIRST_PORT + PORTS) -> int:
    """Return the first port, from one on and below another, that nobody listens on.

    Raises:
        Failed: all of them are taken.
    """
    for port in range(first, beyond):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed(f"ports {first} to {beyond - 1} are all taken")
