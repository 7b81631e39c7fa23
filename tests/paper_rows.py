"""Read the rows of a scenario (CONTRACT section 2) into deals and vouchers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from admission.calendar import Venue, whole_ms
from admission.deals import EVERY_DAY, Category, Closure, Deal, HoldScope, Reentry, Right
from admission.vouchers import Status, Voucher

Row = dict[str, Any]


@dataclass(slots=True)
class Sold:
    """A voucher row with what finds it and who bought it.

    Attributes:
        keys: its credential keys: code, order number, token.
    """

    voucher: Voucher
    deal_id: str
    platform: str
    keys: frozenset[bytes]
    buyer_ref: str | None
    updated_at: datetime


def read_instant(text: str, venue: Venue, *, last: bool = False) -> datetime:
    """Read an RFC 3339 instant, a naive venue time, or a date as its first or last instant."""
    if len(text) == len("2015-02-12"):
        return venue.day_bounds(date.fromisoformat(text))[1 if last else 0]
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        return venue.instant(instant.date(), instant.time())
    return whole_ms(instant)


def _maybe(row: Row, key: str, venue: Venue, *, last: bool = False) -> datetime | None:
    text = row.get(key)
    return read_instant(text, venue, last=last) if text else None


def read_deal(row: Row, venue: Venue, deal_no: int, now: datetime) -> Deal:
    """Read a deal; what it does not say has CONTRACT's default."""
    return Deal(
        deal_id=row["deal_id"],
        deal_no=deal_no,
        platform=row.get("platform", "lvtu"),
        title=str(row.get("title", row["deal_id"])),
        category=Category(row.get("category", "adult")),
        rights=tuple(_right(part) for part in row.get("rights", "park:1").split("|")),
        face_price_minor=int(row.get("face_price_minor", 26000)),
        currency=row.get("currency", "CNY"),
        valid_from=read_instant(row["valid_from"], venue),
        valid_until=read_instant(row["valid_until"], venue, last=True),
        weekdays=_weekdays(row.get("weekdays")),
        not_on=frozenset(date.fromisoformat(day) for day in _parts(row.get("not_on"))),
        hours=_hours(row.get("hours")),
        early_minutes=int(row.get("early_minutes", 0)),
        late_minutes=int(row.get("late_minutes", 0)),
        gates=frozenset(_parts(row.get("gates"))),
        reentry=Reentry(row.get("reentry", "none")),
        updated_at=_maybe(row, "updated_at", venue) or now,
    )


def read_voucher(row: Row, venue: Venue, voucher_id: int, now: datetime) -> Voucher:
    """Read a voucher row of a code."""
    price = row.get("price_paid_minor")
    updated_at = _maybe(row, "updated_at", venue) or now
    return Voucher(
        voucher_id=voucher_id,
        tail=row["code"][-4:],
        admits=int(row.get("admits", 1)),
        price_paid_minor=None if price is None else int(price),
        valid_from=_maybe(row, "valid_from", venue),
        valid_until=_maybe(row, "valid_until", venue, last=True),
        status=Status(row.get("status", "valid")),
        status_at=_maybe(row, "status_at", venue) or updated_at,
        sold_at=_maybe(row, "sold_at", venue),
    )


def read_scope(row: Row | None, venue: Venue) -> HoldScope:
    """Read the scope of a hold; a bound that is absent does not bound."""
    row = row or {}
    return HoldScope(
        sold_from=_maybe(row, "sold_from", venue),
        sold_until=_maybe(row, "sold_until", venue, last=True),
        price_at_most_minor=row.get("price_at_most_minor"),
    )


def read_closure(row: Row, venue: Venue, now: datetime, *, version: int, restored: bool) -> Closure:
    """Read a closure of whole days, or from one instant to another."""
    return Closure(
        closure_id=row["name"],
        version=version,
        committed_at=now,
        closed_from=read_instant(row.get("day") or row["closed_from"], venue),
        closed_until=read_instant(
            row.get("last_day") or row.get("day") or row["closed_until"], venue, last=True
        ),
        extend_until=read_instant(row["extend_until"], venue, last=True),
        used_too=row.get("used_too", False),
        refunds_open=row.get("refunds_open", False),
        notice=tuple(row["notice"]) if "notice" in row else None,
        restored=restored,
    )


def _parts(text: str | None) -> list[str]:
    return text.split("|") if text else []


def _right(text: str) -> Right:
    area, _, uses = text.partition(":")
    count, _, per_day = uses.partition("/")
    return Right(area, int(count or 1), per_day == "day")


def _weekdays(text: str | None) -> frozenset[int]:
    if not text:
        return EVERY_DAY
    days: set[int] = set()
    for part in text.split("|"):
        first, _, last = part.partition("-")
        days.update(range(int(first), int(last or first) + 1))
    return frozenset(days)


def _hours(text: str | None) -> tuple[time, time] | None:
    if not text:
        return None
    opens, closes = text.split("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)
