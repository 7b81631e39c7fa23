"""Compare what the ledger and a platform count as redeemed on one venue day, voucher by voucher.

For a process of its own, on a connection that only reads: it folds every voucher of the day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from admission.calendar import Venue, from_ms, to_ms
from admission.deals import Deal
from admission.history import Record, Terms
from admission.redemptions import people_redeemed_on
from gate_server.ledger.catalogue import DEAL_COLUMNS, read_deal
from gate_server.ledger.closure_rows import list_in_force
from gate_server.ledger.redemption_places import first_scan_from, standing
from gate_server.ledger.scans import records_by_key

_SCANS: Final = """
SELECT DISTINCT credential_key, voucher_id FROM scans
WHERE scan_id >= ?1 AND credential_key IS NOT NULL
  AND (scan_at BETWEEN ?2 AND ?3 OR overridden_at BETWEEN ?2 AND ?3)
"""
_BY_KEY: Final = """
SELECT voucher_id FROM vouchers WHERE credential_key = ?1 AND platform = ?2
UNION
SELECT v.voucher_id FROM credentials c JOIN vouchers v USING (voucher_id)
WHERE c.key = ?1 AND c.kind <> 'order' AND v.platform = ?2
"""
_VOUCHER: Final = """
SELECT voucher_ref, tail, credential_key, admits, deal_no FROM vouchers
WHERE voucher_id = ? AND platform = ? AND parent_id IS NULL
"""
_MORE_KEYS: Final = "SELECT key FROM credentials WHERE voucher_id = ? AND kind <> 'order'"
_REFS: Final = "SELECT voucher_id, voucher_ref, tail FROM vouchers WHERE platform = ?"
_TICKETS: Final = """
SELECT s.scan_at FROM tickets t JOIN scans s USING (scan_id)
WHERE t.parent_id = ? AND t.dead_at IS NULL
"""
_DEED: Final = """
SELECT state, problem FROM deeds WHERE voucher_id = ? ORDER BY number DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What a platform counts on one voucher.

    Attributes:
        keys: every hash of its code, where the platform names it by that.
        tail: of the code, for people.
    """

    voucher_ref: str | None
    keys: tuple[bytes, ...]
    tail: str
    people: int


@dataclass(slots=True)
class Line:
    """One voucher of the day; several that share a reference are one.

    Attributes:
        why: what the ledger knows about a difference; "" where it knows nothing.
    """

    voucher_ref: str | None
    tail: str
    ours: int = 0
    theirs: int = 0
    why: str = ""
    voucher_ids: list[int] = field(default_factory=list)


class DayBook:
    """The vouchers of one platform and venue day, by what both sides count."""

    def __init__(self, db: sqlite3.Connection, venue: Venue, platform: str, day: date) -> None:
        self._db = db
        self._venue = venue
        self._platform = platform
        self._day = day
        self._lines: dict[str | int, Line] = {}
        rows = db.execute(f"SELECT {DEAL_COLUMNS} FROM deals WHERE platform = ?", (platform,))  # noqa: S608
        closures = list_in_force(db)
        self._deals: dict[int, Deal] = {
            row[0]: read_deal(row, closures.get(row[0], ())) for row in rows
        }
        self._standing = standing(db, platform)

    def compare(self, theirs: Iterable[Theirs]) -> list[Line]:
        """Return the vouchers that the two sides count differently, by their reference."""
        for voucher_id in self._scanned():
            self._add_ours(voucher_id)
        self._add_theirs(list(theirs))
        found = [line for line in self._lines.values() if line.ours != line.theirs]
        for line in found:
            line.why = line.why or self._why(line)
        return sorted(found, key=lambda line: (line.voucher_ref or "", line.tail))

    @property
    def counted(self) -> int:
        """The vouchers that either side counts on the day."""
        return len(self._lines)

    def _scanned(self) -> set[int]:
        first, last = self._venue.day_bounds(self._day)
        after = first_scan_from(self._db, first)
        found: set[int] = set()
        rows = self._db.execute(_SCANS, (after, to_ms(first), to_ms(last))).fetchall()
        for key, voucher_id in rows:
            found.update(self._by_key(key) if voucher_id is None else [voucher_id])
        return found

    def _by_key(self, key: bytes) -> Iterator[int]:
        return (row[0] for row in self._db.execute(_BY_KEY, (key, self._platform)).fetchall())

    def _add_ours(self, voucher_id: int) -> None:
        row = self._db.execute(_VOUCHER, (voucher_id, self._platform)).fetchone()
        if row is None:
            return
        ref, tail, key, admits, deal_no = row
        deal = self._deals[deal_no]
        records = self._records(voucher_id, key)
        tickets = [from_ms(at) for (at,) in self._db.execute(_TICKETS, (voucher_id,)).fetchall()]
        terms = Terms(admits, deal.reentry, deal.rights, closures=deal.closures)
        people = people_redeemed_on(self._day, records, tickets, terms, self._venue)
        if people and not self._standing.partial:
            people = admits
        if people:
            line = self._line(ref, tail, voucher_id)
            line.ours += people

    def _records(self, voucher_id: int, key: bytes) -> list[Record]:
        keys = {key, *(row[0] for row in self._db.execute(_MORE_KEYS, (voucher_id,)).fetchall())}
        found = {
            (record.device_id, record.nonce): record
            for each in keys
            for record, _ in records_by_key(self._db, each, voucher_id)
        }
        return list(found.values())

    def _line(self, ref: str | None, tail: str, voucher_id: int) -> Line:
        line = self._lines.setdefault(voucher_id if ref is None else ref, Line(ref, tail))
        if voucher_id not in line.voucher_ids:
            line.voucher_ids.append(voucher_id)
        return line

    def _add_theirs(self, theirs: list[Theirs]) -> None:
        wanted = {each.voucher_ref for each in theirs} - {None} - set(self._lines)
        known: dict[str, tuple[int, str]] = {}
        if wanted:
            for voucher_id, ref, tail in self._db.execute(_REFS, (self._platform,)):
                if ref in wanted:
                    known[ref] = voucher_id, tail
        for number, each in enumerate(theirs, 1):
            self._line_of(each, known, number).theirs += each.people

    def _line_of(self, each: Theirs, known: dict[str, tuple[int, str]], number: int) -> Line:
        ref = each.voucher_ref
        if ref is not None:
            if ref in self._lines:
                return self._lines[ref]
            if ref in known:
                return self._line(ref, known[ref][1], known[ref][0])
            return self._lines.setdefault(ref, Line(ref, each.tail, why="unknown_voucher"))
        for key in each.keys:
            for voucher_id in self._by_key(key):
                row: tuple[Any, ...] = self._db.execute(
                    _VOUCHER, (voucher_id, self._platform)
                ).fetchone()
                return self._line(row[0], row[1], voucher_id)
        # Each has a line of its own: two codes that nobody knows may end alike.
        return self._lines.setdefault(-number, Line(None, each.tail, why="unknown_voucher"))

    def _why(self, line: Line) -> str:
        for voucher_id in line.voucher_ids:
            row = self._db.execute(_DEED, (voucher_id,)).fetchone()
            if row is not None and row[0] not in {"done", "dropped"}:
                return f"{row[0]}: {row[1]}" if row[1] else str(row[0])
            if row is None and line.ours:
                return "never_reported"
        return ""
