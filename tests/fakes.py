"""A small gate server over real HTTP that can be made to behave badly, for the scanner's tests."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from admission import wire
from admission.scans import Mode, PartyDefault, Profile
from admission.verdicts import OUTCOMES, Reason
from admission.wire_outage import NDJSON, BatchAnswer, CompleteLine

NOW = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
TOKEN = "t" * 32
ENROLMENT_CODE = "C0DE-C0DE-C0DE"
EPOCH = "epoch-1"

Trouble = Callable[["Handler"], None]


def an_answer(nonce: str = "", reason: Reason = Reason.ADMITTED, **changes: Any) -> wire.ScanAnswer:
    """Build an answer, by default one adult let in."""
    values: dict[str, Any] = {
        "outcome": OUTCOMES[reason],
        "reason": reason,
        "admitted": 1 if OUTCOMES[reason] == "admit" else 0,
        "remaining": 0,
        "nonce": nonce,
        "scan_id": "1",
        "replayed": False,
        "message": wire.Text(zh="请入园", en="Please enter"),
        "decided_at": NOW,
        "epoch": EPOCH,
        "ledger_revision": 7,
        "void_version": None,
        "rules_version": 1,
        "voucher": a_voucher(),
        "vouchers": None,
        "arrival_number": None,
        "tickets": None,
        "clock_skew_s": None,
    }
    return wire.ScanAnswer(**(values | changes))


def a_voucher(**changes: Any) -> wire.VoucherAnswer:
    """Build what an answer says of its voucher."""
    values: dict[str, Any] = {
        "tail": "8K2F",
        "deal_id": "D1",
        "title": "Two areas, one day",
        "category": "adult",
        "admits": 1,
        "area": "park",
    }
    return wire.VoucherAnswer(**(values | changes))


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in."""

    method: str
    path: str
    authorization: str
    body: bytes


class FakeGate(ThreadingHTTPServer):
    """Answers like a gate server with one device.

    Attributes:
        answers: by code; any other is admitted.
        troubles: each spoils one call, in order; None spoils none.
        calls: what came in, spoiled ones too.
        epoch: the ledger's, in every answer.
        batches: the lines of each batch, read; `rejects`: by nonce, the problem of a line.
        unreadable: nonces with which the batch as a whole cannot be read.
        revoked: every call but a batch is turned away.
        lines: of a replica, by revision, without the complete line.
        streams: what each event stream sends; the rest stay open and silent.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *, port: int = 0, tls: tuple[Path, Path, Path] | None = None) -> None:
        """Args: tls: the authority, the server's certificate and its key."""
        super().__init__(("127.0.0.1", port), Handler)
        self.answers: dict[str, wire.ScanAnswer] = {}
        self.troubles: list[Trouble | None] = []
        self.calls: list[Call] = []
        self.party_default = PartyDefault.ALL
        self.moved_to: str | None = None
        self.delay_s: dict[str, float] = {}
        self.recorded: dict[str, wire.ScanAnswer] = {}
        self.enrolled_by: str | None = None
        self.epoch = EPOCH
        self.revision = 7
        self.batches: list[list[dict[str, Any]]] = []
        self.rejects: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self.revoked = False
        self.lines: list[bytes] = []
        self.streams: list[bytes] = []
        self.ca_pem = tls[0].read_bytes() if tls else b""
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls[1], tls[2])
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""

    def scans(self) -> list[wire.ScanRequest]:
        """Return the scans that came in."""
        return [
            wire.read(wire.ScanRequest, c.body) for c in self.calls if c.path.endswith("/scans")
        ]


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: FakeGate

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _stream(self) -> None:
        """Send what an event stream is to send, and nothing more."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Gatehouse-Epoch", self.server.epoch)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.server.streams.pop(0) if self.server.streams else b": alive\n\n")
        time.sleep(3)
        self.close_connection = True

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "")
        self.server.calls.append(Call(self.command, self.path, token, body))
        self.body = body
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        if trouble is not None:
            trouble(self)
        elif self.path == "/api/v1/events" and not self.server.revoked:
            self._stream()
        else:
            self.give(*self.answer())

    def answer(self) -> tuple[int, object]:
        """Do what the call asks for."""
        if self.path == "/ca":
            return 200, self.server.ca_pem
        if self.path == "/readyz":
            epoch, revision = self.server.epoch, self.server.revision
            return 200, wire.Ready(ready=True, epoch=epoch, ledger_revision=revision, degraded=[])
        if self.path == "/api/v1/devices/enrol":
            return self._enrol(wire.read(wire.EnrolRequest, self.body))
        return self._answer_device()

    def _answer_device(self) -> tuple[int, object]:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, a_problem(401, "device-unknown")
        if self.path == "/api/v1/scans/batch":
            return self._batch()
        if self.server.revoked:
            return 403, a_problem(403, "device-revoked", "d-1")
        if self.path == "/api/v1/devices/self":
            return 200, self._device()
        if self.path == "/api/v1/devices/self/heartbeat":
            wire.read(wire.HeartbeatRequest, self.body)
            epoch, revision = self.server.epoch, self.server.revision
            return 200, wire.Heartbeat(
                server_time=NOW,
                epoch=epoch,
                ledger_revision=revision,
                audit_head="",
                gate_id=self.server.moved_to,
            )
        if self.path.startswith("/api/v1/replica"):
            return self._replica()
        annulled = re.fullmatch(r"/api/v1/scans/([^/]+)/annul", self.path)
        if annulled:
            wire.read(wire.AnnulRequest, self.body)
            known = self.server.recorded.get(annulled[1])
            return (200, known) if known else (404, a_problem(404, "scan-unknown"))
        return self._scan(wire.read(wire.ScanRequest, self.body))

    def _replica(self) -> tuple[int, object]:
        asked = parse_qs(urlsplit(self.path).query)
        since, epoch = int(asked["since"][0]), asked.get("epoch", [""])[0]
        server = self.server
        if epoch not in {"", server.epoch} or since > server.revision:
            return 409, a_problem(409, "epoch-changed")
        told = [line for line in server.lines if msgspec.json.decode(line)["revision"] > since]
        told.append(msgspec.json.encode(CompleteLine(server.revision, server.epoch, complete=True)))
        return 200, gzip.compress(b"".join(line + b"\n" for line in told))

    def _batch(self) -> tuple[int, object]:
        lines = [msgspec.json.decode(line) for line in self.body.splitlines()]
        self.server.batches.append(lines)
        if any(line.get("nonce") in self.server.unreadable for line in lines):
            return 400, a_problem(400, "invalid")
        answers = []
        for line in lines:
            nonce = line.get("nonce") or line["annul"]
            problem = self.server.rejects.get(nonce)
            status = "rejected" if problem else "accepted"
            answers.append(BatchAnswer(nonce=nonce, status=status, problem=problem))
        return 200, b"".join(msgspec.json.encode(answer) + b"\n" for answer in answers)

    def _enrol(self, request: wire.EnrolRequest) -> tuple[int, object]:
        if request.code != ENROLMENT_CODE:
            return 410, a_problem(410, "enrolment-gone")
        if self.server.enrolled_by not in {None, request.nonce}:
            return 410, a_problem(410, "enrolment-used")
        self.server.enrolled_by = request.nonce
        return 201, wire.Enrolled(
            device_id="d-1",
            token=TOKEN,
            gate_id="G1",
            profile=Profile.GATE,
            code_key="1." + "A" * 43,
            server_time=NOW,
            epoch=self.server.epoch,
            zone=ZONE.key,
        )

    def _device(self) -> wire.DeviceSelf:
        return wire.DeviceSelf(
            device_id="d-1",
            name="Lane 1",
            gate_id=self.server.moved_to or "G1",
            gate_name="North",
            area="park",
            profile=Profile.GATE,
            staffed=True,
            party_default=self.server.party_default,
            server_time=NOW,
            server_version="0",
            epoch=self.server.epoch,
            ledger_revision=7,
            zone=ZONE.key,
        )

    def _scan(self, request: wire.ScanRequest) -> tuple[int, object]:
        time.sleep(self.server.delay_s.get(request.code or "", 0))
        known = self.server.recorded.get(request.nonce)
        if known is not None:
            return 200, msgspec.structs.replace(known, replayed=True)
        named = request.code or request.pick or ""
        scripted = self.server.answers.get(named, an_answer())
        epoch = self.server.epoch
        answer = msgspec.structs.replace(scripted, nonce=request.nonce, epoch=epoch)
        if request.mode is not Mode.CHECK:
            self.server.recorded[request.nonce] = answer
        return 200, answer

    def give(self, status: int, answer: object, content_type: str = "") -> None:
        """Send an answer: bytes as they are, anything else as JSON."""
        body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        problem = isinstance(answer, wire.Problem)
        usual = "application/problem+json" if problem else "application/json"
        replica = self.path.startswith("/api/v1/replica") and not problem and not content_type
        if (self.path.endswith("/batch") and not problem) or replica:
            usual = NDJSON
        self.send_response(status)
        if replica:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", content_type or usual)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Gatehouse-Epoch", self.server.epoch)
        self.send_header("X-Gatehouse-Revision", str(self.server.revision))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Break the connection off, as a router does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True


def a_problem(status: int, slug: str, device_id: str | None = None) -> wire.Problem:
    """Build a problem document."""
    return wire.Problem(
        type=f"/problems/{slug}", title=slug, status=status, detail="no", device_id=device_id
    )


def gives(status: int, body: bytes, content_type: str = "application/json") -> Trouble:
    """Answer with this instead."""
    return lambda handler: handler.give(status, body, content_type)


def problem(status: int, slug: str, device_id: str | None = None) -> Trouble:
    """Answer with a problem document."""
    return lambda handler: handler.give(status, a_problem(status, slug, device_id))


def portal(handler: Handler) -> None:
    """Answer as the network's log-in page does."""
    handler.give(200, b"<html><title>Welcome to free WiFi</title></html>", "text/html")


def redirected(handler: Handler) -> None:
    """Send the caller to a log-in page."""
    handler.send_response(302)
    handler.send_header("Location", "http://192.0.2.1/login")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def resets(handler: Handler) -> None:
    """Break the connection off before anything was done."""
    handler.reset()


def lost(handler: Handler) -> None:
    """Do what was asked, and lose the answer."""
    handler.answer()
    handler.reset()


def slow(seconds: float) -> Trouble:
    """Answer late."""

    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        handler.give(*handler.answer())

    return answer


def drips(handler: Handler) -> None:
    """Send a byte now and then, so that no single read times out."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def cut_off(handler: Handler) -> None:
    """Send half of what was announced."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"outcome": "admit"')
    handler.reset()


def endless(handler: Handler) -> None:
    """Send more than any answer is long."""
    handler.give(200, b" " * (2 << 20), "application/json")
