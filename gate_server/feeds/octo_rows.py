"""Turn OCTO bookings into rows of deals and vouchers. docs/feeds.md has the table of it.

The booking's status rules: its unit items stay ON_HOLD, with live codes, whatever becomes of it.
Prices are the unit items': the booking's own are 0 on real servers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from admission.errors import FeedRejected
from admission.row_values import Row
from admission.vouchers import MOST_ADMITS
from gate_server.feeds.contract import SourceRow
from gate_server.feeds.octo_booking import Booking, Pricing, UnitItem

ADMITTING: Final = frozenset({"CONFIRMED", "REDEEMED"})
ENDED: Final = frozenset({"CANCELLED", "EXPIRED", "REJECTED"})
NOT_YET: Final = frozenset({"ON_HOLD", "PENDING"})

_CATEGORIES: Final = {
    "ADULT": "adult", "CHILD": "child", "INFANT": "child", "YOUTH": "concession",
    "MILITARY": "concession", "STUDENT": "student", "SENIOR": "senior", "FAMILY": "family",
}  # fmt: skip
# ISO 4217: decimals of a currency's minor unit, where they are not two.
_DECIMALS: Final = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
    "RWF": 0, "UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
NO_CURRENCY: Final = "X" * 3  # ISO 4217: no currency
# A deal is made from the first booking of it and never changed by a later one: the oldest row there
# is, so that what the venue imports for it, its rights and hours, stands.
_MADE_AT: Final = "1970-01-01T00:00:00Z"
_VALID: Final = ("2000-01-01", "2099-12-31")
_LONGEST_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class Rows:
    """What one booking says: deals by their id, and vouchers."""

    deals: dict[str, Row]
    vouchers: Sequence[SourceRow]


NOTHING: Final = Rows({}, ())


class Mapper:
    """Maps the bookings of one platform.

    Args:
        now: no booking was changed later than that, whatever its server's clock says.
        told: deals that need not be told again.
    """

    def __init__(self, platform: str, now: datetime, told: Container[str] = ()) -> None:
        self._told = told
        self._platform = platform
        self._now = now
        self._zones: dict[str, ZoneInfo] = {}
        self._deal_ids: dict[tuple[str | None, ...], str] = {}

    def rows(self, booking: Booking, place: str) -> Rows:
        """Return the rows of a booking; none of one that nobody has bought yet, or ever did."""
        try:
            return self._rows(booking, place)
        except FeedRejected as problem:
            return Rows({}, (unreadable(place, problem, booking.uuid),))

    def updated_at(self, booking: Booking) -> datetime | None:
        """Return when a booking was last changed; None where it does not say."""
        for text in (booking.utc_updated_at, booking.utc_confirmed_at, booking.utc_created_at):
            if text:
                return min(_instant(text, "utcUpdatedAt"), self._now)
        return None

    def _rows(self, booking: Booking, place: str) -> Rows:
        if booking.test_mode:
            raise FeedRejected("testMode", "a test booking admits nobody")
        if booking.status in NOT_YET:
            return NOTHING
        if booking.status in ENDED:
            vouchers = tuple(self._ended(booking, place))
        elif booking.status in ADMITTING:
            vouchers = tuple(self._vouchers(booking, place))
        else:
            known = ", ".join(sorted(ADMITTING | ENDED | NOT_YET))
            raise FeedRejected("status", f"is none of {known}")
        if not vouchers:
            return NOTHING
        deals: dict[str, Row] = {}
        for unit in booking.units:
            name = self.deal_id(booking, unit)
            if name not in self._told and name not in deals:
                deals[name] = self._deal(booking, unit)
        return Rows(deals, vouchers)

    def deal_id(self, booking: Booking, unit: UnitItem) -> str:
        """Return the id of a unit's deal: stable, and legal whatever OCTO's own ids are."""
        parts = (self._platform, booking.product_id, booking.option_id, unit.unit_id)
        if parts not in self._deal_ids:
            told = "\x1f".join(part or "" for part in parts).encode("utf-8", "replace")
            self._deal_ids[parts] = f"octo-{hashlib.sha256(told).hexdigest()[:16]}"
        return self._deal_ids[parts]

    def _deal(self, booking: Booking, unit: UnitItem) -> Row:
        product, pricing = booking.product, unit.pricing
        currency = pricing.currency if pricing is not None else None
        if currency is None:
            currency = (product.default_currency if product is not None else None) or NO_CURRENCY
        row: dict[str, object] = {
            "deal_id": self.deal_id(booking, unit),
            "platform": self._platform,
            "title": _title(booking, unit),
            "product": _shown(booking.product_id or "")[:_LONGEST_TITLE],
            "category": _CATEGORIES.get((unit.unit.type or "") if unit.unit else "", "adult"),
            "face_price_minor": _a_person(unit, "original") or 0,
            "sale_price_minor": _a_person(unit, "retail"),
            "settle_price_minor": _a_person(unit, "net"),
            "currency": currency,
            "valid_from": _VALID[0],
            "valid_until": _VALID[1],
            "updated_at": _MADE_AT,
        }
        return row

    def _vouchers(self, booking: Booking, place: str) -> Iterator[SourceRow]:
        """Yield a voucher a unit, or one for all of them where one code stands for all alike."""
        shared, units, own = booking.voucher_code, booking.units, _own_codes(booking)
        if not units:
            raise FeedRejected("unitItems", "is empty: nobody is to be let in")
        if shared is not None and _alike(units):
            yield self._voucher(booking, units, (shared, *own), place)
            return
        for unit, code in zip(units, own, strict=True):
            more = () if shared is None else (shared,)
            yield self._voucher(booking, [unit], (code, *more), place)

    def _voucher(
        self, booking: Booking, units: Sequence[UnitItem], codes: tuple[str, ...], place: str
    ) -> SourceRow:
        valid_from, valid_until = self._window(booking)
        row: dict[str, object] = {
            **self._common(booking, codes),
            "deal_id": self.deal_id(booking, units[0]),
            "voucher_ref": _reference(booking, units),
            "admits": sum(unit.people for unit in units),
            "price_paid_minor": _paid(units),
            "valid_from": valid_from,
            "valid_until": valid_until,
            "status": "valid",
            "sold_at": booking.utc_confirmed_at or booking.utc_created_at,
            "buyer_phone": _phone(booking),
        }
        return SourceRow(place, row, _others(codes))

    def _ended(self, booking: Booking, place: str) -> Iterator[SourceRow]:
        """Yield what ends the vouchers of a booking; only their status is said.

        A server that cancels takes the booking's own code away and leaves those of its units, so
        each unit's ends the voucher that it finds.
        """
        shared, units, own = booking.voucher_code, booking.units, _own_codes(booking)
        if booking.utc_confirmed_at is None and shared is None and not any(u.code for u in units):
            return  # it was never sold
        if not units:
            raise FeedRejected("unitItems", "is empty: which vouchers have ended is not said")
        if shared is not None and _alike(units):
            yield self._end(booking, units[0], (shared, *own), place)
            return
        for unit, code in zip(units, own, strict=True):
            yield self._end(booking, unit, (code,), place)

    def _end(
        self, booking: Booking, unit: UnitItem, codes: tuple[str, ...], place: str
    ) -> SourceRow:
        row: dict[str, object] = {
            **self._common(booking, codes),
            "deal_id": self.deal_id(booking, unit),
            "status": _end_status(booking),
            "status_at": _ended_at(booking),
        }
        return SourceRow(place, row, _others(codes))

    def _common(self, booking: Booking, codes: tuple[str, ...]) -> dict[str, object]:
        updated = self.updated_at(booking)
        return {
            "code": codes[0],
            "order_ref": _order(booking),
            "updated_at": None if updated is None else updated.isoformat(),
        }

    def _window(self, booking: Booking) -> tuple[str | None, str | None]:
        """Return a booking's own window, by the product's clocks; nothing: the deal's."""
        there = booking.availability
        if there is None or not there.local_date_time_start:
            return None, None
        zone = self._zone(booking)
        first = _local(there.local_date_time_start, zone, "availability.localDateTimeStart")
        last = first
        if there.local_date_time_end:
            end = _local(there.local_date_time_end, zone, "availability.localDateTimeEnd")
            last = end - timedelta(milliseconds=1)
        if last <= first:
            # Only a start is known: it holds until that day is over.
            last = first.replace(hour=23, minute=59, second=59, microsecond=999000)
        return first.isoformat(), last.isoformat()

    def _zone(self, booking: Booking) -> ZoneInfo | None:
        name = booking.product.time_zone if booking.product is not None else None
        if not name:
            return None
        if name not in self._zones:
            try:
                self._zones[name] = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise FeedRejected("product.timeZone", "is no time zone") from error
        return self._zones[name]


def unreadable(place: str, problem: FeedRejected, uuid: str = "") -> SourceRow:
    """Return a row that says why a booking could not be taken; it has no code, so it stays out."""
    return SourceRow(place, {"voucher_ref": _shown(uuid)[:64] or place}, problem=problem)


def _instant(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FeedRejected(name, "is no time as 2026-05-01T09:00:00Z") from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)  # its name says utc
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise FeedRejected(name, "is no time of this age") from error


def _local(text: str, zone: ZoneInfo | None, name: str) -> datetime:
    """Read a local time: what its clock shows is the product's, whatever the offset beside it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise FeedRejected(name, "is no time as 2026-05-01T09:00:00+08:00") from error
    return found if zone is None else found.replace(tzinfo=zone)


def _alike(units: Sequence[UnitItem]) -> bool:
    """Say whether one ledger voucher can stand for all units."""
    people = sum(unit.people for unit in units)
    return len({unit.unit_id for unit in units}) == 1 and people <= MOST_ADMITS


def _own_codes(booking: Booking) -> tuple[str, ...]:
    """Return a code for each unit: its ticket's, else its name, which nobody scans.

    So a booking whose own code goes when it is cancelled is found again by its units'.
    """
    shared = booking.voucher_code
    return tuple(
        unit.code if unit.code is not None and unit.code != shared else unit.uuid
        for unit in booking.units
    )


def _others(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in dict.fromkeys(codes) if code != codes[0])


def _end_status(booking: Booking) -> str:
    """Return `refunded` where all the money went back, else `cancelled`."""
    there = booking.cancellation
    full = there is not None and there.refund == "FULL"
    return "refunded" if booking.status == "CANCELLED" and full else "cancelled"


def _ended_at(booking: Booking) -> str | None:
    there = booking.cancellation
    return there.utc_cancelled_at if there is not None else None


def _order(booking: Booking) -> str | None:
    """Return the order's number; it is kept as it is, so a code never passes for one."""
    codes = {booking.voucher_code, *(unit.code for unit in booking.units)}
    for reference in (booking.reseller_reference, booking.supplier_reference):
        if reference and reference not in codes and len(reference) <= _LONGEST_TITLE:
            return _shown(reference)
    return None


def _reference(booking: Booking, units: Sequence[UnitItem]) -> str:
    """Return the voucher's number; a unit's name is none where it stands for its code."""
    one = units[0] if len(units) == 1 else None
    named = one is not None and one.code is not None and one.code != booking.voucher_code
    return one.uuid if one is not None and named else booking.uuid


def _phone(booking: Booking) -> str | None:
    """Return the telephone number, if it is one: a visitor is not turned away for a wrong one."""
    given = booking.contact.phone_number if booking.contact is not None else None
    digits = "".join(char for char in given or "" if char.isascii() and char.isdigit())
    return given if given and 4 <= len(digits) <= 20 and len(given) <= 40 else None


def _paid(units: Sequence[UnitItem]) -> int | None:
    paid = [_minor(unit.pricing, "retail") for unit in units]
    known = [price for price in paid if price is not None]
    return sum(known) if len(known) == len(paid) else None


def _a_person(unit: UnitItem, which: str) -> int | None:
    """Return a price a person of a unit that may be for several, rounded down."""
    price = _minor(unit.pricing, which)
    return None if price is None else price // unit.people


def _minor(pricing: Pricing | None, which: str) -> int | None:
    """Return a price in the currency's minor units: OCTO's are in what precision it says."""
    if pricing is None:
        return None
    price = {"original": pricing.original, "retail": pricing.retail, "net": pricing.net}[which]
    if price is None:
        return None
    decimals = _DECIMALS.get(pricing.currency or "", 2)
    precision = decimals if pricing.currency_precision is None else pricing.currency_precision
    if not 0 <= precision <= 6:  # no currency has more
        raise FeedRejected("pricing.currencyPrecision", "is not from 0 to 6")
    if precision <= decimals:
        return price * int(10 ** (decimals - precision))
    whole, rest = divmod(price, int(10 ** (precision - decimals)))
    if rest:
        raise FeedRejected(f"pricing.{which}", "has parts of the currency's smallest unit")
    return whole


def _title(booking: Booking, unit: UnitItem) -> str:
    named: list[Any] = [booking.product, booking.option, unit.unit]
    words = [(each.title or each.internal_name or "") for each in named if each is not None]
    words.append((unit.unit.type or "") if unit.unit is not None else "")
    kept = dict.fromkeys(_shown(word) for word in words)
    kept.pop("", None)
    return " / ".join(kept)[:_LONGEST_TITLE].strip() or f"OCTO {_shown(unit.unit_id or '')}"[:64]


def _shown(text: str) -> str:
    """Return a platform's text without what does not print: a title is shown, never obeyed."""
    if text.isprintable():
        return text.strip()
    return "".join(char if char.isprintable() else " " for char in text).strip()
