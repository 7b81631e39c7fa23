"""Calls of the venue's public interface, over loopback: staff's, and a platform's signed pushes."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks.webhooks import Webhook

from admission.errors import AdmissionError
from drill.sales import PLATFORM, Row

API: Final = "/api/v1"
CALL_WITHIN_S: Final = 180.0
MOST_TRIES: Final = 20
AGAIN_S: Final = 0.5


class DrillFailed(AdmissionError):
    """The drill cannot go on; says what did not go as it must."""


class Caller:
    """Somebody who calls the server. Safe for several threads.

    Args:
        token: of the account that calls; "" where another credential is sent.
    """

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._token = token

    def get(self, path: str) -> Any:
        """Return what a path answers."""
        return json.loads(self.fetch("GET", path))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post a body and return the answer."""
        return json.loads(self.fetch("POST", path, json.dumps(body).encode()))

    def fetch(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """Make one call under `/api/v1` and return the bytes of its answer.

        Raises:
            DrillFailed: any answer but a success, or none.
        """
        status, answer = self.ask(method, f"{API}{path}", body, **headers)
        if not 200 <= status < 300:
            told = answer.decode("utf-8", "replace")[:500]
            raise DrillFailed(f"{method} {path} was answered {status}: {told}")
        return answer

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Make one call of any path; return its status and the bytes of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CALL_WITHIN_S)
        sent = {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        with contextlib.closing(connection):
            try:
                connection.request(method, path, body, sent)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise DrillFailed(
                    f"{method} {path}: the server does not answer: {error}"
                ) from error


class Platform:
    """The platform of the story: it pushes what it sells, signed with the secret of its feed.

    Attributes:
        pushed: rows that the venue has taken.
    """

    def __init__(self, port: int, secret: str) -> None:
        self._caller = Caller(port)
        self._webhook = Webhook(secret)
        self._numbers = itertools.count(1)
        self.pushed = 0

    def push(self, kind: str, rows: list[Row]) -> None:
        """Push rows of a kind, `deals` or `vouchers`; none are a sign of life.

        A venue that has no room for it says so (503), and is sent the same again.

        Raises:
            DrillFailed: a row was not taken.
        """
        now = datetime.now(UTC)
        body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": rows})
        name = f"drill-{next(self._numbers):06}"
        for tries in range(MOST_TRIES):
            status, answer = self._caller.ask(
                "POST", f"{API}/feeds/native/{PLATFORM}", body.encode(), **self._signed(name, body)
            )
            if status != http.client.SERVICE_UNAVAILABLE or tries == MOST_TRIES - 1:
                break
            time.sleep(AGAIN_S)
        told = json.loads(answer) if status == http.client.OK else {}
        if told.get("accepted") != len(rows) or told["rejected"]:
            text = answer.decode("utf-8", "replace")[:500]
            raise DrillFailed(f"a push of {len(rows)} {kind} was answered {status}: {text}")
        self.pushed += len(rows)

    def _signed(self, name: str, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "webhook_id": name,
            "webhook_timestamp": str(int(now.timestamp())),
            "webhook_signature": self._webhook.sign(name, now, body),
        }
