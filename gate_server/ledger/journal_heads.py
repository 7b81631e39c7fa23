"""What heartbeats tell of a device's own record: proof of when its offline scans existed."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime

from admission.calendar import from_ms, to_ms
from admission.journal_chain import first_head, next_head
from admission.reconcile import ConflictKind
from admission.wire import HeartbeatRequest
from admission.wire_outage import BatchLine, OfflineScan
from gate_server.ledger.conflicts import open_conflict
from gate_server.ledger.session import Session


def note_heartbeat(
    tx: Session, device_id: str, word: HeartbeatRequest, *, offset_ms: int | None, now: datetime
) -> None:
    """Keep when a device's record had which head, and notice a second copy of the device."""
    db, now_ms = tx.db, to_ms(now)
    if word.outbox_depth == 0:
        db.execute("UPDATE devices SET clear_at = ? WHERE device_id = ?", (now_ms, device_id))
    if word.boot_id is None:
        return
    _note_boot(tx, device_id, word.boot_id, now)
    if word.outbox_seq is None or word.outbox_head is None:
        return
    db.execute(
        "INSERT INTO journal_heads VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " last_seen_at = excluded.last_seen_at,"
        " offset_ms = COALESCE(excluded.offset_ms, offset_ms)",
        (
            *(device_id, word.boot_id, word.outbox_seq, word.outbox_head),
            *(now_ms, now_ms, offset_ms),
        ),
    )


def _note_boot(tx: Session, device_id: str, boot_id: str, now: datetime) -> None:
    db = tx.db
    sql = "SELECT boot_id FROM devices WHERE device_id = ?"
    before = db.execute(sql, (device_id,)).fetchone()[0]
    if before == boot_id:
        return
    db.execute("UPDATE devices SET boot_id = ? WHERE device_id = ?", (boot_id, device_id))
    known = db.execute(
        "SELECT 1 FROM journal_heads WHERE device_id = ? AND boot_id = ? LIMIT 1",
        (device_id, boot_id),
    ).fetchone()
    if known is not None:
        # A machine that starts anew gets a new name; an old one that speaks again is a second one.
        note_clone(tx, device_id, {"boots": sorted([before or "", boot_id])}, now)


def note_clone(tx: Session, device_id: str, detail: dict[str, object], now: datetime) -> None:
    """Report that a device seems to be two."""
    open_conflict(
        tx,
        ConflictKind.DEVICE_CLONED,
        f"{ConflictKind.DEVICE_CLONED}:{device_id}",
        device_id=device_id,
        detail=detail,
        now=now,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """A head as heartbeats told it; instants are milliseconds."""

    boot_id: str
    seq: int
    head: str
    first_ms: int
    last_ms: int
    offset_ms: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """A line's place in the device's record.

    Attributes:
        proven: its head follows from the line before it.
        bounded_at: when the server first saw a head that covers it; None: never.
        contact_at: the device's last contact before it.
        offset_ms: of the device's clock in that boot.
    """

    proven: bool
    bounded_at: datetime | None
    contact_at: datetime | None
    offset_ms: int | None


class Chains:
    """What is known of one device's record when a batch of it arrives."""

    def __init__(self, db: sqlite3.Connection, device_id: str, *, offset_ms: int | None) -> None:
        self._device_id = device_id
        self._offset_ms = offset_ms
        self._seen = sorted(
            (
                Seen(*row)
                for row in db.execute(
                    "SELECT boot_id, seq, head, first_seen_at, last_seen_at, offset_ms"
                    " FROM journal_heads WHERE device_id = ?",
                    (device_id,),
                )
            ),
            key=lambda seen: seen.seq,
        )
        self._seqs = [seen.seq for seen in self._seen]
        sql = "SELECT seq, head FROM journal_tips WHERE device_id = ?"
        self.tip: tuple[int, str] = db.execute(sql, (device_id,)).fetchone() or (
            0,
            first_head(device_id),
        )
        sql = "SELECT clear_at FROM devices WHERE device_id = ?"
        clear = db.execute(sql, (device_id,)).fetchone()
        self._clear_at = None if clear is None or clear[0] is None else from_ms(clear[0])
        self._offsets = {
            seen.boot_id: seen.offset_ms
            for seen in sorted(self._seen, key=lambda seen: seen.last_ms)
            if seen.offset_ms is not None
        }

    def links(self, lines: list[BatchLine | None]) -> list[Link | None]:
        """Return the place of each line; None for one that could not be read."""
        proven = self._prove(lines)
        found: list[Link | None] = []
        bounded: datetime | None = None
        for line, sure in zip(reversed(lines), reversed(proven), strict=True):
            if line is None:
                found.append(None)
                continue
            # A head proves the lines under it as far down as the chain holds.
            bounded = self._first_seen(line) or bounded if sure else None
            found.append(self._link(line, sure, bounded))
        return found[::-1]

    def _prove(self, lines: list[BatchLine | None]) -> list[bool]:
        proven = []
        for line in lines:
            if line is None or line.seq is None or line.head is None:
                proven.append(False)
                continue
            seq, head = self.tip
            follows = line.seq == seq + 1 and line.head == next_head(head, line)
            proven.append(follows)
            if line.seq > seq:
                self.tip = line.seq, line.head
        return proven

    def _link(self, line: BatchLine, proven: bool, bounded: datetime | None) -> Link:
        offset_ms = self._offset_ms
        if line.boot_id is not None:
            offset_ms = self._offsets.get(line.boot_id, offset_ms)
        return Link(proven, bounded, self._contact_before(line), offset_ms)

    def _contact_before(self, line: BatchLine) -> datetime | None:
        if isinstance(line, OfflineScan) and line.online:
            return None  # made in another epoch of the ledger; what was heard since says nothing
        if line.seq is None:
            return self._clear_at
        before = self._seen[: bisect_left(self._seqs, line.seq)]
        return from_ms(max(seen.last_ms for seen in before)) if before else None

    def _first_seen(self, line: BatchLine) -> datetime | None:
        if line.seq is None:
            return None
        at = bisect_left(self._seqs, line.seq)
        times = []
        while at < len(self._seen) and self._seen[at].seq == line.seq:
            if self._seen[at].head == line.head:
                times.append(self._seen[at].first_ms)
            at += 1
        return from_ms(min(times)) if times else None


def keep_tip(tx: Session, device_id: str, tip: tuple[int, str]) -> None:
    """Note how far a device's record has been taken."""
    tx.db.execute(
        "INSERT INTO journal_tips VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
        " seq = excluded.seq, head = excluded.head WHERE excluded.seq >= seq",
        (device_id, *tip),
    )


def bound_earlier(tx: Session, device_id: str, seq: int, at: datetime) -> None:
    """Bound the lines of earlier batches that a line's chain goes on from.

    Args:
        seq: of a proven line whose own bound is `at`.
    """
    sql = "SELECT MAX(seq) FROM offline_scans WHERE device_id = ? AND seq < ? AND NOT proven"
    broken = tx.db.execute(sql, (device_id, seq)).fetchone()[0] or 0
    tx.db.execute(
        "UPDATE offline_scans SET bounded_at = ? WHERE device_id = ? AND seq > ? AND seq < ?"
        " AND bounded_at IS NULL",
        (to_ms(at), device_id, broken, seq),
    )
