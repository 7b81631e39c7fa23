"""Propose to block accounts that bought very many: what was found, and what a human decided.

Nothing is blocked by itself. What is proposed follows from the findings, the blocks and the
decisions on record, so that no proposal can be lost or stand twice.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admission.blocks import BlockOrigin, proposes
from admission.calendar import from_ms, to_ms
from admission.deals import Deal
from admission.errors import LedgerConflict, NotFound
from admission.finding_words import FindingWords
from admission.findings import FindingKind, FindingState
from admission.incidents import EntryKind, Figures, IncidentKind, NewIncident
from gate_server.ledger import incidents
from gate_server.ledger.actions import block_buyer
from gate_server.ledger.findings import (
    WATCH,
    Recorded,
    close_finding,
    list_of_kind,
    note_incident_of,
)
from gate_server.ledger.session import Session

MOST_SAID: Final = 3
"""More accounts than this an incident's sentence only counts."""
_BLOCKED: Final = (
    "SELECT 1 FROM blocks WHERE buyer_no = ? AND lifted_at IS NULL"
    " AND (expires_at IS NULL OR expires_at >= ?) LIMIT 1"
)
_DECIDED: Final = (
    "SELECT people FROM block_decisions WHERE buyer_no = ? ORDER BY decision_id DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An account that a human is asked to block.

    Attributes:
        proposal_id: the number of the first finding about it.
        platform: whose account it is; `deal_nos` the deals that were found.
        people: those whom its vouchers let in, by all that was found about it.
    """

    proposal_id: int
    buyer_no: int
    platform: str
    people: int
    findings: tuple[Recorded, ...]

    @property
    def deal_nos(self) -> tuple[int, ...]:
        """The deals that it was found in."""
        return tuple(each.deal_no for each in self.findings if each.deal_no is not None)


@dataclass(frozen=True, slots=True)
class Declined:
    """An account that a human declined to block; `reason` is "" once it was erased."""

    proposal_id: int
    buyer_no: int
    platform: str
    reason: str
    decided_at: datetime
    decided_by: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What a human says about a proposal."""

    reason: str
    by: str
    now: datetime


def list_proposals(db: sqlite3.Connection, *, factor: float, now: datetime) -> list[Proposal]:
    """Return the accounts that a human is asked to block, the largest first."""
    by_buyer: dict[int, list[Recorded]] = defaultdict(list)
    for recorded in list_of_kind(db, FindingKind.BUYER_HOARD):
        by_buyer[int(recorded.finding.subject)].append(recorded)
    found = [_propose(db, number, each, factor, now) for number, each in by_buyer.items()]
    asked = [each for each in found if each is not None]
    return sorted(asked, key=lambda each: (-each.people, each.proposal_id))


def _propose(
    db: sqlite3.Connection, buyer_no: int, found: list[Recorded], factor: float, now: datetime
) -> Proposal | None:
    standing = [each for each in found if each.state is not FindingState.CLOSED]
    platform = _platform(db, buyer_no, found)
    if not standing or platform is None:
        return None
    decided = db.execute(_DECIDED, (buyer_no,)).fetchone()
    blocked = db.execute(_BLOCKED, (buyer_no, to_ms(now))).fetchone() is not None
    people = sum(each.finding.people for each in found)
    if not proposes(people, decided and decided[0], factor, blocked=blocked):
        return None
    first = min(each.finding_id for each in standing)
    return Proposal(first, buyer_no, platform, people, tuple(standing))


def _platform(db: sqlite3.Connection, buyer_no: int, found: list[Recorded]) -> str | None:
    """Return whose account it is; None where the account was erased meanwhile."""
    sql = (
        "SELECT d.platform FROM deals d WHERE d.deal_no = ?"
        " AND EXISTS (SELECT 1 FROM buyers WHERE buyer_no = ?)"
    )
    row = db.execute(sql, (found[0].deal_no, buyer_no)).fetchone()
    return None if row is None else row[0]


def list_declined(db: sqlite3.Connection) -> list[Declined]:
    """Return what was declined, the newest first."""
    rows = db.execute(
        "SELECT b.finding_id, b.buyer_no, d.platform, COALESCE(p.value, ''), b.decided_at,"
        " b.decided_by"
        " FROM block_decisions b JOIN findings f USING (finding_id) JOIN deals d USING (deal_no)"
        " LEFT JOIN audit_personal p ON p.revision = b.decision_id AND p.field = 'reason'"
        " WHERE b.block_id IS NULL ORDER BY b.decision_id DESC"
    )
    return [
        Declined(number, buyer_no, platform, reason, from_ms(decided_at), by)
        for number, buyer_no, platform, reason, decided_at, by in rows
    ]


# --- a human decides -----------------------------------------------------------------------------


def accept_proposal(
    tx: Session,
    proposal_id: int,
    decided: Decided,
    *,
    factor: float,
    expires_at: datetime | None,
) -> int:
    """Block an account as it was proposed; return the block's id.

    Raises:
        NotFound: nothing was proposed under that number.
        LedgerConflict: `decided-already`.
        InvalidInput: `expires_at` is in the past.
    """
    proposal = _get(tx, proposal_id, factor, decided.now)
    sql = "SELECT buyer FROM buyers WHERE buyer_no = ?"
    buyer = tx.db.execute(sql, (proposal.buyer_no,)).fetchone()[0]
    block_id = block_buyer(
        tx,
        proposal.platform,
        buyer,
        reason=decided.reason,
        expires_at=expires_at,
        by=decided.by,
        now=decided.now,
        origin=BlockOrigin.FINDING,
        origin_id=str(proposal.proposal_id),
    )
    _decide(tx, proposal, decided, block_id, factor)
    return block_id


def decline_proposal(tx: Session, proposal_id: int, decided: Decided, *, factor: float) -> int:
    """Decide that an account is not blocked; return the number that it is declined under.

    It is proposed again only when it has grown.

    Raises:
        NotFound: nothing was proposed under that number.
        LedgerConflict: `decided-already`.
    """
    proposal = _get(tx, proposal_id, factor, decided.now)
    _decide(tx, proposal, decided, None, factor)
    return proposal.proposal_id


def _get(tx: Session, proposal_id: int, factor: float, now: datetime) -> Proposal:
    proposals = list_proposals(tx.db, factor=factor, now=now)
    for proposal in proposals:
        if proposal_id in {each.finding_id for each in proposal.findings}:
            return proposal
    sql = "SELECT 1 FROM findings WHERE finding_id = ? AND kind = ?"
    known = tx.db.execute(sql, (proposal_id, FindingKind.BUYER_HOARD.value)).fetchone()
    if known is None:
        raise NotFound(f"no proposal {proposal_id}")
    raise LedgerConflict("decided-already", f"proposal {proposal_id} was decided before")


def _decide(
    tx: Session, proposal: Proposal, decided: Decided, block_id: int | None, factor: float
) -> None:
    by, now = decided.by, decided.now
    fields = {"finding_id": proposal.proposal_id, "people": proposal.people, "by": by}
    told = {"reason": decided.reason}
    decision_id = tx.record_event("block_proposal", fields | {"block_id": block_id}, personal=told)
    tx.db.execute(
        "INSERT INTO block_decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(decision_id, proposal.buyer_no, proposal.proposal_id, proposal.people),
            *(to_ms(now), by, block_id),
        ),
    )
    for each in proposal.findings:
        # Those of a deal that was released or voided have followed it already.
        if each.state is FindingState.OPEN:
            close_finding(tx, each.finding_id, note=decided.reason, by=by, now=now)
    _end_calls(tx, proposal, decided, factor)


# --- incidents -----------------------------------------------------------------------------------


def call_about(tx: Session, deal: Deal, words: FindingWords, *, factor: float) -> None:
    """Open the incident of a deal with accounts to decide about, or tell the open one of them."""
    now = tx.clock()
    found = [
        each
        for proposal in list_proposals(tx.db, factor=factor, now=now)
        for each in proposal.findings
        if each.deal_no == deal.deal_no
    ]
    if not found:
        return
    title = words.proposed(deal)
    incident = NewIncident(
        kind=IncidentKind.BLOCK_PROPOSED,
        subject=_subject(deal.deal_no),
        title_zh=title.zh,
        title_en=title.en,
        deal_no=deal.deal_no,
        platform=deal.platform,
        figures=_figures(deal, found, words, now),
    )
    incident_id = incidents.open_incident(tx, incident, by=WATCH, now=now)
    for each in found:
        note_incident_of(tx, each.finding_id, incident_id)


def _subject(deal_no: int) -> str:
    return f"accounts of deal {deal_no}"


def _figures(deal: Deal, found: list[Recorded], words: FindingWords, now: datetime) -> Figures:
    said = [words.sentence(each.finding, deal) for each in found[:MOST_SAID]]
    more = len(found) - len(said)
    return Figures(
        what_zh="".join(each.zh for each in said) + (f"另有{more}个账号。" if more else ""),
        what_en=" ".join(each.en for each in said)
        + (f" And {more} more accounts." if more else ""),
        since=min((each.found_at for each in found), default=now),
        until=now,
        vouchers=sum(each.finding.vouchers for each in found),
        people=sum(each.finding.people for each in found),
        paid_minor=sum(each.finding.paid_minor for each in found),
        face_minor=sum(each.finding.face_minor for each in found),
        currency=deal.currency,
        face_price_minor=deal.face_price_minor,
    )


def _end_calls(tx: Session, proposal: Proposal, decided: Decided, factor: float) -> None:
    """Note a decision in the incidents about it, and close those with nothing left to decide."""
    left = list_proposals(tx.db, factor=factor, now=decided.now)
    waiting = {deal_no for each in left for deal_no in each.deal_nos}
    for deal_no in sorted(set(proposal.deal_nos)):
        incident = incidents.find_open(tx.db, _subject(deal_no))
        if incident is None:
            continue
        _note(tx, incident.incident_id, decided, close=deal_no not in waiting)


def _note(tx: Session, incident_id: str, decided: Decided, *, close: bool) -> None:
    by, now, reason = decided.by, decided.now, decided.reason
    if close:
        incidents.close_incident(tx, incident_id, summary=reason, by=by, now=now)
    else:
        incidents.note_incident(tx, incident_id, EntryKind.NOTED, reason, by=by, now=now)
