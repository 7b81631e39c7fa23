"""Keep in the ledger who came in by another lane than the one that let them in first."""

from __future__ import annotations

from dataclasses import replace

from admission.calendar import to_ms
from admission.history import Record, Terms
from admission.moves import Moved, find_moves
from gate_server.ledger.lanes import correction
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta


def settle_moves(
    tx: Session, records: list[Record], terms: Terms, deal_no: int | None
) -> list[Record]:
    """Write what a voucher's records now say of who was moved; return them with it.

    What was moved stands in the row, for replays, replicas and lists; it follows from the records
    alone, so that it comes to the same in whatever order they arrive.
    """
    # Almost every voucher has no scan that a turnstile watched beside another one.
    if not any(each.turned is not None or each.moved for each in records):
        return records
    moves = {(each.device_id, each.nonce): each for each in find_moves(records, terms, tx.venue)}
    return [_settle(tx, each, moves.get((each.device_id, each.nonce)), deal_no) for each in records]


def _settle(tx: Session, record: Record, move: Moved | None, deal_no: int | None) -> Record:
    people = 0 if move is None else move.people
    if record.moved == people:
        return record
    name = record.device_id, record.nonce
    sql = "SELECT scan_id, operator FROM scans WHERE device_id = ? AND nonce = ?"
    scan_id, operator = tx.db.execute(sql, name).fetchone()
    to = ("", "") if move is None else move.to
    revision = tx.record_event(
        "move", {"scan_id": scan_id, "people": people, "to_device": to[0], "to_nonce": to[1]}
    )
    sql = "UPDATE scans SET moved = ?, corrected = ? WHERE scan_id = ?"
    tx.db.execute(sql, (people, revision, scan_id))
    changed = replace(record, moved=people)
    tx.count_lane(correction(record, changed, operator))
    entered = changed.passed - record.passed
    at_ms = to_ms(record.passed_at)
    tx.count(Delta(at_ms, record.gate_id, record.reason.value, entered=entered, deal_no=deal_no))
    return changed
