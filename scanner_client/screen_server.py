"""Serve the lane screen to browsers on this machine: a page, its pictures as events, answers."""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Callable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta, Struct

from admission.errors import InvalidInput
from scanner_client.screen import Screen
from scanner_client.screen_pictures import Picture
from scanner_client.screen_watch import Bulletin

HOST = "127.0.0.1"
FOLDER = "screen_page"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "index.html": "text/html; charset=utf-8",
        "screen.css": "text/css; charset=utf-8",
        "lane.js": "text/javascript; charset=utf-8",
        "help.js": "text/javascript; charset=utf-8",
        "draw.js": "text/javascript; charset=utf-8",
        "shapes.js": "text/javascript; charset=utf-8",
        "sounds.js": "text/javascript; charset=utf-8",
    }
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)
# The page takes a longer silence for a scanner that is gone.
ALIVE_EVERY_S = 1.0
MOST_STREAMS = 8
MOST_ANSWER_BYTES = 512
SILENCE_S = 10.0
JSON = "application/json"


class AnswerRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody chose at the screen; 0: none of it."""

    question_id: Annotated[str, Meta(max_length=32)]
    number: Annotated[int, Meta(ge=0, le=99)]


class ScreenServer(ThreadingHTTPServer):
    """The HTTP server of one lane screen, on loopback only. `with` serves in threads of its own.

    Attributes:
        bulletin: is told which broadcasts were shown.
        call_help: calls for help; in a thread of its own, for it may take seconds.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        screen: Screen,
        port: int,
        bulletin: Bulletin | None = None,
        *,
        call_help: Callable[[], object] | None = None,
    ) -> None:
        """Raises InvalidInput: somebody else has the port."""
        self.call_help = call_help
        self.screen = screen
        self.bulletin = bulletin
        self.over = threading.Event()
        self.streams = threading.BoundedSemaphore(MOST_STREAMS)
        folder = files("scanner_client").joinpath(FOLDER)
        self.pages = {name: folder.joinpath(name).read_bytes() for name in TYPES}
        # A page of another edition than that of its scanner loads itself anew.
        self.edition = blake2b(b"".join(self.pages.values()), digest_size=8).hexdigest()
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise InvalidInput(
                "screen.port", f"cannot serve at {port}: {error.strerror}"
            ) from error

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True, name="screen").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that hung up; anything else is a defect of ours and is seen."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def acknowledge(self, picture: Picture) -> None:
        """Note that a browser was given a broadcast to show."""
        if picture.broadcast is not None and self.bulletin is not None:
            self.bulletin.shown(picture.broadcast.broadcast_id)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection of a browser."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_S
    server: ScreenServer

    def do_GET(self) -> None:
        """Give a page or the stream of pictures."""
        name = self.path.partition("?")[0].removeprefix("/") or "index.html"
        if not self._is_ours():
            self._give(HTTPStatus.FORBIDDEN)
        elif name == "events":
            self._stream()
        elif name in TYPES:
            self._give(HTTPStatus.OK, self.server.pages[name], TYPES[name])
        else:
            self._give(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take an answer to the question that is open."""
        # The page alone sends JSON from here: another site's script may not, and a form cannot.
        own = self.headers.get("Origin") == f"http://{self.headers.get('Host')}"
        if not self._is_ours() or not own or self.headers.get_content_type() != JSON:
            self._give(HTTPStatus.FORBIDDEN)
        elif self.path == "/help" and self.server.call_help is not None:
            self._call_help(self.server.call_help)
        elif self.path != "/answer":
            self._give(HTTPStatus.NOT_FOUND)
        else:
            self._give(self._answer())

    def _call_help(self, call: Callable[[], object]) -> None:
        threading.Thread(target=call, daemon=True, name="help call").start()
        # Whatever it sent is of no interest.
        self.close_connection = True
        self._give(HTTPStatus.ACCEPTED)

    def log_message(self, *_: object) -> None:
        """Say nothing: the lane's words are for staff."""

    def version_string(self) -> str:
        """Name no version."""
        return "lane"

    def _is_ours(self) -> bool:
        """Say whether the Host header is loopback's: another name may be a site's that rebinds."""
        host, _, port = self.headers.get("Host", "").rpartition(":")
        if port != str(self.server.server_port):
            return False
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _answer(self) -> HTTPStatus:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_ANSWER_BYTES:
            self.close_connection = True
            return HTTPStatus.BAD_REQUEST
        try:
            said = msgspec.json.decode(self.rfile.read(int(length)), type=AnswerRequest)
        except msgspec.DecodeError:
            return HTTPStatus.BAD_REQUEST
        taken = self.server.screen.answer(said.question_id, said.number)
        return HTTPStatus.NO_CONTENT if taken else HTTPStatus.CONFLICT

    def _give(self, status: HTTPStatus, body: bytes = b"", content_type: str = "") -> None:
        if status >= HTTPStatus.BAD_REQUEST:
            # What it may still send is not read.
            self.close_connection = True
        self.send_response(status)
        self._send_headers(content_type or "text/plain; charset=utf-8")
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _send_headers(self, content_type: str) -> None:
        self.send_header("Content-Type", content_type)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _stream(self) -> None:
        """Send each picture, and a sign of life where none changes, until the browser is gone."""
        server = self.server
        if not server.streams.acquire(blocking=False):
            self._give(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self.close_connection = True
            self.send_response(HTTPStatus.OK)
            self._send_headers("text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self._send_pictures()
        finally:
            server.streams.release()

    def _send_pictures(self) -> None:
        server, last = self.server, None
        self.wfile.write(f"event: edition\ndata: {server.edition}\n\n".encode())
        while not server.over.is_set():
            picture = server.screen.next(last, ALIVE_EVERY_S)
            if picture == last:
                self.wfile.write(b"event: alive\ndata: 1\n\n")
            else:
                drawn = msgspec.json.encode(picture)
                self.wfile.write(b"event: picture\ndata: " + drawn + b"\n\n")
                server.acknowledge(picture)
            last = picture
