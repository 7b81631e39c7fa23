"""An OCTO server that tells today's bookings, as many bytes of them as asked for; made as sent.

Run it as `python -m benchmarks.octo_platform PORT MEGABYTES`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

TOKEN = "benchmark-token"  # noqa: S105 - of nobody
BOOKINGS_A_PIECE = 64
ZONE = ZoneInfo("Asia/Shanghai")
_UNIT = {
    "id": "adult",
    "internalName": "Adult",
    "reference": "adult",
    "type": "ADULT",
    "restrictions": {"minAge": 18, "maxAge": 100, "idRequired": False, "paxCount": 1},
    "requiredContactFields": [],
    "visibleContactFields": [],
}
_PRICING = {
    "original": 26000,
    "retail": 1,
    "net": 1,
    "includedTaxes": [],
    "currency": "CNY",
    "currencyPrecision": 2,
}
_OPTION = {
    "id": "DEFAULT",
    "default": True,
    "internalName": "DEFAULT",
    "availabilityLocalStartTimes": ["00:00"],
    "cancellationCutoff": "0 hours",
    "restrictions": {"minUnits": 1, "maxUnits": None},
    "units": [_UNIT | {"pricingFrom": [_PRICING]}],
}


_PRODUCT = {
    "id": "combined-ticket",
    "internalName": "Combined ticket",
    "locale": "zh",
    "timeZone": "Asia/Shanghai",
    "deliveryFormats": ["PDF_URL", "QRCODE"],
    "deliveryMethods": ["TICKET", "VOUCHER"],
    "options": [_OPTION],
    "defaultCurrency": "CNY",
    "availableCurrencies": ["CNY"],
    "pricingPer": "UNIT",
}


def a_booking(number: int, now: str) -> dict[str, Any]:
    """Return a booking of two, as large as a real server's: 3.9 kB."""
    codes = [f"T{number:07}{which}X" for which in "AB"]
    return {
        "id": f"booking-{number}",
        "uuid": f"f0b895f8-b2a4-4de6-8026-{number:012}",
        "testMode": False,
        "resellerReference": f"ORDER-{number:08}",
        "supplierReference": f"V{number:09}",
        "status": "CONFIRMED",
        "utcCreatedAt": now,
        "utcUpdatedAt": now,
        "utcConfirmedAt": now,
        "productId": "combined-ticket",
        "product": _PRODUCT,
        "optionId": "DEFAULT",
        "option": _OPTION,
        "cancellable": True,
        "cancellation": None,
        "availability": None,
        "contact": {"fullName": "Visitor", "phoneNumber": f"+86138{number:08}"},
        "notes": "x" * 300,
        "deliveryMethods": ["TICKET", "VOUCHER"],
        "voucher": _ticket(f"V{number:09}"),
        "unitItems": [_unit_item(number * 10 + which, code) for which, code in enumerate(codes)],
        "pricing": _PRICING | {"original": 0, "retail": 0, "net": None},
    }


def _unit_item(number: int, code: str) -> dict[str, Any]:
    return {
        "uuid": f"91cd9c51-6bb6-466a-b286-{number:012}",
        "unitId": "adult",
        "unit": _UNIT | {"pricing": [_PRICING]},
        "status": "ON_HOLD",
        "contact": {"fullName": None, "phoneNumber": None, "locales": []},
        "ticket": _ticket(code),
        "pricing": _PRICING,
    }


def _ticket(code: str) -> dict[str, Any]:
    page = f"https://platform.example/octo/pdf?ticket={code}"
    return {
        "redemptionMethod": "DIGITAL",
        "utcRedeemedAt": None,
        "deliveryOptions": [
            {"deliveryFormat": "PDF_URL", "deliveryValue": page},
            {"deliveryFormat": "QRCODE", "deliveryValue": code},
        ],
    }


def pieces(size: int, now: str) -> Iterator[bytes]:
    """Yield a list of bookings of about so many bytes."""
    sent, number = 0, 0
    yield b"["
    while sent < size:
        some = [json.dumps(a_booking(number + n, now)) for n in range(BOOKINGS_A_PIECE)]
        piece = ((",") if number else "").encode() + ",".join(some).encode()
        number += BOOKINGS_A_PIECE
        sent += len(piece)
        yield piece
    yield b"]"


def make_handler(size: int) -> type[BaseHTTPRequestHandler]:
    """Make what answers: all bookings are of today, by the venue's clock."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer one question."""
            asked = parse_qs(urlsplit(self.path).query).get("localDateStart", [""])[0]
            now = datetime.now(UTC)
            today = asked == now.astimezone(ZONE).date().isoformat()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            told = pieces(size, now.strftime("%Y-%m-%dT%H:%M:%SZ")) if today else iter([b"[]"])
            for piece in told:
                self.wfile.write(piece)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main() -> None:
    """Serve until killed."""
    port, megabytes = int(sys.argv[1]), float(sys.argv[2])
    handler = make_handler(int(megabytes * 1_000_000))
    ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


if __name__ == "__main__":
    main()
