"""Locks of people whose money was given back, beside what the platform itself says of a voucher."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from admission.calendar import from_ms, to_ms
from admission.reconcile import GivenBack
from admission.refunds import Lock, Standing
from admission.vouchers import Status
from admission.wire_guard import OnRequest
from gate_server.ledger.scans import VoucherRow
from gate_server.ledger.session import Session

_COLUMNS: Final = "voucher_id, people, sold, locked_at, admits, price_paid_minor, status, status_at"
_FIND: Final = f"SELECT {_COLUMNS} FROM refund_locks WHERE voucher_id IN ({{}})"  # noqa: S608
_PUT: Final = f"INSERT OR REPLACE INTO refund_locks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_DROP: Final = "DELETE FROM refund_locks WHERE voucher_id = ?"
_LIST: Final = "UPDATE vouchers SET refund_listed_at = ? WHERE voucher_id = ?"


class Columns(Protocol):
    """The columns of a voucher's row of which a lock makes something else; a named tuple."""

    @property
    def admits(self) -> int:
        """People."""

    @property
    def price_paid_minor(self) -> int | None:
        """For all of them."""

    @property
    def status(self) -> str:
        """A `Status`."""

    @property
    def status_at(self) -> int | None:
        """Milliseconds."""

    @property
    def _replace(self) -> Callable[..., Any]:
        """Returns it with other values."""


C = TypeVar("C", bound=Columns)


@dataclass(frozen=True, slots=True)
class Held:
    """A lock, and what the platform says of its voucher."""

    lock: Lock
    told: Standing

    @property
    def standing(self) -> Standing:
        """What comes of both."""
        return self.lock.apply(self.told)


class Locks:
    """The locks of some vouchers, between a platform's rows and the ledger's."""

    def __init__(self, tx: Session, vouchers: Sequence[int]) -> None:
        self._tx = tx
        self._held = find_locks(tx, vouchers)

    def told(self, voucher_id: int, columns: C) -> C:
        """Return a voucher's columns as its platform says them."""
        held = self._held.get(voucher_id)
        return columns if held is None else _with(columns, held.told)

    def keep(self, voucher_id: int, columns: C) -> C:
        """Keep what a platform says now, and return the columns as the ledger has them."""
        held = self._held.get(voucher_id)
        if held is None:
            return columns
        told = _standing(columns)
        if told != held.told:
            held = self._held[voucher_id] = put_lock(self._tx, voucher_id, held, told)
        return _with(columns, held.standing)


def find_locks(tx: Session, vouchers: Iterable[int]) -> dict[int, Held]:
    """Return the locks of those vouchers that have one."""
    numbers = tuple(vouchers)
    if not numbers:
        return {}
    found = tx.db.execute(_FIND.format(",".join("?" * len(numbers))), numbers)
    return {row[0]: _read(row) for row in found}


def find_lock(tx: Session, voucher_id: int) -> Held | None:
    """Return the lock of one voucher."""
    return find_locks(tx, [voucher_id]).get(voucher_id)


def find_given_back(tx: Session, row: VoucherRow | None) -> GivenBack | None:
    """Return whom a voucher was sold for, and who is left; None where nobody was given back."""
    held = None if row is None else find_lock(tx, row.voucher.voucher_id)
    if held is None:
        return None
    left = held.lock.left(held.told.admits)
    return GivenBack(left + held.lock.people, left)


def count_refunded(db: sqlite3.Connection) -> dict[int, tuple[int, int]]:
    """Return, by deal, the people given back and how many of them vouchers do not admit now."""
    found = db.execute(
        "SELECT v.deal_no, SUM(l.people), SUM(l.admits - v.admits)"
        " FROM refund_locks l JOIN vouchers v USING (voucher_id) GROUP BY v.deal_no"
    )
    return {deal_no: (people, taken_off) for deal_no, people, taken_off in found}


def sum_given_back(db: sqlite3.Connection, deal_no: int, newest: int) -> OnRequest | None:
    """Return what was given back on request of a deal's vouchers up to a number; None: nothing."""
    sql = (
        f"SELECT {_COLUMNS} FROM refund_locks l WHERE voucher_id <= ? AND EXISTS"  # noqa: S608
        " (SELECT 1 FROM vouchers v WHERE v.voucher_id = l.voucher_id AND v.deal_no = ?)"
    )
    held = [_read(row) for row in db.execute(sql, (newest, deal_no)).fetchall()]
    if not held:
        return None
    return OnRequest(
        vouchers=len(held),
        in_part=sum(each.lock.left(each.told.admits) > 0 for each in held),
        people=sum(each.lock.people for each in held),
        paid_back_minor=sum(each.lock.paid_back_minor(each.told) for each in held),
    )


def put_lock(
    tx: Session, voucher_id: int, held: Held, told: Standing, *, before: Standing | None = None
) -> Held:
    """Keep a lock and what the platform says; mark the voucher where nobody is left.

    Args:
        before: how the voucher stood, where the lock itself is another one now.
    """
    lock, after = held.lock, replace(held, told=told)
    values = told.admits, told.price_paid_minor, told.status.value, _ms(told.status_at)
    tx.db.execute(_PUT, (voucher_id, lock.people, lock.sold, to_ms(lock.at), *values))
    _list(tx, voucher_id, before or held.standing, after.standing, lock)
    return after


def drop_lock(tx: Session, voucher_id: int, held: Held) -> None:
    """Forget a lock: all that was asked about the voucher was withdrawn."""
    tx.db.execute(_DROP, (voucher_id,))
    _list(tx, voucher_id, held.standing, held.told, held.lock)


def _list(tx: Session, voucher_id: int, before: Standing, after: Standing, lock: Lock) -> None:
    """Mark a voucher of which nobody is left: such a one not even a void's terms let in."""
    if before.listed != after.listed:
        tx.db.execute(_LIST, (to_ms(lock.at) if after.listed else None, voucher_id))


def _read(row: tuple[Any, ...]) -> Held:
    _, people, sold, locked_at, admits, price, status, status_at = row
    told = Standing(
        admits, price, Status(status), None if status_at is None else from_ms(status_at)
    )
    return Held(Lock(people, sold, from_ms(locked_at)), told)


def _standing(columns: Columns) -> Standing:
    at = None if columns.status_at is None else from_ms(columns.status_at)
    return Standing(columns.admits, columns.price_paid_minor, Status(columns.status), at)


def _with(columns: C, standing: Standing) -> C:
    changed: C = columns._replace(
        admits=standing.admits,
        price_paid_minor=standing.price_paid_minor,
        status=standing.status.value,
        status_at=_ms(standing.status_at),
    )
    return changed


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
