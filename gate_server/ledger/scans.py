"""Scans in the ledger: find vouchers, read their history, record verdicts and corrections."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from admission.calendar import from_ms, to_ms
from admission.deals import Deal
from admission.history import History, Record, Terms
from admission.scans import Device, Direction, Gate, Mode
from admission.verdicts import RULES_VERSION, Reason, Verdict
from admission.vouchers import Status, Voucher
from gate_server.ledger import audit
from gate_server.ledger.changes import count_first, count_records
from gate_server.ledger.lanes import LaneDelta
from gate_server.ledger.session import Row, Session
from gate_server.ledger.stamp_minutes import note_scan
from gate_server.ledger.tallies import Delta

_VOUCHER = (
    "v.voucher_id, v.tail, v.admits, v.price_paid_minor, v.valid_from, v.valid_until, v.status,"
    " v.status_at, v.sold_at, v.refund_listed_at, v.parent_id, v.deal_no, v.buyer_no,"
    " v.credential_key, v.more_keys, v.exchanged, v.dead"
)
_BY_KEY = f"SELECT {_VOUCHER} FROM vouchers v WHERE v.credential_key = ?"  # noqa: S608 - ours
_BY_CREDENTIAL = f"""
SELECT {_VOUCHER} FROM credentials c JOIN vouchers v ON v.voucher_id = c.voucher_id
WHERE c.key = ? ORDER BY c.voucher_id LIMIT 40
"""  # noqa: S608
_BY_ID = f"SELECT {_VOUCHER} FROM vouchers v WHERE v.voucher_id = ?"  # noqa: S608
# Of a voucher its living tickets, of a dead ticket the one that was printed in its place.
_NAMED = """
SELECT v.tail FROM vouchers v JOIN tickets t USING (voucher_id)
WHERE t.parent_id = ?1 AND NOT v.dead
UNION ALL
SELECT v.tail FROM tickets t JOIN vouchers v ON v.voucher_id = t.replaced_by WHERE t.voucher_id = ?1
"""
_RECORD = (
    "device_id, nonce, scan_at, gate_id, area, COALESCE(shown_reason, reason), mode, direction,"
    " COALESCE(shown_people, people), party, staffed, annulled, annuls,"
    " annulled_at, overridden, overridden_at, struck_at, turned, moved, attested_at"
)
RECORD_WIDTH = 20
"""Columns of a record, as `read_record` takes them."""

_OF_VOUCHER = f"""
SELECT {_RECORD}, arrival_number FROM scans
WHERE credential_key = ?1 AND (voucher_id = ?2 OR voucher_id IS NULL)
"""  # noqa: S608
_OF_MORE_KEYS = f"""
SELECT {_RECORD}, arrival_number FROM scans
WHERE credential_key IN (SELECT key FROM credentials WHERE voucher_id = ?2 AND kind <> 'order')
  AND credential_key <> ?1 AND (voucher_id = ?2 OR voucher_id IS NULL)
"""  # noqa: S608
_SCAN = f"""
SELECT scan_id, {_RECORD}, credential_key, tail, voucher_id, received_at, remaining, void_version,
    rules_version, arrival_number, detail, scanned_at, operator, offline OR shown_at IS NOT NULL
FROM scans WHERE device_id = ? AND nonce = ?
"""  # noqa: S608
_INSERT = """
INSERT INTO scans (scan_id, device_id, nonce, gate_id, area, voucher_id, mode, direction, party,
    scanned_at, received_at, scan_at, staffed, offline, reason, people, remaining, void_version,
    rules_version, arrival_number, detail, credential_key, tail, operator, salt, turned)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


_decode = msgspec.json.decode
_encode = msgspec.json.Encoder(enc_hook=str).encode


@dataclass(slots=True)
class VoucherRow:
    """A voucher with the ledger's own links."""

    voucher: Voucher
    deal: Deal
    buyer_no: int | None
    credential_key: bytes
    more_keys: bool
    was_exchanged: bool = False

    @property
    def has_family(self) -> bool:
        """Whether it is a ticket, or was exchanged for tickets."""
        return self.was_exchanged or self.voucher.parent_id is not None


@dataclass(slots=True)
class StoredScan:
    """A recorded scan as it is answered again.

    Attributes:
        offline: what a scanner showed by itself stands, be it that it was told so later.
    """

    scan_id: int
    record: Record
    credential_key: bytes | None
    tail: str | None
    voucher_id: int | None
    received_at: datetime
    remaining: int
    void_version: int | None
    rules_version: int
    arrival_number: str | None
    detail: dict[str, object]
    scanned_at: datetime | None
    operator: str | None
    offline: bool


@dataclass(slots=True)
class NewScan:
    """A scan to be recorded, before it has a verdict.

    Attributes:
        watched: the lane watches its turnstile and will report who passed.
        fresh: it would be a new arrival (`admission.arrival_rates`).
    """

    device: Device
    gate: Gate
    nonce: str
    mode: Mode
    direction: Direction
    party: int | None
    received_at: datetime
    scan_at: datetime
    scanned_at: datetime | None = None
    operator: str | None = None
    credential_key: bytes | None = None
    tail: str | None = None
    row: VoucherRow | None = None
    offline: bool = False
    watched: bool = False
    fresh: bool = False

    def record(self, verdict: Verdict) -> Record:
        """Return what the fold will see of it."""
        return Record(
            device_id=self.device.device_id,
            nonce=self.nonce,
            scan_at=self.scan_at,
            gate_id=self.gate.gate_id,
            area=self.gate.area,
            reason=verdict.reason,
            mode=self.mode,
            direction=self.direction,
            people=verdict.people,
            party=self.party,
            staffed=self.device.staffed,
            turned=0 if self.watched else None,
        )


def find_vouchers(tx: Session, keys: Iterable[bytes]) -> list[VoucherRow]:
    """Return the vouchers that a code finds, by any of its keys; at most 40 of an order."""
    execute, found = tx.db.execute, {}
    for key in keys:
        # Two look-ups are half the price of their union, which SQLite would have to sort.
        for row in execute(_BY_KEY, (key,)).fetchall():
            found[row[0]] = row
        for row in execute(_BY_CREDENTIAL, (key,)).fetchall():
            found[row[0]] = row
    return [_read_voucher(tx, row) for row in found.values()]


def find_voucher(tx: Session, voucher_id: int) -> VoucherRow | None:
    """Return one voucher by the ledger's number."""
    row = tx.db.execute(_BY_ID, (voucher_id,)).fetchone()
    return None if row is None else _read_voucher(tx, row)


def _read_voucher(tx: Session, row: Row) -> VoucherRow:
    (voucher_id, tail, admits, price, valid_from, valid_until, status, status_at, sold_at,
     listed, parent_id, deal_no, buyer_no, key, more_keys, exchanged, dead) = row  # fmt: skip
    voucher = Voucher(
        voucher_id=voucher_id,
        tail=tail,
        admits=admits,
        price_paid_minor=price,
        valid_from=None if valid_from is None else from_ms(valid_from),
        valid_until=None if valid_until is None else from_ms(valid_until),
        status=_STATUSES[status],
        status_at=None if status_at is None else from_ms(status_at),
        sold_at=None if sold_at is None else from_ms(sold_at),
        refund_listed=listed is not None,
        exchanged=exchanged or 0,
        parent_id=parent_id,
        dead=bool(dead),
    )
    if exchanged or dead:
        named = tx.db.execute(_NAMED, (voucher_id,)).fetchall()
        voucher.exchanged_for = tuple(each[0] for each in named)
    deal = tx.catalogue.deals[deal_no]
    return VoucherRow(voucher, deal, buyer_no, key, bool(more_keys), exchanged is not None)


def records_of(tx: Session, row: VoucherRow) -> list[tuple[Record, str | None]]:
    """Return a voucher's recorded scans with their arrival numbers, in no order.

    Scans that were made before the voucher arrived have no voucher yet: they link by key.
    """
    where = (row.credential_key, row.voucher.voucher_id)
    found = tx.db.execute(_OF_VOUCHER, where).fetchall()
    if row.more_keys:
        found += tx.db.execute(_OF_MORE_KEYS, where).fetchall()
    return [(read_record(each), each[RECORD_WIDTH]) for each in found]


def records_of_code(tx: Session, key: bytes) -> list[tuple[Record, str | None]]:
    """Return the scans of a code that finds no voucher."""
    return records_by_key(tx.db, key, None)


def records_by_key(
    db: sqlite3.Connection, key: bytes, voucher_id: int | None
) -> list[tuple[Record, str | None]]:
    """Return the scans of one key: of one voucher, and those that are of none yet."""
    found = db.execute(_OF_VOUCHER, (key, voucher_id)).fetchall()
    return [(read_record(each), each[RECORD_WIDTH]) for each in found]


def read_record(row: Row) -> Record:
    """Make a record of the columns of _RECORD."""
    (device_id, nonce, scan_at, gate_id, area, reason, mode, direction, people, party, staffed,
     annulled, annuls, annulled_at, overridden, overridden_at, struck_at, turned,
     moved, attested_at) = row[:RECORD_WIDTH]  # fmt: skip
    return Record(
        device_id=device_id,
        nonce=nonce,
        scan_at=from_ms(scan_at),
        gate_id=gate_id,
        area=area,
        reason=_REASONS[reason],
        mode=_MODES[mode],
        direction=_DIRECTIONS[direction],
        people=people,
        party=party,
        staffed=bool(staffed),
        annulled=annulled,
        annuls=annuls,
        annulled_at=None if annulled_at is None else from_ms(annulled_at),
        overridden=overridden,
        overridden_at=None if overridden_at is None else from_ms(overridden_at),
        struck=struck_at is not None,
        turned=turned,
        moved=moved,
        attested_at=None if attested_at is None else from_ms(attested_at),
    )


def find_scan(tx: Session, device_id: str, nonce: str) -> StoredScan | None:
    """Return what was recorded under a device's nonce."""
    return find_stored(tx.db, device_id, nonce)


def find_stored(db: sqlite3.Connection, device_id: str, nonce: str) -> StoredScan | None:
    """Return what was recorded under a device's nonce, beside the writer."""
    row = db.execute(_SCAN, (device_id, nonce)).fetchone()
    if row is None:
        return None
    rest = row[1 + RECORD_WIDTH :]
    return StoredScan(
        scan_id=row[0],
        record=read_record(row[1 : 1 + RECORD_WIDTH]),
        credential_key=rest[0],
        tail=rest[1],
        voucher_id=rest[2],
        received_at=from_ms(rest[3]),
        remaining=rest[4],
        void_version=rest[5],
        rules_version=rest[6],
        arrival_number=rest[7],
        detail=_decode(rest[8]),
        scanned_at=None if rest[9] is None else from_ms(rest[9]),
        operator=rest[10],
        offline=bool(rest[11]),
    )


def next_arrival(tx: Session, device_id: str) -> str:
    """Take a device's next arrival number, as text `DEVICE-N`."""
    sql = "UPDATE devices SET next_arrival = next_arrival + 1 WHERE device_id = ?"
    number = tx.db.execute(f"{sql} RETURNING next_arrival - 1", (device_id,)).fetchone()[0]
    return f"{device_id}-{number}"


def record_scan(
    tx: Session,
    scan: NewScan,
    verdict: Verdict,
    detail: dict[str, object],
    *,
    history: History,
    records: list[Record],
    arrival_number: str | None = None,
) -> int:
    """Record a verdict with its counters and its place in the audit chain; return its scan_id.

    Args:
        history: what `records`, the scans before it, fold to.
    """
    scan_id = tx.next_revision()
    fields = _fields(scan, verdict, arrival_number, _encode(detail).decode())
    salt = tx.salts.next()
    personal = (scan.credential_key, scan.tail, scan.operator)
    turned = 0 if scan.watched else None
    tx.db.execute(_INSERT, (scan_id, *fields, *personal, salt, turned))
    tx.chain_scan(scan_id, audit.scan_content(fields, audit.personal_digest(salt, *personal)))
    deal_no = None if scan.row is None else scan.row.deal.deal_no
    delta = _delta(scan, verdict, deal_no)
    tx.count_lane(_at_lane(scan, delta))
    note_scan(tx, scan, verdict, records, numbered=arrival_number is not None)
    if not verdict.people:
        tx.count(delta)
        return scan_id
    record = scan.record(verdict)
    if not records:
        count_first(tx, record, delta)
        return scan_id
    count_records(tx, history, [*records, record], deal_no, delta)
    return scan_id


def _delta(scan: NewScan, verdict: Verdict, deal_no: int | None) -> Delta:
    exits = scan.direction is Direction.EXIT
    return Delta(
        to_ms(scan.scan_at),
        scan.gate.gate_id,
        verdict.reason.value,
        scans=1,
        entered=0 if exits else verdict.people,
        left_out=verdict.people if exits else 0,
        deal_no=deal_no,
        outcome=verdict.outcome.value,
    )


def _at_lane(scan: NewScan, delta: Delta) -> LaneDelta:
    return LaneDelta(
        delta.at_ms,
        delta.gate_id,
        scan.device.device_id,
        scan.operator or "",
        delta.reason,
        1,
        int(scan.offline),
        delta.entered,
        delta.left_out,
    )


def _fields(
    scan: NewScan, verdict: Verdict, arrival_number: str | None, detail: str
) -> tuple[object, ...]:
    """Return the columns of a scan that are chained as they stand (audit.SCAN_FIELDS)."""
    return (
        scan.device.device_id,
        scan.nonce,
        scan.gate.gate_id,
        scan.gate.area,
        None if scan.row is None else scan.row.voucher.voucher_id,
        scan.mode.value,
        scan.direction.value,
        scan.party,
        None if scan.scanned_at is None else to_ms(scan.scanned_at),
        to_ms(scan.received_at),
        to_ms(scan.scan_at),
        int(scan.device.staffed),
        int(scan.offline),
        verdict.reason.value,
        verdict.people,
        verdict.remaining,
        verdict.void_version,
        RULES_VERSION,
        arrival_number,
        detail,
    )


def terms_of(row: VoucherRow | None) -> Terms:
    """Return the terms to fold a voucher's records by; a code nobody knows admits nobody."""
    return Terms() if row is None else Terms.of(row.voucher, row.deal)


_STATUSES = {each.value: each for each in Status}
_REASONS = {each.value: each for each in Reason}
_MODES = {each.value: each for each in Mode}
_DIRECTIONS = {each.value: each for each in Direction}
