"""A way between two programs that can be spoiled: cut, held, delayed, broken off, a portal's.

For the drill, the demo and tests; it stands between a scanner and its gate server and copies bytes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

CHUNK = 65536
CONNECT_S = 5.0
PORTAL = b"<html><title>Welcome to free WiFi</title><form>Please log in</form></html>"


class Kind(StrEnum):
    """What happens to a connection."""

    PASS = "pass"  # noqa: S105 - no password
    REFUSE = "refuse"  # nothing listens any more, and what is open is reset
    SILENT = "silent"  # taken, and never answered; what is said is lost
    HOLD = "hold"  # nothing passes now; all of it does later, as after a pulled cable
    PORTAL = "portal"  # a log-in page answers everything


class End(StrEnum):
    """How a connection ends that has passed as many bytes as it may."""

    SILENT = "silent"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Way:
    """How it is now between the two.

    Attributes:
        delay_s: how much later each chunk comes out, either way.
        up_bytes: bytes that a connection may still carry to the server; None: any number.
        down_bytes: the same, from the server; 0 does what was asked and loses the answer.
        end: what happens at either limit.
        once: the first connection that meets its end was the last: then all pass again.
        asked: the limits and the delay are only for connections that have said what this finds
            since the change, as rb"/scans/batch"; a regular expression, for plain HTTP.
    """

    kind: Kind = Kind.PASS
    delay_s: float = 0.0
    up_bytes: int | None = None
    down_bytes: int | None = None
    end: End = End.RESET
    once: bool = False
    asked: bytes = b""


PASS, REFUSE, SILENT = Way(), Way(Kind.REFUSE), Way(Kind.SILENT)
HOLD, PORTAL_WAY = Way(Kind.HOLD), Way(Kind.PORTAL)
# The server does what it was asked, and its answer never arrives; the next one does.
LOST_ANSWER = Way(down_bytes=0, once=True)


@dataclass(eq=False)
class _Link:
    """One connection, both its sides, and what it has carried under the way of now."""

    client: socket.socket
    server: socket.socket | None = None
    carried: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    asked: bool = False
    lost: bool = False
    ended: bool = False

    def sides(self) -> list[socket.socket]:
        return [self.client] if self.server is None else [self.client, self.server]

    def end(self, how: End) -> None:
        """End it for the client; the server sees it close."""
        self.ended = True
        if how is End.RESET:
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for side in self.sides():
            # Wakes the thread that reads it; a reset is sent by the close alone.
            if how is not End.RESET or side is not self.client:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            else:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RD)
            side.close()


class Plug:
    """Listens at a port of this machine and passes on to another; `with` opens and closes it.

    Attributes:
        port: where it listens; the same for its whole life.
        carried: connections that were passed on so far.
    """

    def __init__(self, server_port: int, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self.server_port = server_port
        self.port = port
        self.carried = 0
        self._host = host
        self._way = PASS
        self._changed = threading.Condition()
        self._links: set[_Link] = set()
        self._listener: socket.socket | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def way(self) -> Way:
        """How it is now."""
        return self._way

    def turn(self, way: Way) -> None:
        """Change how it is, for open connections too; those that it cuts are reset at once."""
        with self._changed:
            self._way = way
            for link in self._links:
                link.carried.update(up=0, down=0)
                link.asked = False
            self._changed.notify_all()
        if way.kind in {Kind.REFUSE, Kind.PORTAL}:
            self.cut()
        if way.kind is Kind.REFUSE:
            self._hang_up()
        elif self._listener is None:
            self._listen()

    def cut(self, how: End = End.RESET) -> None:
        """End all open connections now."""
        with self._changed:
            links = list(self._links)
            self._links.clear()
        for link in links:
            link.end(how)

    def close(self) -> None:
        """Cut everything and listen no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._hang_up()
        self.cut()

    # --- listening --------------------------------------------------------------------------------

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _hang_up(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            link = _Link(client)
            with self._changed:
                self._links.add(link)
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    # --- one connection ---------------------------------------------------------------------------

    def _serve(self, link: _Link) -> None:
        try:
            self._await_passage()
            if self._way.kind is Kind.PORTAL:
                self._show_portal(link)
                return
            if not self._connect(link) or link.server is None:
                return
            back = threading.Thread(
                target=self._pump, args=(link, link.server, link.client, "down"), daemon=True
            )
            back.start()
            self._pump(link, link.client, link.server, "up")
            back.join()
        finally:
            self._forget(link)

    def _connect(self, link: _Link) -> bool:
        try:
            server = socket.create_connection((self._host, self.server_port), CONNECT_S)
        except OSError:
            link.end(End.RESET)
            return False
        server.settimeout(None)
        for side in (server, link.client):
            with contextlib.suppress(OSError):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            link.server = server
            gone = link not in self._links
            self.carried += 1
        if gone:  # it was cut meanwhile
            server.close()
        return not gone

    def _show_portal(self, link: _Link) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PORTAL)}\r\n"
        with contextlib.suppress(OSError):
            link.client.settimeout(CONNECT_S)
            if link.client.recv(CHUNK):
                link.client.sendall(head.encode() + b"Connection: close\r\n\r\n" + PORTAL)
                # Read what is left, so that the close is no reset that eats the page.
                link.client.shutdown(socket.SHUT_WR)
                link.client.settimeout(0.2)
                while link.client.recv(CHUNK):
                    pass

    def _pump(self, link: _Link, source: socket.socket, sink: socket.socket, way: str) -> None:
        try:
            while data := source.recv(CHUNK):
                if not self._pass_on(link, sink, way, data):
                    return
            self._await_passage()
            # Where we ended it ourselves, an orderly end must not overtake the reset.
            if not link.ended:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            link.end(End.RESET)

    def _pass_on(self, link: _Link, sink: socket.socket, direction: str, data: bytes) -> bool:
        """Copy a chunk as the way is now; tell whether the connection goes on."""
        while data:
            self._await_passage()
            way = self._way
            if way.kind is Kind.SILENT or link.lost:
                return True
            link.asked |= direction == "up" and re.search(way.asked, data) is not None
            if way.delay_s and link.asked:
                self._wait_out(way)
            most = way.up_bytes if direction == "up" else way.down_bytes
            free = most is None or not link.asked
            left = len(data) if free else max(0, (most or 0) - link.carried[direction])
            piece, data = data[:left], data[left:]
            if piece:
                sink.sendall(piece)
                link.carried[direction] += len(piece)
            if data and self._way is way:
                return self._meet_end(link, way)
        return True

    def _meet_end(self, link: _Link, way: Way) -> bool:
        if way.once:
            with self._changed:
                self._way = PASS
        if way.end is End.SILENT:
            link.lost = True
            return True
        link.end(way.end)
        return False

    def _wait_out(self, way: Way) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._way is not way, way.delay_s)

    def _await_passage(self) -> None:
        """Wait while nothing passes."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._way.kind is not Kind.HOLD)

    def _forget(self, link: _Link) -> None:
        with self._changed:
            self._links.discard(link)
        for side in link.sides():
            side.close()
