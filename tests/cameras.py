"""A camera in the network, played: a stream of pictures over HTTP, or one picture a call."""

from __future__ import annotations

import base64
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.frames import Image, encoded

USER, PASSWORD = "gate", "pa55-w0rd"
ALLOWED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class FakeCamera(ThreadingHTTPServer):
    """A camera that shows one scene; use it as a context.

    Attributes:
        scene: what it sees, as JPEG.
        behaves: `streams`, `stalls` in the middle of its stream, `breaks` it off.
        calls: how often it was opened by somebody with the password.
    """

    daemon_threads = True

    def __init__(self, scene: Image, *, port: int = 0, behaves: str = "streams") -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scene = self.as_picture(scene)
        self.behaves = behaves
        self.calls = 0
        self.over = threading.Event()

    @property
    def place(self) -> str:
        """Where it is, as messages may say it."""
        return f"http://127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        """Return its URL with the password in it."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.server_port}{path}"

    @staticmethod
    def as_picture(scene: Image) -> bytes:
        """Return a scene as it sends it."""
        return encoded(scene, ".jpg")

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is usual."""


class _Handler(BaseHTTPRequestHandler):
    server: FakeCamera

    def do_GET(self) -> None:
        """Give a picture, or many."""
        if self.headers.get("Authorization") != ALLOWED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.calls += 1
        self.send_response(200)
        if self.path.endswith(".jpg"):
            scene = self.server.scene
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(scene)))
            self.end_headers()
            self.wfile.write(scene)
        else:
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            self._stream()

    def _stream(self) -> None:
        given = 0
        while not self.server.over.is_set():
            scene = self.server.scene
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(scene)}\r\n\r\n"
            self.wfile.write(head.encode() + scene + b"\r\n")
            given += 1
            if given == 5 and self.server.behaves == "breaks":
                return
            if given >= 5 and self.server.behaves == "stalls":
                self.server.over.wait(20)
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
