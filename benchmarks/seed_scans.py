"""Give a seeded venue days of scans quickly: honest rows with their chain and their counters.

Every voucher comes once a day at its own time (its deal opens the park once a day), and one in ten
is shown again at once and refused; so `doctor` finds nothing wrong, however many scans there are.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from admission.calendar import to_ms
from admission.verdicts import RULES_VERSION
from benchmarks.seed import GATES
from gate_server.ledger import audit, deal_slots, lanes, peaks, tallies
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.flow import Flow
from gate_server.ledger.lanes import LaneDelta
from gate_server.ledger.tallies import Delta

DEVICES: Final = 32
DAY_MS: Final = 86_400_000
OPEN_MS: Final = 10 * 3_600_000
_CHUNK: Final = 50_000
_PLACEHOLDERS: Final = ", ".join("?" * 20)
_SCAN: Final = (
    f"INSERT INTO scans (scan_id, {audit.SCAN_FIELDS}, credential_key, tail, salt)"  # noqa: S608
    f" VALUES (?, {_PLACEHOLDERS}, ?, ?, ?)"
)
_OPEN_DEAL: Final = (
    """UPDATE deals SET rights = '[["park",1,true]]', valid_from = ? WHERE deal_no = 1"""
)
_SLOW_INDEXES: Final = ("scans_key", "scans_nonce")


@dataclass(slots=True)
class _Chain:
    """Where the audit chain stands, and what a chunk of scans adds to the ledger."""

    head: bytes
    revision: int
    flow: Flow = field(default_factory=Flow)
    scans: list[tuple[object, ...]] = field(default_factory=list)
    links: list[tuple[object, ...]] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    lanes: list[LaneDelta] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A voucher that is shown at a lane."""

    at_ms: int
    voucher_id: int
    key: bytes
    admitted: bool

    @property
    def lane(self) -> int:
        """The number of the device."""
        return self.voucher_id % DEVICES


def add_scans(directory: Path, scans: int, *, now: datetime) -> int:
    """Write so many scans of the days before `now` into a closed ledger; return of how many days.

    Nothing is synced to disk meanwhile: a benchmark that dies begins anew.
    """
    db = sqlite3.connect(directory / LEDGER, isolation_level=None)
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"PRAGMA cache_size = -{256 * 1024}")
    vouchers = db.execute("SELECT voucher_id, credential_key FROM vouchers").fetchall()
    days = -(-scans // max(1, len(vouchers) + len(vouchers) // 10))
    db.execute(_OPEN_DEAL, (to_ms(now) - (days + 2) * DAY_MS,))
    indexes = [_drop(db, name) for name in _SLOW_INDEXES]
    revision, head = db.execute("SELECT revision, audit_head FROM venue").fetchone()
    chain, shown = _Chain(head, revision), _shown(vouchers, days, to_ms(now))
    rows = islice(shown, scans)
    while chunk := list(islice(rows, _CHUNK)):
        _write(db, chain, chunk)
    for statement in indexes:
        db.execute(statement)
    db.execute("DELETE FROM gate_peaks")
    db.execute(f"INSERT INTO gate_peaks {peaks.RECOUNT}")
    db.execute("UPDATE venue SET revision = ?, audit_head = ?", (chain.revision, chain.head))
    db.close()
    return days


def _drop(db: sqlite3.Connection, name: str) -> str:
    """Drop an index, and return the statement that makes it again: rows go in faster without."""
    sql = "SELECT sql FROM sqlite_master WHERE name = ?"
    statement: str = db.execute(sql, (name,)).fetchone()[0]
    db.execute(f"DROP INDEX {name}")
    return statement


def _shown(vouchers: list[tuple[int, bytes]], days: int, now_ms: int) -> Iterator[_Shown]:
    step = OPEN_MS / max(1, len(vouchers))
    for day in range(days, 0, -1):
        # The last day ends now, and a voucher comes at the same time each day: once a venue day.
        begin = now_ms - (day - 1) * DAY_MS - OPEN_MS
        for place, (voucher_id, key) in enumerate(vouchers):
            at_ms = begin + int(place * step)
            yield _Shown(at_ms, voucher_id, key, admitted=True)
            if place % 10 == 0:
                yield _Shown(at_ms + 1, voucher_id, key, admitted=False)


def _write(db: sqlite3.Connection, chain: _Chain, chunk: Iterable[_Shown]) -> None:
    salts = os.urandom(16 * _CHUNK)
    for place, shown in enumerate(chunk):
        _add(chain, shown, salts[16 * place : 16 * place + 16])
    db.execute("BEGIN")
    db.executemany(_SCAN, chain.scans)
    db.executemany("INSERT INTO audit VALUES (?, 'scan', NULL, ?)", chain.links)
    tallies.write(db, chain.deltas)
    deal_slots.write(db, chain.deltas)
    chain.flow.write(db, chain.deltas, chain.deltas[-1].at_ms)
    lanes.write(db, chain.lanes)
    db.execute("COMMIT")
    for each in (chain.scans, chain.links, chain.deltas, chain.lanes):
        each.clear()


def _add(chain: _Chain, shown: _Shown, salt: bytes) -> None:
    chain.revision += 1
    device_id, gate_id = f"D{shown.lane + 1}", f"G{shown.lane % GATES + 1}"
    people, reason = (1, "admitted") if shown.admitted else (0, "used_up")
    at_ms, nonce = shown.at_ms, f"bench-{chain.revision:010}"
    fields = (
        *(device_id, nonce, gate_id, "park", shown.voucher_id, "admit", "entry", None, at_ms),
        *(at_ms, at_ms, 1, 0, reason, people, 0, None, RULES_VERSION, None, "{}"),
    )
    personal = audit.personal_digest(salt, shown.key, "2015", None)
    content = audit.scan_content(fields, personal)
    chain.head = audit.chain(chain.head, chain.revision, "scan", content)
    chain.scans.append((chain.revision, *fields, shown.key, "2015", salt))
    chain.links.append((chain.revision, chain.head))
    outcome = "admit" if shown.admitted else "refuse"
    sums = {"entered": people, "people": people, "persons": people, "inside": people}
    chain.deltas.append(Delta(at_ms, gate_id, reason, scans=1, deal_no=1, outcome=outcome, **sums))
    chain.lanes.append(LaneDelta(at_ms, gate_id, device_id, "", reason, scans=1, entered=people))
