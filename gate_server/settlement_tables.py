"""Write a settlement as a table: a row a voucher, with its evidence, in cells safe to open."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from admission.settlement_terms import (
    Basis,
    Charge,
    Row,
    SettlementClass,
    arrival_evidence,
)
from admission.wire_settlement import ListEntry, ListKind

Cell: TypeAlias = str | int | None
Cells: TypeAlias = list[Cell]

COLUMNS: Final = (
    "voucher", "tail", "voucher_ref", "order_ref", "buyer", "admits", "price_paid_minor", "class",
    "void_version", "used", "honoured", "overridden", "used_after_void", "over_admitted", "left",
    "owed_for", "owed_minor", "disputed_for", "disputed_minor", "refund_minor",
    "compensation_minor", "reverse_minor", "evidence", "arrival_number", "arrived_at",
    "arrival_scan", "arrival_evidence", "admitted_at", "gate_id", "device_id", "operator",
    "scan_ids", "scan_times", "scan_gates", "bounded_at",
)  # fmt: skip
AT: Final = {name: index for index, name in enumerate(COLUMNS)}
"""The place of each column, from 0."""

# A spreadsheet takes what begins so for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t")
_LINES: Final = 500


def safe_text(text: str) -> str:
    """Return a platform's text as a cell: no formula, nothing that a terminal would obey."""
    if not text.isprintable():
        text = "".join(" " if _steers(char) else char for char in text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _steers(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def row_cells(row: Row, basis: Basis) -> Cells:
    """Return a row's cells, in the order of COLUMNS.

    In `compensation_minor` stands what its buyer has a claim to; `Compensations` leaves it to one
    row of each buyer.
    """
    sold, voucher = row.sold, row.sold.voucher
    people = [row.people(each) for each in _PEOPLE]
    owed = [each for each in row.charges if each.settled is not SettlementClass.USED_AFTER_VOID]
    late = [each for each in row.charges if each.settled is SettlementClass.USED_AFTER_VOID]
    claims = row.compensates and sold.buyer_no is not None and not sold.buyer_blocked
    return [
        voucher.voucher_id,
        _text(voucher.tail),
        _text(sold.voucher_ref),
        _text(sold.order_ref),
        sold.buyer_no,
        voucher.admits,
        voucher.price_paid_minor,
        class_name(row.settled, basis),
        _version(row, basis),
        *people,
        row.over,
        row.left,
        _worth(owed),
        row.owed_minor,
        _worth(late),
        row.disputed_minor,
        row.refund_minor,
        basis.remedy.compensation_per_buyer_minor if claims else 0,
        row.reverse_minor,
        None if row.evidence is None else row.evidence.value,
        *_arrival(row, basis),
        *_admission(row, basis),
    ]


_PEOPLE: Final = (
    SettlementClass.USED,
    SettlementClass.HONOURED,
    SettlementClass.OVERRIDDEN,
    SettlementClass.USED_AFTER_VOID,
)


def class_name(settled: SettlementClass, basis: Basis) -> str:
    """Return what a class is called: once a deal has had a void, `used` was before it."""
    used = settled is SettlementClass.USED and bool(basis.voids)
    return "used_before_void" if used else settled.value


def _version(row: Row, basis: Basis) -> int | None:
    if row.charges:
        return row.void_version
    void = basis.in_force
    return None if void is None else void.version


def _worth(charges: Sequence[Charge]) -> str | None:
    """Return how an amount comes about: `2*26000`, persons times what each is worth."""
    parts = [f"{each.charged}*{each.price_minor}" for each in charges if each.charged]
    return "+".join(parts) or None


def _arrival(row: Row, basis: Basis) -> Cells:
    proof = row.arrival
    if proof is None:
        return [None, None, None, None]
    void = row.charges[0].void if row.charges else basis.in_force
    number, at = proof.arrival_number, _time(proof.record.arrived_at, basis)
    return [number, at, proof.scan_id, arrival_evidence(basis, proof, void).value]


def _admission(row: Row, basis: Basis) -> Cells:
    if row.first is None:
        return [None] * 8
    first, bounded_at = row.first.record, row.first.bounded_at
    scans = {charge.proof.scan_id: charge.proof for charge in row.charges}.values()
    return [
        _time(first.passed_at, basis),
        _text(first.gate_id),
        first.device_id,
        _text(row.first.operator),
        "|".join(str(each.scan_id) for each in scans),
        "|".join(_time(each.record.passed_at, basis) for each in scans),
        _text("|".join(each.record.gate_id for each in scans)),
        None if bounded_at is None else _time(bounded_at, basis),
    ]


def _text(text: str | None) -> str | None:
    return None if text is None else safe_text(text)


def _time(at: datetime, basis: Basis) -> str:
    return at.astimezone(basis.venue.zone).isoformat(timespec="milliseconds")


def entry_columns(kind: ListKind) -> tuple[str, ...]:
    """Return the columns of a list of a kind."""
    if kind is ListKind.COMPENSATION:
        return ("buyer_ref", "amount_minor", "currency", "same_phone")
    return ("order_ref", "voucher_ref", "amount_minor", "currency", "tail")


def entry_cells(entry: ListEntry, kind: ListKind, currency: str) -> Cells:
    """Return the cells of one entry of a list, in the order of `entry_columns`."""
    amount = [entry.amount_minor, currency]
    if kind is ListKind.COMPENSATION:
        return [_text(entry.buyer_ref), *amount, entry.same_phone]
    return [_text(entry.order_ref), _text(entry.voucher_ref), *amount, _text(entry.tail)]


class Compensations:
    """Leaves the compensation a buyer to the first of that buyer's rows, so that it adds up."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def once(self, cells: Cells) -> Cells:
        """Return a row's cells with the compensation that is counted there."""
        buyer = cells[AT["buyer"]]
        if not cells[AT["compensation_minor"]] or not isinstance(buyer, int):
            return cells
        if buyer in self._seen:
            cells[AT["compensation_minor"]] = 0
        self._seen.add(buyer)
        return cells


def csv_parts(rows: Iterable[Cells], header: Sequence[str] = COLUMNS) -> Iterator[bytes]:
    """Yield a table as CSV in UTF-8, some hundred lines at a time; same rows, same bytes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    compensations = Compensations()
    for lines, cells in enumerate(rows, 1):
        writer.writerow(compensations.once(cells) if header is COLUMNS else cells)
        if lines % _LINES == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
