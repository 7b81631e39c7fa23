"""Findings in the ledger: what was found, how far it has grown, and what a human decided."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.deals import HoldScope
from admission.errors import LedgerConflict, NotFound
from admission.findings import (
    Finding,
    FindingKind,
    FindingState,
    Measured,
    Policy,
    decides_again,
)
from gate_server.ledger.session import Session

WATCH: Final = "look at sales"
"""Who places the holds that follow from findings; no user has a name with spaces."""
MOST_LISTED: Final = 200
# What a human's decision about a deal does to its findings: from which states it moves them.
_FROM: Final = {
    FindingState.OPEN: ("open", "open"),
    FindingState.RELEASED: ("open", "voided"),
    FindingState.VOIDED: ("open", "released"),
}
_COLUMNS: Final = (
    "finding_id, kind, deal_no, subject, policy, state, found_at, grown_at, since, until, vouchers,"
    " people, paid_minor, face_minor, measure, scope, told, decided, decided_at, decided_by,"
    " incident_id"
)
_FINDINGS: Final = f"SELECT {_COLUMNS} FROM findings"  # noqa: S608 - names of ours
_INSERT: Final = f"INSERT INTO findings ({_COLUMNS}) VALUES ({', '.join('?' * 21)})"  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A finding as it stands in the ledger.

    Attributes:
        found_at: when it was seen first; `grown_at` when it last became larger.
        told: its size when somebody was last told.
        decided: its size when a human decided about it; None: nobody did since it last grew.
    """

    finding_id: int
    deal_no: int | None
    finding: Finding
    policy: Policy
    state: FindingState
    found_at: datetime
    grown_at: datetime
    told: int
    decided: int | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    incident_id: str | None = None

    @property
    def holds(self) -> bool:
        """Whether its deal must be on hold for it."""
        undecided = self.state is FindingState.OPEN and self.decided is None
        return undecided and self.policy is Policy.HOLD and self.finding.scope is not None


@dataclass(frozen=True, slots=True)
class Noted:
    """What recording a finding did.

    Attributes:
        tell: it is new, came up again after a decision, or has doubled since it was told.
        grown: it became larger, told or not.
    """

    recorded: Recorded
    tell: bool
    grown: bool = True


def record_finding(
    tx: Session,
    deal_no: int | None,
    finding: Finding,
    policy: Policy,
    *,
    rehold_factor: float,
    now: datetime,
) -> Noted:
    """Record a finding, or let the one about the same grow; what was found never shrinks."""
    before = find_finding(tx.db, finding.kind, deal_no, finding.subject)
    if before is None:
        return Noted(_insert(tx, deal_no, finding, policy, now), tell=True)
    size, known = finding.size, before.finding.size
    again = (
        before.decided is not None
        and before.state is not FindingState.VOIDED
        and decides_again(size, before.decided, rehold_factor)
    )
    same = size == known and finding.scope == before.finding.scope
    if not again and (same or size < known):
        return Noted(before, tell=False, grown=False)
    tell = again or size >= 2 * before.told
    after = _update(tx, before, finding, policy, again=again, tell=tell, now=now)
    return Noted(after, tell=tell)


def _insert(
    tx: Session, deal_no: int | None, finding: Finding, policy: Policy, now: datetime
) -> Recorded:
    voided = deal_no in tx.catalogue.voids
    state = FindingState.VOIDED if voided else FindingState.OPEN
    decided = finding.size if voided else None
    finding_id = _audit(tx, "finding", deal_no, finding, policy)
    at = to_ms(now)
    head = finding_id, finding.kind.value, deal_no, finding.subject, policy.value, state.value
    row = (*head, at, at, *_figures(finding), finding.size, decided, None, None, None)
    tx.db.execute(_INSERT, row)
    return _read(row)


def _update(
    tx: Session,
    before: Recorded,
    finding: Finding,
    policy: Policy,
    *,
    again: bool,
    tell: bool,
    now: datetime,
) -> Recorded:
    if tell:
        _audit(tx, "finding_grown", before.deal_no, finding, policy)
    if again:
        sql = (
            "UPDATE findings SET state = 'open', decided = NULL, decided_at = NULL,"
            " decided_by = NULL WHERE finding_id = ?"
        )
        tx.db.execute(sql, (before.finding_id,))
    tx.db.execute(
        "UPDATE findings SET policy = ?, grown_at = ?, told = ?, (since, until, vouchers, people,"
        " paid_minor, face_minor, measure, scope) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE finding_id = ?",
        (
            policy.value,
            to_ms(now),
            finding.size if tell else before.told,
            *_figures(finding),
            before.finding_id,
        ),
    )
    return get_finding(tx.db, before.finding_id)


def _audit(tx: Session, event: str, deal_no: int | None, finding: Finding, policy: Policy) -> int:
    told = {
        "kind": finding.kind.value,
        "deal_no": deal_no,
        "subject": finding.subject,
        "policy": policy.value,
        "vouchers": finding.vouchers,
        "people": finding.people,
        "paid_minor": finding.paid_minor,
        "face_minor": finding.face_minor,
        "measure": dict(finding.measure),
    }
    return tx.record_event(event, told)


def find_finding(
    db: sqlite3.Connection, kind: FindingKind, deal_no: int | None, subject: str
) -> Recorded | None:
    """Return what is on record of a kind, a deal and a subject."""
    where = "kind = ? AND COALESCE(deal_no, 0) = ? AND subject = ?"
    row = db.execute(f"{_FINDINGS} WHERE {where}", (kind.value, deal_no or 0, subject)).fetchone()
    return None if row is None else _read(row)


def get_finding(db: sqlite3.Connection, finding_id: int) -> Recorded:
    """Return one finding.

    Raises:
        NotFound: there is none by that number.
    """
    row = db.execute(f"{_FINDINGS} WHERE finding_id = ?", (finding_id,)).fetchone()
    if row is None:
        raise NotFound(f"no finding {finding_id}")
    return _read(row)


def list_findings(db: sqlite3.Connection) -> list[Recorded]:
    """Return the findings, open ones first, the newest of each first."""
    order = "ORDER BY state <> 'open', finding_id DESC LIMIT ?"
    return [_read(row) for row in db.execute(f"{_FINDINGS} {order}", (MOST_LISTED,))]


def list_of_deal(db: sqlite3.Connection, deal_no: int) -> list[Recorded]:
    """Return all findings about a deal."""
    where = "WHERE deal_no = ? ORDER BY finding_id"
    return [_read(row) for row in db.execute(f"{_FINDINGS} {where}", (deal_no,))]


def list_of_kind(db: sqlite3.Connection, kind: FindingKind) -> list[Recorded]:
    """Return all findings of a kind, the oldest first."""
    where = "WHERE kind = ? ORDER BY finding_id"
    return [_read(row) for row in db.execute(f"{_FINDINGS} {where}", (kind.value,))]


def note_incident_of(tx: Session, finding_id: int, incident_id: str) -> None:
    """Note which incident a finding is handled in."""
    sql = "UPDATE findings SET incident_id = ? WHERE finding_id = ?"
    tx.db.execute(sql, (incident_id, finding_id))


def note_decided(tx: Session, deal_no: int, state: FindingState, *, by: str, now: datetime) -> None:
    """Note that a human decided about a deal, so about what was found of it as large as it is.

    Args:
        state: what becomes of its findings; `open` for a hold by hand, which goes on.
    """
    one, other = _FROM[state]
    where = f"deal_no = ? AND state IN ('{one}', '{other}')"
    _decide(tx, (where, deal_no), state, by, now)


def close_finding(tx: Session, finding_id: int, *, note: str, by: str, now: datetime) -> Recorded:
    """Close a finding that holds nothing; it is told again only when it has grown.

    Raises:
        NotFound: there is none by that number.
        LedgerConflict: `finding-held`: its deal awaits a release or a void; `closed-already`.
    """
    recorded = get_finding(tx.db, finding_id)
    if recorded.state is FindingState.CLOSED:
        raise LedgerConflict("closed-already", f"finding {finding_id} was closed before")
    if recorded.holds and recorded.deal_no in tx.catalogue.holds:
        problem = f"the deal of finding {finding_id} is on hold for it; release or void the deal"
        raise LedgerConflict("finding-held", problem)
    fields_ = {"finding_id": finding_id, "by": by}
    tx.record_event("finding_closed", fields_, personal={"note": note})
    _decide(tx, ("finding_id = ?", finding_id), FindingState.CLOSED, by, now)
    return get_finding(tx.db, finding_id)


def _decide(
    tx: Session, where: tuple[str, int], state: FindingState, by: str, now: datetime
) -> None:
    condition, number = where
    tx.db.execute(
        "UPDATE findings SET state = ?, decided = MAX(vouchers, people, 1), decided_at = ?,"  # noqa: S608
        f" decided_by = ? WHERE {condition}",
        (state.value, to_ms(now), by, number),
    )


def _figures(finding: Finding) -> tuple[Any, ...]:
    return (
        _ms(finding.since),
        _ms(finding.until),
        finding.vouchers,
        finding.people,
        finding.paid_minor,
        finding.face_minor,
        msgspec.json.encode(dict(finding.measure)).decode(),
        None if finding.scope is None else _write_scope(finding.scope),
    )


def _write_scope(scope: HoldScope) -> str:
    bounds = [getattr(scope, each.name) for each in fields(scope)]
    plain = [to_ms(each) if isinstance(each, datetime) else each for each in bounds]
    return msgspec.json.encode(plain).decode()


def _read_scope(text: str | None) -> HoldScope | None:
    if text is None:
        return None
    sold_from, sold_until, price, any_from = msgspec.json.decode(text)
    return HoldScope(_instant(sold_from), _instant(sold_until), price, _instant(any_from))


def _read(row: tuple[Any, ...]) -> Recorded:
    measure: Mapping[str, Measured] = msgspec.json.decode(row[14])
    return Recorded(
        finding_id=row[0],
        deal_no=row[2],
        finding=Finding(
            kind=FindingKind(row[1]),
            subject=row[3],
            since=_instant(row[8]),
            until=_instant(row[9]),
            vouchers=row[10],
            people=row[11],
            paid_minor=row[12],
            face_minor=row[13],
            measure=measure,
            scope=_read_scope(row[15]),
        ),
        policy=Policy(row[4]),
        state=FindingState(row[5]),
        found_at=from_ms(row[6]),
        grown_at=from_ms(row[7]),
        told=row[16],
        decided=row[17],
        decided_at=_instant(row[18]),
        decided_by=row[19],
        incident_id=row[20],
    )


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
