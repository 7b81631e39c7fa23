"""Settlements, their lists and statements on the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from admission.calendar import whole_ms
from admission.errors import Fault, InvalidInput
from admission.settlement_sums import Sums
from admission.settlement_terms import ADMITTED, Evidence, SettlementClass
from admission.wire import Answer, Request
from admission.wire_guard import OnRequest

_YEARS = range(1971, 9998)


def read_moment(name: str, text: str) -> datetime:
    """Read a moment behind a path, where a plus sign may have come as a space.

    Raises:
        InvalidInput: no time, or one without its offset.
    """
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        raise InvalidInput(
            name,
            "give a time with its offset, as 2026-05-01T09:00:00+08:00",
            Fault.UNREADABLE,
            text,
        )
    return whole_ms(at)


class ClassCounts(Answer, frozen=True):
    """Vouchers by class; `used` is named `used_before_void` once the deal has had a void."""

    sold: int
    used: int | UnsetType = UNSET
    used_before_void: int | UnsetType = UNSET
    honoured: int = 0
    overridden: int = 0
    used_after_void: int = 0
    cancelled: int = 0
    refunded: int = 0
    outstanding: int = 0
    honour_open: int = 0
    refund_due: int = 0


class PeopleCounts(Answer, frozen=True):
    """Persons by class; those above `admits` are charged to nobody."""

    used: int | UnsetType = UNSET
    used_before_void: int | UnsetType = UNSET
    honoured: int = 0
    overridden: int = 0
    used_after_void: int = 0
    over_admitted: int = 0


class Amounts(Answer, frozen=True):
    """Money in minor units of the deal's currency."""

    owed_to_venue: int
    disputed: int
    refunds: int
    compensation: int
    refunds_to_reverse: int


class EvidenceCounts(Answer, frozen=True):
    """Vouchers with a counted admission, by what proves it; `attested` where there are such."""

    server: int
    device_bounded: int
    device: int
    attested: int | UnsetType = UNSET


class SettlementAnswer(Answer, frozen=True):
    """Who owes whom how much for a deal; `on_request` where people were given back on request."""

    deal_id: str
    currency: str
    as_of: datetime
    void_version: int | None
    balanced: bool
    counts: ClassCounts
    people: PeopleCounts
    amounts_minor: Amounts
    buyers_compensated: int
    buyers_withheld: int
    evidence: EvidenceCounts
    on_request: OnRequest | UnsetType = UNSET


def write_settlement(sums: Sums, *, balanced: bool) -> SettlementAnswer:
    """Return a settlement as it is answered."""
    basis, void = sums.basis, sums.basis.in_force
    used = "used_before_void" if basis.voids else "used"
    counts = {each.value: sums.counts[each] for each in SettlementClass}
    people = {each.value: sums.people[each] for each in ADMITTED}
    for named in (counts, people):
        named[used] = named.pop("used")
    return SettlementAnswer(
        deal_id=basis.deal.deal_id,
        currency=basis.deal.currency,
        as_of=basis.as_of,
        void_version=None if void is None else void.version,
        balanced=balanced,
        counts=ClassCounts(sold=sum(sums.counts.values()), **counts),
        people=PeopleCounts(over_admitted=sums.over_admitted, **people),
        amounts_minor=Amounts(
            owed_to_venue=sums.owed_minor,
            disputed=sums.disputed_minor,
            refunds=sums.refunds_minor,
            compensation=sums.compensation_minor,
            refunds_to_reverse=sums.reverse_minor,
        ),
        buyers_compensated=sums.buyers_compensated,
        buyers_withheld=sums.buyers_withheld,
        evidence=_evidence(sums),
    )


def _evidence(sums: Sums) -> EvidenceCounts:
    counted = {each.value: sums.evidence[each] for each in Evidence}
    attested = counted.pop(Evidence.ATTESTED.value)
    return EvidenceCounts(**counted, attested=attested or UNSET)


class ListKind(StrEnum):
    """What a list asks the platform to do. Stored: add one, never rename one."""

    REFUNDS = "refunds"
    COMPENSATION = "compensation"
    REVERSE = "reverse"
    DISPUTED = "disputed"


PROMISES = frozenset({ListKind.REFUNDS, ListKind.COMPENSATION})
"""Money for whom a void does not honour: not before its cut-off (`admission.cut_offs`)."""


class ListRequest(Request, frozen=True):
    """Make the next list of a kind; it holds only what no list before it holds."""

    kind: ListKind


class ListAnswer(Answer, frozen=True):
    """A list that was made and is kept.

    Attributes:
        number: of the deal's lists, from 1.
        entries: vouchers, or buyers for `compensation`.
        finished_at: null where it was broken off; making one of the same kind goes on with it.
    """

    number: int
    kind: ListKind
    as_of: datetime
    void_version: int | None
    made_at: datetime
    made_by: str
    finished_at: datetime | None
    entries: int
    amount_minor: int


class ListsAnswer(Answer, frozen=True):
    """All lists of a deal."""

    lists: list[ListAnswer]


class ListEntry(Answer, frozen=True):
    """One entry of a list.

    Attributes:
        amount_minor: null where the price paid is not known.
        buyer_ref: of `compensation` alone; the platform's own name for the account.
        same_phone: entries with the same number were bought with one phone.
    """

    order_ref: str | None = None
    voucher_ref: str | None = None
    tail: str | None = None
    buyer_ref: str | None = None
    same_phone: int | None = None
    amount_minor: int | None = None


class ListShown(ListAnswer, frozen=True):
    """A list with its entries."""

    rows: list[ListEntry]


class OverrideAnswer(Answer, frozen=True):
    """An override that says the platform bears it, and whether its partner has confirmed that."""

    scan_id: str
    device_id: str
    gate_id: str
    nonce: str
    overridden_at: datetime
    overridden_by: str
    people: int
    tail: str | None
    reason: str
    confirmed_at: datetime | None
    confirmed_by: str | None


class OverridesAnswer(Answer, frozen=True):
    """All overrides of a deal that say the platform bears them."""

    overrides: list[OverrideAnswer]


class SignatureAnswer(Answer, frozen=True):
    """Who signed a statement, and when."""

    name: str
    partner: bool
    signed_at: datetime


class StatementAnswer(Answer, frozen=True):
    """A kept statement; two signatures close it, one of them a partner's.

    Attributes:
        hash: SHA-256, hex, of what is signed: the settlement and its vouchers.
    """

    version: int
    made_at: datetime
    made_by: str
    hash: str
    closed_at: datetime | None
    signatures: list[SignatureAnswer]
    settlement: SettlementAnswer


class StatementsAnswer(Answer, frozen=True):
    """All statements of a deal, the newest first."""

    statements: list[StatementAnswer]


class SignRequest(Request, frozen=True):
    """Sign what was read, by its hash."""

    hash: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


class ChangedVoucher(Answer, frozen=True):
    """A voucher that stands otherwise than in the statement before; null: it was not there."""

    voucher: int
    before: dict[str, str] | None
    after: dict[str, str] | None


class DifferencesAnswer(Answer, frozen=True):
    """What changed from one statement to the next."""

    version: int
    against: int | None
    changed: list[ChangedVoucher]
