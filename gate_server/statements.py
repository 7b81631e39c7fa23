"""Make a deal's statement of its settlement, and tell what changed from one to the next."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from admission.deals import Deal
from admission.errors import LedgerConflict, NotFound
from admission.wire_settlement import (
    ChangedVoucher,
    DifferencesAnswer,
    SettlementAnswer,
    StatementAnswer,
)
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.settlements import Settlement, open_settlement
from gate_server.ledger.statements import (
    Content,
    Statement,
    find_newest,
    get_statement,
    read_vouchers,
    record_statement,
    sign_statement,
)
from gate_server.settlement_tables import csv_parts, row_cells

_PURPOSE = b"gatehouse statement v1\x00"


@dataclass(frozen=True, slots=True)
class Signer:
    """An account that signs; `partner`: it is the platform's."""

    name: str
    partner: bool


def make_statement(ledger: Ledger, deal: Deal, *, by: str) -> StatementAnswer:
    """Keep a statement of the settlement as it is now; where nothing changed, the newest stands.

    Raises:
        LedgerConflict: `not-balanced`: the rows contradict each other.
    """
    content = _content(open_settlement(ledger, deal.deal_id))
    newest = ledger.read(lambda db: find_newest(db, deal.deal_no))
    if newest is not None and _same(ledger, newest, content):
        return statement_answer(newest)
    known, now = (deal.deal_no, deal.deal_id), ledger.clock()
    return statement_answer(
        ledger.write(lambda tx: record_statement(tx, known, content, by=by, now=now))
    )


def _content(made: Settlement) -> Content:
    buffer = io.BytesIO()
    # No name and no time of its own: the same vouchers give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.writelines(csv_parts(row_cells(row, made.basis) for row in made.summed()))
    if not made.answer.balanced:
        raise LedgerConflict("not-balanced", "its rows contradict each other; run `doctor`")
    summary, vouchers = msgspec.json.encode(made.answer), buffer.getvalue()
    return Content(summary, vouchers, content_hash(summary, vouchers))


def content_hash(summary: bytes, vouchers: bytes) -> str:
    """Return what is signed: SHA-256 over the purpose, the figures' digest and the vouchers'.

    Args:
        vouchers: CSV, gzip; the digest is of the CSV itself, so that anybody can make it again.
    """
    table = sha256()
    with gzip.GzipFile(fileobj=io.BytesIO(vouchers)) as packed:
        while block := packed.read(1 << 20):
            table.update(block)
    digest = sha256(_PURPOSE + sha256(summary).digest() + table.digest())
    return digest.hexdigest()


def _same(ledger: Ledger, newest: Statement, content: Content) -> bool:
    """Say whether nothing but the moment differs."""
    if ledger.read(lambda db: read_vouchers(db, newest.statement_id)) != content.vouchers:
        return False
    told = [msgspec.json.decode(each) for each in (newest.summary, content.summary)]
    return {**told[0], "as_of": None} == {**told[1], "as_of": None}


def sign(ledger: Ledger, deal: Deal, version: str, *, read: str, signer: Signer) -> StatementAnswer:
    """Sign the newest statement of a deal."""
    number, known = version_of(version), (deal.deal_no, deal.deal_id)
    by = {"name": signer.name, "partner": signer.partner, "now": ledger.clock()}
    return statement_answer(
        ledger.write(lambda tx: sign_statement(tx, known, number, read=read, signer=by))
    )


def show_statement(ledger: Ledger, deal: Deal, version: str) -> Statement:
    """Return one statement of a deal."""
    number = version_of(version)
    return ledger.read(lambda db: get_statement(db, deal.deal_no, number))


def version_of(text: str) -> int:
    """Return the version that a path or a command names.

    Raises:
        NotFound: there can be none of that name.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotFound(f"this deal has no statement {text[:40]}")
    return int(text)


def statement_answer(found: Statement) -> StatementAnswer:
    """Return a statement as it is answered."""
    return StatementAnswer(
        version=found.version,
        made_at=found.made_at,
        made_by=found.made_by,
        hash=found.hash,
        closed_at=found.closed_at,
        signatures=list(found.signatures),
        settlement=msgspec.json.decode(found.summary, type=SettlementAnswer),
    )


def table_parts(ledger: Ledger, found: Statement) -> Iterator[bytes]:
    """Yield a statement's vouchers, CSV, as they were signed."""
    kept = ledger.read(lambda db: read_vouchers(db, found.statement_id))
    with gzip.GzipFile(fileobj=io.BytesIO(kept)) as packed:
        while block := packed.read(1 << 16):
            yield block


def find_differences(ledger: Ledger, deal: Deal, version: str) -> DifferencesAnswer:
    """Tell which vouchers stand otherwise than in the statement before."""
    after = show_statement(ledger, deal, version)
    if after.version == 1:
        return DifferencesAnswer(version=1, against=None, changed=[])
    before = ledger.read(lambda db: get_statement(db, deal.deal_no, after.version - 1))
    changed = list(_changes(_rows(ledger, before), _rows(ledger, after)))
    return DifferencesAnswer(version=after.version, against=before.version, changed=changed)


def _rows(ledger: Ledger, found: Statement) -> Iterator[dict[str, str]]:
    kept = ledger.read(lambda db: read_vouchers(db, found.statement_id))
    with gzip.open(io.BytesIO(kept), "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _changes(
    before: Iterator[dict[str, str]], after: Iterator[dict[str, str]]
) -> Iterator[ChangedVoucher]:
    """Merge two tables, both by the number of the voucher."""
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        numbers = [int(row["voucher"]) for row in (old, new) if row is not None]
        number = min(numbers)
        left = old if old is not None and int(old["voucher"]) == number else None
        right = new if new is not None and int(new["voucher"]) == number else None
        if left != right:
            yield _changed(number, left, right)
        old = next(before, None) if left is not None else old
        new = next(after, None) if right is not None else new


def _changed(
    number: int, before: dict[str, str] | None, after: dict[str, str] | None
) -> ChangedVoucher:
    """Return a change with the columns that differ, and those that name the voucher."""
    if before is None or after is None:
        return ChangedVoucher(voucher=number, before=before, after=after)
    named = {"voucher_ref", "order_ref", "class"}
    told = [name for name in after if name in named or before.get(name) != after[name]]
    return ChangedVoucher(
        voucher=number,
        before={name: before.get(name, "") for name in told},
        after={name: after[name] for name in told},
    )
