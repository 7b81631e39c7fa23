"""Bookings as an OCTO server tells them, built in few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Sold:
    """A booking in the making.

    Attributes:
        codes: of its tickets; None: it has none. `voucher_code`: of the whole.
    """

    number: int
    codes: tuple[str | None, ...]
    voucher_code: str | None = None
    status: str = "CONFIRMED"
    units: tuple[str, ...] = ()
    day: str = "2026-05-20"
    updated: str = "2026-05-01T08:00:00Z"

    def as_cancelled(self, updated: str = "2026-05-01T08:30:00Z") -> Sold:
        """Return it cancelled as a real server does: its own code gone, its tickets live."""
        return replace(self, status="CANCELLED", voucher_code=None, updated=updated)


def a_booking(sold: Sold, **changes: Any) -> dict[str, Any]:
    """Return a booking as an OCTO server tells it."""
    units = sold.units or ("adult",) * len(sold.codes)
    booking: dict[str, Any] = {
        "id": f"b-{sold.number}",
        "uuid": _uuid(sold.number),
        "testMode": False,
        "resellerReference": f"ORDER-{sold.number:05}",
        "supplierReference": sold.voucher_code or f"SUPPLIER-{sold.number:05}",
        "status": sold.status,
        "utcCreatedAt": "2026-05-01T07:59:00Z",
        "utcUpdatedAt": sold.updated,
        "utcConfirmedAt": "2026-05-01T08:00:00Z",
        "productId": "east-park",
        "product": {
            "id": "east-park",
            "internalName": "East park",
            "timeZone": "Asia/Shanghai",
            "defaultCurrency": "CNY",
            "pricingPer": "UNIT",
        },
        "optionId": "DEFAULT",
        "option": {"id": "DEFAULT", "internalName": "DEFAULT"},
        "cancellation": None,
        "availability": {
            "localDateTimeStart": f"{sold.day}T00:00:00+08:00",
            "localDateTimeEnd": f"{sold.day}T23:59:59+08:00",
            "allDay": True,
        },
        "contact": {"fullName": "Visitor", "phoneNumber": "+8613800000000"},
        "voucher": _ticket(sold.voucher_code),
        "unitItems": [
            _unit_item(sold.number * 100 + index, unit, code)
            for index, (unit, code) in enumerate(zip(units, sold.codes, strict=True))
        ],
        "pricing": {"original": 0, "retail": 0, "net": None, "currency": "CNY"},
    }
    if sold.status == "CANCELLED":
        booking["cancellation"] = {"refund": "FULL", "utcCancelledAt": sold.updated}
    return booking | changes


def _unit_item(number: int, unit: str, code: str | None) -> dict[str, Any]:
    price = 26000 if unit == "adult" else 13000
    return {
        "uuid": _uuid(number + 10_000_000),
        "unitId": unit,
        "unit": {
            "id": unit,
            "internalName": unit.title(),
            "type": unit.upper(),
            "restrictions": {"paxCount": 1},
        },
        # Real servers leave it so, whatever becomes of the booking.
        "status": "ON_HOLD",
        "ticket": _ticket(code),
        "pricing": {
            "original": price,
            "retail": price - 1000,
            "net": price - 5000,
            "currency": "CNY",
            "currencyPrecision": 2,
        },
    }


def _ticket(code: str | None) -> dict[str, Any] | None:
    if code is None:
        return None
    page = {"deliveryFormat": "PDF_URL", "deliveryValue": "https://platform.example/page.pdf"}
    return {"deliveryOptions": [page, {"deliveryFormat": "QRCODE", "deliveryValue": code}]}


def _uuid(number: int) -> str:
    return f"f0b895f8-b2a4-4de6-8026-{number:012}"
