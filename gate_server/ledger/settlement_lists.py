"""Lists that a platform acts on: made in slices that let scans go first, numbered, and kept.

A voucher is marked `refund_listed` in the very transaction that puts it on a refund list, and only
if it is still due then: nobody is promised a refund and admitted afterwards.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.cut_offs import cut_off_ahead, find_cut_off_ahead
from admission.errors import LedgerConflict, NotFound
from admission.settlement import settle
from admission.settlement_terms import Basis, Refund, Row, SettlementClass
from admission.wire_settlement import PROMISES, ListAnswer, ListKind
from gate_server.ledger.closing import close_accounts
from gate_server.ledger.imports import LEAST_S, MOST_S
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.ledger.settlements import (
    find_basis,
    newest_voucher,
    read_basis,
    read_page,
    walk,
    with_honoured,
)

_ROWS_A_LOOK: Final = 200
_ENTRIES_A_SLICE: Final = 1_000
_LISTS: Final = (
    "SELECT number, kind, as_of, void_version, made_at, made_by, finished_at, entries,"
    " amount_minor, list_id FROM settlement_lists WHERE deal_no = ?"
)
_BEGUN: Final = (
    "SELECT list_id FROM settlement_lists WHERE deal_no = ? AND kind = ? AND finished_at IS NULL"
)
_SUM: Final = (
    "SELECT COUNT(*), COALESCE(SUM(amount_minor), 0) FROM settlement_entries WHERE list_id = ?"
)
_MARK: Final = "UPDATE vouchers SET refund_listed_at = ?, revision = ? WHERE voucher_id = ?"

Entry = tuple[int, int | None]
"""The number of a voucher or a buyer, and an amount; None: the price paid is not known."""


@dataclass(frozen=True, slots=True)
class _Making:
    """A list on its way: whose, of what, by whom."""

    basis: Basis
    kind: ListKind
    by: str


def make_list(ledger: Ledger, deal_id: str, kind: ListKind, *, by: str) -> ListAnswer:
    """Make the next list of a kind, or go on with one that was broken off.

    Raises:
        NotFound: no such deal.
        LedgerConflict: `cut-off-ahead`: who arrives in time may still be received;
            `nothing-new`: all that is due stands on a list already.
    """
    newest = ledger.read(newest_voucher)
    basis = with_honoured(ledger, find_basis(ledger, deal_id, None), newest)
    making = _Making(basis, kind, by)
    _check_cut_off(kind, basis)
    if kind is ListKind.REFUNDS:
        _list_refunds(ledger, making, newest)
    else:
        _list_others(ledger, making, _ENTRIES[kind](walk(ledger, basis, newest), basis))
    return ledger.write(lambda tx: _finish(tx, making))


def _check_cut_off(kind: ListKind, basis: Basis) -> None:
    ahead = find_cut_off_ahead(basis.in_force, basis.as_of) if kind in PROMISES else None
    if ahead is not None:
        told = cut_off_ahead(ahead, basis.venue)
        raise LedgerConflict("cut-off-ahead", f"{told.zh} {told.en}", told=told)


# --- refunds: decided again where they are written -----------------------------------------------


def _list_refunds(ledger: Ledger, making: _Making, newest: int) -> None:
    after: int | None = -1
    while after is not None:
        start = after
        after = ledger.write(
            lambda tx: _refund_slice(ledger, tx, making, start, newest),  # noqa: B023 - run at once
            patient=True,
        )


def _refund_slice(
    ledger: Ledger, tx: Session, making: _Making, after: int, newest: int
) -> int | None:
    """List and mark as many as fit in a slice; return where to go on, None at the end."""
    begun = time.monotonic()
    now = tx.clock()
    known = read_basis(tx.db, making.basis.deal, tx.venue, now)
    _check_cut_off(making.kind, known)
    basis = replace(known, honoured_people=making.basis.honoured_people)
    due: list[Entry] = []
    while True:
        page = read_page(tx.db, basis, after=after, newest=newest, rows=_ROWS_A_LOOK)
        rows = (settle(sold, basis) for sold in page)
        due += [entry for row in rows if (entry := _refund_due(row, basis)) is not None]
        after = page[-1].voucher.voucher_id if page else after
        worked_s = time.monotonic() - begun
        if not page or worked_s > MOST_S or (worked_s > LEAST_S and ledger.crowded):
            break
    added = _add(tx, replace(making, basis=basis), due)
    marks = [(to_ms(now), tx.next_revision(), voucher_id) for voucher_id, _ in added]
    tx.db.executemany(_MARK, marks)
    return after if page else None


def _refund_due(row: Row, basis: Basis) -> Entry | None:
    if basis.remedy.refund is Refund.NONE:
        return None
    if row.settled is not SettlementClass.REFUND_DUE and not row.refund_minor:
        return None
    unknown = row.sold.voucher.price_paid_minor is None
    return row.sold.voucher.voucher_id, None if unknown else row.refund_minor


# --- what nobody is refused for ------------------------------------------------------------------


def _list_others(ledger: Ledger, making: _Making, entries: Sequence[Entry]) -> None:
    for start in range(0, len(entries), _ENTRIES_A_SLICE):
        some = entries[start : start + _ENTRIES_A_SLICE]
        ledger.write(lambda tx: _add(tx, making, some), patient=True)  # noqa: B023 - run at once


def _compensation(rows: Iterable[Row], basis: Basis) -> list[Entry]:
    amount = basis.remedy.compensation_per_buyer_minor
    buyers = {
        row.sold.buyer_no
        for row in rows
        if row.compensates and row.sold.buyer_no is not None and not row.sold.buyer_blocked
    }
    return [(buyer, amount) for buyer in sorted(buyers)] if amount else []


def _reverse(rows: Iterable[Row], _: Basis) -> list[Entry]:
    return [(row.sold.voucher.voucher_id, row.reverse_minor) for row in rows if row.reverse_minor]


def _disputed(rows: Iterable[Row], _: Basis) -> list[Entry]:
    return [(row.sold.voucher.voucher_id, row.disputed_minor) for row in rows if row.disputed_minor]


_ENTRIES: Final[dict[ListKind, Callable[[Iterable[Row], Basis], list[Entry]]]] = {
    ListKind.COMPENSATION: _compensation,
    ListKind.REVERSE: _reverse,
    ListKind.DISPUTED: _disputed,
}


# --- the rows of a list --------------------------------------------------------------------------


def _add(tx: Session, making: _Making, entries: Sequence[Entry]) -> list[Entry]:
    """Put on the list what no list of this kind holds, and return that."""
    deal_no, kind = making.basis.deal.deal_no, making.kind.value
    subjects = msgspec.json.encode([subject for subject, _ in entries]).decode()
    # CROSS: else SQLite reads the whole list for every slice.
    known = {
        subject
        for (subject,) in tx.db.execute(
            "SELECT e.subject FROM json_each(?3) j CROSS JOIN settlement_entries e"
            " ON e.deal_no = ?1 AND e.kind = ?2 AND e.subject = j.value",
            (deal_no, kind, subjects),
        )
    }
    new = [entry for entry in entries if entry[0] not in known]
    if not new:
        return []
    list_id = _begin(tx, making)
    tx.db.executemany(
        "INSERT INTO settlement_entries VALUES (?, ?, ?, ?, ?)",
        [(deal_no, kind, subject, list_id, amount) for subject, amount in new],
    )
    digest = sha256(msgspec.json.encode(new)).hexdigest()
    fields = {"list": list_id, "deal_id": making.basis.deal.deal_id, "kind": kind}
    tx.record_event("list_entries", {**fields, "count": len(new), "hash": digest, "by": making.by})
    return new


def _begin(tx: Session, making: _Making) -> int:
    """Return the number of the list that is being made; where there is none, begin it."""
    basis, void = making.basis, making.basis.in_force
    deal = basis.deal
    found = tx.db.execute(_BEGUN, (deal.deal_no, making.kind.value)).fetchone()
    if found is not None:
        return int(found[0])
    sql = "SELECT COALESCE(MAX(number), 0) + 1 FROM settlement_lists WHERE deal_no = ?"
    number = tx.db.execute(sql, (deal.deal_no,)).fetchone()[0]
    fields = {"deal_id": deal.deal_id, "number": number, "kind": making.kind.value}
    revision = tx.record_event("list", {**fields, "by": making.by})
    now = to_ms(tx.clock())
    tx.db.execute(
        "INSERT INTO settlement_lists (list_id, deal_no, number, kind, as_of, void_version,"
        " made_at, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(revision, deal.deal_no, number, making.kind.value, to_ms(basis.as_of)),
            *(None if void is None else void.version, now, making.by),
        ),
    )
    return revision


def _finish(tx: Session, making: _Making) -> ListAnswer:
    deal_no, deal_id = making.basis.deal.deal_no, making.basis.deal.deal_id
    found = tx.db.execute(_BEGUN, (deal_no, making.kind.value)).fetchone()
    if found is None:
        raise LedgerConflict(
            "nothing-new", f"nothing is due that no list of {making.kind} holds already"
        )
    entries, amount = tx.db.execute(_SUM, found).fetchone()
    fields = {"list": found[0], "entries": entries, "amount_minor": amount, "by": making.by}
    tx.record_event("list_made", fields)
    tx.db.execute(
        "UPDATE settlement_lists SET finished_at = ?, entries = ?, amount_minor = ?"
        " WHERE list_id = ?",
        (to_ms(tx.clock()), entries, amount, found[0]),
    )
    close_accounts(tx, (deal_no, deal_id), by=making.by, now=tx.clock())
    row = tx.db.execute(f"{_LISTS} AND list_id = ?", (deal_no, found[0])).fetchone()
    return _read(row)


# --- for people ----------------------------------------------------------------------------------


def list_lists(db: sqlite3.Connection, deal_no: int) -> list[ListAnswer]:
    """Return all lists of a deal, in the order they were made."""
    rows = db.execute(f"{_LISTS} ORDER BY number", (deal_no,)).fetchall()
    return [_read(row) for row in rows]


def get_list(db: sqlite3.Connection, deal_no: int, number: str) -> tuple[ListAnswer, int]:
    """Return a list by its number, and the ledger's own number for it.

    Raises:
        NotFound: the deal has none of that number.
    """
    if number.isascii() and number.isdecimal() and len(number) < 10:
        row = db.execute(f"{_LISTS} AND number = ?", (deal_no, int(number))).fetchone()
        if row is not None:
            return _read(row), int(row[-1])
    raise NotFound(f"this deal has no list {number[:40]}")


def _read(row: tuple[Any, ...]) -> ListAnswer:
    number, kind, as_of, void_version, made_at, made_by, finished_at, entries, amount, _ = row
    return ListAnswer(
        number=number,
        kind=ListKind(kind),
        as_of=from_ms(as_of),
        void_version=void_version,
        made_at=from_ms(made_at),
        made_by=made_by,
        finished_at=_at(finished_at),
        entries=entries,
        amount_minor=amount,
    )


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
