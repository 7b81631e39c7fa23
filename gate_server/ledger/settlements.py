"""Read a deal's vouchers with all that is on record of them, page by page, and settle each."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

from admission.calendar import Venue, from_ms, to_ms, whole_ms
from admission.deals import Deal
from admission.errors import NotFound
from admission.reconcile import void_at
from admission.settlement import settle
from admission.settlement_sums import Sums
from admission.settlement_terms import (
    NO_REMEDY,
    Basis,
    Proof,
    Row,
    SettlementClass,
    Sold,
)
from admission.voids import CostBearer
from admission.vouchers import Status, Voucher
from admission.wire_guard import OnRequest
from admission.wire_settlement import SettlementAnswer, write_settlement
from gate_server.ledger.catalogue import VOIDS, instant, read_void
from gate_server.ledger.closure_rows import versions_of
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.refund_locks import sum_given_back
from gate_server.ledger.scans import RECORD_WIDTH, read_record

PAGE_ROWS: Final = 10_000

_SOLD: Final = (
    "SELECT voucher_id, tail, admits, price_paid_minor, status, status_at, refund_listed_at,"
    " buyer_no, voucher_ref, order_ref, valid_from, valid_until FROM vouchers"
    " WHERE deal_no = ?1 AND voucher_id > ?2 AND voucher_id <= ?3 AND parent_id IS NULL"
    " ORDER BY voucher_id LIMIT ?4"
)
_PAGE: Final = (
    "SELECT * FROM vouchers WHERE deal_no = ?1 AND voucher_id > ?2 AND voucher_id <= ?3"
    " AND parent_id IS NULL"
)
_COLUMNS: Final = """
    s.device_id, s.nonce, s.scan_at, s.gate_id, s.area, COALESCE(s.shown_reason, s.reason), s.mode,
    s.direction, COALESCE(s.shown_people, s.people), {party}, s.staffed, s.annulled, s.annuls,
    s.annulled_at, s.overridden, s.overridden_at, s.struck_at, s.turned, s.moved, s.attested_at,
    v.voucher_id,
    s.scan_id, s.offline OR s.shown_at IS NOT NULL OR o.scan_id IS NOT NULL,
    IIF(s.shown_at IS NULL, o.bounded_at, NULL), s.void_version, s.cost_bearer,
    c.scan_id IS NOT NULL, COALESCE(s.overridden_operator, s.operator), s.arrival_number
"""
_BESIDE: Final = """
LEFT JOIN offline_scans o ON o.scan_id = s.scan_id
LEFT JOIN override_confirmations c ON c.scan_id = s.scan_id
"""
# A voucher's own scans, those under another of its keys, and what its tickets did: all are its use.
_SCANNED: Final = f"""
SELECT {_COLUMNS.format(party="s.party")} FROM ({_PAGE}) v
JOIN scans s ON s.credential_key = v.credential_key
    AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL) {_BESIDE}
UNION ALL
SELECT {_COLUMNS.format(party="s.party")} FROM ({_PAGE}) v
JOIN credentials k ON v.more_keys AND k.voucher_id = v.voucher_id AND k.kind <> 'order'
    AND k.key <> v.credential_key
JOIN scans s ON s.credential_key = k.key
    AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL) {_BESIDE}
UNION ALL
SELECT {_COLUMNS.format(party="COALESCE(s.party, 1)")} FROM ({_PAGE}) v
JOIN vouchers t ON v.exchanged IS NOT NULL AND t.parent_id = v.voucher_id
JOIN scans s ON s.credential_key = t.credential_key {_BESIDE}
"""  # noqa: S608 - constants
_COUNT: Final = (
    "SELECT COUNT(*) FROM vouchers WHERE deal_no = ? AND voucher_id <= ? AND parent_id IS NULL"
)
_STATUSES: Final = {status.value: status for status in Status}
_BEARERS: Final = {bearer.value: bearer for bearer in CostBearer} | {None: None}


@dataclass(slots=True)
class Settlement:
    """A deal's settlement: its rows, and what they come to.

    Attributes:
        newest: the last voucher that is looked at; those that come later are another settlement's.
        sold: vouchers, counted by themselves.
        given_back: people given back on request; None: nobody.
    """

    ledger: Ledger
    basis: Basis
    newest: int
    sums: Sums
    sold: int = 0
    given_back: OnRequest | None = None

    @property
    def answer(self) -> SettlementAnswer:
        """What it comes to; `balanced` is found from the rows and from the number of vouchers."""
        made = write_settlement(self.sums, balanced=self.sums.balanced(self.sold))
        return msgspec.structs.replace(made, on_request=self.given_back or msgspec.UNSET)

    def rows(self) -> Iterator[Row]:
        """Yield every voucher's row, by the ledger's number of the voucher."""
        return walk(self.ledger, self.basis, self.newest)

    def summed(self) -> Iterator[Row]:
        """Yield every row, and sum what was yielded: figures and rows are of one reading."""
        self.sums = Sums(self.basis)
        for row in self.rows():
            self.sums.add(row)
            yield row
        counted = (self.basis.deal.deal_no, self.newest)
        self.sold = self.ledger.read(lambda db: db.execute(_COUNT, counted).fetchone()[0])
        self.given_back = self.ledger.read(lambda db: sum_given_back(db, *counted))

    def finish(self) -> Settlement:
        """Sum all rows, and return it."""
        for _ in self.summed():
            pass
        return self


def open_settlement(ledger: Ledger, deal_id: str, *, as_of: datetime | None = None) -> Settlement:
    """Begin to settle a deal; what it comes to is known once its rows were summed.

    Args:
        as_of: the moment; None: now.

    Raises:
        NotFound: no platform sent such a deal.
    """
    newest = ledger.read(newest_voucher)
    basis = with_honoured(ledger, find_basis(ledger, deal_id, as_of), newest)
    return Settlement(ledger, basis, newest, Sums(basis))


def make_settlement(ledger: Ledger, deal_id: str, *, as_of: datetime | None = None) -> Settlement:
    """Settle a deal: sum its rows."""
    return open_settlement(ledger, deal_id, as_of=as_of).finish()


def with_honoured(ledger: Ledger, basis: Basis, newest: int) -> Basis:
    """Return the basis with the persons honoured so far, where the terms limit them."""
    void = basis.in_force
    if void is None or void.honour is None or void.honour.max_people is None:
        return basis
    honoured = sum(row.people(SettlementClass.HONOURED) for row in walk(ledger, basis, newest))
    return replace(basis, honoured_people=honoured)


def newest_voucher(db: sqlite3.Connection) -> int:
    """Return the number of the voucher that came last."""
    return int(db.execute("SELECT COALESCE(MAX(voucher_id), 0) FROM vouchers").fetchone()[0])


def find_basis(ledger: Ledger, deal_id: str, as_of: datetime | None) -> Basis:
    """Return what the vouchers of a deal are settled by at a moment, by default now.

    Raises:
        NotFound: no platform sent such a deal.
    """
    deal = ledger.catalogue.deal(deal_id)
    if deal is None:
        raise NotFound(f"no deal {deal_id}")
    at = whole_ms(as_of or ledger.clock())
    return ledger.read(lambda db: read_basis(db, deal, ledger.venue, at))


def read_basis(db: sqlite3.Connection, deal: Deal, venue: Venue, as_of: datetime) -> Basis:
    """Read what the vouchers of a deal are settled by at a moment."""
    sql = f"{VOIDS} WHERE deal_no = ? AND committed_at <= ? ORDER BY version"
    found = db.execute(sql, (deal.deal_no, to_ms(as_of))).fetchall()
    voids = tuple(read_void(row) for row in found)
    void = void_at(voids, as_of)
    remedy = (None if void is None else void.remedy) or NO_REMEDY
    closures = versions_of(db, deal.deal_no, to_ms(as_of))
    return Basis(deal=deal, venue=venue, as_of=as_of, voids=voids, closures=closures, remedy=remedy)


def walk(ledger: Ledger, basis: Basis, newest: int) -> Iterator[Row]:
    """Settle the vouchers of a deal up to a number, page by page."""
    after = -1
    while page := settle_page(ledger, basis, newest=newest, after=after):
        yield from page
        after = page[-1].sold.voucher.voucher_id


def settle_page(
    ledger: Ledger, basis: Basis, *, newest: int, after: int, rows: int = PAGE_ROWS
) -> list[Row]:
    """Settle the vouchers of a deal that follow a number; none: those were the last."""
    page = ledger.read(
        lambda db: read_page(db, basis, after=after, newest=newest, rows=rows),
    )
    return [settle(sold, basis) for sold in page]


def read_page(
    db: sqlite3.Connection, basis: Basis, *, after: int, newest: int, rows: int
) -> list[Sold]:
    """Read the next vouchers of a deal with all that is on record of each, in one transaction."""
    vouchers, proofs, blocked = read_rows(db, basis, after=after, newest=newest, rows=rows)
    at = to_ms(basis.as_of)
    return [read_sold(row, proofs, blocked, at) for row in vouchers]


SoldRow: TypeAlias = tuple[Any, ...]
"""A voucher as its row has it: its number, tail, admits, price, status, its instant, listed, ..."""


def read_rows(
    db: sqlite3.Connection, basis: Basis, *, after: int, newest: int, rows: int
) -> tuple[list[SoldRow], dict[int, list[Proof]], frozenset[int]]:
    """Return the next rows of a deal, the scans of those that have any, and the blocked buyers."""
    deal_no = basis.deal.deal_no
    db.execute("SAVEPOINT page")
    try:
        blocked = blocked_buyers(db, basis.as_of)
        vouchers = db.execute(_SOLD, (deal_no, after, newest, rows)).fetchall()
        scans = []
        if vouchers:
            scans = db.execute(_SCANNED, (deal_no, after, vouchers[-1][0])).fetchall()
    finally:
        db.execute("RELEASE page")
    proofs: dict[int, list[Proof]] = defaultdict(list)
    for scan in scans:
        proofs[scan[RECORD_WIDTH]].append(_read_proof(scan))
    return vouchers, proofs, blocked


def read_sold(
    row: SoldRow, proofs: dict[int, list[Proof]], blocked: frozenset[int], at: int
) -> Sold:
    """Make a sold voucher of its row; `at`: the moment of settlement, in milliseconds."""
    (voucher_id, tail, admits, price, status, status_at, listed_at, buyer_no, voucher_ref,
     order_ref, valid_from, valid_until) = row  # fmt: skip
    voucher = Voucher(
        voucher_id=voucher_id,
        tail=tail,
        admits=admits,
        price_paid_minor=price,
        valid_from=instant(valid_from),
        valid_until=instant(valid_until),
        status=_STATUSES[status],
        status_at=instant(status_at),
        refund_listed=listed_at is not None and listed_at <= at,
    )
    return Sold(
        voucher=voucher,
        proofs=proofs.get(voucher_id, ()),
        buyer_no=buyer_no,
        buyer_blocked=buyer_no in blocked,
        voucher_ref=voucher_ref,
        order_ref=order_ref,
    )


def _read_proof(row: tuple[Any, ...]) -> Proof:
    (scan_id, offline, bounded_at, void_version, bearer, confirmed, operator,
     number) = row[RECORD_WIDTH + 1 :]  # fmt: skip
    return Proof(
        record=read_record(row),
        scan_id=scan_id,
        offline=bool(offline),
        bounded_at=None if bounded_at is None else from_ms(bounded_at),
        void_version=void_version,
        cost_bearer=_BEARERS[bearer],
        confirmed=bool(confirmed),
        operator=operator,
        arrival_number=number,
    )


def blocked_buyers(db: sqlite3.Connection, at: datetime) -> frozenset[int]:
    """Return the buyers whose account stood under a block at a moment."""
    rows = db.execute(
        "SELECT DISTINCT buyer_no FROM blocks WHERE created_at <= ?1"
        " AND (expires_at IS NULL OR expires_at >= ?1) AND (lifted_at IS NULL OR lifted_at > ?1)",
        (to_ms(at),),
    )
    return frozenset(number for (number,) in rows)
