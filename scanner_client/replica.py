"""The replica: what a scanner decides from while the gate server is away. Nothing here is a rule.

Reads go through a `View`: one state of the whole, however many deltas take effect meanwhile.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from admission.calendar import Venue
from admission.codes import CodeReader
from admission.deals import Deal, Hold
from admission.errors import AdmissionError, InvalidInput
from admission.history import Record
from admission.replica_columns import key_of, record_of
from admission.scans import Gate
from admission.voids import Void
from admission.vouchers import Voucher
from admission.wire_outage import StateLine
from admission.wire_tickets import DeskLink
from scanner_client.replica_files import (
    REPLICA_FILE,
    Foreign,
    Identity,
    Readers,
    delete,
    identify,
    renaming,
)
from scanner_client.replica_tables import Few, HeldRow, ScanRows, VoucherRows, load_few, mark_of
from scanner_client.seal import Seal, SealBroken

MOST_FOUND = 40
"""Vouchers of one order, as on the server."""
_SOME, _PAUSE_S = 200, 0.002

_VOUCHER = "SELECT tag, deal, sealed FROM vouchers WHERE tag = ?"
_OTHERS = f"""
SELECT v.tag, v.deal, v.sealed FROM others o JOIN vouchers v ON v.tag = o.voucher
WHERE o.tag = ? LIMIT {2 * MOST_FOUND}
"""  # noqa: S608 - a number of ours
_SCANS = "SELECT scan, key, sealed FROM scans WHERE key = ?"
_SCAN = "SELECT scan, key, sealed FROM scans WHERE scan = ?"
_TURN = "SELECT value FROM meta WHERE name = 'turn'"


class NoReplica(AdmissionError):
    """There is nothing to decide from: not downloaded yet, damaged, or wiped."""


class _Damaged(NoReplica):
    """What was read is damaged, foreign, or sealed with another key."""


@dataclass(frozen=True, slots=True)
class Held:
    """A voucher with its links.

    Attributes:
        voucher: its number is the replica's own; its tail is "" unless its own code was scanned.
        credential_key: that its scans link by; `more_keys`: further ones.
        buyer_no: the ordinal of the buyer's account, for `buyer_blocked`.
        desk: where it is a ticket, or was exchanged for tickets.
    """

    voucher: Voucher
    deal: Deal
    platform: str
    credential_key: bytes
    buyer_no: int | None
    more_keys: tuple[bytes, ...]
    desk: DeskLink | None = None


class View:
    """One state of the replica; of the thread that opened it, and only while it is open.

    Attributes:
        revision: up to which the ledger was told; `epoch`: of which ledger.
        state: what holds for the whole venue.
        reader: the keys to read a code with, as last told.
        venue: its calendar.
        gates: all of them, by id.
    """

    def __init__(self, db: sqlite3.Connection, seal: Seal, few: Few) -> None:
        if few.state is None:
            raise InvalidInput("state", "was never told")
        self._db, self._seal, self._few = db, seal, few
        self._vouchers, self._scans = VoucherRows(seal), ScanRows(seal)
        self.revision: int = few.revision
        self.epoch: str = few.epoch
        self.state: StateLine = few.state
        self.reader: CodeReader = few.reader
        self.venue: Venue = few.venue
        self.gates: Mapping[str, Gate] = few.gates

    @property
    def fresh_at(self) -> datetime:
        """The server's time at which all this was so."""
        return self.state.server_time

    def age_s(self, now: datetime) -> float:
        """Return how old it is, in seconds.

        Args:
            now: server time.
        """
        return max(0.0, (now - self.fresh_at).total_seconds())

    def find(self, keys: Sequence[bytes], tail: str | None = None) -> tuple[Held, ...]:
        """Return the vouchers that a code finds, by any of its keys; at most 40 of an order.

        Args:
            tail: of the code that was scanned, for the replica keeps none.
        """
        with _guarding():
            return self._find(keys, tail)

    def _find(self, keys: Sequence[bytes], tail: str | None) -> tuple[Held, ...]:
        found: dict[tuple[int, str], HeldRow] = {}
        for key in keys:
            tag = self._seal.tag(key)
            for row in self._db.execute(_VOUCHER, (tag,)).fetchall():
                self._note(found, self._vouchers.open(*row))
            for row in self._db.execute(_OTHERS, (tag,)).fetchall():
                held = self._vouchers.open(*row)
                # The row may have been told anew since, with another order.
                if mark_of(tag) in held.order_marks or key in held.voucher.more_keys:
                    self._note(found, held)
        rows = list(found.values())[:MOST_FOUND]
        return tuple(self._held(row, keys, tail) for row in rows)

    def _note(self, found: dict[tuple[int, str], HeldRow], row: HeldRow) -> None:
        """Keep a row, unless the same voucher was told later under another deal."""
        line = self._few.deals.get(row.deal_no)
        if line is None:
            # No reason to throw all away: the same would come again.
            raise NoReplica(f"deal {row.deal_no} of a voucher was never told")
        place = row.tag, line.deal.platform
        if place not in found or found[place].turn < row.turn:
            found[place] = row

    def _held(self, row: HeldRow, keys: Sequence[bytes], tail: str | None) -> Held:
        deal = self._few.deals[row.deal_no].deal
        stored = row.voucher
        # Of a slip the tail is its own, and nobody knows the voucher by it.
        other = (key in keys for key in stored.more_keys if key[0] or key == stored.key)
        own = stored.key in keys or any(other)
        voucher = stored.voucher(row.tag ^ row.deal_no, (tail or "") if own else "")
        more = stored.more_keys
        return Held(voucher, deal, deal.platform, stored.key, stored.buyer, more, stored.desk)

    def find_relations(self, held: Held) -> tuple[Held, list[Held]] | None:
        """Return a voucher as sold, and all its tickets; None where it has none to be found."""
        if held.desk is None:
            return None
        parent = self._find_one(held.desk.parent, held) if held.desk.parent else held
        if parent is None or parent.desk is None:
            return None
        tickets = (self._find_one(text, held) for text in parent.desk.tickets)
        return parent, [ticket for ticket in tickets if ticket is not None]

    def _find_one(self, key_text: str, beside: Held) -> Held | None:
        found = self.find([key_of(key_text)])
        return next((each for each in found if each.platform == beside.platform), None)

    def records_of(self, held: Held) -> list[tuple[Record, str | None]]:
        """Return a voucher's recorded scans with their arrival numbers, in no order."""
        platforms = frozenset({"", held.platform})
        keys = dict.fromkeys((held.credential_key, *held.more_keys))
        return [each for key in keys for each in self._records(key, platforms)]

    def records_of_key(self, key: bytes) -> list[tuple[Record, str | None]]:
        """Return the scans of a code that finds no voucher."""
        return self._records(key, frozenset({""}))

    def _records(self, key: bytes, platforms: frozenset[str]) -> list[tuple[Record, str | None]]:
        with _guarding():
            rows = self._db.execute(_SCANS, (self._seal.tag(key),)).fetchall()
            lines = [self._scans.open(*row) for row in rows]
            return [
                (record_of(line), line.arrival_number)
                for line in lines
                if line.platform in platforms
            ]

    def record(self, device_id: str, nonce: str) -> Record | None:
        """Return what is on record under a device's nonce."""
        with _guarding():
            row = self._db.execute(_SCAN, (self._scans.tag(device_id, nonce),)).fetchone()
            return None if row is None else record_of(self._scans.open(*row))

    def deal_of_number(self, deal_no: int) -> Deal | None:
        """Return a deal by its ordinal, as tokens name it."""
        line = self._few.deals.get(deal_no)
        return None if line is None else line.deal

    def void_of(self, deal_no: int) -> Void | None:
        """Return the void in force of a deal."""
        line = self._few.deals.get(deal_no)
        return None if line is None else line.void

    def hold_of(self, deal_no: int) -> Hold | None:
        """Return the hold in force of a deal."""
        line = self._few.deals.get(deal_no)
        return None if line is None else line.hold

    def buyer_blocked(self, buyer_no: int | None, now: datetime) -> bool:
        """Say whether a buyer's account must see a supervisor now."""
        return self._few.blocked(buyer_no, now)

    def gate(self, gate_id: str) -> Gate | None:
        """Return a gate as it stands."""
        return self._few.gates.get(gate_id)

    def honoured(self, deal_no: int) -> int:
        """Return the persons honoured so far on a deal."""
        return self.state.honoured.get(str(deal_no), 0)

    def read_through(self) -> Iterator[None]:
        """Read every page and open every row, a few hundred between two steps.

        Raises NoReplica: there is damage.
        """
        with _guarding():
            found = self._db.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise SealBroken(str(found))
        for sql, open_row in (
            ("SELECT tag, deal, sealed FROM vouchers", self._vouchers.open),
            ("SELECT scan, key, sealed FROM scans", self._scans.open),
        ):
            rows = self._db.execute(sql)
            while True:
                with _guarding():
                    some = rows.fetchmany(_SOME)
                    for row in some:
                        open_row(*row)
                if not some:
                    break
                yield


class Replica:
    """The replica of a scanner's directory. Safe for several threads and processes.

    Args:
        report: is told, for staff, what was lost.
    """

    def __init__(self, directory: Path, seal: Seal, report: Callable[[str], None]) -> None:
        self.directory = directory
        self.seal = seal
        self._report = report
        self._readers = Readers(directory)
        self._lock = threading.Lock()
        self._few: tuple[Identity, Few] | None = None
        self._problem = ""

    @contextmanager
    def view(self) -> Iterator[View]:
        """Open one state of the replica.

        What turns out damaged, now or while it is read, is thrown away and said to staff.

        Raises NoReplica: there is nothing to decide from.
        """
        identity = identify(self.directory / REPLICA_FILE)
        try:
            with _guarding():
                lent = self._readers.lend()
            if lent is None:
                raise NoReplica("there is no replica yet")
            identity = lent[0]
            with self._readers.returning(lent) as db:
                with _guarding():
                    view = View(db, self.seal, self._few_of(identity, db))
                yield view
        except _Damaged as error:
            self.throw_away(identity, str(error))
            raise NoReplica(f"the replica was damaged: {error}") from error

    @property
    def standing(self) -> Few:
        """The small tables now; of revision 0 where there is no replica."""
        try:
            with self.view() as view:
                return view._few
        except NoReplica:
            return Few()

    @property
    def revision(self) -> int:
        """The revision of the ledger that it holds; 0: none."""
        return self.standing.revision

    @property
    def epoch(self) -> str:
        """The epoch of the ledger that it holds; "": none."""
        return self.standing.epoch

    @property
    def fresh_at(self) -> datetime | None:
        """The server's time at which it was so; None: never."""
        return self.standing.fresh_at

    def age_s(self, now: datetime) -> float | None:
        """Return how old it is, in seconds; None where there is none.

        Args:
            now: server time.
        """
        fresh_at = self.fresh_at
        return None if fresh_at is None else max(0.0, (now - fresh_at).total_seconds())

    @property
    def there(self) -> bool:
        """Whether there is a file at all."""
        return identify(self.directory / REPLICA_FILE) is not None

    def check(self, stop: threading.Event) -> None:
        """Read all of it once, slowly, so that damage shows before a visitor's code is unknown.

        Args:
            stop: ends it early.
        """
        with suppress(NoReplica), self.view() as view:
            for _ in view.read_through():
                if stop.wait(_PAUSE_S):
                    return

    def close(self) -> None:
        """Close its files."""
        self._readers.close()

    def publish(self, identity: Identity, few: Few) -> None:
        """Take over the small tables of a delta that is in effect, so that nobody reads them."""
        with self._lock:
            self._few = identity, few

    def throw_away(self, identity: Identity | None, why: str) -> None:
        """Delete a replica that cannot be used, unless another one is in its place by now."""
        path = self.directory / REPLICA_FILE
        try:
            with renaming(self.directory, alone=True):
                if identity is not None and identify(path) != identity:
                    return
                delete(path)
        except OSError as error:
            why = f"{why}; it cannot be deleted: {error.strerror}"
        self._report(f"the replica cannot be used and is downloaded afresh: {why}")

    def _few_of(self, identity: Identity, db: sqlite3.Connection) -> Few:
        """Return the small tables as they stand in a connection's transaction."""
        turn = db.execute(_TURN).fetchone()
        known = self._few
        if known is not None and known[0] == identity and turn == (known[1].turn,):
            return known[1]
        few = load_few(db, self.seal)
        if known is None or known[0] != identity or known[1].turn < few.turn:
            self.publish(identity, few)
        return few


_DAMAGED = (
    sqlite3.DatabaseError,
    Foreign,
    SealBroken,
    InvalidInput,
    msgspec.DecodeError,
    LookupError,
    TypeError,
    ValueError,
)


@contextmanager
def _guarding() -> Iterator[None]:
    """Turn whatever reading a damaged file can raise into one error; only reads stand inside."""
    try:
        yield
    except sqlite3.OperationalError as error:
        # The disk or another process is in the way; what is there may still be good.
        raise NoReplica(f"the replica cannot be read: {error}") from error
    except _DAMAGED as error:
        raise _Damaged(str(error) or type(error).__name__) from error
