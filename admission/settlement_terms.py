"""The words of a settlement: classes, evidence, what settles a scan, one settled voucher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from admission.calendar import Venue
from admission.deals import Closure, Deal
from admission.history import Record
from admission.reconcile import void_at
from admission.remedies import NO_REMEDY as NO_REMEDY
from admission.remedies import Refund as Refund
from admission.remedies import Remedy as Remedy
from admission.voids import CostBearer, Void
from admission.vouchers import Status, Voucher


class SettlementClass(StrEnum):
    """Where a voucher stands. Written into statements: add one, never rename one."""

    USED = "used"
    HONOURED = "honoured"
    OVERRIDDEN = "overridden"
    USED_AFTER_VOID = "used_after_void"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    OUTSTANDING = "outstanding"
    HONOUR_OPEN = "honour_open"
    REFUND_DUE = "refund_due"


ADMITTED = (
    SettlementClass.USED,
    SettlementClass.HONOURED,
    SettlementClass.OVERRIDDEN,
    SettlementClass.USED_AFTER_VOID,
)
"""The classes of vouchers with a counted admission; also those of people."""


class Evidence(StrEnum):
    """What proves that a scan was made when it says so, the strongest first.

    `attested`: staff say that its holder had arrived earlier (`admission.attested`).
    """

    SERVER = "server"
    DEVICE_BOUNDED = "device_bounded"
    ATTESTED = "attested"
    DEVICE = "device"


STRENGTH = tuple(Evidence)


@dataclass(slots=True, kw_only=True)
class Proof:
    """One recorded scan, with what settles it beside what the fold sees.

    Not frozen only because there is one a scan; never changed.

    Attributes:
        offline: a scanner decided it by itself.
        bounded_at: when the server first saw a head of the device's record that covers it.
        void_version: the version that the server decided it by.
        cost_bearer: of an override; `confirmed` by the platform's partner.
    """

    record: Record
    scan_id: int = 0
    offline: bool = False
    bounded_at: datetime | None = None
    void_version: int | None = None
    cost_bearer: CostBearer | None = None
    confirmed: bool = False
    operator: str | None = None
    arrival_number: str | None = None


@dataclass(slots=True, kw_only=True)
class Sold:
    """One sold voucher with all that is on record of it and of its tickets.

    Attributes:
        buyer_blocked: the account stands under a block at the moment of settlement.
    """

    voucher: Voucher
    proofs: Sequence[Proof] = ()
    buyer_no: int | None = None
    buyer_blocked: bool = False
    voucher_ref: str | None = None
    order_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What all vouchers of a deal are settled by.

    Attributes:
        voids: the versions that were committed by `as_of`, oldest first.
        closures: every version of what closed the venue for the deal, committed by `as_of`.
        remedy: of the version in force.
        honoured_people: persons honoured on the whole deal; asked for only under `max_people`.
    """

    deal: Deal
    venue: Venue
    as_of: datetime
    voids: tuple[Void, ...] = ()
    closures: tuple[Closure, ...] = ()
    remedy: Remedy = NO_REMEDY
    honoured_people: int = 0

    @property
    def in_force(self) -> Void | None:
        """The void in force at the moment of settlement."""
        return void_at(self.voids, self.as_of)

    @property
    def began_at(self) -> datetime | None:
        """When the void in force, or the last there was, began: its first version's commit."""
        began: datetime | None = None
        restored = True
        for version in self.voids:
            if restored and not version.restored:
                began = version.committed_at
            restored = version.restored
        return began

    @property
    def price_minor(self) -> int:
        """Owed a person who came without a void: the settle price, else the face price."""
        settle = self.deal.settle_price_minor
        return self.deal.face_price_minor if settle is None else settle

    def unit_minor(self, void: Void | None) -> int:
        """Owed a person under a version of the void."""
        if void is None or void.settlement_unit_minor is None:
            return self.price_minor
        return void.settlement_unit_minor

    def evidence_of(self, proof: Proof) -> Evidence:
        """Return what proves a scan; a device's word is bounded if we saw its head before a void.

        What had been recorded by then cannot have been invented because of it.
        """
        if not proof.offline:
            return Evidence.SERVER
        if proof.bounded_at is None:
            return Evidence.DEVICE
        began_at = self.began_at
        before = began_at is None or proof.bounded_at < began_at
        return Evidence.DEVICE_BOUNDED if before else Evidence.DEVICE


def arrival_evidence(basis: Basis, proof: Proof, void: Void | None) -> Evidence:
    """Return what proves an arrival: no more than the word of staff, where it is by that.

    Args:
        void: under whose terms it counts; inside their window by its own time it needs no word.
    """
    own, record = basis.evidence_of(proof), proof.record
    honour = None if void is None else void.honour
    inside = honour is not None and honour.arrived_from <= record.scan_at <= honour.arrived_by
    if record.attested_at is None or inside:
        return own
    return max(own, Evidence.ATTESTED, key=STRENGTH.index)


@dataclass(frozen=True, slots=True)
class Charge:
    """Persons of one class whom one scan let in for the first time.

    Attributes:
        people: persons; `over` more are above `admits`, inside and charged to nobody.
        price_minor: what each of the `charged` is worth to the venue.
        void: the version by which they count.
    """

    proof: Proof
    settled: SettlementClass
    people: int
    over: int
    charged: int
    price_minor: int
    void: Void | None = None

    @property
    def at(self) -> datetime:
        """When they passed."""
        return self.proof.record.passed_at

    @property
    def owed_minor(self) -> int:
        """Owed to the venue; 0 of those in dispute."""
        return 0 if self.settled is SettlementClass.USED_AFTER_VOID else self._worth

    @property
    def disputed_minor(self) -> int:
        """In dispute: they came in after the void, and its terms do not cover them."""
        return self._worth if self.settled is SettlementClass.USED_AFTER_VOID else 0

    @property
    def _worth(self) -> int:
        return self.charged * self.price_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One voucher, settled; money in minor units of the deal's currency.

    Attributes:
        left: people whom it has never let in.
        first: the earliest admission that counts; `arrival` what proves that they had come.
        compensates: its buyer has a claim to the compensation a buyer.
    """

    sold: Sold
    settled: SettlementClass
    charges: tuple[Charge, ...] = ()
    left: int = 0
    refund_minor: int = 0
    reverse_minor: int = 0
    first: Proof | None = None
    arrival: Proof | None = None
    evidence: Evidence | None = None
    compensates: bool = False

    @property
    def owed_minor(self) -> int:
        """Owed to the venue."""
        return sum(charge.owed_minor for charge in self.charges)

    @property
    def disputed_minor(self) -> int:
        """In dispute."""
        return sum(charge.disputed_minor for charge in self.charges)

    def people(self, settled: SettlementClass) -> int:
        """Return the persons of a class."""
        return sum(charge.people for charge in self.charges if charge.settled is settled)

    @property
    def absent(self) -> int:
        """Persons left who may still come, though none of them is known to wait."""
        voucher = self.sold.voucher
        ended = voucher.refund_listed or voucher.status in {Status.CANCELLED, Status.REFUNDED}
        return 0 if ended or self.settled is SettlementClass.HONOUR_OPEN else self.left

    @property
    def over(self) -> int:
        """Persons above `admits`, charged to nobody."""
        return sum(charge.over for charge in self.charges)

    @property
    def void_version(self) -> int | None:
        """The version by which its earliest admission counts."""
        void = self.charges[0].void if self.charges else None
        return None if void is None else void.version
