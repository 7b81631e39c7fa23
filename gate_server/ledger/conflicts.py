"""Conflicts in the ledger: what was found, compared with what is found now, and their ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from admission.history import Record
from admission.reconcile import (
    Account,
    Conflict,
    ConflictKind,
    Name,
    find_conflicts,
    find_shared,
)
from admission.tickets import stated_parties
from admission.voids import Void
from admission.wire_outage import ConflictAnswer
from gate_server.ledger.catalogue import VOIDS, read_void
from gate_server.ledger.closure_rows import versions_of
from gate_server.ledger.conflict_scans import find_verified, more_detail, scan_answers
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.refund_locks import find_given_back
from gate_server.ledger.scans import (
    VoucherRow,
    find_voucher,
    find_vouchers,
    records_of,
    records_of_code,
)
from gate_server.ledger.session import Session
from gate_server.ledger.tickets import find_parent, find_tickets

MOST_ENDED_LISTED = 1000
_VOUCHERS_A_SLICE = 50
_ONCE = {ConflictKind.ANSWER_DIFFERS, ConflictKind.CLOCK_SKEW, ConflictKind.DEVICE_CLONED}
_ONCE.add(ConflictKind.NOT_ATTESTED)
_BY_FOLD = tuple(kind for kind in ConflictKind if kind not in _ONCE)
"""Kinds that are found again and again; the others are told once, when they happen."""


def open_conflict(
    tx: Session,
    kind: ConflictKind,
    subject: str,
    *,
    now: datetime,
    device_id: str | None = None,
    row: VoucherRow | None = None,
    key: bytes | None = None,
    tail: str | None = None,
    scans: tuple[int, ...] = (),
    detail: Mapping[str, object] | None = None,
) -> None:
    """Report something once; what was resolved stays so, what had solved itself is open again."""
    known = tx.db.execute("SELECT status FROM conflicts WHERE subject = ?", (subject,)).fetchone()
    if known is not None and known[0] != "solved":
        return
    revision = tx.record_event("conflict", {"kind": kind.value, "subject": subject})
    if known is not None:
        sql = "UPDATE conflicts SET status = 'open', ended_at = NULL WHERE subject = ?"
        tx.db.execute(sql, (subject,))
        return
    tx.db.execute(
        "INSERT INTO conflicts (conflict_id, subject, kind, status, credential_key, voucher_id,"
        " deal_no, tail, device_id, scan_a, scan_b, opened_at, detail)"
        " VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision,
            subject,
            kind.value,
            key if row is None else row.credential_key,
            None if row is None else row.voucher.voucher_id,
            None if row is None else row.deal.deal_no,
            tail if row is None else row.voucher.tail,
            device_id,
            *(*scans, None, None)[:2],
            to_ms(now),
            msgspec.json.encode(detail or {}).decode(),
        ),
    )


# --- found from the records ----------------------------------------------------------------------


def reconcile(
    tx: Session, row: VoucherRow | None, key: bytes | None, *, now: datetime
) -> tuple[Conflict, ...]:
    """Find what is wrong with a voucher, or a code that finds none, and keep the difference.

    Returns: all that is wrong with it now.
    """
    if row is None and key is None:
        return ()
    if row is not None and row.has_family:
        return _reconcile_family(tx, row, now)
    records = [record for record, _ in (records_of(tx, row) if row else records_of_code(tx, key))]  # type: ignore[arg-type]
    numbers, offline = _scans(tx, row, key)
    account = Account(
        venue=tx.venue,
        records=records,
        offline=offline,
        voucher=None if row is None else row.voucher,
        deal=None if row is None else row.deal,
        voids=_voids(tx, row),
        closures=() if row is None else versions_of(tx.db, row.deal.deal_no),
        given_back=find_given_back(tx, row),
        verified=find_verified(tx, row),
    )
    found = find_conflicts(account)
    _keep(tx, row, key, _Found(found, numbers), now)
    return found


def _reconcile_family(tx: Session, row: VoucherRow, now: datetime) -> tuple[Conflict, ...]:
    """Find what is wrong with a voucher and its tickets: each ticket, and all of them together.

    Statuses and voids are the voucher's, so they are looked for in what all of them let in.
    """
    parent, closures = find_parent(tx, row), versions_of(tx.db, row.deal.deal_no)
    own = [record for record, _ in records_of(tx, parent)]
    numbers, offline = _scans(tx, parent, None)
    found: list[Conflict] = []
    for ticket in find_tickets(tx, parent):
        records = stated_parties(record for record, _ in records_of(tx, ticket))
        mine, decided = _scans(tx, ticket, None)
        account = Account(venue=tx.venue, records=records, offline=decided, closures=closures)
        verified = find_verified(tx, ticket)
        alone = replace(account, voucher=ticket.voucher, deal=parent.deal, verified=verified)
        conflicts = find_conflicts(alone)
        _keep(tx, ticket, None, _Found(conflicts, mine), now)
        found += conflicts
        own += records
        numbers |= mine
        offline |= decided
    together = Account(
        venue=tx.venue,
        records=own,
        offline=offline,
        voucher=replace(parent.voucher, exchanged=0),
        deal=parent.deal,
        voids=_voids(tx, parent),
        closures=closures,
        given_back=find_given_back(tx, parent),
    )
    conflicts = find_shared(together, found)
    _keep(tx, parent, None, _Found(conflicts, numbers), now)
    return (*found, *conflicts)


def fits_alone(tx: Session, row: VoucherRow | None, record: Record) -> bool:
    """Say whether a voucher's only scan, decided by a scanner, is no conflict: most are none."""
    if row is not None and row.has_family:
        return False
    account = Account(
        venue=tx.venue,
        records=(record,),
        offline=frozenset({Name(record.device_id, record.nonce)}),
        voucher=None if row is None else row.voucher,
        deal=None if row is None else row.deal,
        voids=_voids(tx, row),
        given_back=find_given_back(tx, row),
    )
    return not find_conflicts(account)


# A scan whose answer was lost was decided by the scanner as well: what it showed is what counts.
_DECIDED = "SELECT scan_id, device_id, nonce, offline OR shown_at IS NOT NULL FROM scans"


def _scans(
    tx: Session, row: VoucherRow | None, key: bytes | None
) -> tuple[dict[Name, int], frozenset[Name]]:
    """Return the numbers of the scans, and the names of those decided by a scanner."""
    own = key if row is None else row.credential_key
    found = tx.db.execute(f"{_DECIDED} WHERE credential_key = ?", (own,)).fetchall()
    if row is not None and row.more_keys:
        found += tx.db.execute(
            f"{_DECIDED} WHERE credential_key IN"  # noqa: S608 - a constant
            " (SELECT key FROM credentials WHERE voucher_id = ? AND kind <> 'order')",
            (row.voucher.voucher_id,),
        ).fetchall()
    numbers = {Name(device, nonce): scan_id for scan_id, device, nonce, _ in found}
    return numbers, frozenset(Name(device, nonce) for _, device, nonce, own in found if own)


def _voids(tx: Session, row: VoucherRow | None) -> list[Void]:
    if row is None:
        return []
    sql = f"{VOIDS} WHERE deal_no = ? ORDER BY version"
    return [read_void(each) for each in tx.db.execute(sql, (row.deal.deal_no,))]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is wrong now, and the numbers of the scans."""

    conflicts: tuple[Conflict, ...]
    numbers: Mapping[Name, int]


def _keep(
    tx: Session, row: VoucherRow | None, key: bytes | None, found: _Found, now: datetime
) -> None:
    own = key if row is None else row.credential_key
    marks = ", ".join("?" * len(_BY_FOLD))
    known = tx.db.execute(
        # Scans that came before the voucher may stand under another of its keys.
        "SELECT subject FROM conflicts WHERE (credential_key = ?1 OR credential_key IN"  # noqa: S608
        " (SELECT key FROM credentials WHERE voucher_id = ?2 AND kind <> 'order'))"
        f" AND status = 'open' AND (voucher_id IS ?2 OR voucher_id IS NULL) AND kind IN ({marks})",
        (own, None if row is None else row.voucher.voucher_id, *_BY_FOLD),
    ).fetchall()
    subjects = {conflict.subject for conflict in found.conflicts}
    for (subject,) in known:
        if subject not in subjects:
            _solve(tx, subject, now)
    for conflict in found.conflicts:
        open_conflict(
            tx,
            conflict.kind,
            conflict.subject,
            now=now,
            device_id=conflict.scans[-1].device_id,
            row=row,
            key=own,
            tail=_tail(tx, found.numbers, conflict),
            scans=tuple(found.numbers[name] for name in conflict.scans),
        )


def _tail(tx: Session, numbers: Mapping[Name, int], conflict: Conflict) -> str | None:
    sql = "SELECT tail FROM scans WHERE scan_id = ?"
    found = tx.db.execute(sql, (numbers[conflict.scans[-1]],)).fetchone()
    return None if found is None else found[0]


def _solve(tx: Session, subject: str, now: datetime) -> None:
    tx.record_event("conflict_solved", {"subject": subject})
    sql = "UPDATE conflicts SET status = 'solved', ended_at = ? WHERE subject = ?"
    tx.db.execute(sql, (to_ms(now), subject))


def reconcile_voucher(tx: Session, voucher_id: int, *, now: datetime) -> None:
    """Find what is wrong with a voucher whose row or scans have changed."""
    row = find_voucher(tx, voucher_id)
    if row is not None:
        reconcile(tx, row, None, now=now)


def reconcile_scan(
    tx: Session, record: Record, key: bytes | None, *, now: datetime
) -> tuple[Conflict, ...]:
    """Find what is wrong after a scan was corrected: it, or one beside it, was made offline."""
    if key is None:
        return ()
    rows = find_vouchers(tx, [key])
    if len(rows) > 1:
        rows = [
            row
            for row in rows
            if any(
                (each.device_id, each.nonce) == (record.device_id, record.nonce)
                for each, _ in records_of(tx, row)
            )
        ]
    return reconcile(tx, rows[0] if rows else None, key, now=now)


def reconcile_deal(ledger: Ledger, deal_id: str) -> None:
    """Look again, after a void or a restore, at what was found on the deal's vouchers.

    A status that was a conflict may be the void's own effect, or no longer. In slices of its own:
    the void itself waits for nothing.
    """
    found = ledger.read(
        lambda db: db.execute(
            "SELECT DISTINCT c.voucher_id FROM conflicts c JOIN deals d USING (deal_no)"
            " WHERE d.deal_id = ? AND c.voucher_id IS NOT NULL",
            (deal_id,),
        ).fetchall()
    )
    for start in range(0, len(found), _VOUCHERS_A_SLICE):
        some = found[start : start + _VOUCHERS_A_SLICE]
        ledger.write(partial(_reconcile_all, some), patient=True)


def _reconcile_all(vouchers: list[tuple[int]], tx: Session) -> None:
    for (voucher_id,) in vouchers:
        reconcile_voucher(tx, voucher_id, now=tx.clock())


# --- for people ----------------------------------------------------------------------------------

_LIST = """
SELECT c.conflict_id, c.kind, c.status, c.opened_at, c.ended_at, d.deal_id, c.tail, c.device_id,
    c.note, c.ended_by, c.detail, c.voucher_id, c.scan_a, c.scan_b
FROM conflicts c LEFT JOIN deals d USING (deal_no)
"""


def list_conflicts(db: sqlite3.Connection) -> list[ConflictAnswer]:
    """Return all that are open, then those that ended last; the newest first."""
    newest = "ORDER BY c.conflict_id DESC"
    found = db.execute(f"{_LIST} WHERE c.status = 'open' {newest}").fetchall()
    ended = f"{_LIST} WHERE c.status <> 'open' {newest} LIMIT ?"
    found += db.execute(ended, (MOST_ENDED_LISTED,)).fetchall()
    return [_answer(db, row) for row in found]


def list_newest(db: sqlite3.Connection, most: int) -> list[ConflictAnswer]:
    """Return the newest that are open."""
    found = f"{_LIST} WHERE c.status = 'open' ORDER BY c.conflict_id DESC LIMIT ?"
    return [_answer(db, row) for row in db.execute(found, (most,)).fetchall()]


def conflicts_of(tx: Session, device_id: str, nonce: str) -> list[str]:
    """Return the kinds of what is open about a scan."""
    found = tx.db.execute(
        "SELECT DISTINCT c.kind FROM scans s JOIN conflicts c ON s.scan_id IN (c.scan_a, c.scan_b)"
        " WHERE s.device_id = ? AND s.nonce = ? AND c.status = 'open'"
        " AND c.credential_key IS s.credential_key",
        (device_id, nonce),
    )
    return [kind for (kind,) in found]


def count_open(db: sqlite3.Connection) -> dict[str, int]:
    """Return how many conflicts are open, by kind."""
    sql = "SELECT kind, COUNT(*) FROM conflicts WHERE status = 'open' GROUP BY 1"
    return dict(db.execute(sql).fetchall())


def resolve(tx: Session, conflict_id: str, *, note: str, by: str, now: datetime) -> ConflictAnswer:
    """Close a conflict with what was found out.

    Raises:
        NotFound: there is none of that number.
        LedgerConflict: `resolved-already`.
    """
    row = tx.db.execute(
        "SELECT status, subject FROM conflicts WHERE conflict_id = ?", (_number(conflict_id),)
    ).fetchone()
    if row is None:
        raise NotFound(f"no conflict {conflict_id}")
    if row[0] == "resolved":
        raise LedgerConflict("resolved-already", f"conflict {conflict_id} was resolved before")
    tx.record_event("conflict_resolved", {"subject": row[1], "by": by, "note": note})
    tx.db.execute(
        "UPDATE conflicts SET status = 'resolved', note = ?, ended_by = ?, ended_at = ?"
        " WHERE conflict_id = ?",
        (note, by, to_ms(now), int(conflict_id)),
    )
    found = tx.db.execute(f"{_LIST} WHERE c.conflict_id = ?", (int(conflict_id),)).fetchone()
    return _answer(tx.db, found)


def _number(conflict_id: str) -> int:
    if not (conflict_id.isascii() and conflict_id.isdecimal() and len(conflict_id) < 16):
        raise NotFound(f"no conflict {conflict_id[:40]}")
    return int(conflict_id)


def _answer(db: sqlite3.Connection, row: tuple[Any, ...]) -> ConflictAnswer:
    (number, kind, status, opened_at, ended_at, deal_id, tail, device_id, note, by, detail,
     voucher_id, *scans) = row  # fmt: skip
    return ConflictAnswer(
        conflict_id=str(number),
        kind=kind,
        status=status,
        opened_at=from_ms(opened_at),
        ended_at=None if ended_at is None else from_ms(ended_at),
        deal_id=deal_id,
        tail=tail,
        device_id=device_id,
        note=note,
        by=by,
        scans=[*scan_answers(db, [each for each in scans if each is not None])],
        detail=msgspec.json.decode(detail) | more_detail(db, kind, voucher_id),
    )
