"""A platform that takes redemptions over real HTTP: it keeps books, and loses answers when told to.

It does every key once, and the same people twice under two keys: a client that forgets what it
sent, or makes a new key, spoils its books.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from admission.calendar import to_ms
from gate_server.commands import messages, table
from gate_server.commands.services import Services
from gate_server.ledger.feeds import (
    FeedKind,
    SecretKind,
    about_secret,
    add_feed,
    add_secret,
)
from tests.server import Park

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0LXBsYXRmb3Jt"
TOKEN = "token-of-the-test-platform"

Trouble = Callable[[str, int], str | None]
"""What happens to a call, of its type and its number: None: nothing."""


def no_trouble(_kind: str, _number: int) -> str | None:
    return None


class Platform(ThreadingHTTPServer):
    """One platform.

    Attributes:
        people: redeemed, by voucher (its reference, else its code).
        refuses: why a voucher cannot be redeemed, by voucher.
        calls: how many of each type came; `batches` are the sizes of those that reported.
        seen: each deed as it first came, by key.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, octo: bool = False, lists: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.octo = octo
        self.offers = ["partial", "ask", *(["list"] if lists else [])]
        self.there = True
        self.knows_us = True
        self.trouble: Trouble = no_trouble
        self.people: Counter[str] = Counter()
        self.days: dict[str, Counter[str]] = defaultdict(Counter)
        self.refuses: dict[str, str] = {}
        self.done: dict[str, dict[str, str]] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.batches: list[int] = []
        self.lock = threading.Lock()
        self.connections: list[socket.socket] = []

    def handle_error(self, *_: object) -> None:
        """Say nothing of a caller that was killed while it waited for its answer."""

    def go_down(self) -> None:
        """Answer nobody any more."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def do(self, kind: str, row: dict[str, Any]) -> dict[str, str]:
        """Do a deed once; tell what became of it."""
        key, voucher = row["key"], row.get("voucher_ref") or row["code"]
        if key not in self.done:
            self.seen[key] = row
            if voucher in self.refuses:
                self.done[key] = {"state": "refused", "problem": self.refuses[voucher]}
            else:
                self.people[voucher] += row["people"] * (1 if kind == "redemptions" else -1)
                self.done[key] = {"state": "done"}
        return self.done[key]

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one message of docs/redemptions.md."""
        kind, rows = message["type"], message["data"]
        if kind == "list":
            return {"data": [{"voucher_ref": k, "people": n} for k, n in self.people.items()]}
        if kind == "ask":
            told = [
                {"key": r["key"], **self.done.get(r["key"], {"state": "unknown"})} for r in rows
            ]
            return {"data": told, "offers": self.offers}
        self.batches.append(len(rows))
        return {"data": [{"key": row["key"], **self.do(kind, row)} for row in rows]}

    def of_octo(self, method: str, code: str) -> tuple[int, dict[str, Any]]:
        """Answer one call of `octo/redemption`."""
        if code in self.refuses:
            return 400, {"error": "INVALID_REDEMPTION_CODE", "errorMessage": self.refuses[code]}
        if method == "GET":
            if not code:
                return 400, {"error": "INVALID_REDEMPTION_CODE", "errorMessage": "no code"}
            return 200, self._booking(code)
        wanted = 1 if method == "POST" else 0
        if self.people[code] == wanted:
            return 400, {"error": "UNPROCESSABLE_ENTITY", "errorMessage": f"{code} is so already"}
        self.people[code] = wanted
        return 200, self._booking(code)

    def _booking(self, code: str) -> dict[str, Any]:
        option = {"deliveryFormat": "QRCODE", "deliveryValue": code}
        redeemed = self.people[code] > 0
        unit = {"ticket": {"deliveryOptions": [option]}, "utcRedeemedAt": "x" if redeemed else None}
        return {"status": "CONFIRMED", "unitItems": [unit]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Platform

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self._take("POST")

    def do_DELETE(self) -> None:
        self._take("DELETE")

    def do_GET(self) -> None:
        self._take("GET")

    def _take(self, method: str) -> None:
        platform = self.server
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self._kind(method, body)
        with platform.lock:
            platform.calls[kind] += 1
            trouble = platform.trouble(kind, platform.calls[kind])
        if not platform.there:
            return self._send(404, {"oops": "no such page"})
        if trouble is not None and trouble.split()[0] in {"fail", "busy", "html", "raw"}:
            return self._fail(trouble)
        if trouble == "reset":
            return self._hang_up()
        if not (platform.knows_us and self._is_known(body)):
            return self._send(401, {"error": "who are you"})
        with platform.lock:
            status, document = self._answer(method, body)
        if trouble == "lose":
            return self._hang_up()
        if trouble == "cut":
            return self._send(status, document, cut=True)
        if trouble == "fail_after":
            return self._fail("fail")
        return self._send(status, document)

    def _kind(self, method: str, body: bytes) -> str:
        if self.server.octo:
            return {"GET": "ask", "POST": "redemptions", "DELETE": "undo"}[method]
        return str(json.loads(body)["type"])

    def _is_known(self, body: bytes) -> bool:
        if "webhook-id" not in self.headers:
            return self.headers.get("authorization") == f"Bearer {TOKEN}"
        try:
            Webhook(SECRET).verify(body, dict(self.headers.items()))
        except WebhookVerificationError:
            return False
        return True

    def _answer(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if not self.server.octo:
            return 200, self.server.answer(json.loads(body))
        query = parse_qs(urlparse(self.path).query)
        code = query.get("redemptionCode", [""])[0]
        return self.server.of_octo(method, json.loads(body)["redemptionCode"] if body else code)

    def _fail(self, trouble: str) -> None:
        if trouble.startswith("raw "):
            return self._send(200, None, text=trouble.removeprefix("raw ").encode())
        if trouble == "html":
            return self._send(200, None, text=b"<html>Welcome to our Wi-Fi</html>")
        if trouble == "busy":
            return self._send(429, {}, headers={"retry-after": "1"})
        return self._send(500, {})

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(
        self,
        status: int,
        document: Any,
        *,
        text: bytes | None = None,
        cut: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        body = json.dumps(document).encode() if text is None else text
        if cut:
            body = body[: len(body) // 2]
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def a_platform(*, octo: bool = False, lists: bool = True) -> Iterator[Platform]:
    """Run a platform that takes redemptions."""
    platform = Platform(octo=octo, lists=lists)
    thread = threading.Thread(target=platform.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        platform.go_down()
        thread.join()


class Inside:
    """Runs commands in this process, as the control socket would, bytes and all."""

    def __init__(self, park: Park) -> None:
        self._services = Services(park.ledger, park.keys, park.settings, park.directory)

    def call(self, name: str, params: Any = None) -> Any:
        self.send(name, params or {})
        return self.receive()

    def send(self, name: str, params: Any) -> None:
        self._reply = table.answer(self._services, messages.write_request(name, params))

    def receive(self) -> Any:
        return messages.read_reply(self._reply)


def connect_platform(
    park: Park, url: str, *, kind: FeedKind = FeedKind.NATIVE, platform: str = "lvtu", **config: Any
) -> int:
    """Add a platform's feed that redemptions go back by; return its number."""
    now = park.ledger.clock()
    native = kind is FeedKind.NATIVE
    where = {"redeem_url": url} if native else {"url": url}
    secret, of = (SECRET, SecretKind.WEBHOOK) if native else (TOKEN, SecretKind.TOKEN)

    def work(tx: Any) -> int:
        options = {"secondary": False, "by": "test", "now": now}
        feed_id = add_feed(tx, platform, kind, where | config, **options)
        sealed = park.keys.seal(secret.encode(), about=about_secret(feed_id, 1), now=now)
        add_secret(tx, feed_id, 1, of, sealed, now=now)
        sql = "UPDATE feeds SET accepted_at = ? WHERE feed_id = ?"
        tx.db.execute(sql, (to_ms(now), feed_id))
        return feed_id

    return park.change(work)
