"""What supervisors do: hold, release, void, restore, block, gates, emergency. All audited."""

from __future__ import annotations

from datetime import datetime

import msgspec

from admission.blocks import AppealOutcome, BlockOrigin
from admission.calendar import Venue, to_ms, whole_ms
from admission.deals import AtGate, Deal, HoldScope
from admission.errors import Fault, InvalidInput, LedgerConflict, NotFound
from admission.findings import FindingState
from admission.incidents import EntryKind
from admission.scans import Gate, GateState
from admission.voids import Honour, default_statuses_since, find_contradiction
from admission.wire_staff import VoidRequest
from gate_server.ledger.appeals import end_appeals
from gate_server.ledger.catalogue import VOIDS, read_void
from gate_server.ledger.findings import WATCH, note_decided
from gate_server.ledger.incidents import note_deal
from gate_server.ledger.session import Session


def get_deal(tx: Session, deal_id: str) -> Deal:
    """Return a deal.

    Raises:
        NotFound: no platform sent it.
    """
    deal = tx.catalogue.deal(deal_id)
    if deal is None:
        raise NotFound(f"no deal {deal_id}")
    return deal


def hold_deal(
    tx: Session,
    deal_id: str,
    *,
    reason: str,
    scope: HoldScope,
    at_gate: AtGate,
    by: str,
    now: datetime,
) -> None:
    """Let vouchers of a deal await a human; a hold replaces the one before it.

    Raises:
        LedgerConflict: `deal-voided`: a void has decided already.
    """
    deal = get_deal(tx, deal_id)
    if deal.deal_no in tx.catalogue.voids:
        raise LedgerConflict("deal-voided", f"deal {deal_id} is voided; restore it first")
    before = tx.catalogue.holds.get(deal.deal_no)
    _end_hold(tx, deal.deal_no, by, now)
    bounds = _ms(scope.sold_from), _ms(scope.sold_until), scope.price_at_most_minor
    any_price_from = _ms(scope.any_price_from)
    fields = {"deal_id": deal_id, "by": by, "reason": reason, "at_gate": at_gate.value}
    revision = tx.record_event("hold", {**fields, "scope": (*bounds, any_price_from)})
    tx.db.execute(
        "INSERT INTO holds (revision, deal_no, since, made_by, reason, sold_from, sold_until,"
        " price_at_most_minor, at_gate, any_price_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision,
            deal.deal_no,
            # A wider hold goes on from where the first one began: the void's own effect is
            # counted from there.
            to_ms(before.since if before is not None else now),
            by,
            reason,
            *bounds,
            at_gate.value,
            any_price_from,
        ),
    )
    tx.touched.add("holds")
    note_deal(tx, deal.deal_no, EntryKind.HELD, reason, by=by, now=now)
    if by != WATCH:
        note_decided(tx, deal.deal_no, FindingState.OPEN, by=by, now=now)
    _changed(tx, deal.deal_no, revision)


def release_deal(tx: Session, deal_id: str, *, reason: str, by: str, now: datetime) -> None:
    """End a hold; the vouchers are admitted again.

    Raises:
        LedgerConflict: `not-held`.
    """
    deal = get_deal(tx, deal_id)
    if deal.deal_no not in tx.catalogue.holds:
        raise LedgerConflict("not-held", f"deal {deal_id} is not on hold")
    revision = tx.record_event("release", {"deal_id": deal_id, "by": by, "reason": reason})
    _end_hold(tx, deal.deal_no, by, now)
    note_deal(tx, deal.deal_no, EntryKind.RELEASED, reason, by=by, now=now)
    note_decided(tx, deal.deal_no, FindingState.RELEASED, by=by, now=now)
    _changed(tx, deal.deal_no, revision)


def _changed(tx: Session, deal_no: int, revision: int) -> None:
    """Have replicas told of a deal again: what is told of it are its void and its hold too."""
    tx.db.execute("UPDATE deals SET revision = ? WHERE deal_no = ?", (revision, deal_no))


def _end_hold(tx: Session, deal_no: int, by: str, now: datetime) -> None:
    tx.db.execute(
        "UPDATE holds SET ended_at = ?, ended_by = ? WHERE deal_no = ? AND ended_at IS NULL",
        (to_ms(now), by, deal_no),
    )
    tx.touched.add("holds")


def read_honour(venue: Venue, terms: VoidRequest) -> Honour | None:
    """Return honour terms with their defaults worked out.

    Raises:
        InvalidInput: they could never cover anybody, or contradict themselves.
    """
    given = terms.honour
    if given is None:
        return None
    by = whole_ms(given.arrived_by)
    since = None if given.arrived_from is None else whole_ms(given.arrived_from)
    until = None if given.admit_until is None else whole_ms(given.admit_until)
    if since is not None and by < since:
        raise InvalidInput(
            "honour.arrived_by", "is before arrived_from: nobody could be honoured", Fault.BACKWARDS
        )
    try:
        honour = Honour.of(
            by, venue, arrived_from=since, admit_until=until, max_people=given.max_people
        )
    except ValueError as error:
        raise InvalidInput("honour", str(error), Fault.CONTRADICTION) from error
    contradiction = find_contradiction(honour)
    if contradiction is not None:
        raise InvalidInput(f"honour.{contradiction[0]}", contradiction[1], Fault.BACKWARDS)
    return honour


def void_deal(tx: Session, deal_id: str, terms: VoidRequest, *, by: str, now: datetime) -> int:
    """Withdraw a deal, or change the terms it was withdrawn on; return the new version.

    Every version is kept, and the newest is in force. A void ends the hold.
    """
    deal = get_deal(tx, deal_id)
    honour = read_honour(tx.venue, terms)
    statuses_since = _statuses_since(tx, deal.deal_no, terms, now)
    notice = None if terms.notice is None else [terms.notice.zh, terms.notice.en]
    version = _next_version(tx, deal.deal_no)
    fields = {
        "deal_id": deal_id,
        "void_version": version,
        "by": by,
        "terms": msgspec.to_builtins(terms),
        "statuses_since": statuses_since,
    }
    revision = tx.record_event("void", fields)
    tx.db.execute(
        "INSERT INTO voids (revision, deal_no, version, committed_at, made_by, restored, reason,"
        " arrived_from, arrived_by, admit_until, max_people, cost_bearer, settlement_unit_minor,"
        " statuses_since, notice, remedy) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision,
            deal.deal_no,
            version,
            to_ms(now),
            by,
            terms.reason,
            *_honour_columns(honour),
            terms.cost_bearer.value,
            terms.settlement_unit_minor,
            statuses_since,
            None if notice is None else msgspec.json.encode(notice).decode(),
            None if terms.remedy is None else msgspec.json.encode(terms.remedy).decode(),
        ),
    )
    _end_hold(tx, deal.deal_no, by, now)
    refs = {"void_version": version}
    note_deal(tx, deal.deal_no, EntryKind.VOIDED, terms.reason, refs=refs, by=by, now=now)
    note_decided(tx, deal.deal_no, FindingState.VOIDED, by=by, now=now)
    tx.touched.add("voids")
    _changed(tx, deal.deal_no, revision)
    return version


def _honour_columns(honour: Honour | None) -> tuple[int | None, ...]:
    if honour is None:
        return (None, None, None, None)
    instants = honour.arrived_from, honour.arrived_by, honour.admit_until
    return (*(to_ms(each) for each in instants), honour.max_people)


def _statuses_since(tx: Session, deal_no: int, terms: VoidRequest, now: datetime) -> int:
    """Return from when cancellations are the void's own effect (DESIGN section 4, CONTRACT)."""
    if terms.statuses_since is not None:
        return to_ms(terms.statuses_since)
    rows = tx.db.execute(f"{VOIDS} WHERE deal_no = ? ORDER BY version", (deal_no,))
    versions = [read_void(row) for row in rows]
    return to_ms(default_statuses_since(versions, tx.catalogue.holds.get(deal_no), now))


def _next_version(tx: Session, deal_no: int) -> int:
    sql = (
        "UPDATE deals SET next_void_version = next_void_version + 1 WHERE deal_no = ?"
        " RETURNING next_void_version - 1"
    )
    return int(tx.db.execute(sql, (deal_no,)).fetchone()[0])


def restore_deal(tx: Session, deal_id: str, *, reason: str, by: str, now: datetime) -> int:
    """End a void and any hold; return the version that says so.

    Raises:
        LedgerConflict: `not-voided`.
    """
    deal = get_deal(tx, deal_id)
    void = tx.catalogue.voids.get(deal.deal_no)
    if void is None:
        raise LedgerConflict("not-voided", f"deal {deal_id} is not voided")
    version = _next_version(tx, deal.deal_no)
    fields = {"deal_id": deal_id, "void_version": version, "by": by, "reason": reason}
    revision = tx.record_event("restore_deal", fields)
    tx.db.execute(
        "INSERT INTO voids (revision, deal_no, version, committed_at, made_by, restored, reason,"
        " cost_bearer, statuses_since) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
        (
            revision,
            deal.deal_no,
            version,
            to_ms(now),
            by,
            reason,
            void.cost_bearer.value,
            to_ms(now),
        ),
    )
    _end_hold(tx, deal.deal_no, by, now)
    refs = {"void_version": version}
    note_deal(tx, deal.deal_no, EntryKind.RESTORED, reason, refs=refs, by=by, now=now)
    note_decided(tx, deal.deal_no, FindingState.RELEASED, by=by, now=now)
    tx.touched.add("voids")
    _changed(tx, deal.deal_no, revision)
    return version


def block_buyer(
    tx: Session,
    platform: str,
    buyer: bytes,
    *,
    reason: str,
    expires_at: datetime | None,
    by: str,
    now: datetime,
    origin: BlockOrigin = BlockOrigin.SUPERVISOR,
    origin_id: str | None = None,
) -> int:
    """Have a buyer's vouchers referred to a supervisor; return the block's id.

    Args:
        buyer: keyed hash of platform and account.
        origin_id: which finding, or which message of the platform's.
    """
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(
            "expires_at", "is in the past; leave it out for a block without end", Fault.PAST
        )
    fields = {
        "platform": platform,
        "buyer": buyer.hex(),
        "by": by,
        "reason": reason,
        "expires_at": _ms(expires_at),
        "origin": [origin.value, origin_id],
    }
    revision = tx.record_event("block", fields)
    tx.db.execute("INSERT INTO buyers (buyer) VALUES (?) ON CONFLICT DO NOTHING", (buyer,))
    sql = "SELECT buyer_no FROM buyers WHERE buyer = ?"
    buyer_no = tx.db.execute(sql, (buyer,)).fetchone()[0]
    tx.db.execute(
        "INSERT INTO blocks (revision, buyer_no, platform, reason, created_at, created_by,"
        " expires_at, origin, origin_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(revision, buyer_no, platform, reason, to_ms(now), by, _ms(expires_at)),
            *(origin.value, origin_id),
        ),
    )
    tx.touched.add("blocks")
    return revision


def lift_block(tx: Session, block_id: int, *, reason: str, by: str, now: datetime) -> None:
    """End a block, and every appeal against it.

    Raises:
        NotFound: no such block.
        LedgerConflict: `lifted-already`.
    """
    sql = "SELECT lifted_at FROM blocks WHERE revision = ?"
    row = tx.db.execute(sql, (block_id,)).fetchone()
    if row is None:
        raise NotFound(f"no block {block_id}")
    if row[0] is not None:
        raise LedgerConflict("lifted-already", f"block {block_id} was lifted before")
    revision = tx.record_event("lift", {"block_id": block_id, "by": by, "reason": reason})
    sql = (
        "UPDATE blocks SET lifted_at = ?, lifted_by = ?, lifted_revision = ?, lift_reason = ?"
        " WHERE revision = ?"
    )
    tx.db.execute(sql, (to_ms(now), by, revision, reason, block_id))
    end_appeals(tx, block_id, AppealOutcome.LIFTED, reason, by=by, now=now)
    tx.touched.add("blocks")


def add_gate(tx: Session, gate: Gate, *, by: str) -> None:
    """Add a gate.

    Raises:
        LedgerConflict: `gate-exists`.
    """
    if gate.gate_id in tx.catalogue.gates:
        raise LedgerConflict("gate-exists", f"there is a gate {gate.gate_id} already")
    fields = {"gate_id": gate.gate_id, "name": gate.name, "area": gate.area, "by": by}
    revision = tx.record_event("gate", fields)
    tx.db.execute(
        "INSERT INTO gates (gate_id, name, area, state, revision) VALUES (?, ?, ?, ?, ?)",
        (gate.gate_id, gate.name, gate.area, gate.state.value, revision),
    )
    tx.touched.add("gates")


def set_gate_state(tx: Session, gate_id: str, state: GateState, *, reason: str, by: str) -> Gate:
    """Open or pause a gate, or turn it to exits only; return it as it is then."""
    gate = tx.catalogue.gates.get(gate_id)
    if gate is None:
        raise NotFound(f"no gate {gate_id}")
    fields = {"gate_id": gate_id, "state": state.value, "by": by, "reason": reason}
    revision = tx.record_event("gate_state", fields)
    sql = "UPDATE gates SET state = ?, revision = ? WHERE gate_id = ?"
    tx.db.execute(sql, (state.value, revision, gate_id))
    tx.touched.add("gates")
    return Gate(gate_id, gate.name, gate.area, state)


def set_emergency(tx: Session, on: bool, *, reason: str, by: str) -> None:
    """Begin or end an evacuation: nobody enters, everybody may leave."""
    tx.record_event("emergency", {"on": on, "by": by, "reason": reason})
    tx.db.execute("UPDATE venue SET emergency = ?", (int(on),))
    tx.touched.add("venue")


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
