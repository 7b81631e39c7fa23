"""Settle one voucher: its class, whom it let in at whose cost, and what is to be paid back.

Pure, and from what is on record alone: the same set of records gives the same row, in whatever
order they reached the ledger (CONTRACT section 1, "Settlement").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from admission.closures import closures_at, opens_refund
from admission.history import Arrival, History, Record, Terms, fold
from admission.moves import with_moves
from admission.reconcile import Account, name_of, people_covered_at, void_at
from admission.scans import Direction
from admission.settlement_people import Figure, MadeUp
from admission.settlement_terms import (
    STRENGTH,
    Basis,
    Charge,
    Evidence,
    Proof,
    Refund,
    Row,
    SettlementClass,
    Sold,
    arrival_evidence,
)
from admission.verdicts import Reason
from admission.voids import CostBearer, Void, arrivals_covered, people_covered
from admission.vouchers import Status, Voucher


def settle(sold: Sold, basis: Basis) -> Row:
    """Settle one voucher at the moment of its basis."""
    proofs = [each for proof in sold.proofs if (each := _as_of(proof, basis.as_of)) is not None]
    if not proofs:
        return _unused(sold, basis, None)
    terms = Terms.of(sold.voucher, basis.deal).whole
    before = [proof.record for proof in proofs]
    records = with_moves(before, terms, basis.venue)
    if records != before:
        proofs = [replace(p, record=record) for p, record in zip(proofs, records, strict=True)]
    history = fold(records, terms, basis.venue)
    entries = sorted((proof for proof in proofs if _admits(proof.record)), key=_order)
    if not entries:
        return _unused(sold, basis, history, proofs)
    return _used(_Found(sold, basis, history, proofs, entries))


def _as_of(proof: Proof, at: datetime) -> Proof | None:
    """Return a scan as it stood at an instant; None: it had not been made."""
    record = proof.record
    if record.scan_at > at:
        return None
    if record.overridden_at is not None and record.overridden_at > at:
        record = replace(record, overridden=0, overridden_at=None)
    if record.annulled_at is not None and record.annulled_at > at:
        record = replace(record, annulled=0, annuls=0, annulled_at=None)
    return proof if record is proof.record else replace(proof, record=record)


def _admits(record: Record) -> bool:
    return record.direction is Direction.ENTRY and record.passed > 0


def _order(proof: Proof) -> tuple[datetime, str, str]:
    record = proof.record
    return record.passed_at, record.device_id, record.nonce


# --- nobody came in on it ------------------------------------------------------------------------


def _status(voucher: Voucher, basis: Basis) -> Status:
    """Return what the platform had said by then; what it said since is not known yet."""
    if voucher.status_at is not None and voucher.status_at > basis.as_of:
        return Status.VALID
    return voucher.status


def _unused(sold: Sold, basis: Basis, history: History | None, proofs: Sequence[Proof] = ()) -> Row:
    voucher = sold.voucher
    settled = _unused_class(sold, basis, history)
    arrival = _earliest_arrival(proofs, basis.in_force) if proofs else None
    due = settled is SettlementClass.REFUND_DUE
    return Row(
        sold=sold,
        settled=settled,
        left=voucher.admits,
        refund_minor=_refund(voucher, voucher.admits, basis) if due else 0,
        arrival=arrival,
        compensates=due or _refunded_by_void(voucher, settled, basis),
    )


def _unused_class(sold: Sold, basis: Basis, history: History | None) -> SettlementClass:
    status, void = _status(sold.voucher, basis), basis.in_force
    if status is Status.CANCELLED:
        return SettlementClass.CANCELLED
    if status is Status.REFUNDED:
        return SettlementClass.REFUNDED
    if sold.voucher.refund_listed:
        # What was promised stays promised, whatever a later version says.
        return SettlementClass.REFUND_DUE
    if void is None:
        return SettlementClass.OUTSTANDING
    waits = history is not None and _waits(history, void, basis, came=0)
    return SettlementClass.HONOUR_OPEN if waits else SettlementClass.REFUND_DUE


def _waits(history: History, void: Void, basis: Basis, *, came: int) -> bool:
    """Say whether people have arrived as the terms ask, and may still come in.

    Args:
        came: those of the voucher's people who have come in.
    """
    honour = void.honour
    if honour is None:
        return False
    if honour.max_people is not None and basis.honoured_people >= honour.max_people:
        return False
    proofs = honour.proofs(history.arrivals, basis.as_of)
    return people_covered(proofs, history.terms.admits) > came


def _refunded_by_void(voucher: Voucher, settled: SettlementClass, basis: Basis) -> bool:
    void = basis.in_force
    if settled is not SettlementClass.REFUNDED or void is None or voucher.status_at is None:
        return False
    return void.made(voucher.status_at)


def _refund(voucher: Voucher, people: int, basis: Basis) -> int:
    """Return what is paid back for so many of its people, rounded up."""
    if basis.remedy.refund is Refund.NONE or voucher.price_paid_minor is None:
        return 0
    return _part(voucher.price_paid_minor, people, voucher.admits)


def _part(price_minor: int, people: int, admits: int) -> int:
    return -(-price_minor * people // admits)


# --- somebody came in ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A voucher that let somebody in: its scans, and the admissions among them, in order."""

    sold: Sold
    basis: Basis
    history: History
    proofs: list[Proof]
    entries: list[Proof]

    def covered(self, proof: Proof, void: Void) -> int:
        """Return the people whom a version's terms covered at a scan that a scanner decided."""
        voucher, deal = replace(self.sold.voucher, exchanged=0), self.basis.deal
        account = Account(
            venue=self.basis.venue,
            records=[proof.record for proof in self.proofs],
            offline=frozenset(name_of(each.record) for each in self.proofs if each.offline),
            voucher=voucher,
            deal=deal,
            voids=self.basis.voids,
        )
        return people_covered_at(account, proof.record, void, voucher, deal)


def _used(found: _Found) -> Row:
    sold, basis, proofs, entries = found.sold, found.basis, found.proofs, found.entries
    charges, first, void = _charges(found), entries[0], basis.in_force
    settled, by = _class_of(first, found)
    arrival = _earliest_arrival(proofs, by, until=first.record.scan_at)
    voucher = sold.voucher
    came = min(voucher.admits, _most(charges, basis))
    left, status = voucher.admits - came, _status(voucher, basis)
    waits = void is not None and _waits(found.history, void, basis, came=came)
    open_ = _given_back(found)
    if open_:
        charges = tuple(replace(charge, charged=0) for charge in charges)
    due = left and status not in _ENDED and (voucher.refund_listed or (void and not waits))
    return Row(
        sold=sold,
        settled=settled,
        charges=charges,
        left=left,
        refund_minor=_refund(voucher, left, basis) if due else 0,
        reverse_minor=_reverse(voucher, left) if status is Status.REFUNDED and not open_ else 0,
        first=first,
        arrival=arrival,
        evidence=_evidence(settled, first, _covering(proofs, by, first), basis, by),
    )


_ENDED = frozenset({Status.CANCELLED, Status.REFUNDED})


def _given_back(found: _Found) -> bool:
    """Say whether a voucher was paid back because the venue was closed when its people came.

    Then nobody owes for them, and nothing is to be reversed.
    """
    voucher, basis = found.sold.voucher, found.basis
    if _status(voucher, basis) is not Status.REFUNDED or voucher.status_at is None:
        return False
    closures = closures_at(basis.closures, voucher.status_at)
    return all(
        opens_refund(closures, proof.record.passed_at, basis.venue) for proof in found.entries
    )


def _most(charges: Sequence[Charge], basis: Basis) -> int:
    """Return how many different people came in, whose rights may renew each day."""
    days: dict[object, int] = defaultdict(int)
    daily = any(right.per_day for right in basis.deal.rights)
    for charge in charges:
        days[basis.venue.day_of(charge.at) if daily else None] += charge.people + charge.over
    return max(1, *days.values())


def _reverse(voucher: Voucher, left: int) -> int:
    """Return what the platform paid back for people who came in."""
    price = voucher.price_paid_minor
    return 0 if price is None else price - _part(price, left, voucher.admits)


def _charges(found: _Found) -> tuple[Charge, ...]:
    """Return the charges of each admission that brought persons who had not been in before."""
    basis, entries = found.basis, found.entries
    figure = Figure(basis.deal.rights, found.sold.voucher.admits)
    made = MadeUp(found.sold.voucher, basis, entries) if basis.closures else None
    charges: list[Charge] = []
    for proof in entries:
        record = proof.record
        share = found.history.shares[record.device_id, record.nonce]
        day = basis.venue.day_of(record.passed_at)
        made_up = made.day_of(proof) if made is not None else None
        new, within = figure.add(record.area, day, share.people, made_up=made_up)
        if new or proof is entries[0]:
            charges += _charge(proof, found, (new, within))
    return tuple(charges)


def _charge(proof: Proof, found: _Found, came: tuple[int, int]) -> list[Charge]:
    (new, within), basis = came, found.basis
    settled, void = _class_of(proof, found)
    if settled is SettlementClass.OVERRIDDEN:
        platform = proof.cost_bearer is CostBearer.PLATFORM and proof.confirmed
        charged = within if platform else 0
        return [Charge(proof, settled, new, 0, charged, basis.unit_minor(void), void)]
    over = new - within
    if void is None:
        return [Charge(proof, settled, within, over, within, basis.price_minor)]
    covered = within
    if proof.offline:
        covered = min(within, found.covered(proof, void))
    unit, platform = basis.unit_minor(void), void.cost_bearer is CostBearer.PLATFORM
    honoured = Charge(
        *(proof, SettlementClass.HONOURED, covered, 0, covered if platform else 0, unit, void)
    )
    rest = within - covered
    after = Charge(proof, SettlementClass.USED_AFTER_VOID, rest, over, rest, unit, void)
    if settled is SettlementClass.HONOURED and not rest:
        return [replace(honoured, over=over)]
    return [honoured, after] if covered else [after]


def _class_of(proof: Proof, found: _Found) -> tuple[SettlementClass, Void | None]:
    """Return the class of an admission, and the version of the void by which it counts.

    What the server decided is what it says. What a scanner decided is judged by the version that
    was in force when it did, so that a later one reclassifies nothing. An override is borne as it
    says, with a void or without.
    """
    record, basis = proof.record, found.basis
    if record.overridden or record.reason is Reason.OVERRIDDEN:
        return SettlementClass.OVERRIDDEN, void_at(basis.voids, record.passed_at)
    if not proof.offline:
        if record.reason is not Reason.HONOURED:
            return SettlementClass.USED, None
        return SettlementClass.HONOURED, _version(proof, basis)
    void = void_at(basis.voids, record.scan_at)
    if void is None:
        return SettlementClass.USED, None
    if found.covered(proof, void):
        return SettlementClass.HONOURED, void
    return SettlementClass.USED_AFTER_VOID, void


def _version(proof: Proof, basis: Basis) -> Void | None:
    for void in basis.voids:
        if void.version == proof.void_version:
            return void
    return void_at(basis.voids, proof.record.scan_at)


# --- evidence ------------------------------------------------------------------------------------


def _evidence(
    settled: SettlementClass,
    first: Proof,
    covering: Sequence[Proof],
    basis: Basis,
    void: Void | None,
) -> Evidence:
    """Return the weaker of the admission's evidence and, where that counts, the arrival's best."""
    own = basis.evidence_of(first)
    if settled is not SettlementClass.HONOURED or not covering:
        return own
    best = min((arrival_evidence(basis, proof, void) for proof in covering), key=STRENGTH.index)
    return max(own, best, key=STRENGTH.index)


def _arrivals(proofs: Sequence[Proof], until: datetime | None = None) -> list[Proof]:
    return sorted(
        (
            proof
            for proof in proofs
            if proof.record.proves_arrival and (until is None or proof.record.scan_at <= until)
        ),
        key=lambda proof: (proof.record.arrived_at, proof.record.device_id, proof.record.nonce),
    )


def _covering(proofs: Sequence[Proof], void: Void | None, first: Proof) -> list[Proof]:
    """Return the arrivals by which an admission is covered, earliest first; itself among them."""
    if void is None or void.honour is None:
        return []
    honour = void.honour
    return [
        proof
        for proof in _arrivals(proofs, first.record.scan_at)
        if arrivals_covered(honour, [Arrival(proof.record.arrived_at, None, 0)])
    ]


def _earliest_arrival(
    proofs: Sequence[Proof], void: Void | None, *, until: datetime | None = None
) -> Proof | None:
    """Return the arrival that counts: under terms the earliest inside their window."""
    arrivals = _arrivals(proofs, until)
    if void is not None and void.honour is not None:
        honour = void.honour
        inside = [
            each
            for each in arrivals
            if honour.arrived_from <= each.record.arrived_at <= honour.arrived_by
        ]
        return inside[0] if inside else None
    return arrivals[0] if arrivals else None
