"""A camera that speaks RTSP over TCP, played: one scene as JPEG in RTP (RFC 2326, RFC 2435)."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Self

import cv2

from tests.cameras import ALLOWED, PASSWORD, USER
from tests.frames import HEIGHT, WIDTH, Image

# From 50 up, RFC 2435 counts quality as libjpeg does, so the tables need not be sent.
QUALITY = 90
MOST_BYTES = 1400
FPS = 12
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=gate\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"
)


class FakeRtspCamera(socketserver.ThreadingTCPServer):
    """A camera that shows one scene; use it as a context.

    Attributes:
        scene: what it sees, as JPEG.
        plays: whether it sends pictures; it keeps the connection open all the same.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, scene: Image) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scene = self.as_picture(scene)
        self.plays = True
        self.over = threading.Event()

    @staticmethod
    def as_picture(scene: Image) -> bytes:
        """Return the entropy-coded part of a scene as it sends it."""
        done, data = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        assert done
        jpeg = data.tobytes()
        begins = jpeg.index(b"\xff\xda")
        return jpeg[begins + 2 + int.from_bytes(jpeg[begins + 2 : begins + 4], "big") : -2]

    @property
    def url(self) -> str:
        """Its URL with the password in it."""
        return f"rtsp://{USER}:{PASSWORD}@127.0.0.1:{self.server_address[1]}/live"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is usual."""


class _Handler(socketserver.StreamRequestHandler):
    server: FakeRtspCamera

    def handle(self) -> None:
        """Answer calls until it is told to play, then play."""
        while line := self.rfile.readline().decode():
            headers = dict(self._headers())
            method, url, _ = line.split(" ", 2)
            if method == "DESCRIBE" and headers.get("authorization") != ALLOWED:
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="c"')
            elif method == "DESCRIBE":
                self._answer(headers, "200 OK", f"Content-Base: {url}/", body=SDP)
            elif method == "SETUP":
                self._answer(headers, "200 OK", f"Transport: {headers['transport']}", "Session: 7")
            else:
                self._answer(headers, "200 OK", "Session: 7", "Public: DESCRIBE, SETUP, PLAY")
            if method == "PLAY":
                self._play()

    def _headers(self) -> list[tuple[str, str]]:
        found = []
        while text := self.rfile.readline().decode().strip():
            name, _, value = text.partition(":")
            found.append((name.lower(), value.strip()))
        return found

    def _answer(self, asked: dict[str, str], status: str, *headers: str, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {asked['cseq']}", *headers]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        self.wfile.write("\r\n".join([*lines, "", body]).encode())

    def _play(self) -> None:
        number = frames = 0
        while not self.server.over.wait(1 / FPS):
            if not self.server.plays:
                continue
            frames += 1
            scene = self.server.scene
            for offset in range(0, len(scene), MOST_BYTES):
                part = scene[offset : offset + MOST_BYTES]
                last = offset + len(part) == len(scene)
                number += 1
                stamp = frames * 90_000 // FPS
                rtp = struct.pack("!BBHII", 0x80, 26 | last << 7, number & 0xFFFF, stamp, 7)
                jpeg = struct.pack("!IBBBB", offset, 1, QUALITY, WIDTH // 8, HEIGHT // 8)
                packet = rtp + jpeg + part
                self.wfile.write(b"$\x00" + len(packet).to_bytes(2, "big") + packet)
