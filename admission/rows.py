"""Read one row of a platform's deals or vouchers (CONTRACT section 2). No file, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from admission.calendar import Venue
from admission.codes import CodeForm, classify, normalise, tail
from admission.deals import Category, Deal, Reentry
from admission.errors import FeedRejected
from admission.keys import normalise_phone
from admission.row_values import (
    Row,
    Times,
    choice,
    dates,
    hours,
    ident,
    names,
    needed,
    rights,
    text,
    weekdays,
    whole,
)
from admission.vouchers import MOST_ADMITS, Status

DEAL_COLUMNS = (
    "deal_id", "platform", "title", "product", "category", "rights", "face_price_minor",
    "sale_price_minor", "settle_price_minor", "currency", "quota", "sale_from", "sale_until",
    "valid_from", "valid_until", "weekdays", "not_on", "hours", "early_minutes", "late_minutes",
    "gates", "reentry", "updated_at",
)  # fmt: skip
DEAL_NEEDS = (
    "deal_id", "platform", "title", "face_price_minor", "currency", "valid_from", "valid_until",
)  # fmt: skip
VOUCHER_COLUMNS = (
    "code", "deal_id", "voucher_ref", "order_ref", "buyer_ref", "buyer_phone", "admits",
    "price_paid_minor", "valid_from", "valid_until", "status", "status_at", "sold_at",
    "updated_at",
)  # fmt: skip
VOUCHER_NEEDS = ("code", "deal_id")

_DAY_MINUTES = 24 * 60
_CURRENCY = re.compile(r"[A-Z]{3}")
_LONGEST_CODE_TEXT = 600  # white space and reader prefixes around 512 characters


class VoucherFields(Struct, frozen=True, kw_only=True):
    """A voucher as its platform describes it; None is what the row does not say.

    Attributes:
        code: normalised as a scanned one is; never shown, and gone once it is hashed.
        signed: it begins as a token of ours, so it counts only if we signed it.
        order_code: `order_ref` as it would be scanned; None where it is not a legal code.
        phone: `buyer_phone` in digits; None where it is masked. `phone_last4`: its end.
    """

    code: str
    signed: bool
    tail: str
    deal_id: str
    updated_at: datetime
    voucher_ref: str | None = None
    order_ref: str | None = None
    order_code: str | None = None
    buyer_ref: str | None = None
    phone: str | None = None
    phone_last4: str | None = None
    admits: int | None = None
    price_paid_minor: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    status: Status | None = None
    status_at: datetime | None = None
    sold_at: datetime | None = None

    def __repr__(self) -> str:
        return f"VoucherFields(tail={self.tail!r}, deal_id={self.deal_id!r})"


def check_columns(given: Iterable[str], known: tuple[str, ...], needs: tuple[str, ...]) -> None:
    """Refuse a header with an unknown, a repeated or a missing column.

    Raises:
        FeedRejected: names the column.
    """
    seen: set[str] = set()
    for name in given:
        if name not in known:
            raise FeedRejected(name[:80], f"unknown column; known are {' '.join(known)}")
        if name in seen:
            raise FeedRejected(name, "stands twice in the header")
        seen.add(name)
    for name in needs:
        if name not in seen:
            raise FeedRejected(name, "this column is required and missing")


class RowReader:
    """Reads rows by one venue's calendar.

    Every problem is a `FeedRejected` that names the column, and never quotes a code or a person.
    """

    def __init__(self, venue: Venue) -> None:
        self._times = Times(venue)

    def updated_at(self, row: Row) -> datetime | None:
        """Read when a row of either kind is from; None where it does not say so."""
        return self._times.instant(row, "updated_at")

    def deal(self, row: Row, *, updated_at: datetime) -> Deal:
        """Read a deal.

        Args:
            updated_at: when the row does not say so: the push's timestamp, or now.
        """
        instant = self._times.instant
        fields = {
            "deal_id": ident(row, "deal_id"),
            "platform": ident(row, "platform"),
            "title": needed(row, "title"),
            "product": text(row, "product") or "",
            "category": choice(row, "category", Category) or Category.ADULT,
            "rights": rights(row, "rights"),
            "face_price_minor": _needed_money(row, "face_price_minor"),
            "sale_price_minor": whole(row, "sale_price_minor"),
            "settle_price_minor": whole(row, "settle_price_minor"),
            "currency": _currency(row),
            "quota": whole(row, "quota", 0, 10**9),
            "sale_from": instant(row, "sale_from"),
            "sale_until": instant(row, "sale_until", last=True),
            "valid_from": _needed_instant(instant(row, "valid_from"), "valid_from"),
            "valid_until": _needed_instant(instant(row, "valid_until", last=True), "valid_until"),
            "weekdays": weekdays(row, "weekdays"),
            "not_on": dates(row, "not_on"),
            "hours": hours(row, "hours"),
            "early_minutes": whole(row, "early_minutes", 0, _DAY_MINUTES) or 0,
            "late_minutes": whole(row, "late_minutes", 0, _DAY_MINUTES) or 0,
            "gates": names(row, "gates"),
            "reentry": choice(row, "reentry", Reentry) or Reentry.NONE,
            "updated_at": instant(row, "updated_at") or updated_at,
        }
        _check_window(fields["valid_from"], fields["valid_until"], "valid_until")
        _check_window(fields["sale_from"], fields["sale_until"], "sale_until")
        return Deal(**fields)  # type: ignore[arg-type]  # each is what its reader returns

    def voucher(self, row: Row, *, updated_at: datetime) -> VoucherFields:
        """Read a voucher; `updated_at` is for a row that does not say so."""
        instant = self._times.instant
        code = normalise(needed(row, "code", _LONGEST_CODE_TEXT))
        form = classify(code)
        if form is CodeForm.MALFORMED:
            raise FeedRejected("code", "is not 6 to 512 printable characters")
        order_ref = text(row, "order_ref")
        phone, last4 = _phone(row)
        valid_from = instant(row, "valid_from")
        valid_until = instant(row, "valid_until", last=True)
        if valid_from is not None and valid_until is not None:
            _check_window(valid_from, valid_until, "valid_until")
        return VoucherFields(
            code=code,
            signed=form is CodeForm.TOKEN,
            tail=tail(code),
            deal_id=needed(row, "deal_id", 64),
            updated_at=instant(row, "updated_at") or updated_at,
            voucher_ref=text(row, "voucher_ref"),
            order_ref=order_ref,
            order_code=None if order_ref is None else _order_code(order_ref),
            buyer_ref=text(row, "buyer_ref"),
            phone=phone,
            phone_last4=last4,
            admits=whole(row, "admits", 1, MOST_ADMITS),
            price_paid_minor=whole(row, "price_paid_minor"),
            valid_from=valid_from,
            valid_until=valid_until,
            status=choice(row, "status", Status),
            status_at=instant(row, "status_at"),
            sold_at=instant(row, "sold_at"),
        )


def _order_code(order_ref: str) -> str | None:
    """Return an order's number as staff would look it up; too short a one is never scanned."""
    code = normalise(order_ref)
    return None if not code or classify(code) is CodeForm.TOKEN else code


def _phone(row: Row) -> tuple[str | None, str | None]:
    """Return a phone number and its last four digits; of a masked one only these."""
    given = text(row, "buyer_phone", 40)
    if given is None:
        return None, None
    if given.isascii() and given.isdigit() and 4 <= len(given) <= 20:
        return given, given[-4:]
    digits = normalise_phone(given)
    masked = "*" in given or "x" in given.lower()
    end = given[-4:] if masked else digits[-4:]
    if len(end) != 4 or not (end.isascii() and end.isdigit()) or len(digits) > 20:
        raise FeedRejected("buyer_phone", "is not a phone number of 4 to 20 digits")
    return None if masked else digits, end


def _needed_money(row: Row, name: str) -> int:
    found = whole(row, name)
    if found is None:
        raise FeedRejected(name, "is required and empty")
    return found


def _needed_instant(found: datetime | None, name: str) -> datetime:
    if found is None:
        raise FeedRejected(name, "is required and empty")
    return found


def _currency(row: Row) -> str:
    found = needed(row, "currency", 3)
    if _CURRENCY.fullmatch(found) is None:
        raise FeedRejected("currency", "give three capital letters, as CNY")
    return found


def _check_window(first: object, last: object, name: str) -> None:
    if isinstance(first, datetime) and isinstance(last, datetime) and first > last:
        raise FeedRejected(name, "is before the window begins")
