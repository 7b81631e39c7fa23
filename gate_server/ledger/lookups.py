"""Find vouchers for staff, by code, order or phone; every look-up is audited."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from admission.history import History, fold
from gate_server.ledger.scans import (
    VoucherRow,
    find_voucher,
    find_vouchers,
    records_of,
    terms_of,
)
from gate_server.ledger.session import Session

MOST_FOUND = 10
_VOUCHER_BY_KEY = "SELECT 1 FROM vouchers WHERE credential_key = ? LIMIT 1"
_CREDENTIAL_BY_KEY = "SELECT 1 FROM credentials WHERE key = ? LIMIT 1"


@dataclass(frozen=True, slots=True)
class Asked:
    """What staff look for, hashed where it is personal.

    Attributes:
        how: `code`, `order_ref`, `phone` or `phone_last4`.
        keys: credential keys of a code or an order.
        value: what was asked, as far as the audit may keep it under salt.
    """

    how: str
    value: str
    keys: tuple[bytes, ...] = ()
    phone: bytes | None = None
    phone_last4: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A voucher that was found, with its history."""

    row: VoucherRow
    history: History
    remaining: int


def look_up(
    tx: Session, asked: Asked, *, area: str | None, by: str, now: datetime
) -> tuple[list[LookedUp], bool]:
    """Find at most ten vouchers, and audit who looked for what.

    Args:
        area: where people would enter; None: wherever most of them still can.

    Returns: the vouchers, and whether there are more.
    """
    rows = _find(tx, asked)
    found = [_with_history(tx, row, area, now) for row in rows[:MOST_FOUND]]
    fields: Mapping[str, object] = {
        "by": by,
        "how": asked.how,
        "reason": asked.reason,
        "found": len(rows),
    }
    tx.record_event("lookup", fields, personal={"asked": asked.value})
    return found, len(rows) > MOST_FOUND


def is_known(db: sqlite3.Connection, *, keys: Iterable[bytes]) -> bool:
    """Say whether a code finds any voucher, without reading one."""
    return any(
        db.execute(sql, (key,)).fetchone() is not None
        for key in keys
        for sql in (_VOUCHER_BY_KEY, _CREDENTIAL_BY_KEY)
    )


def _find(tx: Session, asked: Asked) -> list[VoucherRow]:
    if asked.phone is not None:
        return _by(tx, "phone = ?", asked.phone)
    if asked.phone_last4 is not None:
        return _by(tx, "phone_last4 = ?", asked.phone_last4)
    return find_vouchers(tx, asked.keys)


def _by(tx: Session, condition: str, value: object) -> list[VoucherRow]:
    """Return vouchers by a column, the newest first, one more than are shown."""
    rows = tx.db.execute(
        f"SELECT voucher_id FROM vouchers WHERE {condition} ORDER BY voucher_id DESC LIMIT ?",  # noqa: S608
        (value, MOST_FOUND + 1),
    ).fetchall()
    return _present(find_voucher(tx, row[0]) for row in rows)


def _present(rows: Iterable[VoucherRow | None]) -> list[VoucherRow]:
    return [row for row in rows if row is not None]


def _with_history(tx: Session, row: VoucherRow, area: str | None, now: datetime) -> LookedUp:
    history = fold((record for record, _ in records_of(tx, row)), terms_of(row), tx.venue)
    areas = [right.area for right in row.deal.rights] if area is None else [area]
    day = tx.venue.day_of(now)
    remaining = max((history.available(each, day) for each in areas), default=0)
    return LookedUp(row, history, remaining)
