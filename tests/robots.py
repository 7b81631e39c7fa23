"""A small server that takes messages as webhooks and group robots do, with the checks of those."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + base64.b64encode(b"a secret of at least 24 bytes").decode()
KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
TOKEN = "b6a5f1c0d9e84732"
SEC = "SEC000000000000000000000"
SEND = "/cgi-bin/webhook/send"
A_MINUTE_S = 60.0
MOST_A_MINUTE = 20

Trouble = Callable[["_Handler"], None]


class Robots(ThreadingHTTPServer):
    """The receivers, each with its own address.

    Attributes:
        taken: what was taken, oldest first: form, id ("" for robots), body.
        seen: form and id of each request, taken or not.
        troubles: what the next requests to a form meet instead, in this order.
        always: what every request to a form meets.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, str, dict[str, Any]]] = []
        self.seen: list[tuple[str, str]] = []
        self.troubles: dict[str, list[Trouble]] = {"standard": [], "wecom": [], "dingtalk": []}
        self.always: dict[str, Trouble] = {}
        self.rates: dict[str, list[float]] = {"wecom": [], "dingtalk": []}
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.standard = f"{self.base}/duty/incidents?team=night"
        self.wecom = f"{self.base}{SEND}?key={KEY}"
        self.dingtalk = f"{self.base}/robot/send?access_token={TOKEN}"

    def of(self, form: str) -> list[dict[str, Any]]:
        """Return the bodies that were taken in a form."""
        return [body for each, _, body in self.taken if each == form]

    def ids(self, form: str = "standard") -> list[str]:
        """Return the ids that were taken in a form."""
        return [message_id for each, message_id, _ in self.taken if each == form]

    def wait_for(self, count: int, form: str = "standard", within_s: float = 15.0) -> None:
        """Wait until so many were taken."""
        until = time.monotonic() + within_s
        while len(self.of(form)) < count:
            assert time.monotonic() < until, f"{len(self.of(form))} of {count} {form} messages"
            time.sleep(0.02)


@contextmanager
def robots() -> Iterator[Robots]:
    """Serve, and stop at the end."""
    server = Robots()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- troubles ------------------------------------------------------------------------------------


def answer(status: int, body: bytes = b"", **headers: str) -> Trouble:
    """Answer so, whatever was sent."""
    return lambda handler: handler.reply(status, body, headers)


def says(code: int, text: str = "no") -> Trouble:
    """Answer as a robot does that does not take a message."""
    return answer(200, json.dumps({"errcode": code, "errmsg": text}).encode())


def silent(seconds: float) -> Trouble:
    """Say nothing for a while, then hang up."""
    return lambda _: time.sleep(seconds)


def reset(handler: _Handler) -> None:
    """Hang up at once."""
    handler.close_connection = True


def endless(handler: _Handler) -> None:
    """Answer with more than anybody wants to read."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(4096):
            handler.wfile.write(b"x" * 65536)


class _Handler(BaseHTTPRequestHandler):
    server: Robots

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        parts = urlsplit(self.path)
        form = {SEND: "wecom", "/robot/send": "dingtalk"}.get(parts.path, "standard")
        self.server.seen.append((form, self.headers.get("webhook-id", "")))
        waiting = self.server.troubles[form]
        trouble = waiting.pop(0) if waiting else self.server.always.get(form)
        if trouble is not None:
            trouble(self)
        elif form == "standard":
            self._take_standard(body)
        else:
            self._take_robot(form, parse_qs(parts.query), body)

    def _take_standard(self, body: bytes) -> None:
        try:
            told = Webhook(SECRET).verify(body, dict(self.headers.items()))
        except WebhookVerificationError:
            self.reply(401, b"", {})
            return
        self.server.taken.append(("standard", self.headers["webhook-id"], told))
        self.reply(204, b"", {})

    def _take_robot(self, form: str, query: dict[str, list[str]], body: bytes) -> None:
        check = _check_wecom if form == "wecom" else _check_dingtalk
        code = check(query, body) or self._check_rate(form)
        if code == 0:
            self.server.taken.append((form, "", json.loads(body)))
        told = {"errcode": code, "errmsg": "ok" if code == 0 else "not taken"}
        self.reply(200, json.dumps(told).encode(), {})

    def _check_rate(self, form: str) -> int:
        now = time.monotonic()
        rates = self.server.rates[form]
        rates.append(now)
        within = [at for at in rates if at > now - A_MINUTE_S]
        if len(within) <= MOST_A_MINUTE:
            return 0
        return 45009 if form == "wecom" else 130101

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


def _check_wecom(query: dict[str, list[str]], body: bytes) -> int:
    """Return errcode as the robot of 企业微信 gives it (developer.work.weixin.qq.com, 91770)."""
    told = json.loads(body)
    if query != {"key": [KEY]}:
        return 93000
    if told.keys() != {"msgtype", "markdown"} or told["msgtype"] != "markdown":
        return 40008
    if told["markdown"].keys() != {"content"}:
        return 40035
    return 0 if 0 < len(told["markdown"]["content"].encode()) <= 4096 else 40058


def _check_dingtalk(query: dict[str, list[str]], body: bytes) -> int:
    """Return errcode as the robot of 钉钉 gives it (open.dingtalk.com, custom robots)."""
    told = json.loads(body)
    if query.get("access_token") != [TOKEN]:
        return 300001
    stamp = query.get("timestamp", ["0"])[0]
    signed = hmac.new(SEC.encode(), f"{stamp}\n{SEC}".encode(), hashlib.sha256).digest()
    if abs(int(stamp) / 1000 - time.time()) > 3600:
        return 310000
    if query.get("sign") != [base64.b64encode(signed).decode()]:
        return 310000
    markdown = told.get("markdown", {})
    if told.get("msgtype") != "markdown" or not markdown.get("title") or not markdown.get("text"):
        return 40035
    return 0 if len(body) <= 20_000 else 460101
