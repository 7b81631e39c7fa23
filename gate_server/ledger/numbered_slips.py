"""Numbered slips in the ledger: printed in advance, handed out, and bound to a voucher once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from admission.attested import MOST_SLIPS, Handout, hand_out_at
from admission.calendar import from_ms, to_ms
from admission.errors import InvalidInput, LedgerConflict
from admission.tokens import LAST_DAY, Purpose, Token, token_credential_key, write_token
from admission.vouchers import CredentialKind
from gate_server.keyring import Keyring
from gate_server.ledger.numbers import take_voucher_numbers
from gate_server.ledger.scans import VoucherRow
from gate_server.ledger.session import Session

GOOD_FOR: Final = timedelta(days=730)
"""So long after its printing the code of a slip says that it is good; one day is chosen later."""
MOST_LISTED: Final = 500
MOST_TOLD: Final = 300
"""Hand-outs that a replica is told of."""
_TOLD_FOR_MS: Final = 36 * 3600 * 1000
_HANDOUTS: Final = (
    "SELECT first, last, handed_at, area, gate_id, made_at, made_by, operator FROM slip_handouts"
)
_BOUND: Final = "SELECT voucher_id FROM credentials WHERE key = ?"
_LINK: Final = "INSERT INTO credentials (key, voucher_id, kind) VALUES (?, ?, ?)"
_TELL: Final = "UPDATE vouchers SET more_keys = 1, revision = ? WHERE voucher_id = ?"


@dataclass(frozen=True, slots=True)
class NumberedSlip:
    """One printed slip; its code is made again from its number, and stored nowhere."""

    number: int
    code: str


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A hand-out as it stands in the ledger.

    Attributes:
        operator: the number of who handed them out, where somebody had signed in.
    """

    handout: Handout
    area: str
    gate_id: str | None
    made_at: datetime
    made_by: str
    operator: str | None


def print_slips(tx: Session, keys: Keyring, count: int, *, by: str) -> list[NumberedSlip]:
    """Make slips with the next numbers, and return them with their codes.

    Raises:
        InvalidInput: none, or more than one printing may have.
    """
    if not 1 <= count <= MOST_SLIPS:
        raise InvalidInput("count", f"is not 1 to {MOST_SLIPS}")
    key, now = keys.signing_key(tx.clock()), tx.clock()
    first = take_voucher_numbers(tx, count)
    last = first + count - 1
    tx.record_event("slips_printed", {"first": first, "last": last, "by": by})
    sql = "INSERT INTO slip_prints VALUES (?, ?, ?, ?, ?)"
    tx.db.execute(sql, (first, last, key.key_id, to_ms(now), by))
    day = tx.venue.day_of(now)
    until = min(day + GOOD_FOR, LAST_DAY)
    return [
        NumberedSlip(number, write_token(_token(key.key_id, number, day, until), key.private_key))
        for number in range(first, last + 1)
    ]


def _token(key_id: int, number: int, first_day: date, last_day: date) -> Token:
    return Token(key_id, number, 0, first_day, last_day, 1, Purpose.NUMBERED_SLIP)


@dataclass(frozen=True, slots=True)
class Handing:
    """What is told of slips that were handed out.

    Attributes:
        handed_at: by then all of them were; None: now.
        by: a device, or an account; `supervisor` may tell it later.
    """

    first: int
    last: int
    area: str
    gate_id: str | None
    handed_at: datetime | None
    by: str
    supervisor: bool
    operator: str | None = None


def hand_out(tx: Session, told: Handing, *, now: datetime) -> HandedOut:
    """Record that slips were handed out, all of them by an instant.

    Raises:
        InvalidInput: an instant that cannot be, or slips that were never printed.
        LedgerConflict: `slips-handed-before`.
    """
    at = hand_out_at(
        told.handed_at, first=told.first, last=told.last, now=now, supervisor=told.supervisor
    )
    _check_printed(tx.db, told)
    sql = "SELECT first, last FROM slip_handouts WHERE first <= ? AND last >= ? LIMIT 1"
    before = tx.db.execute(sql, (told.last, told.first)).fetchone()
    if before is not None:
        detail = f"slips {before[0]} to {before[1]} were handed out before"
        raise LedgerConflict("slips-handed-before", detail)
    fields = {"first": told.first, "last": told.last, "handed_at": to_ms(at), "area": told.area}
    fields |= {"gate_id": told.gate_id, "by": told.by}
    person = {} if told.operator is None else {"operator": told.operator}
    revision = tx.record_event("slips_handed_out", fields, personal=person)
    tx.db.execute(
        "INSERT INTO slip_handouts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            told.first,
            told.last,
            revision,
            to_ms(at),
            told.area,
            told.gate_id,
            to_ms(now),
            told.by,
            told.operator,
        ),
    )
    handout = Handout(told.first, told.last, at)
    return HandedOut(handout, told.area, told.gate_id, now, told.by, told.operator)


def _check_printed(db: sqlite3.Connection, told: Handing) -> None:
    """See that every number was printed, in one printing or in several that follow each other."""
    sql = "SELECT last FROM slip_prints WHERE first <= ?1 AND last >= ?1"
    number = told.first
    while number <= told.last:
        row = db.execute(sql, (number,)).fetchone()
        if row is None:
            raise InvalidInput("first", f"slip {number} was never printed")
        number = row[0] + 1


def find_handout(db: sqlite3.Connection, number: int) -> HandedOut | None:
    """Return the hand-out that a slip was in."""
    row = db.execute(f"{_HANDOUTS} WHERE first <= ?1 AND last >= ?1", (number,)).fetchone()
    return None if row is None else _read(row)


def is_printed(db: sqlite3.Connection, key: bytes, number: int) -> bool:
    """Say whether a token's identity is that of a slip of ours: of its number, by its key."""
    sql = "SELECT key_id FROM slip_prints WHERE first <= ?1 AND last >= ?1"
    row = db.execute(sql, (number,)).fetchone()
    return row is not None and token_credential_key(row[0], number) == key


def list_handouts(db: sqlite3.Connection) -> list[HandedOut]:
    """Return the latest hand-outs, the newest first."""
    rows = db.execute(f"{_HANDOUTS} ORDER BY revision DESC LIMIT {MOST_LISTED}")
    return [_read(row) for row in rows]


def told_handouts(db: sqlite3.Connection, now_ms: int) -> list[Handout]:
    """Return the hand-outs that a scanner may still need."""
    sql = f"{_HANDOUTS} WHERE handed_at > ? ORDER BY revision DESC LIMIT {MOST_TOLD}"
    return [_read(row).handout for row in db.execute(sql, (now_ms - _TOLD_FOR_MS,))]


def bound_vouchers(tx: Session, key: bytes) -> Iterator[int]:
    """Yield the vouchers that a slip was shown with; one, or none yet."""
    return (row[0] for row in tx.db.execute(_BOUND, (key,)).fetchall())


def bind_slip(tx: Session, key: bytes, number: int, row: VoucherRow, *, scan_id: int) -> None:
    """Let a slip find the voucher that it was shown with, here and on every scanner."""
    voucher_id = row.voucher.voucher_id
    if voucher_id in bound_vouchers(tx, key):
        return
    tx.db.execute(_LINK, (key, voucher_id, CredentialKind.SLIP.value))
    tx.db.execute(_TELL, (tx.next_revision(), voucher_id))
    tx.record_event("slip_bound", {"scan_id": scan_id, "number": number})


def _read(row: tuple[Any, ...]) -> HandedOut:
    first, last, handed_at, area, gate_id, made_at, made_by, operator = row
    handout = Handout(first, last, from_ms(handed_at))
    return HandedOut(handout, area, gate_id, from_ms(made_at), made_by, operator)
