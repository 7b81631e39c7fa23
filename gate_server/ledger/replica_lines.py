"""What changed in a range of revisions, read in one short transaction, as lines of a replica.

Rows are read as they stand now; one that changed again after the range is missing in it and comes
with its newest revision. So ranges may be read one after the other while the ledger goes on: once
a last one was read together with the head, the lines hold everything up to that head.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from admission.codes import normalise
from admission.deals import AtGate, Hold, HoldScope
from admission.keys import CodeKey, code_hash
from admission.replica_columns import (
    MOST_VOUCHERS,
    ReplicaVoucher,
    key_text,
    pack,
    scan_line,
)
from admission.scans import Gate, GateState
from admission.vouchers import Status
from admission.wire_arrivals import HandoutTold, QueueTold
from admission.wire_outage import BlockLine, DealLine, GateLine, ReplicaLine
from admission.wire_tickets import DeskLink
from gate_server.ledger.catalogue import DEAL_COLUMNS, VOIDS, instant, read_deal, read_void
from gate_server.ledger.closure_rows import closures_of
from gate_server.ledger.numbered_slips import told_handouts
from gate_server.ledger.queues import told_queues
from gate_server.ledger.scans import RECORD_WIDTH, read_record

_RANGE: Final = "revision > ?1 AND revision <= ?2"
_VOUCHERS: Final = f"""
SELECT revision, deal_no, credential_key, admits, price_paid_minor, sold_at, valid_from,
    valid_until, status, status_at, buyer_no, refund_listed_at, order_ref, more_keys, voucher_id,
    parent_id, exchanged, dead
FROM vouchers WHERE {_RANGE} ORDER BY revision
"""  # noqa: S608 - names of ours, here and below
_MORE_KEYS: Final = "SELECT key FROM credentials WHERE voucher_id = ? AND kind <> 'order'"
_PARENT: Final = "SELECT credential_key FROM vouchers WHERE voucher_id = ?"
_TICKETS: Final = "SELECT credential_key, tail, dead FROM vouchers WHERE parent_id = ? ORDER BY 1"
_INSTEAD: Final = (
    "SELECT v.tail FROM tickets t JOIN vouchers v ON v.voucher_id = t.replaced_by"
    " WHERE t.voucher_id = ?"
)
# What a device had shown is what happened, whatever the server had answered.
_SCAN: Final = """
SELECT s.device_id, s.nonce, s.scan_at, s.gate_id, s.area,
    COALESCE(s.shown_reason, s.reason), s.mode, s.direction, COALESCE(s.shown_people, s.people),
    s.party, s.staffed, s.annulled, s.annuls, s.annulled_at, s.overridden, s.overridden_at,
    s.struck_at, s.turned, s.moved, s.attested_at, {revision}, s.credential_key, v.platform,
    s.arrival_number
FROM scans s LEFT JOIN vouchers v ON v.voucher_id = s.voucher_id
WHERE {revision} > ?1 AND {revision} <= ?2 AND {also} AND s.credential_key IS NOT NULL
"""
_SCANS: Final = (
    _SCAN.format(revision="s.scan_id", also="s.corrected IS NULL"),
    _SCAN.format(revision="s.corrected", also="s.corrected IS NOT NULL"),
)
_DEALS: Final = f"SELECT {DEAL_COLUMNS}, revision FROM deals WHERE {_RANGE}"  # noqa: S608
_DEAL: Final = f"SELECT {DEAL_COLUMNS}, revision FROM deals WHERE deal_no = ? AND revision > ?"  # noqa: S608
_VOID: Final = f"{VOIDS} WHERE deal_no = ? ORDER BY version DESC LIMIT 1"
_HOLD: Final = (
    "SELECT since, reason, sold_from, sold_until, price_at_most_minor, at_gate, any_price_from"
    " FROM holds"
    " WHERE deal_no = ? AND ended_at IS NULL"
)
_GATES: Final = f"SELECT gate_id, name, area, state, revision FROM gates WHERE {_RANGE}"  # noqa: S608
_BLOCKS: Final = """
SELECT buyer_no, MAX(told) FROM (
    SELECT buyer_no, revision AS told FROM blocks WHERE revision > ?1 AND revision <= ?2
    UNION ALL
    SELECT buyer_no, lifted_revision FROM blocks
    WHERE lifted_revision > ?1 AND lifted_revision <= ?2
) GROUP BY buyer_no
"""
_IN_FORCE: Final = "SELECT expires_at FROM blocks WHERE buyer_no = ? AND lifted_at IS NULL"

_BYTES_A_PIECE: Final = 16 << 10

_Row: TypeAlias = tuple[Any, ...]
_STATUSES: Final = {status.value: status for status in Status}
_encode = msgspec.json.encode


class Line(NamedTuple):
    """One line, ready to be sent.

    Attributes:
        newest: the newest revision that it holds; its own `revision` may be less, because one
            that is told promises that everything up to it came before.
        data: NDJSON with its line feed.
    """

    newest: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VenueNow:
    """What a state line tells from the ledger, as of one revision."""

    emergency: bool
    honoured: dict[str, int]
    feeds_ms: int | None
    feed_silent: bool
    queues: list[QueueTold]
    handouts: list[HandoutTold]


@dataclass(frozen=True, slots=True)
class Range:
    """The rows that changed last in a range of revisions.

    Attributes:
        until: the range's last revision; `head` the ledger's, read with it.
        deals: of these vouchers, where a deal itself changed after the range's begin.
        others: lines of everything but vouchers, by revision.
    """

    until: int
    head: int
    vouchers: list[_Row]
    more_keys: dict[int, tuple[bytes, ...]]
    desks: dict[int, DeskLink]
    deals: dict[int, DealLine]
    others: list[ReplicaLine]
    venue: VenueNow


def read_range(db: sqlite3.Connection, after: int, until: int | None = None) -> Range:
    """Read what changed after a revision, up to another or the head, in one short transaction."""
    db.execute("BEGIN")
    try:
        sql = "SELECT revision, emergency, committed_at FROM venue"
        head, emergency, committed_at = db.execute(sql).fetchone()
        bounds = (after, head if until is None else min(until, head))
        vouchers = db.execute(_VOUCHERS, bounds).fetchall()
        linked = [row[14] for row in vouchers if row[13]]
        more_keys = {each: tuple(_keys(db, each)) for each in linked}
        desks = {row[14]: _desk(db, row) for row in vouchers if row[15] or row[16] is not None}
        deals = _deals_of(db, {row[1] for row in vouchers}, after)
        others = [*_scans(db, bounds), *_deals(db, bounds), *_gates(db, bounds)]
        others += _blocks(db, bounds)
        venue = _venue(db, committed_at, emergency=bool(emergency))
    finally:
        db.execute("ROLLBACK")
    others.sort(key=attrgetter("revision"))
    return Range(bounds[1], head, vouchers, more_keys, desks, deals, others, venue)


def make_lines(
    rows: Range, order_key: CodeKey, *, pause: Callable[[], object] = lambda: None
) -> list[Line]:
    """Make the lines of a range, outside of any transaction.

    Args:
        order_key: the code key that orders' numbers are hashed with.
        pause: called after every piece of work of a millisecond or two.
    """
    parts = list(_parts(rows, order_key, pause))
    lines: list[Line] = []
    worked = 0
    # No line may tell a revision while an older one is still to come: whoever breaks off goes on
    # from the revision told last.
    bound = rows.until
    for part in reversed(parts):
        told = min(part.newest, bound)
        bound = min(bound, part.oldest - 1)
        data = _encode(part.make(told)) + b"\n"
        lines.append(Line(part.newest, data))
        worked += len(data)
        if worked > _BYTES_A_PIECE:
            worked = 0
            pause()
    lines.reverse()
    return lines


# --- lines ---------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """A line to be, as soon as it is known what revision it may tell."""

    oldest: int
    newest: int
    make: Callable[[int], ReplicaLine]


class _Columns:
    """Gathers vouchers that stand together in the record, a bucket for each deal and key.

    Rows of several deals alternate in a feed; a line for each change of deal would make the
    download twice as large.

    Args:
        deals: to be told before their first vouchers, as their own lines come later.
    """

    def __init__(self, deals: dict[int, DealLine]) -> None:
        self._deals = dict(deals)
        self._buckets: dict[tuple[int, int, int], list[tuple[int, ReplicaVoucher]]] = {}

    def add(self, revision: int, deal_no: int, voucher: ReplicaVoucher) -> bool:
        """Add a voucher; say whether a line is full."""
        key = voucher.key
        bucket = self._buckets.setdefault((deal_no, key[0], len(key)), [])
        bucket.append((revision, voucher))
        return len(bucket) >= MOST_VOUCHERS

    def flush(self) -> Iterator[_Part]:
        """Return the lines of all that was gathered, and begin anew."""
        for (deal_no, _, _), bucket in self._buckets.items():
            vouchers = [voucher for _, voucher in bucket]
            bounds = bucket[0][0], bucket[-1][0]
            deal = self._deals.pop(deal_no, None)
            if deal is not None and deal.revision > bounds[0]:
                yield _Part(*bounds, partial(_told, deal))
            yield _Part(*bounds, partial(pack, deal_no=deal_no, vouchers=vouchers))
        self._buckets = {}


def _parts(rows: Range, order_key: CodeKey, pause: Callable[[], object]) -> Iterator[_Part]:
    columns, orders = _Columns(rows.deals), _Orders(order_key)
    others = iter(rows.others)
    other = next(others, None)
    for row in rows.vouchers:
        revision = row[0]
        if other is not None and other.revision < revision:
            yield from columns.flush()
            while other is not None and other.revision < revision:
                yield _one(other)
                other = next(others, None)
        more_keys = rows.more_keys.get(row[14], ())
        voucher = _voucher(row, orders.keys(row[12], row[2]), more_keys, rows.desks.get(row[14]))
        if columns.add(revision, row[1], voucher):
            yield from columns.flush()
            pause()
    yield from columns.flush()
    while other is not None:
        yield _one(other)
        other = next(others, None)


def _one(line: ReplicaLine) -> _Part:
    return _Part(line.revision, line.revision, partial(_told, line))


def _told(line: ReplicaLine, revision: int) -> ReplicaLine:
    return replace(line, revision=revision)


class _Orders:
    """Hashes orders' numbers; the vouchers of one order mostly follow each other."""

    def __init__(self, key: CodeKey) -> None:
        self._key = key
        self._last: tuple[str | None, tuple[bytes, ...]] = (None, ())

    def keys(self, order_ref: str | None, own: bytes) -> tuple[bytes, ...]:
        """Return what finds an order; nothing where the voucher's own code does."""
        if order_ref is None:
            return ()
        if order_ref != self._last[0]:
            self._last = order_ref, (code_hash(normalise(order_ref), self._key),)
        found = self._last[1]
        return () if found[0] == own else found


def _voucher(
    row: _Row,
    order_keys: tuple[bytes, ...],
    more_keys: tuple[bytes, ...],
    desk: DeskLink | None,
) -> ReplicaVoucher:
    (_, _, key, admits, price, sold_at, valid_from, valid_until, status, status_at, buyer_no,
     listed_at, *_) = row  # fmt: skip
    return ReplicaVoucher(
        key,
        admits,
        price,
        sold_at,
        valid_from,
        valid_until,
        _STATUSES[status],
        status_at,
        buyer_no,
        listed_at is not None,
        order_keys,
        more_keys,
        desk,
    )


# --- rows ----------------------------------------------------------------------------------------


def _keys(db: sqlite3.Connection, voucher_id: int) -> Iterator[bytes]:
    return map(itemgetter(0), db.execute(_MORE_KEYS, (voucher_id,)))


def _desk(db: sqlite3.Connection, row: _Row) -> DeskLink:
    """Return the links of an exchanged voucher, or of a ticket."""
    voucher_id, parent_id, exchanged, dead = row[14:18]
    if parent_id is None:
        tickets = db.execute(_TICKETS, (voucher_id,)).fetchall()
        keys, living = (
            [key_text(key) for key, _, _ in tickets],
            [t for _, t, gone in tickets if not gone],
        )
        return DeskLink(None, keys, exchanged, living)
    parent = db.execute(_PARENT, (parent_id,)).fetchone()
    instead = [tail for (tail,) in db.execute(_INSTEAD, (voucher_id,))]
    return DeskLink(key_text(parent[0]), [], 0, instead, bool(dead))


def _scans(db: sqlite3.Connection, bounds: tuple[int, int]) -> Iterable[ReplicaLine]:
    for sql in _SCANS:
        for row in db.execute(sql, bounds).fetchall():
            revision, key, platform, arrival_number = row[RECORD_WIDTH:]
            yield scan_line(
                read_record(row),
                revision=revision,
                key=key,
                platform=platform or "",
                arrival_number=arrival_number,
            )


def _deals(db: sqlite3.Connection, bounds: tuple[int, int]) -> Iterable[ReplicaLine]:
    for row in db.execute(_DEALS, bounds).fetchall():
        yield _deal(db, row)


def _deals_of(db: sqlite3.Connection, numbers: set[int], after: int) -> dict[int, DealLine]:
    rows = (db.execute(_DEAL, (number, after)).fetchone() for number in numbers)
    return {row[0]: _deal(db, row) for row in rows if row is not None}


def _deal(db: sqlite3.Connection, row: _Row) -> DealLine:
    deal = read_deal(row, closures_of(db, row[0]))
    newest = db.execute(_VOID, (deal.deal_no,)).fetchone()
    void = None if newest is None else read_void(newest)
    in_force = None if void is None or void.restored else void
    held = db.execute(_HOLD, (deal.deal_no,)).fetchone()
    hold = None if held is None else _hold(held)
    return DealLine(revision=row[-1], deal=deal, void=in_force, hold=hold)


def _hold(row: _Row) -> Hold:
    since, reason, sold_from, sold_until, price_at_most, at_gate, any_from = row
    began = instant(since)
    assert began is not None  # noqa: S101 - the column is NOT NULL
    scope = HoldScope(instant(sold_from), instant(sold_until), price_at_most, instant(any_from))
    return Hold(began, reason, scope, AtGate(at_gate))


def _gates(db: sqlite3.Connection, bounds: tuple[int, int]) -> Iterable[ReplicaLine]:
    for gate_id, name, area, state, revision in db.execute(_GATES, bounds).fetchall():
        yield GateLine(revision=revision, gate=Gate(gate_id, name, area, GateState(state)))


def _blocks(db: sqlite3.Connection, bounds: tuple[int, int]) -> Iterable[ReplicaLine]:
    for buyer_no, revision in db.execute(_BLOCKS, bounds).fetchall():
        ends = [row[0] for row in db.execute(_IN_FORCE, (buyer_no,)).fetchall()]
        until = None if None in ends or not ends else max(ends)
        yield BlockLine(revision=revision, buyer=buyer_no, until_ms=until, lifted=not ends)


def _venue(db: sqlite3.Connection, now_ms: int, *, emergency: bool) -> VenueNow:
    honoured = db.execute("SELECT deal_no, honoured_people FROM deals WHERE honoured_people > 0")
    heard = [row[0] for row in db.execute("SELECT accepted_at FROM feeds WHERE enabled")]
    return VenueNow(
        emergency=emergency,
        honoured={str(deal_no): people for deal_no, people in honoured},
        feeds_ms=min((at for at in heard if at is not None), default=None),
        feed_silent=None in heard,
        queues=[QueueTold.of(each) for each in told_queues(db, now_ms)],
        handouts=[HandoutTold.of(each) for each in told_handouts(db, now_ms)],
    )
