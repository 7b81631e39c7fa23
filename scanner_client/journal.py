"""Every verdict that was shown, on disk before it was shown; what of it the server has yet to take.

An offline line is part of a chain (`admission.journal_chain`) and waits until the server has taken
it. All lines are kept for a while, since a server that was restored may have lost them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from admission.calendar import to_ms
from admission.journal_chain import first_head, next_head
from admission.replica_columns import key_of
from admission.wire_outage import OfflineAnnul, OfflineCount, OfflinePassage, OfflineScan, nonce_of
from scanner_client.clock import Known
from scanner_client.journal_arrivals import Arrivals
from scanner_client.journal_counts import Counts
from scanner_client.journal_intents import Intents
from scanner_client.journal_openings import Openings
from scanner_client.journal_rows import (
    COLUMNS,
    Depth,
    Draft,
    Kept,
    Owner,
    OwnScan,
    Parked,
    Settled,
    Waiting,
    kind_of,
    own_scan,
    signed,
)
from scanner_client.journal_store import FILE_NAME, Store, one, read_meta, set_meta
from scanner_client.seal import Seal, SealBroken

# Arrival numbers that a scanner gives on its own begin here, far from those that the server gives.
OWN_NUMBERS = 1_000_000
_ABOUT = b"journal"

Line = TypeVar("Line", OfflineScan, OfflineAnnul | OfflinePassage, OfflineAnnul | OfflineCount)
Row = tuple[object, ...]

_ANNUL = (
    "UPDATE entries SET annulled = ?, annuls = annuls + 1, annulled_at = ?"
    " WHERE nonce = ? AND kind = 'scan'"
)
_TURN = "UPDATE entries SET turned = MAX(?, COALESCE(turned, 0)) WHERE nonce = ? AND kind = 'scan'"


class Journal:
    """The journal of one scanner. Safe for several threads and processes on one directory.

    Every call raises JournalUnwritable where the file cannot be read or written.

    Args:
        alarm: is told what staff have to know.

    Attributes:
        intents: scans that are under way.
        openings: scans for which the turnstile was opened, and what was reported of it.
        counts: people without a voucher; `arrivals`: what it knows of them.
    """

    def __init__(
        self, directory: Path, seal: Seal, owner: Owner, alarm: Callable[[str], None]
    ) -> None:
        self._seal = seal
        self._device_id = owner.device_id
        self._enrolled_in = owner.epoch
        self.boot_id = owner.boot_id
        self._alarm = alarm
        self._store = Store(directory / FILE_NAME, self._prove, self._tell_damage)
        self.intents = Intents(self._store, seal)
        self.openings = Openings(self._store)
        self.arrivals = Arrivals(self._store, seal, self._own)
        self.counts = Counts(self._store, self._chain, self._insert, self._unseal)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def forget(self) -> None:
        """Close the file for good, before it is wiped."""
        self._store.forget()

    # --- what was shown --------------------------------------------------------------------------

    def append(self, draft: Draft, now: datetime) -> OfflineScan:
        """Record a scan; return its line as recorded, with its place in the chain.

        A nonce that is recorded already is not recorded twice: its first line is returned.
        """
        return self._store.write(lambda db: self._append(db, draft, now))

    def decide(self, make: Callable[[], Draft], now: datetime) -> OfflineScan:
        """Record what `make` decides, which sees all that is recorded and nothing comes between.

        Two lanes, or two processes, would else each let in the same code.
        """
        return self._store.write(lambda db: self._append(db, make(), now))

    def _append(self, db: sqlite3.Connection, draft: Draft, now: datetime) -> OfflineScan:
        known = self._find(db, draft.line.nonce)
        if known is not None:
            return known.line
        line = draft.line
        if not line.online:
            if draft.numbered:
                number = OWN_NUMBERS + one(db, "SELECT seq + 1 FROM chain")
                line = replace(line, arrival_number=f"{self._device_id}-{number}")
            line = self._chain(db, line)
        key = None if line.code_key is None else key_of(line.code_key)
        values: dict[str, object] = {
            "tag": None if key is None else self._seal.tag(key),
            "deal_no": draft.deal_no,
            "inside": draft.inside,
            "honoured": draft.honoured,
            "revision": draft.revision,
            "slip_tag": None if line.slip_key is None else self._seal.tag(key_of(line.slip_key)),
            "new_arrival": int(draft.arrives),
        }
        self._insert(db, line, draft.keep(line), now, values)
        return line

    def _chain(self, db: sqlite3.Connection, line: Line) -> Line:
        """Give a line the next place in the chain."""
        seq, head = db.execute("SELECT seq, head FROM chain").fetchone()
        line = replace(line, seq=seq + 1, boot_id=self.boot_id)
        line = replace(line, head=next_head(head, line))
        db.execute("UPDATE chain SET seq = ?, head = ?", (line.seq, line.head))
        return line

    def _insert(
        self,
        db: sqlite3.Connection,
        line: OfflineScan | OfflineAnnul | OfflinePassage | OfflineCount,
        kept: Kept,
        now: datetime,
        values: dict[str, object],
    ) -> None:
        nonce = nonce_of(line)
        online = line.seq is None
        row = values | {
            "nonce": nonce,
            "kind": kind_of(line),
            "state": "online" if online else "waiting",
            "at": to_ms(now),
            "seq": line.seq,
            "settled_at": to_ms(now) if online else None,
            "sealed": self._seal.seal(msgspec.json.encode(kept), _ABOUT),
        }
        marks = ", ".join(f":{name}" for name in row)
        db.execute(f"INSERT INTO entries ({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608

    def amend(
        self,
        line: OfflineAnnul | OfflinePassage,
        now: datetime,
        *,
        revision: int | None = None,
    ) -> None:
        """Record that people of an own scan were taken back, or passed the turnstile.

        Args:
            line: `people` is their number in all.
            revision: where the server itself has noted it: the ledger's, from which on it holds.
        """
        nonce, people = nonce_of(line), line.people or 0

        def change(db: sqlite3.Connection) -> None:
            before = self._find(db, nonce)
            chained = line if revision is not None else self._chain(db, line)
            kept = Kept(line=msgspec.Raw(msgspec.json.encode(chained)))
            if isinstance(line, OfflineAnnul):
                values: tuple[object, ...] = (people, to_ms(now), nonce)
                db.execute(_ANNUL, values)
            else:
                db.execute(_TURN, (people, nonce))
            after = self._find(db, nonce)
            more = after.record.passed - before.record.passed if before and after else 0
            inside = signed(before.line, more) if before else 0
            self._insert(db, chained, kept, now, {"inside": inside, "revision": revision})

        self._store.write(change)

    # --- own history -----------------------------------------------------------------------------

    def scans_of(self, keys: Iterable[bytes]) -> list[OwnScan]:
        """Return the scans that stand under credential keys, oldest first."""
        tags = {self._seal.tag(key): key for key in keys}
        sql = f"SELECT {COLUMNS} FROM entries WHERE tag = ? AND kind = 'scan'"  # noqa: S608

        def look_up(db: sqlite3.Connection) -> list[Row]:
            return [row for tag in tags for row in db.execute(sql, (tag,)).fetchall()]

        found = [self._own(row) for row in self._store.read(look_up)]
        return sorted((own for own in found if own is not None), key=lambda own: own.entry_id)

    def find(self, nonce: str) -> OwnScan | None:
        """Return the scan of a nonce."""
        return self._store.read(lambda db: self._find(db, nonce))

    def _find(self, db: sqlite3.Connection, nonce: str) -> OwnScan | None:
        sql = f"SELECT {COLUMNS} FROM entries WHERE nonce = ? AND kind = 'scan'"  # noqa: S608
        row = db.execute(sql, (nonce,)).fetchone()
        return None if row is None else self._own(row)

    def _own(self, row: Row) -> OwnScan | None:
        kept = self._unseal(row[-1])
        return None if kept is None else own_scan(row, kept, self._device_id)

    def _unseal(self, sealed: object) -> Kept | None:
        """Return what a row keeps; None where the row is damaged, which then is nothing at all."""
        try:
            data = self._seal.open(sealed, _ABOUT) if isinstance(sealed, bytes) else b""
            return msgspec.json.decode(data, type=Kept)
        except (SealBroken, msgspec.DecodeError):
            self._alarm("a line of the journal is damaged; tell a supervisor")
            return None

    def inside_since(self, revision: int, day_from: datetime) -> int:
        """Return the people who came in less those who left, where the replica does not know it.

        Args:
            revision: the replica's.
            day_from: the venue day's first instant; by it all others have left.
        """
        sql = (
            "SELECT COALESCE(SUM(inside), 0) FROM entries WHERE inside <> 0 AND at >= ?"
            " AND (revision IS NULL OR revision > ?)"
        )
        return self._store.read(lambda db: one(db, sql, to_ms(day_from), revision))

    def honoured_since(self, revision: int, deal_no: int) -> int:
        """Return the persons honoured on a deal that the replica does not know of."""
        sql = (
            "SELECT COALESCE(SUM(honoured), 0) FROM entries WHERE honoured <> 0 AND deal_no = ?"
            " AND (revision IS NULL OR revision > ?)"
        )
        return self._store.read(lambda db: one(db, sql, deal_no, revision))

    # --- what the server takes -------------------------------------------------------------------

    def waiting(self, most: int) -> list[Waiting]:
        """Return the oldest lines that the server has yet to take."""
        sql = (
            "SELECT entry_id, nonce, sealed FROM entries WHERE state = 'waiting'"
            " ORDER BY entry_id LIMIT ?"
        )
        rows = self._store.read(lambda db: db.execute(sql, (most,)).fetchall())
        found = [(row[0], row[1], self._unseal(row[2])) for row in rows]
        damaged = [entry_id for entry_id, _, kept in found if kept is None]
        if damaged:
            self._park_damaged(damaged)
        return [
            Waiting(entry_id, nonce, bytes(kept.line))
            for entry_id, nonce, kept in found
            if kept is not None
        ]

    def _park_damaged(self, entries: list[int]) -> None:
        sql = "UPDATE entries SET state = 'parked', problem = 'damaged' WHERE entry_id = ?"
        self._store.write(lambda db: db.executemany(sql, [(entry,) for entry in entries]))

    def settle(
        self, settled: Sequence[Settled], *, epoch: str, revision: int | None, now: datetime
    ) -> None:
        """Note what became of lines, unless the ledger that took them is not the one of now."""
        rows = [
            (
                "accepted" if each.problem is None else "parked",
                each.problem,
                to_ms(now),
                revision,
                each.entry_id,
            )
            for each in settled
        ]

        def change(db: sqlite3.Connection) -> None:
            if read_meta(db, "epoch") != epoch:
                return
            db.executemany(
                "UPDATE entries SET state = ?, problem = ?, settled_at = ?, revision = ?"
                " WHERE entry_id = ? AND state = 'waiting'",
                rows,
            )

        self._store.write(change)

    def depth(self) -> Depth:
        """Return how much waits, how much is parked, and how far the chain has come."""

        def look_up(db: sqlite3.Connection) -> Depth:
            count = "SELECT COUNT(*) FROM entries WHERE state = '{}'"
            seq, head = db.execute("SELECT seq, head FROM chain").fetchone()
            waiting = one(db, count.format("waiting"))
            return Depth(waiting, one(db, count.format("parked")), seq, head)

        return self._store.read(look_up)

    def parked(self, most: int = 20) -> list[Parked]:
        """Return the oldest lines that the server could not read."""
        sql = (
            "SELECT nonce, kind, problem FROM entries WHERE state = 'parked'"
            " ORDER BY entry_id LIMIT ?"
        )
        rows = self._store.read(lambda db: db.execute(sql, (most,)).fetchall())
        return [Parked(*row) for row in rows]

    def note_epoch(self, epoch: str) -> bool:
        """Note the ledger's epoch; where it is another, everything kept is sent again."""
        if self._store.read(lambda db: read_meta(db, "epoch")) == epoch:
            return False

        def change(db: sqlite3.Connection) -> bool:
            if read_meta(db, "epoch") == epoch:
                return False
            set_meta(db, "epoch", epoch)
            db.execute(
                "UPDATE entries SET state = 'waiting', problem = NULL, revision = NULL,"
                " settled_at = NULL WHERE state <> 'waiting'"
            )
            return True

        return self._store.write(change)

    @property
    def epoch(self) -> str:
        """The ledger's epoch as last known."""
        return str(self._store.read(lambda db: read_meta(db, "epoch")))

    def prune(self, before: datetime) -> int:
        """Forget what the server took before an instant; return how many lines that were."""
        sql = (
            "DELETE FROM entries WHERE state IN ('accepted', 'online') AND settled_at < ?"
            " AND at < ?"
        )
        until = to_ms(before)
        return self._store.write(lambda db: db.execute(sql, (until, until)).rowcount)

    # --- what the clock has learnt ---------------------------------------------------------------

    def note_clock(self, known: Known) -> None:
        """Remember what the clock knows, for the next start."""
        value = msgspec.json.encode(known).decode()
        self._store.write(lambda db: set_meta(db, "clock", value), durable=False)

    def find_clock(self) -> Known | None:
        """Return what the clock knew; None where that was not kept."""
        value = self._store.read(lambda db: read_meta(db, "clock"))
        return msgspec.json.decode(value, type=Known) if isinstance(value, str) else None

    # --- the file --------------------------------------------------------------------------------

    def _prove(self, db: sqlite3.Connection, after_damage: bool) -> None:
        """Begin a new file, or see that this one can be read and is this device's.

        Raises ValueError: it was sealed with another key.
        """
        proof = read_meta(db, "proof")
        if proof is None:
            # Places that were taken are not taken again, though the file that knew them is gone:
            # there were never more of them than seconds.
            seq = int(time.time()) if after_damage else 0
            head = first_head(self._device_id)
            db.execute("INSERT INTO chain (one, seq, head) VALUES (1, ?, ?)", (seq, head))
            set_meta(db, "proof", self._seal.seal(b"journal", _ABOUT))
            set_meta(db, "epoch", self._enrolled_in)
            set_meta(db, "device", self._device_id)
            return
        try:
            self._seal.open(bytes(proof), _ABOUT)  # type: ignore[call-overload]
        except SealBroken as error:
            raise ValueError("sealed with another key") from error
        if read_meta(db, "device") != self._device_id:
            self._change_hands(db)

    def _change_hands(self, db: sqlite3.Connection) -> None:
        """Go on as another device of the venue: enrolled anew into the same directory."""
        same = read_meta(db, "epoch") == self._enrolled_in
        if same and not one(db, "SELECT COUNT(*) FROM entries WHERE state = 'waiting'"):
            # The server has it all, under the earlier device; here it would count as another's.
            db.execute("DELETE FROM entries WHERE state <> 'parked'")
        set_meta(db, "device", self._device_id)

    def _tell_damage(self, kept: Path) -> None:
        self._alarm(
            f"the journal was damaged and is kept as {kept.name}; a new one was begun: "
            "tell a supervisor, for scans in it may not have reached the server"
        )
