"""A replica's tables: what stands in them, sealed by row, and what of it is kept in memory."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from admission import base64url
from admission.calendar import Venue, from_ms
from admission.codes import CodeReader
from admission.errors import InvalidInput
from admission.keys import KeyList, PublicKey, read_code_keys
from admission.replica_columns import ReplicaVoucher, key_of, read_line
from admission.scans import Gate
from admission.vouchers import Status
from admission.wire_outage import (
    BlockLine,
    DealLine,
    GateLine,
    ScanLine,
    StateLine,
)
from admission.wire_tickets import DeskLink
from scanner_client.seal import Seal, SealBroken

APPLICATION_ID = 0x47485231
"""`GHR1` in the file's header: a file without it is no replica of ours."""
VERSION = 1

SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
-- tag: of the voucher's own key. One code may be sold by two platforms, so by deal too.
CREATE TABLE vouchers (
    tag INTEGER NOT NULL, deal INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tag, deal)
) STRICT, WITHOUT ROWID;
-- What else finds a voucher: orders and more codes, by their tags.
CREATE TABLE others (
    tag INTEGER NOT NULL, voucher INTEGER NOT NULL, PRIMARY KEY (tag, voucher)
) STRICT, WITHOUT ROWID;
-- scan: tag of device and nonce. key: tag of the credential key that it links by.
CREATE TABLE scans (scan INTEGER PRIMARY KEY, key INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE INDEX scans_key ON scans (key);
-- Deals, gates, blocks and the state: few, and all of them in memory.
CREATE TABLE few (
    kind TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
"""

FewLine = DealLine | GateLine | BlockLine | StateLine
PROOF = b"gatehouse replica"

_pack = msgspec.msgpack.encode
_unpack_scan = msgspec.msgpack.Decoder(ScanLine).decode
_unpack_voucher = msgspec.msgpack.Decoder(list[Any]).decode
_encode = msgspec.json.encode
_STATUSES = tuple(Status)


# --- vouchers and scans ---------------------------------------------------------------------------


class VoucherRows:
    """Seals vouchers into rows and opens them."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, voucher: ReplicaVoucher, deal_no: int, turn: int) -> tuple[int, int, bytes]:
        """Return a row of `vouchers`.

        Args:
            turn: rises with each line: of two rows of one voucher the later one holds.
        """
        tag = self._seal.tag(voucher.key)
        # The commonest first: defaults at the end are left out.
        values = [
            voucher.key,
            turn,
            voucher.admits,
            voucher.price_minor,
            voucher.sold_ms,
            voucher.buyer,
            [mark_of(self._seal.tag(key)) for key in voucher.order_keys],
            _STATUSES.index(voucher.status),
            voucher.status_ms,
            voucher.valid_from_ms,
            voucher.valid_until_ms,
            voucher.refund_listed,
            voucher.more_keys,
            voucher.desk,
        ]
        while not values[-1]:
            values.pop()
        return tag, deal_no, self._seal.seal(_pack(values), _about_voucher(tag, deal_no))

    def open(self, tag: int, deal_no: int, sealed: bytes) -> HeldRow:
        """Return what a row holds.

        Raises SealBroken: it is damaged.
        """
        values = _unpack_voucher(self._seal.open(sealed, _about_voucher(tag, deal_no)))
        values += _DEFAULTS[len(values) :]
        (key, turn, admits, price, sold_ms, buyer, order_marks, status, status_ms, from_at,
         until_at, listed, more_keys, desk) = values  # fmt: skip
        voucher = ReplicaVoucher(
            key,
            admits,
            price,
            sold_ms,
            from_at,
            until_at,
            _STATUSES[status or 0],
            status_ms,
            buyer,
            bool(listed),
            (),
            tuple(more_keys or ()),
            None if desk is None else msgspec.convert(desk, DeskLink),
        )
        return HeldRow(voucher, tag, deal_no, turn, frozenset(order_marks or ()))


_DEFAULTS: list[Any] = [b"", 0, 1, *[None] * 11]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A voucher as its row holds it; `order_marks` stand for its order's keys."""

    voucher: ReplicaVoucher
    tag: int
    deal_no: int
    turn: int
    order_marks: frozenset[int]


def mark_of(tag: int) -> int:
    """Return half of a tag: enough to tell that an order found by all of it is still the one."""
    return tag & 0xFFFF_FFFF


def _about_voucher(tag: int, deal_no: int) -> bytes:
    return b"voucher %d %d" % (tag, deal_no)


class ScanRows:
    """Seals recorded scans into rows and opens them."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def tag(self, device_id: str, nonce: str) -> int:
        """Return what stands for a device's nonce."""
        return self._seal.tag(f"{device_id}\n{nonce}".encode())

    def close(self, line: ScanLine) -> tuple[int, int, bytes]:
        """Return a row of `scans`.

        Raises InvalidInput: the line names no key.
        """
        scan, key = self.tag(line.device, line.nonce), self._seal.tag(key_of(line.key))
        return scan, key, self._seal.seal(_pack(line), _about_scan(scan, key))

    def open(self, scan: int, key: int, sealed: bytes) -> ScanLine:
        """Return what a row holds.

        Raises SealBroken: it is damaged.
        """
        return _unpack_scan(self._seal.open(sealed, _about_scan(scan, key)))


def _about_scan(scan: int, key: int) -> bytes:
    return b"scan %d %d" % (scan, key)


# --- what is in memory ----------------------------------------------------------------------------


@dataclass(slots=True)
class Few:
    """The small tables as of one turn; never changed once it is published.

    Attributes:
        turn: counts the lines of the replica, so that a table and its file are known to agree.
        blocks: by buyer's ordinal, until when, milliseconds; None: until it is lifted.
        epoch: "" and revision 0 before a first whole download.
    """

    turn: int = 0
    epoch: str = ""
    revision: int = 0
    deals: dict[int, DealLine] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    blocks: dict[int, int | None] = field(default_factory=dict)
    state: StateLine | None = None
    reader: CodeReader = field(default_factory=lambda: CodeReader((), KeyList()))
    venue: Venue = field(default_factory=lambda: Venue(ZoneInfo("UTC")))

    def copy(self) -> Few:
        """Return one that may be changed."""
        return Few(
            self.turn,
            self.epoch,
            self.revision,
            dict(self.deals),
            dict(self.gates),
            dict(self.blocks),
            self.state,
            self.reader,
            self.venue,
        )

    def take(self, line: FewLine) -> None:
        """Put a line in the place of the one before it.

        Raises InvalidInput: keys, zone or time of day that cannot be read.
        """
        if isinstance(line, DealLine):
            self.deals[line.deal.deal_no] = line
        elif isinstance(line, GateLine):
            self.gates[line.gate.gate_id] = line.gate
        elif isinstance(line, StateLine):
            self.state, self.reader, self.venue = line, _reader_of(line), _venue_of(line)
        elif line.lifted:
            self.blocks.pop(line.buyer, None)
        else:
            self.blocks[line.buyer] = line.until_ms

    @property
    def fresh_at(self) -> datetime | None:
        """The server's time of the last state that was told."""
        return None if self.state is None else self.state.server_time

    def blocked(self, buyer_no: int | None, now: datetime) -> bool:
        """Say whether a buyer's account must see a supervisor."""
        if buyer_no is None or buyer_no not in self.blocks:
            return False
        until_ms = self.blocks[buyer_no]
        return until_ms is None or now <= from_ms(until_ms)


def load_few(db: sqlite3.Connection, seal: Seal) -> Few:
    """Read the small tables as they stand in a connection's transaction.

    Raises SealBroken, InvalidInput: damaged, or sealed with another key.
    """
    meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    try:
        seal.open(meta["proof"], PROOF)
        few = Few(int(meta["turn"]), str(meta["epoch"]), int(meta["revision"]))
    except (LookupError, TypeError, ValueError) as error:
        raise SealBroken("what it is, and how far, is missing") from error
    for kind, name, sealed in db.execute("SELECT kind, name, sealed FROM few").fetchall():
        line = read_line(seal.open(sealed, f"{kind} {name}".encode()))
        if not isinstance(line, DealLine | GateLine | BlockLine | StateLine):
            raise InvalidInput("kind", "is none that stands here")
        few.take(line)
    return few


def close_few(line: FewLine, seal: Seal) -> tuple[str, str, bytes]:
    """Return a row of `few`."""
    kind, name = name_of(line)
    return kind, name, seal.seal(_encode(line), f"{kind} {name}".encode())


def name_of(line: FewLine) -> tuple[str, str]:
    """Return the place of a line among the few."""
    if isinstance(line, DealLine):
        return "deal", str(line.deal.deal_no)
    if isinstance(line, GateLine):
        return "gate", line.gate.gate_id
    if isinstance(line, BlockLine):
        return "block", str(line.buyer)
    return "state", ""


def _reader_of(state: StateLine) -> CodeReader:
    try:
        public = [
            PublicKey(key.key_id, base64url.read(key.public), key.signs_from)
            for key in state.token_keys
        ]
        key_list = KeyList(tuple(public))
    except ValueError as error:
        raise InvalidInput("token_keys", str(error)) from error
    return CodeReader(read_code_keys(state.code_keys) if state.code_keys else (), key_list)


def _venue_of(state: StateLine) -> Venue:
    try:
        return Venue(ZoneInfo(state.zone), time.fromisoformat(state.day_starts_at))
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise InvalidInput("zone", f"cannot be read: {error}") from error
