"""A platform over real HTTP that tells its sales by the native pull or by OCTO, and can misbehave.

Its truth is `sold`; what it says of it is spoilt by `troubles`, one a request, in order.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.bookings import Sold as Sold
from tests.bookings import a_booking as a_booking

TOKEN = "a-token-that-must-never-be-shown"
STAMP = "2026-05-01T09:00:00Z"

Trouble = Callable[["Handler"], None]


@dataclass
class Asked:
    """One request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)


class Platform(ThreadingHTTPServer):
    """A platform with a token.

    Attributes:
        pages: what the native pull tells: kind and rows, in order. A cursor is a page's number.
        bookings: what OCTO tells, by the day of `localDateStart`.
        troubles: each spoils one request; None spoils none.
        always: spoils each request that no trouble of its own does.
    """

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(self, *, tls: tuple[Path, Path] | None = None) -> None:
        """Args: tls: certificate and key."""
        super().__init__(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.pages: list[tuple[str, list[Any]]] = []
        self.bookings: dict[str, list[Any]] = {}
        self.troubles: list[Trouble | None] = []
        self.always: Trouble | None = None
        self.asked: list[Asked] = []
        self.stamp = STAMP
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}/api"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up on a liar is what these tests are about."""

    def changes(self, cursor: str) -> dict[str, Any]:
        """Return the page after a cursor."""
        number = int(cursor or "0")
        kind, rows = self.pages[number] if number < len(self.pages) else ("vouchers", [])
        after = min(number + 1, len(self.pages))
        return {
            "type": kind,
            "timestamp": self.stamp,
            "data": rows,
            "cursor": str(after),
            "more": after < len(self.pages),
        }


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: Platform

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked = Asked(self.command, parts.path, query, dict(self.headers), body)
        self.server.asked.append(self.asked)
        troubles = self.server.troubles
        trouble = troubles.pop(0) if troubles else self.server.always
        if trouble is None:
            self.answer()
        else:
            trouble(self)

    def answer(self) -> None:
        """Tell the truth."""
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.give({"error": "who are you?"}, status=401)
        elif self.asked.path == "/api/changes":
            self._changes()
        elif self.asked.path == "/api/find":
            self._find(json.loads(self.asked.body)["code"])
        elif self.asked.path == "/api/bookings":
            self.give(self.bookings())
        else:
            self.give({"error": "no such thing"}, status=404)

    def bookings(self) -> list[Any]:
        """Return the bookings that OCTO's question is about."""
        query, told = self.asked.query, self.server.bookings
        if "supplierReference" in query:
            every = [booking for day in told.values() for booking in day]
            return [
                each for each in every if each["supplierReference"] == query["supplierReference"]
            ]
        return told.get(query["localDateStart"], [])

    def _changes(self) -> None:
        page = self.server.changes(self.asked.query.get("cursor", ""))
        tag = f'"{page["cursor"]}"'
        if self.headers.get("If-None-Match") == tag and not page["data"]:
            self.give(b"", status=304)
        else:
            self.give(page, ETag=tag)

    def _find(self, code: str) -> None:
        rows = [row for kind, rows in self.server.pages if kind == "vouchers" for row in rows]
        found = [row for row in rows if row["code"] == code]
        page = {"type": "vouchers", "timestamp": STAMP, "data": found, "cursor": ""}
        self.give(page, status=200 if found else 404)

    def give(
        self, content: Any, *, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """Answer; JSON, or bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, pieces: Iterator[bytes], pause_s: float = 0.0, **headers: str) -> None:
        """Answer without a length, piece by piece, for as long as the client bears it."""
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            time.sleep(pause_s)
        self.close_connection = True


# --- troubles ------------------------------------------------------------------------------------


def status(code: int, **headers: str) -> Trouble:
    """Refuse with a status."""
    return lambda handler: handler.give({"error": "no"}, status=code, **headers)


def content(body: Any, **options: Any) -> Trouble:
    """Answer something else."""
    return lambda handler: handler.give(body, **options)


def hang_up(handler: Handler) -> None:
    """End the connection without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def truncate(handler: Handler) -> None:
    """Promise the whole answer and send half of it."""
    whole = json.dumps(_truth(handler)).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[: len(whole) // 2])
    handler.wfile.flush()
    hang_up(handler)


def half(handler: Handler) -> None:
    """Send half of the answer as if it were the whole."""
    whole = json.dumps(_truth(handler)).encode()
    handler.give(whole[: len(whole) // 2])


def drip(pause_s: float) -> Trouble:
    """Send a byte now and then, for ever."""

    def trouble(handler: Handler) -> None:
        handler.stream((b" " for _ in range(1_000_000)), pause_s)

    return trouble


def drip_headers(pause_s: float) -> Trouble:
    """Send a byte of a header now and then, for ever."""

    def trouble(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(1_000_000):
            handler.wfile.write(b"x")
            time.sleep(pause_s)

    return trouble


def silent(seconds: float) -> Trouble:
    """Say nothing for a while."""

    def trouble(handler: Handler) -> None:
        time.sleep(seconds)
        hang_up(handler)

    return trouble


def endless(start: bytes, piece: bytes) -> Trouble:
    """Send a body that has no end."""

    def trouble(handler: Handler) -> None:
        def pieces() -> Iterator[bytes]:
            yield start
            while True:
                yield piece

        handler.stream(pieces())

    return trouble


def bomb(handler: Handler) -> None:
    """Send a gigabyte of blanks in a megabyte of gzip."""
    pack, blanks = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS), b" " * (1 << 20)
    handler.stream((pack.compress(blanks) for _ in range(1024)), Content_Encoding="gzip")


def redirect(to: str) -> Trouble:
    """Send the client elsewhere."""
    return lambda handler: handler.give(b"", status=302, Location=to)


def repeat(handler: Handler) -> None:
    """Tell each row twice, the last one first."""
    truth = _truth(handler)
    if isinstance(truth, list):
        handler.give([*reversed(truth), *truth])
    else:
        handler.give(truth | {"data": [*reversed(truth["data"]), *truth["data"]]})


def _truth(handler: Handler) -> Any:
    if handler.asked.path == "/api/bookings":
        return handler.bookings()
    return handler.server.changes(handler.asked.query.get("cursor", ""))


# --- what a platform tells -----------------------------------------------------------------------


def a_deal_row(deal_id: str = "EAST", **changes: Any) -> dict[str, Any]:
    """Return a row of a deal of `sunny`."""
    row = {
        "deal_id": deal_id,
        "platform": "sunny",
        "title": "East park",
        "face_price_minor": 26000,
        "currency": "CNY",
        "valid_from": "2026-01-01",
        "valid_until": "2039-12-31",
    }
    return row | changes


def a_voucher_row(code: str, **changes: Any) -> dict[str, Any]:
    """Return a row of a voucher of the deal EAST."""
    row = {"code": code, "deal_id": "EAST", "price_paid_minor": 26000, "updated_at": STAMP}
    return row | changes
