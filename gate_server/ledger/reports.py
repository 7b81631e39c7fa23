"""Read the ledger for people: deals and their counts, what a void would touch.

Nothing here reads the whole scan table, and long walks go page by page, so that no read
transaction keeps the write-ahead log from being folded in.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from admission.calendar import Venue
from admission.deals import Deal
from admission.history import Record, Terms, fold
from admission.voids import Honour, arrivals_covered
from admission.vouchers import Status
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.refund_locks import count_refunded
from gate_server.ledger.scans import read_record
from gate_server.ledger.session import Session

PAGE_ROWS = 20_000


def prove_commit(tx: Session) -> None:
    """Write something that changes nothing, so that its commit proves that the ledger can."""
    tx.db.execute("UPDATE venue SET one = one")


# --- deals ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class DealCounts:
    """What was sold of a deal, and how many came.

    Attributes:
        people_sold: those that its vouchers admit, or did before they were given back.
        people_admitted: persons let in so far.
        refunded_people: given back on request, and locked.
    """

    vouchers: int = 0
    people_sold: int = 0
    people_admitted: int = 0
    refunded_people: int = 0


class DealBook:
    """Counts of the deals. Those of vouchers are kept until a voucher changes.

    Args:
        page_rows: vouchers that one read transaction counts.
    """

    def __init__(self, ledger: Ledger, *, page_rows: int = PAGE_ROWS) -> None:
        self._ledger = ledger
        self._page_rows = page_rows
        self._lock = Lock()
        self._revision = -1
        self._sold: dict[int, tuple[int, int]] = {}
        self._refunded: dict[int, tuple[int, int]] = {}

    def counts(self) -> dict[int, DealCounts]:
        """Return the counts by deal number."""
        admitted = dict(self._ledger.read(count_admitted))
        counts: dict[int, DealCounts] = defaultdict(DealCounts)
        for deal_no, (vouchers, people) in self._vouchers().items():
            counts[deal_no].vouchers, counts[deal_no].people_sold = vouchers, people
        for deal_no, (people, taken_off) in self._refunded.items():
            counts[deal_no].refunded_people = people
            counts[deal_no].people_sold += taken_off
        for deal_no, people in admitted.items():
            counts[deal_no].people_admitted = people
        return counts

    def _vouchers(self) -> dict[int, tuple[int, int]]:
        with self._lock:
            revision = self._ledger.read(_newest_voucher)
            if revision != self._revision:
                self._sold, self._revision = self._count(), revision
                self._refunded = self._ledger.read(count_refunded)
            return self._sold

    def _count(self) -> dict[int, tuple[int, int]]:
        sums: dict[int, tuple[int, int]] = {}
        for page in pages(
            self._ledger, lambda db, after: _voucher_sums(db, after, self._page_rows)
        ):
            for deal_no, vouchers, people, _ in page:
                before = sums.get(deal_no, (0, 0))
                sums[deal_no] = before[0] + vouchers, before[1] + people
        return sums


def count_admitted(db: sqlite3.Connection) -> list[tuple[int, int]]:
    """Return the persons let in so far, by deal number."""
    sql = "SELECT deal_no, SUM(persons) FROM deal_counters GROUP BY deal_no"
    return db.execute(sql).fetchall()


def _newest_voucher(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COALESCE(MAX(revision), 0) FROM vouchers").fetchone()[0])


def _voucher_sums(db: sqlite3.Connection, after: int, page_rows: int) -> list[tuple[int, ...]]:
    """Return deal number, vouchers, people and last voucher number of one page."""
    return db.execute(
        "SELECT deal_no, COUNT(*), SUM(admits), MAX(voucher_id) FROM (SELECT * FROM vouchers"
        " WHERE voucher_id > ? AND parent_id IS NULL ORDER BY voucher_id LIMIT ?)"
        " GROUP BY deal_no",
        (after, page_rows),
    ).fetchall()


def pages(
    ledger: Ledger, read: Callable[[sqlite3.Connection, int], list[tuple[int, ...]]]
) -> Iterator[list[tuple[int, ...]]]:
    """Walk a table page by page; the last column of a row is the key to go on from."""
    after = -1
    while page := ledger.read(lambda db: read(db, after)):  # noqa: B023 - run at once
        yield page
        after = max(row[-1] for row in page)


# --- what a void would touch ---------------------------------------------------------------------


@dataclass(slots=True)
class Touched:
    """What a void would touch; money in minor units of the deal's currency.

    Attributes:
        vouchers: those that are neither cancelled nor refunded.
        arrived: vouchers whose holder has arrived as the honour terms ask.
        admitted_people: persons admitted; `inside` of them are inside now.
        used: vouchers that let nobody in any more, whatever the terms.
        honoured: vouchers that the honour terms would still let in, by the arrivals so far.
        refunded_people: given back on request before, whom it would not touch any more.
    """

    vouchers: int = 0
    people: int = 0
    paid_minor: int = 0
    arrived: int = 0
    admitted_people: int = 0
    inside: int = 0
    used: int = 0
    honoured: int = 0
    refunded_people: int = 0
    buyers: set[int] = field(default_factory=set)

    @property
    def refused(self) -> int:
        """Vouchers with people left whom the terms would turn away, by the arrivals so far."""
        return self.vouchers - self.used - self.honoured


@dataclass(frozen=True, slots=True)
class Scanned:
    """A voucher that was scanned, with what its tickets did; `valid`: not cancelled or refunded."""

    admits: int
    valid: bool
    records: list[Record] = field(default_factory=list)


def touch(
    touched: Touched,
    scanned: Scanned,
    deal: Deal,
    honour: Honour | None,
    when: tuple[datetime, Venue],
) -> None:
    """Add a voucher that was scanned; `when`: now, at the venue."""
    now, venue = when
    day = venue.day_of(now)
    history = fold(scanned.records, Terms(scanned.admits, deal.reentry, deal.rights), venue)
    touched.inside += history.inside_venue(day)
    if honour is None:
        touched.arrived += any(True for _ in history.arrivals_on(day, venue))
        covered = False
    else:
        touched.arrived += bool(arrivals_covered(honour, history.arrivals))
        covered = bool(honour.proofs(history.arrivals, now))
    left = any(history.available(right.area, day) for right in deal.rights)
    touched.used += scanned.valid and not left
    touched.honoured += scanned.valid and left and covered


_PAGE = (
    "SELECT * FROM vouchers WHERE deal_no = ?1 AND voucher_id > ?2 AND parent_id IS NULL"
    " ORDER BY voucher_id LIMIT ?3"
)
_SCANNED = f"""
SELECT v.admits, v.status, s.device_id, s.nonce, s.scan_at, s.gate_id, s.area,
    COALESCE(s.shown_reason, s.reason), s.mode, s.direction, COALESCE(s.shown_people, s.people),
    s.party, s.staffed, s.annulled, s.annuls, s.annulled_at, s.overridden,
    s.overridden_at, s.struck_at, s.turned, s.moved, s.attested_at, v.voucher_id
FROM ({_PAGE}) v
JOIN scans s ON s.credential_key = v.credential_key
    AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL)
UNION ALL
-- What its tickets did is the voucher's own use.
SELECT v.admits, v.status, s.device_id, s.nonce, s.scan_at, s.gate_id, s.area,
    COALESCE(s.shown_reason, s.reason), s.mode, s.direction, COALESCE(s.shown_people, s.people),
    COALESCE(s.party, 1), s.staffed, s.annulled, s.annuls, s.annulled_at, s.overridden,
    s.overridden_at, s.struck_at, s.turned, s.moved, s.attested_at, v.voucher_id
FROM ({_PAGE}) v
JOIN vouchers t ON v.exchanged IS NOT NULL AND t.parent_id = v.voucher_id
JOIN scans s ON s.credential_key = t.credential_key
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, MAX(voucher_id)
FROM ({_PAGE})
HAVING MAX(voucher_id) IS NOT NULL
"""  # noqa: S608 - a constant


def list_scanned(ledger: Ledger, deal_no: int) -> Iterator[Scanned]:
    """Yield each voucher of a deal that was scanned."""
    for page in pages(
        ledger, lambda db, after: db.execute(_SCANNED, (deal_no, after, PAGE_ROWS)).fetchall()
    ):
        found: dict[int, Scanned] = {}
        for admits, status, *columns, voucher_id in page:
            if admits is not None:
                each = found.setdefault(voucher_id, Scanned(admits, str(status) in _STILL_VALID))
                each.records.append(read_record(tuple(columns)))
        yield from found.values()


_STILL_VALID = frozenset({Status.VALID.value, Status.BLOCKED.value})
