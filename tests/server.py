"""A park to call over HTTP: in this process, or by a real `gate-server serve`."""

from __future__ import annotations

import atexit
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx

from admission.rows import RowReader
from admission.scans import Gate, Profile
from gate_server.app import GateApp, create_app
from gate_server.keyring import Keyring
from gate_server.ledger import accounts, actions, devices
from gate_server.ledger.directory import DirectoryLock
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.ledger import Ledger, utc_now
from gate_server.ledger.prepared import PreparedDeal, Preparer
from gate_server.secrets import (
    BearerKind,
    find_enrolment_hash,
    hash_password,
    new_bearer,
    new_enrolment_code,
)
from gate_server.settings import read_settings
from gate_server.venue_setup import create_venue
from tests import nursery
from tests.compiled import COMPILED

API = "/api/v1"
ROOT = Path(__file__).parent.parent
_nonces = count(1)


def a_nonce() -> str:
    """Return a nonce that no other call of this run has."""
    return f"nonce-{next(_nonces):06}"


@cache
def _empty_venue() -> Path:
    """Return a venue as `init` makes it, to be copied: making keys anew for each test is slow."""
    directory = Path(mkdtemp(prefix="gatehouse-venue-")) / "var"
    create_venue(directory, now=utc_now())
    atexit.register(shutil.rmtree, directory.parent, ignore_errors=True)
    return directory


def _copy(source: str, copy: str) -> None:
    """Copy a file; the large reserve, which is laid and removed but never written, is shared."""
    if Path(source).name == "reserve":
        with suppress(OSError):  # it lies on another disk
            os.link(source, copy)
            return
    shutil.copy2(source, copy)


@cache
def _hashed(password: str) -> str:
    return hash_password(password)


class Park:
    """A venue's directory with its ledger open: two areas, gate G1 into `park`, G2 into `valley`.

    Attributes:
        now: settable; the ledger's clock shows it where it is set.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: str = "",
        furnish: bool = True,
        now: datetime | None = None,
    ) -> None:
        self.directory = directory
        self.now = now
        if not directory.exists():
            shutil.copytree(_empty_venue(), directory, copy_function=_copy)
        if settings:
            (directory / "gate.toml").write_text(settings, "utf-8")
        self.lock = DirectoryLock(directory)
        self.lock.take()
        self.settings = read_settings(directory)
        self.keys = Keyring.open(directory / "keys")
        self.ledger = Ledger.open(directory, self.settings.venue, now=self._clock)
        if furnish and not self.ledger.catalogue.gates:
            self.add_gate("G1", "South gate", "park")
            self.add_gate("G2", "Valley lane", "valley")
            self.offer("DAY")

    def _clock(self) -> datetime:
        return self.now or utc_now()

    def close(self) -> None:
        """Close the ledger and let another process have the directory."""
        self.ledger.close()
        self.lock.release()

    def change(self, work: Any) -> Any:
        """Run a change that shares its commit with nothing."""
        return self.ledger.write(work, alone=True, urgent=True)

    def add_gate(self, gate_id: str, name: str, area: str) -> None:
        self.change(lambda tx: actions.add_gate(tx, Gate(gate_id, name, area), by="test"))

    def offer(self, deal_id: str, **columns: str) -> None:
        """Put in a deal, by default one of platform `lvtu` that opens `park` once."""
        row = {
            "deal_id": deal_id,
            "platform": "lvtu",
            "title": f"票 {deal_id}",
            "face_price_minor": "26000",
            "currency": "CNY",
            "valid_from": "2014-01-01",
            "valid_until": "2099-12-31",
        }
        deal = RowReader(self.settings.venue).deal(row | columns, updated_at=utc_now())
        import_deals(self.ledger, [PreparedDeal(1, deal)], source="test", by="test")

    def sell(
        self,
        *codes: str,
        deal_id: str = "DAY",
        by_code: frozenset[str] = frozenset(),
        **columns: str,
    ) -> None:
        """Put in vouchers, one a code; codes of platforms that redeem by them are kept."""
        platforms = {deal.deal_id: deal.platform for deal in self.ledger.catalogue.deals.values()}
        preparer = Preparer(self.keys, platforms, now=self.ledger.clock(), by_code=by_code)
        reader, sealed = RowReader(self.settings.venue), {}
        rows = []
        for line, code in enumerate(codes, 1):
            fields = reader.voucher(
                {"code": code, "deal_id": deal_id, **columns}, updated_at=utc_now()
            )
            rows.append(preparer.voucher(line, fields, sealed))
        batch = Batch(rows, sealed, "test", "test")
        imported = import_vouchers(self.ledger, batch, self.keys.code_keys)
        assert imported.rejected == []

    def invite(self, profile: str = "gate", gate_id: str = "G1", name: str = "lane") -> str:
        """Make an enrolment code."""
        code = new_enrolment_code()
        self.change(
            lambda tx: devices.new_enrolment(
                tx,
                code.stored,
                gate_id=gate_id,
                name=name,
                profile=Profile(profile),
                by="test",
                now=self.ledger.clock(),
            )
        )
        return code.text

    def enrol(self, profile: str = "gate", gate_id: str = "G1") -> Member:
        """Enrol a device without HTTP."""
        code = find_enrolment_hash(self.invite(profile, gate_id))
        assert code is not None
        made = self.change(
            lambda tx: devices.enrol_device(
                tx, code, nonce=None, name=None, now=self.ledger.clock()
            )
        )
        assert not isinstance(made, Exception)
        return Member(made[0].device_id, made[1])

    def hire(
        self,
        role: str = "supervisor",
        name: str = "",
        platform: str = "lvtu",
        *,
        password: str = "",
    ) -> Member:
        """Add an account; without a password it cannot log in, with one it need not change it."""
        name = name or f"{role}-{next(_nonces)}"
        token = new_bearer(BearerKind.USER, name)
        self.change(
            lambda tx: devices.add_user(
                tx,
                name,
                role,
                platform if role == "partner" else None,
                password_hash="unusable",
                token_hash=token.stored,
                by="test",
                now=self.ledger.clock(),
            )
        )
        if password:
            made = _hashed(password)
            self.change(lambda tx: accounts.change_password(tx, name, made, by="test"))
        return Member(name, token.text)

    def revoke(self, device_id: str) -> None:
        self.change(
            lambda tx: devices.revoke_device(tx, device_id, by="test", now=self.ledger.clock())
        )


@dataclass(frozen=True)
class Member:
    """A device or a user: its id and its token."""

    name: str
    token: str = field(repr=False)


class Site:
    """A gate server to call, in process or not; every call is real HTTP or real WSGI."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def call(
        self,
        method: str,
        path: str,
        by: Member | None = None,
        body: Any = None,
        **options: Any,
    ) -> httpx.Response:
        """Make a call under /api/v1; a body that is not bytes is sent as JSON."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {by.token}"
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        if body is None:
            sent = {}
        return self.http.request(method, API + path, headers=headers, **sent, **options)

    def get(self, path: str, by: Member | None = None, **options: Any) -> httpx.Response:
        return self.call("GET", path, by, **options)

    def post(self, path: str, by: Member | None = None, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, by, body, **options)

    def log_in(self, name: str, password: str) -> httpx.Response:
        """Log this client in as a browser does; its cookies stay with it."""
        return self.send("/login", "/login", name=name, password=password)

    def send(self, page: str, to: str, **fields: str) -> httpx.Response:
        """Send a form of a page."""
        shown = self.http.get(page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert token is not None, shown.text
        return self.http.post(to, data={"csrf_token": token[1], **fields})

    def scan(self, by: Member, code: str | None = None, **fields: Any) -> Any:
        """Submit a scan and return its answer, which must be a verdict."""
        answer = self.try_scan(by, code, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def try_scan(self, by: Member, code: str | None = None, **fields: Any) -> httpx.Response:
        body = {"nonce": a_nonce(), **({} if code is None else {"code": code}), **fields}
        return self.post("/scans", by, body)


@contextmanager
def an_app(
    park: Park, *, remote_addr: str = "127.0.0.1", ca_pem: bytes = b""
) -> Iterator[tuple[GateApp, Site]]:
    """Serve a park inside this process."""
    app = create_app(park.ledger, park.keys, park.settings, ca_pem=ca_pem)
    app.jinja_env.bytecode_cache = COMPILED
    transport = httpx.WSGITransport(app=app, remote_addr=remote_addr)
    try:
        with httpx.Client(transport=transport, base_url="http://127.0.0.1") as http:
            yield app, Site(http)
    finally:
        app.close()


def slug_of(answer: httpx.Response) -> str:
    """Return the kind of problem that a call was answered with."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    return problem["type"].removeprefix("/problems/")


# --- a real process ------------------------------------------------------------------------------


def a_free_port() -> int:
    """Return a port that nobody has.

    Below those that the system gives to clients: a client that waits for a server on one of them
    may be given that very port, and be connected to itself.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Running(Site):
    """A `gate-server serve` process with its worker."""

    def __init__(self, directory: Path, port: int, process: nursery.Program, tls: bool):
        self.directory, self.port, self.process = directory, port, process
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        verify: ssl.SSLContext | bool = True
        if tls:
            verify = ssl.create_default_context(cafile=directory / "keys" / "tls" / "ca.pem")
        super().__init__(httpx.Client(base_url=self.url, verify=verify, timeout=10.0))

    @property
    def log(self) -> str:
        return (self.directory.parent / "serve.log").read_text("utf-8")

    def worker(self) -> int:
        """Return the worker's process id, once there is one."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            found = children.read_text().split() if children.exists() else []
            if found:
                return int(found[0])
            time.sleep(0.02)
        raise AssertionError("there is no worker")

    def wait_ready(self, within_s: float = 20.0) -> None:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                if self.http.get("/readyz").status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready within {within_s} s\n{self.log}")

    def stop(self, how: signal.Signals = signal.SIGTERM, within_s: float = 10.0) -> int:
        """Send a signal and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(within_s)


@contextmanager
def a_running_server(
    directory: Path,
    *options: str,
    tls: bool = False,
    ready: bool = True,
    port: int | None = None,
) -> Iterator[Running]:
    """Start `gate-server serve` on a directory that nobody holds, and stop it at the end."""
    port = port or a_free_port()
    options = ("--port", str(port), *(() if tls else ("--http",)), *options)
    with (directory.parent / "serve.log").open("ab") as log:
        process = nursery.start(
            "gate-server", "--data", directory, "serve", *options, stderr=log, stdout=log
        )
    running = Running(directory, port, process, tls)
    try:
        if ready:
            running.wait_ready()
        yield running
    finally:
        running.http.close()
        try:
            running.stop()
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
