"""A replica in dictionaries: what a reader of its lines ends with, and what it should be."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from admission.history import Record
from admission.keys import CodeKey, code_hash
from admission.replica_columns import ReplicaVoucher, key_of, key_text, read_line, record_of, unpack
from admission.scans import Gate, GateState
from admission.wire_outage import (
    BlockLine,
    CompleteLine,
    DealLine,
    GateLine,
    ScanLine,
    StateLine,
    VouchersLine,
)
from admission.wire_tickets import DeskLink
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.scans import _RECORD, RECORD_WIDTH, read_record

Scan = tuple[bytes, str, Record, str | None]


@dataclass
class Copy:
    """What is known after some lines; the later line of a thing is the one that counts."""

    revision: int = 0
    complete: str = ""
    vouchers: dict[tuple[str, bytes], tuple[int, ReplicaVoucher]] = field(default_factory=dict)
    deals: dict[int, DealLine] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    blocks: dict[int, int | None] = field(default_factory=dict)
    scans: dict[tuple[str, str], Scan] = field(default_factory=dict)
    state: StateLine | None = None

    def take(self, data: bytes) -> Copy:
        """Take in whole lines; the revisions of one download never go back."""
        self.complete, told = "", 0
        for text in data.splitlines():
            assert not self.complete, "something comes after the last line"
            line = read_line(text)
            assert line.revision >= told
            told = line.revision
            if isinstance(line, CompleteLine):
                assert line.complete is True
                self.complete = line.epoch
            else:
                self._take(line)
        self.revision = told
        return self

    def _take(self, line: Any) -> None:  # noqa: C901 - one case a kind
        match line:
            case VouchersLine():
                # Its deal was told before, whenever the deal itself changed last.
                platform = self.deals[line.deal].deal.platform
                for voucher in unpack(line):
                    self.vouchers[platform, voucher.key] = line.deal, _sorted(voucher)
            case ScanLine():
                scan = key_of(line.key), line.platform, record_of(line), line.arrival_number
                self.scans[line.device, line.nonce] = scan
            case DealLine():
                self.deals[line.deal.deal_no] = replace(line, revision=0)
            case GateLine():
                self.gates[line.gate.gate_id] = line.gate
            case BlockLine():
                self.blocks.pop(line.buyer, None)
                if not line.lifted:
                    self.blocks[line.buyer] = line.until_ms
            case StateLine():
                self.state = line

    @property
    def content(self) -> dict[str, Any]:
        """All that decisions are made of, by name."""
        return {
            "vouchers": self.vouchers,
            "deals": self.deals,
            "gates": self.gates,
            "blocks": self.blocks,
            "scans": self.scans,
        }


def _desk_of(db: sqlite3.Connection, voucher_id: int) -> DeskLink | None:
    """Return what a voucher's family should be told as: of itself, or of the ticket it is."""
    sql = "SELECT v.credential_key, v.tail, t.dead_at FROM tickets t JOIN vouchers v USING"
    made = db.execute(f"{sql} (voucher_id) WHERE t.parent_id = ?1 ORDER BY 1", (voucher_id,))
    tickets = made.fetchall()
    if tickets:
        living = [tail for _, tail, dead_at in tickets if dead_at is None]
        return DeskLink(None, sorted(key_text(each[0]) for each in tickets), len(living), living)
    sql = (
        "SELECT p.credential_key, t.dead_at, n.tail FROM tickets t"
        " JOIN vouchers p ON p.voucher_id = t.parent_id"
        " LEFT JOIN vouchers n ON n.voucher_id = t.replaced_by WHERE t.voucher_id = ?"
    )
    row = db.execute(sql, (voucher_id,)).fetchone()
    if row is None:
        return None
    parent, dead_at, instead = row
    return DeskLink(key_text(parent), [], 0, [instead] if instead else [], dead_at is not None)


def _sorted(voucher: ReplicaVoucher) -> ReplicaVoucher:
    """Return a voucher with its family in an order: in which it is told means nothing."""
    desk = voucher.desk
    if desk is None:
        return voucher
    tickets, tails = sorted(desk.tickets), sorted(desk.exchanged_for)
    return replace(voucher, desk=replace(desk, tickets=tickets, exchanged_for=tails))


def should_be(db: sqlite3.Connection, catalogue: Catalogue, order_key: CodeKey) -> dict[str, Any]:
    """Return a replica's content as the ledger's own tables and its catalogue have it."""
    copy = Copy()
    for row in db.execute(
        "SELECT platform, deal_no, credential_key, admits, price_paid_minor, sold_at, valid_from,"
        " valid_until, status, status_at, buyer_no, refund_listed_at IS NOT NULL, order_ref,"
        " voucher_id FROM vouchers"
    ).fetchall():
        platform, deal_no, key, *values, order_ref, voucher_id = row
        sql = "SELECT key FROM credentials WHERE voucher_id = ? AND kind <> 'order'"
        more_keys = tuple(each[0] for each in db.execute(sql, (voucher_id,)))
        orders = () if order_ref is None else (code_hash(order_ref, order_key),)
        desk = _desk_of(db, voucher_id)
        voucher = _sorted(ReplicaVoucher(key, *values, orders, more_keys, desk))
        copy.vouchers[platform, key] = deal_no, voucher
    sql = (
        f"SELECT {_RECORD}, credential_key, arrival_number,"
        " (SELECT platform FROM vouchers v WHERE v.voucher_id = scans.voucher_id)"
        " FROM scans WHERE credential_key IS NOT NULL"
    )
    for row in db.execute(sql).fetchall():
        record, (key, number, platform) = read_record(row), row[RECORD_WIDTH:]
        copy.scans[record.device_id, record.nonce] = key, platform or "", record, number
    for number, deal in catalogue.deals.items():
        void, hold = catalogue.voids.get(number), catalogue.holds.get(number)
        copy.deals[number] = DealLine(revision=0, deal=deal, void=void, hold=hold)
    for gate_id, name, area, state in db.execute("SELECT gate_id, name, area, state FROM gates"):
        copy.gates[gate_id] = Gate(gate_id, name, area, GateState(state))
    copy.blocks = dict(
        db.execute(
            "SELECT buyer_no, CASE WHEN COUNT(expires_at) < COUNT(*) THEN NULL"
            " ELSE MAX(expires_at) END FROM blocks WHERE lifted_at IS NULL GROUP BY buyer_no"
        ).fetchall()
    )
    return copy.content
