"""A platform that pushes, signed by the published library and not by our own code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from gate_server.commands import feeds
from gate_server.commands.services import Services
from gate_server.feeds.signatures import sign
from gate_server.ledger.ledger import utc_now

_ids = count(1)


def connect(park, platform: str = "lvtu", *, secondary: bool = False) -> str:
    """Add a push to a park and return its secret."""
    services = Services(park.ledger, park.keys, park.settings, park.directory, "test")
    asked = feeds.AddNative(platform=platform, secondary=secondary)
    return feeds.add_native(services, asked)["secret"]


def a_push(kind: str, rows: list[dict[str, Any]], at: datetime | None = None) -> bytes:
    told = {"type": kind, "timestamp": (at or utc_now()).isoformat(), "data": rows}
    return json.dumps(told).encode()


class Pusher:
    """A platform with its secret."""

    def __init__(self, site, secret: str, platform: str = "lvtu") -> None:
        self.site, self.secret, self.platform = site, secret, platform

    def headers(self, body: bytes, webhook_id: str, at: datetime) -> dict[str, str]:
        text = body.decode()
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(webhook_id, at.astimezone(UTC), text),
        }

    def send(
        self,
        body: bytes,
        webhook_id: str | None = None,
        *,
        at: datetime | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        webhook_id = webhook_id or f"push-{next(_ids)}"
        signed = self.headers(body, webhook_id, at or utc_now()) | (headers or {})
        path = f"/feeds/native/{self.platform}"
        return self.site.call("POST", path, None, body, headers=signed)

    def deals(self, *rows: dict[str, Any], **options: Any) -> httpx.Response:
        return self.send(a_push("deals", list(rows), options.pop("told", None)), **options)

    def vouchers(self, *rows: dict[str, Any], **options: Any) -> httpx.Response:
        rows = [{"deal_id": "DAY"} | row for row in rows]
        return self.send(a_push("vouchers", rows, options.pop("told", None)), **options)


class BytesPusher(Pusher):
    """Signs bytes that are no text, which the library cannot."""

    def headers(self, body: bytes, webhook_id: str, at: datetime) -> dict[str, str]:
        told = {"webhook-id": webhook_id, "webhook-timestamp": str(int(at.timestamp()))}
        return told | {"webhook-signature": sign(self.secret, webhook_id, at, body)}
