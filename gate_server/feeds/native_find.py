"""Ask a platform that pushes its sales for one voucher, signed as its own pushes are.

`POST {find_url}` with `{"code": ...}` answers what a push says: `{type, timestamp, data: [rows]}`,
with no rows, or 404, where the platform knows no such code. docs/refunds.md tells platforms.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from admission.errors import FeedRejected
from gate_server.feeds.contract import Kind, Part, SourceRow
from gate_server.feeds.http import MOST_FOUND_BYTES, Limits, PlatformHttp, check_json
from gate_server.feeds.json_values import read_json
from gate_server.feeds.signatures import TOLERANCE, sign


class _Found(Struct, frozen=True):
    timestamp: datetime
    data: list[dict[str, str | int | float | bool | None]]
    type: Kind = Kind.VOUCHERS


_decoder: Final = msgspec.json.Decoder(_Found)
_write: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class NativeFinder:
    """Asks the address that a pushing platform gave for it.

    Args:
        secret: the one that the platform signs with, too.
        now: the time that the question is signed with.
    """

    http: PlatformHttp
    secret: str = field(repr=False)
    now: Callable[[], datetime]

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Ask for one voucher by its code; empty: the platform does not know it.

        Raises:
            FeedUnavailable: no answer in time.
            FeedRejected: an answer that cannot be understood, or that refuses us.
        """
        body, at = _write({"code": code}), self.now()
        name = f"find_{secrets.token_hex(16)}"
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": sign(self.secret, name, at, body),
        }
        limits = Limits(most_bytes=MOST_FOUND_BYTES).within(timeout_s)
        answer = self.http.send("POST", "", body, headers, limits=limits)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        found = read_json(_decoder, check_json(answer).body)
        if found.timestamp.tzinfo is None:
            raise FeedRejected("timestamp", "has no offset: give a time as 2026-05-01T09:00:00Z")
        if found.timestamp > at + TOLERANCE:
            raise FeedRejected("timestamp", "is in the future: one of the two clocks is wrong")
        if found.type is not Kind.VOUCHERS or not found.data:
            return ()
        rows = [SourceRow(f"look-up #{number}", row) for number, row in enumerate(found.data, 1)]
        return (Part(Kind.VOUCHERS, rows, found.timestamp),)

    def close(self) -> None:
        """Close the connection."""
        self.http.close()
