"""Requests for refunds in the ledger: decided once, in the writer's transaction, and kept.

A scan and a request for the last person of a voucher are jobs of the one writer: whichever comes
first is on record before the other is decided.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.cases import Found
from admission.errors import LedgerConflict
from admission.history import Record, fold
from admission.refunds import (
    DECISIONS,
    Lock,
    RefundCase,
    RefundDecision,
    RefundReason,
    RefundVerdict,
    Standing,
    decide_refund,
)
from admission.wire_refunds import (
    RefundAnswer,
    RefundEvidence,
    RefundListed,
    RefundsAnswer,
)
from gate_server.ledger import sales
from gate_server.ledger.conflicts import reconcile_voucher
from gate_server.ledger.links import recount
from gate_server.ledger.refund_locks import Held, drop_lock, find_lock, put_lock
from gate_server.ledger.scans import (
    VoucherRow,
    find_voucher,
    find_vouchers,
    records_of,
    terms_of,
)
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import find_family

MOST_LISTED: Final = 200
MOST_EVIDENCE: Final = 20
_BY_REF: Final = """
SELECT voucher_id FROM vouchers WHERE voucher_ref = ? AND platform = ? AND parent_id IS NULL LIMIT 2
"""
_COLUMNS: Final = (
    "r.request_id, r.reason, r.people, r.refundable, r.evidence, r.decided_at, r.withdrawn_at,"
    " r.content, r.voucher_id"
)
_GET: Final = f"SELECT {_COLUMNS} FROM refund_requests r WHERE platform = ? AND request_id = ?"  # noqa: S608
_LIST: Final = f"""
SELECT {_COLUMNS}, r.platform, r.voucher_ref, d.deal_id, r.tail, r.asked
FROM refund_requests r LEFT JOIN vouchers v USING (voucher_id) LEFT JOIN deals d USING (deal_no)
WHERE (?1 IS NULL OR r.platform = ?1) ORDER BY r.revision DESC LIMIT ?2
"""  # noqa: S608
_INSERT: Final = """
INSERT INTO refund_requests (platform, request_id, revision, content, voucher_id, voucher_ref, tail,
    asked, reason, people, refundable, evidence, decided_at, withdrawn_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_WITHDRAW: Final = (
    "UPDATE refund_requests SET withdrawn_at = ? WHERE platform = ? AND request_id = ?"
)
_UPDATE: Final = (
    "UPDATE vouchers SET admits = ?, price_paid_minor = ?, status = ?, status_at = ?, revision = ?"
    " WHERE voucher_id = ?"
)
_SCAN_ID: Final = "SELECT scan_id FROM scans WHERE device_id = ? AND nonce = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as its platform made it.

    Attributes:
        content: keyed hash of what was asked, the same for the same question.
        people: None: all whom the voucher stands for.
        voucher_ref: None where a code names the voucher, by its `keys`.
    """

    platform: str
    request_id: str
    content: bytes
    people: int | None
    voucher_ref: str | None = None
    keys: tuple[bytes, ...] = field(default=(), repr=False)


def decide_request(tx: Session, asked: Asked, *, now: datetime) -> RefundAnswer:
    """Decide a request and lock the people of an approved one; the same id: the first answer.

    Raises:
        LedgerConflict: `request-reused`: the id belongs to another question.
    """
    known = tx.db.execute(_GET, (asked.platform, asked.request_id)).fetchone()
    if known is not None:
        if known[7] not in {None, asked.content}:
            problem = f"request {asked.request_id} asked about something else; take another id"
            raise LedgerConflict("request-reused", problem)
        return _answer(known)
    rows = _find(tx, asked)
    verdict = decide_refund(_case(tx, asked, rows, now))
    row = rows[0] if len(rows) == 1 else None
    answer = RefundAnswer(
        id=asked.request_id,
        decision=verdict.decision,
        reason=verdict.reason,
        people=verdict.people,
        refundable=verdict.refundable,
        evidence=_evidence(tx, verdict),
        decided_at=now,
    )
    _record(tx, asked, answer, row)
    if row is not None and verdict.people:
        _lock(tx, row, verdict.people, now)
    return answer


def withdraw_request(tx: Session, platform: str, request_id: str, *, now: datetime) -> RefundAnswer:
    """Let the people of a request in again; one that has not come yet is refused when it does."""
    known = tx.db.execute(_GET, (platform, request_id)).fetchone()
    if known is None:
        answer = RefundAnswer(
            id=request_id,
            decision=DECISIONS[RefundReason.WITHDRAWN],
            reason=RefundReason.WITHDRAWN,
            people=0,
            refundable=0,
            evidence=[],
            decided_at=now,
            withdrawn_at=now,
        )
        _record(tx, Asked(platform=platform, request_id=request_id, content=b"", people=None),
                answer, None)  # fmt: skip
        return answer
    answer = _answer(known)
    if answer.withdrawn_at is not None or answer.decision is RefundDecision.REFUSE:
        return answer
    fields = {"platform": platform, "request_id": request_id, "people": answer.people}
    tx.record_event("refund_withdrawn", fields)
    tx.db.execute(_WITHDRAW, (to_ms(now), platform, request_id))
    _unlock(tx, known[8], answer.people)
    return msgspec.structs.replace(answer, withdrawn_at=now)


def list_requests(
    db: sqlite3.Connection, platform: str | None = None, *, most: int = MOST_LISTED
) -> RefundsAnswer:
    """Return what was asked and decided, the newest first; of one platform, or of all."""
    rows = db.execute(_LIST, (platform, most + 1)).fetchall()
    return RefundsAnswer(
        refund_requests=[
            RefundListed(
                **msgspec.structs.asdict(_answer(row)),
                platform=row[9],
                voucher_ref=row[10],
                deal_id=row[11],
                tail=row[12],
                asked=row[13],
            )
            for row in rows[:most]
        ],
        more=len(rows) > most,
    )


# --- deciding ------------------------------------------------------------------------------------


def _find(tx: Session, asked: Asked) -> list[VoucherRow]:
    """Return the platform's vouchers that a request names; never a ticket, and never another's."""
    if asked.voucher_ref is not None:
        found = tx.db.execute(_BY_REF, (asked.voucher_ref, asked.platform)).fetchall()
        rows: Iterable[VoucherRow | None] = [find_voucher(tx, each[0]) for each in found]
    else:
        rows = find_vouchers(tx, asked.keys)
    return [
        row
        for row in rows
        if row is not None and row.voucher.parent_id is None and row.deal.platform == asked.platform
    ]


def _case(tx: Session, asked: Asked, rows: list[VoucherRow], now: datetime) -> RefundCase:
    records: tuple[Record, ...] = ()
    given_back = False
    found = []
    for row in rows:
        own = [record for record, _ in records_of(tx, row)]
        family = find_family(tx, row)
        records = tuple(own) if family is None else family.records
        held = find_lock(tx, row.voucher.voucher_id)
        given_back = held is not None and held.standing.listed
        deal_no = row.deal.deal_no
        found.append(
            Found(
                row.voucher,
                row.deal,
                fold(own, terms_of(row), tx.venue),
                tx.catalogue.voids.get(deal_no),
                tx.catalogue.holds.get(deal_no),
                family=family,
            )
        )
    return RefundCase(
        venue=tx.venue,
        people=asked.people,
        found=tuple(found),
        records=records,
        given_back=given_back,
    )


def _evidence(tx: Session, verdict: RefundVerdict) -> list[RefundEvidence]:
    return [
        RefundEvidence(
            scan_id=str(tx.db.execute(_SCAN_ID, (each.device_id, each.nonce)).fetchone()[0]),
            at=each.passed_at,
            gate_id=each.gate_id,
            people=each.passed,
        )
        for each in verdict.evidence[:MOST_EVIDENCE]
    ]


def _record(tx: Session, asked: Asked, answer: RefundAnswer, row: VoucherRow | None) -> None:
    fields = {
        "platform": asked.platform,
        "request_id": asked.request_id,
        "voucher_ref": asked.voucher_ref,
        "asked": asked.people,
        "reason": answer.reason.value,
        "people": answer.people,
        "scans": [each.scan_id for each in answer.evidence],
    }
    revision = tx.record_event("refund_request", fields)
    tx.db.execute(
        _INSERT,
        (
            asked.platform,
            asked.request_id,
            revision,
            asked.content or None,
            None if row is None else row.voucher.voucher_id,
            asked.voucher_ref,
            None if row is None else row.voucher.tail,
            asked.people,
            answer.reason.value,
            answer.people,
            answer.refundable,
            msgspec.json.encode(answer.evidence).decode(),
            to_ms(answer.decided_at),
            None if answer.withdrawn_at is None else to_ms(answer.withdrawn_at),
        ),
    )


def _answer(row: tuple[Any, ...]) -> RefundAnswer:
    request_id, reason, people, refundable, evidence, decided_at, withdrawn_at, *_ = row
    return RefundAnswer(
        id=request_id,
        decision=DECISIONS[RefundReason(reason)],
        reason=RefundReason(reason),
        people=people,
        refundable=refundable,
        evidence=msgspec.json.decode(evidence, type=list[RefundEvidence]),
        decided_at=from_ms(decided_at),
        withdrawn_at=None if withdrawn_at is None else from_ms(withdrawn_at),
    )


# --- locking -------------------------------------------------------------------------------------


def _lock(tx: Session, row: VoucherRow, people: int, now: datetime) -> None:
    """Lock people of a voucher, beside those who are locked already."""
    voucher = row.voucher
    held = find_lock(tx, voucher.voucher_id)
    if held is None:
        told = Standing(voucher.admits, voucher.price_paid_minor, voucher.status, voucher.status_at)
        held = Held(Lock(0, voucher.admits, now), told)
    lock = replace(held.lock, people=held.lock.people + people, at=now)
    _relock(tx, row, held, lock)


def _unlock(tx: Session, voucher_id: int, people: int) -> None:
    """Let people of a voucher in again."""
    row, held = find_voucher(tx, voucher_id), find_lock(tx, voucher_id)
    if row is not None and held is not None:
        _relock(tx, row, held, replace(held.lock, people=held.lock.people - people))


def _relock(tx: Session, row: VoucherRow, held: Held, lock: Lock) -> None:
    voucher_id, old, after = row.voucher.voucher_id, terms_of(row), held.told
    if lock.people > 0:
        newer = replace(held, lock=lock)
        after = put_lock(tx, voucher_id, newer, held.told, before=held.standing).standing
    else:
        drop_lock(tx, voucher_id, held)
    status_at = None if after.status_at is None else to_ms(after.status_at)
    values = after.admits, after.price_paid_minor, after.status.value, status_at
    with sales.recounted(tx.db, voucher_id):
        tx.db.execute(_UPDATE, (*values, tx.next_revision(), voucher_id))
    recount(tx, voucher_id, old)
    reconcile_voucher(tx, voucher_id, now=tx.clock())
