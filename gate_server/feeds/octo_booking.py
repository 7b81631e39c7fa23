"""A booking as OCTO's `GET /bookings` tells it: only the fields that say something of a voucher.

https://docs.octo.travel; what real servers do beside it stands in docs/feeds.md. Every field but
the booking's `uuid` and `status` may be missing or null, for servers differ.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from gate_server.feeds.json_values import read_json


class _Octo(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The base of OCTO's objects; further fields are let be."""


class Pricing(_Octo, frozen=True):
    """Prices of one unit, in the currency's units of `currency_precision` decimals."""

    original: int | None = None
    retail: int | None = None
    net: int | None = None
    currency: str | None = None
    currency_precision: int | None = None


class Delivery(_Octo, frozen=True):
    """One way in which a code is handed over."""

    delivery_format: str | None = None
    delivery_value: str | None = None


class Ticket(_Octo, frozen=True):
    """The codes of a booking's `voucher`, or of a unit item's `ticket`."""

    delivery_options: list[Delivery] | None = None

    @property
    def code(self) -> str | None:
        """What its QR code says; None where it has none."""
        for each in self.delivery_options or ():
            if (each.delivery_format or "").upper() == "QRCODE" and each.delivery_value:
                return each.delivery_value
        return None


class Restrictions(_Octo, frozen=True):
    """What a unit is for."""

    pax_count: int | None = None


class Unit(_Octo, frozen=True):
    """Who one unit is for."""

    internal_name: str | None = None
    title: str | None = None
    type: str | None = None
    restrictions: Restrictions | None = None


class UnitItem(_Octo, frozen=True):
    """One unit that was booked."""

    uuid: str
    unit_id: str | None = None
    unit: Unit | None = None
    ticket: Ticket | None = None
    pricing: Pricing | None = None

    @property
    def code(self) -> str | None:
        """What its ticket's QR code says."""
        return None if self.ticket is None else self.ticket.code

    @property
    def people(self) -> int:
        """How many people it lets in."""
        restrictions = self.unit.restrictions if self.unit is not None else None
        return (restrictions.pax_count if restrictions is not None else None) or 1


class Option(_Octo, frozen=True):
    """A variant of a product."""

    internal_name: str | None = None
    title: str | None = None


class Product(_Octo, frozen=True):
    """What was booked."""

    internal_name: str | None = None
    title: str | None = None
    time_zone: str | None = None
    default_currency: str | None = None


class Availability(_Octo, frozen=True):
    """When the visit is, by the product's clocks."""

    local_date_time_start: str | None = None
    local_date_time_end: str | None = None


class Cancellation(_Octo, frozen=True):
    """How a booking was cancelled."""

    refund: str | None = None
    utc_cancelled_at: str | None = None


class Contact(_Octo, frozen=True):
    """Who booked."""

    phone_number: str | None = None


class Booking(_Octo, frozen=True):
    """One booking."""

    uuid: str
    status: str
    test_mode: bool | None = None
    reseller_reference: str | None = None
    supplier_reference: str | None = None
    utc_created_at: str | None = None
    utc_updated_at: str | None = None
    utc_confirmed_at: str | None = None
    product_id: str | None = None
    product: Product | None = None
    option_id: str | None = None
    option: Option | None = None
    cancellation: Cancellation | None = None
    availability: Availability | None = None
    contact: Contact | None = None
    voucher: Ticket | None = None
    unit_items: list[UnitItem] | None = None

    @property
    def units(self) -> list[UnitItem]:
        """What was booked."""
        return self.unit_items or []

    @property
    def voucher_code(self) -> str | None:
        """The code that stands for the whole booking.

        A server may repeat one code on every ticket instead of giving it to the voucher.
        """
        if self.voucher is not None and self.voucher.code is not None:
            return self.voucher.code
        seen: set[str] = set()
        for unit in self.units:
            if unit.code is not None and unit.code in seen:
                return unit.code
            seen.add(unit.code or "")
        return None


_bookings: Final = msgspec.json.Decoder(Booking)
_lists: Final = msgspec.json.Decoder(list[msgspec.Raw])


def read_booking(text: bytes | msgspec.Raw) -> Booking:
    """Read one booking.

    Raises:
        FeedRejected: it cannot be read; says which field.
    """
    return read_json(_bookings, text)


def read_list(text: bytes) -> list[msgspec.Raw]:
    """Return the bookings of a short answer, unread; raises as `read_booking` does."""
    return read_json(_lists, text)
