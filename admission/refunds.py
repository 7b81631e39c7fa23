"""Decide whether people of a voucher may have their money back. No clock, no database, no network.

A platform asks before it pays. Whoever came, or holds a paper ticket, cannot have it back; whoever
has it back is locked: no gate lets that person in any more. So at any time those who came and those
who were given back are together no more than the voucher was sold for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from admission.calendar import Venue
from admission.cases import Found
from admission.closures import opens_refund
from admission.history import History, Record
from admission.scans import Direction
from admission.vouchers import Status


class RefundDecision(StrEnum):
    """What a request for a refund is answered. Stored and sent, so never renamed."""

    APPROVE = "approve"
    REFUSE = "refuse"


class RefundReason(StrEnum):
    """Why. Stored and sent: add one, never rename one."""

    UNUSED = "unused"
    DEAL_VOIDED = "deal_voided"
    VENUE_CLOSED = "venue_closed"
    DEAL_HELD = "deal_held"
    UNKNOWN_VOUCHER = "unknown_voucher"
    SEVERAL_VOUCHERS = "several_vouchers"
    LOCKED = "locked"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    USED = "used"
    EXCHANGED = "exchanged"
    FEWER_LEFT = "fewer_left"
    WITHDRAWN = "withdrawn"


_APPROVED = frozenset(
    {
        *(RefundReason.UNUSED, RefundReason.DEAL_VOIDED, RefundReason.DEAL_HELD),
        RefundReason.VENUE_CLOSED,
    }
)
DECISIONS = MappingProxyType(
    {
        each: RefundDecision.APPROVE if each in _APPROVED else RefundDecision.REFUSE
        for each in RefundReason
    }
)
"""Each reason has one decision, so that the reason alone is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCase:
    """One request and all that its decision depends on.

    Attributes:
        people: how many are to have their money back; None: all whom the voucher still stands for.
        found: the platform's vouchers that the request names.
        records: recorded scans of the one voucher and of its tickets.
        given_back: an earlier request has had all of its people given back.
    """

    venue: Venue
    people: int | None
    found: tuple[Found, ...]
    records: tuple[Record, ...] = ()
    given_back: bool = False


@dataclass(frozen=True, slots=True)
class RefundVerdict:
    """The answer to one request.

    Attributes:
        people: given back and locked by it; 0 for a refusal.
        refundable: how many could have been given back when it was decided.
        evidence: recorded admissions that speak against it, earliest first.
    """

    reason: RefundReason
    people: int = 0
    refundable: int = 0
    evidence: tuple[Record, ...] = ()

    @property
    def decision(self) -> RefundDecision:
        """The decision that the reason stands for."""
        return DECISIONS[self.reason]


def decide_refund(case: RefundCase) -> RefundVerdict:
    """Answer a request with the first rule that refuses it, else approve.

    All or nothing: a platform pays for all whom it asked about, or for none. A hold or a void is no
    reason to refuse, for the money goes back to the buyer either way.
    """
    question = _Question(case)
    for rule in RULES:
        reason = rule(question)
        if reason is not None:
            return RefundVerdict(reason, 0, question.refundable, question.evidence)
    return RefundVerdict(_approval(question), question.people, question.refundable)


class _Question:
    """A case with what the rules ask of it worked out."""

    def __init__(self, case: RefundCase) -> None:
        self.case = case
        self.one = case.found[0] if len(case.found) == 1 else None
        self.came = self.people = self.refundable = 0
        self.evidence: tuple[Record, ...] = ()
        if self.one is None:
            return
        voucher, family = self.one.voucher, self.one.family
        together = self.one.history if family is None else family.together
        self.came = people_who_came(together, case.records, case.venue)
        self.evidence = _admissions(case.records)
        self.people = case.people or voucher.admits
        if self.was_closed:
            self.came = 0
        self.refundable = max(0, voucher.admits - max(self.came, self._accounted(self.one)))
        if self.ended is not None:
            self.refundable = 0

    @property
    def was_closed(self) -> bool:
        """Whether all who came did so on a day for which a closure opened refunds."""
        if self.one is None or self.one.family is not None or not self.evidence:
            return False
        closures, venue = self.one.deal.closures, self.case.venue
        return all(opens_refund(closures, each.passed_at, venue) for each in self.evidence)

    def _accounted(self, one: Found) -> int:
        """People who came on the voucher itself, and those who hold one of its tickets."""
        if one.family is None:
            return 0
        names = {(each.device_id, each.nonce) for each in self.case.records}
        own = [name for name in one.history.shares if name in names]
        records = [each for each in self.case.records if (each.device_id, each.nonce) in own]
        return people_who_came(one.history, records, self.case.venue) + one.voucher.exchanged

    @property
    def ended(self) -> RefundReason | None:
        """Why the voucher stands for nobody any more."""
        if self.one is None:
            return None
        if self.case.given_back:
            return RefundReason.LOCKED
        if self.one.voucher.refund_listed:
            return RefundReason.REFUNDED
        return _ENDED.get(self.one.voucher.status)


def people_who_came(history: History, records: Iterable[Record], venue: Venue) -> int:
    """Return how many different people came on a voucher, on whatever day, as far as scans tell.

    The most on one day, for a right that renews lets the same people in again; where a right does
    not renew, at least as many as its uses were shared by. Settlement counts the same people.
    """
    days: Counter[date] = Counter()
    for record in records:
        share = history.shares.get((record.device_id, record.nonce))
        if share is not None:
            days[venue.day_of(record.passed_at)] += share.persons
    counts = list(days.values())
    for area in history.areas:
        right = history.terms.right_to(area)
        if right is not None and not right.per_day:
            counts.append(-(-history.counted(area) // right.uses))
    return max(counts, default=0)


def _admissions(records: Iterable[Record]) -> tuple[Record, ...]:
    admitted = [each for each in records if each.direction is Direction.ENTRY and each.passed > 0]
    return tuple(sorted(admitted, key=lambda each: (each.passed_at, each.device_id, each.nonce)))


# --- the rules -----------------------------------------------------------------------------------

Rule = Callable[[_Question], RefundReason | None]


def refuse_unknown(q: _Question) -> RefundReason | None:
    """The ledger knows no such voucher of the platform: an honest word, where silence approves."""
    return None if q.case.found else RefundReason.UNKNOWN_VOUCHER


def refuse_several(q: _Question) -> RefundReason | None:
    """The reference names several vouchers; the code would name one."""
    return RefundReason.SEVERAL_VOUCHERS if len(q.case.found) > 1 else None


def refuse_ended(q: _Question) -> RefundReason | None:
    """Given back before, or ended by the platform itself."""
    return q.ended


def refuse_used(q: _Question) -> RefundReason | None:
    """Nobody is left: they came, or they hold paper tickets."""
    if q.refundable > 0:
        return None
    return RefundReason.USED if q.came > 0 else RefundReason.EXCHANGED


def refuse_fewer_left(q: _Question) -> RefundReason | None:
    """Fewer are left than are asked about."""
    return RefundReason.FEWER_LEFT if q.people > q.refundable else None


def _approval(q: _Question) -> RefundReason:
    if q.was_closed:
        return RefundReason.VENUE_CLOSED
    if q.one is not None and q.one.void is not None:
        return RefundReason.DEAL_VOIDED
    if q.one is not None and q.one.hold is not None:
        return RefundReason.DEAL_HELD
    return RefundReason.UNUSED


_ENDED = {Status.CANCELLED: RefundReason.CANCELLED, Status.REFUNDED: RefundReason.REFUNDED}

RULES: tuple[Rule, ...] = (
    refuse_unknown,
    refuse_several,
    refuse_ended,
    refuse_used,
    refuse_fewer_left,
)


# --- what is left --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """How a voucher stands, as far as a lock changes it.

    Attributes:
        price_paid_minor: for all whom it admits together.
        listed: nobody enters on it whatever else is the case, a void of its deal too.
    """

    admits: int
    price_paid_minor: int | None
    status: Status
    status_at: datetime | None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Lock:
    """People of a voucher who were given back, and are let in no more.

    Attributes:
        people: by all approved requests that were not withdrawn.
        sold: whom it admitted when the first of them was approved.
        at: when the newest was approved.
    """

    people: int
    sold: int
    at: datetime

    def left(self, told: int) -> int:
        """Return the people who are left of those whom the platform now says it admits.

        Some platforms count the refunded down, some never do, some say it late. Whichever row came
        last, and in whatever order they came, the same people are left; more than were sold are
        new ones.
        """
        return max(0, told - self.people if told >= self.sold else min(told, self._kept))

    @property
    def _kept(self) -> int:
        return self.sold - self.people

    def paid_back_minor(self, told: Standing) -> int:
        """Return the share of the price of those who were given back; of an unknown price 0.

        A platform that has counted them down says the price of those who are left.
        """
        price, left = told.price_paid_minor, self.left(told.admits)
        if price is None or told.admits == 0:
            return 0
        if left == told.admits:
            return price * self.people // told.admits
        return price - -(-price * left // told.admits)

    def apply(self, told: Standing) -> Standing:
        """Return what a voucher comes to by its platform's word and this lock.

        The price is that of the people left, rounded up, so that the price a person, and with it
        the scope of a hold, stays what it was.
        """
        left = self.left(told.admits)
        if left == 0:
            return replace(told, status=Status.REFUNDED, status_at=self.at, listed=True)
        price = told.price_paid_minor
        if price is not None:
            price = -(-price * left // told.admits)
        return replace(told, admits=left, price_paid_minor=price)
