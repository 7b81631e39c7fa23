"""A case with what the rules ask of it worked out, each at most once and only if asked."""

from __future__ import annotations

from datetime import datetime

from admission.cases import Case, Found
from admission.closures import find_notice, find_notice_of_use, valid_until
from admission.deals import AtGate, Deal, Reentry, Right
from admission.history import Arrival
from admission.lazy import once
from admission.notices import bears_notice, notice_to_say
from admission.refusal_slips import proof_to_say
from admission.scans import Direction, Mode, PartyDefault
from admission.verdicts import NOTHING_TO_SAY, OUTCOMES, FirstUse, Outcome, Reason, Say, Verdict
from admission.voids import Void, people_covered
from admission.vouchers import Voucher

_DRY = frozenset({Mode.CHECK, Mode.ARRIVE, Mode.EXCHANGE})
"""Modes by which nobody passes."""
_SAYS_MORE = frozenset(
    {
        *(Reason.PARTY_TOO_LARGE, Reason.WRONG_GATE, Reason.EXCHANGED),
        *(Reason.NOT_YET_VALID, Reason.EXPIRED, Reason.OUTSIDE_HOURS),
        *(Reason.DEAL_VOIDED, Reason.REFUNDED),
        *(Reason.GATE_CLOSED, Reason.USED_UP),
    }
)


class Situation:
    """One case at one instant.

    What speaks of a voucher may be asked once the rules about finding one are silent; from then on
    there is exactly one.

    Attributes:
        one: the voucher that the scan is about, with its `voucher`, `deal` and `void` in force.
        sold: the voucher as its platform sold it; of a ticket, the one it was exchanged from.
        at_desk: at an exchange desk, which is no entrance: what counts there are people, not areas.
        right: the deal's right to this gate's area.
        inside_here: people of the voucher who are inside this area.
    """

    one: Found
    voucher: Voucher
    sold: Voucher
    deal: Deal
    void: Void | None
    right: Right | None
    inside_here: int

    def __init__(self, case: Case, now: datetime) -> None:
        self.case = case
        self.now = now
        self.leaving = case.scan.direction is Direction.EXIT
        self.at_desk = case.scan.desk or case.scan.mode is Mode.EXCHANGE
        self.day = case.venue.day_of(now)
        one = case.found[0] if case.found else case.provisional
        # Without a voucher these stay unset: the rules about finding one speak first.
        if one is not None:
            self.one, self.voucher, self.deal, self.void = one, one.voucher, one.deal, one.void
            self.sold = one.sold
            self.right = one.deal.right_to(case.gate.area)
            self.inside_here = one.history.inside(case.gate.area, self.day)

    @property
    def is_provisional(self) -> bool:
        """Whether the voucher is known by its token alone."""
        return self.case.provisional is not None and not self.case.found

    @property
    def is_ticket(self) -> bool:
        """Whether the voucher is a ticket that an exchange desk printed."""
        return self.voucher.parent_id is not None

    @once
    def returning(self) -> bool:
        """Whether the people who come are people who were in today."""
        if self.at_desk:
            return False
        if self._stamped_in:
            return True
        use = self.one.history.use_of(self.case.gate.area)
        fits = self.deal.reentry is Reentry.SAME_DAY
        return fits and 0 < self.party <= use.outside_on(self.day)

    @once
    def _stamped_in(self) -> int:
        """People admitted today whom the stamp on their hand lets in again."""
        scan = self.case.scan
        stamps = self.deal.reentry is Reentry.SAME_DAY_STAMP and scan.staffed
        if scan.mode is not Mode.REENTRY or not stamps:
            return 0
        return self.one.history.entered_today(self.case.gate.area, self.day)

    @once
    def available(self) -> int:
        """People that the voucher still lets in here, or that a desk can print tickets for."""
        if self.at_desk:
            return self.one.history.exchangeable(self.day)
        return self._stamped_in or self._left()

    def _left(self, entering: int = 0) -> int:
        """People left on the voucher, and never more than on it and all its tickets together."""
        area, one = self.case.gate.area, self.one
        left = one.history.available(area, self.day, entering=entering)
        if one.family is None:
            return left
        return min(left, one.family.together.available(area, self.day, entering=entering))

    @once
    def arrivals(self) -> list[Arrival]:
        """All arrivals on record: its own, and of a ticket those of what was exchanged for it."""
        own, family = self._own_arrivals, self.one.family
        if family is None or not self.is_ticket:
            return own
        return sorted([*own, *family.parent.arrivals], key=lambda arrival: arrival.at)

    @property
    def _own_arrivals(self) -> list[Arrival]:
        """Its own, and the earlier one that staff attest of this very scan."""
        known, claim = self.one.history.arrivals, self.case.claim
        if claim is None or claim.at is None:
            return known
        attested = Arrival(claim.at, self.case.scan.party, self._in_before)
        return sorted([*known, attested], key=lambda arrival: arrival.at)

    @property
    def _in_before(self) -> int:
        """People of the voucher who are in already, beside those who stand here."""
        return max(0, self.one.history.people_in(self.day) - self._stamped_in)

    @once
    def arrivals_today(self) -> list[Arrival]:
        """The arrivals of this venue day."""
        if not self.arrivals:
            return []
        first, last = self.case.venue.day_bounds(self.day)
        return [arrival for arrival in self.arrivals if first <= arrival.at <= last]

    @once
    def _arrivals_covered(self) -> list[Arrival]:
        """The arrivals inside the honour window; this very scan is one of them."""
        return self._inside_window(self.arrivals)

    def _inside_window(self, arrivals: list[Arrival]) -> list[Arrival]:
        honour = self.void.honour if self.void is not None else None
        if honour is None or self.now > honour.admit_until:
            return []
        now = Arrival(self.now, self.case.scan.party, self._in_before)
        inside = honour.arrived_from <= self.now <= honour.arrived_by
        return honour.proofs(arrivals, self.now) + ([now] if inside else [])

    @once
    def _people_covered(self) -> int:
        """People whom the void's honour terms cover in all, those already in among them."""
        own, family = self.one.history, self.one.family
        covered = people_covered(self._inside_window(self._own_arrivals), self.voucher.admits)
        if family is None or not self.is_ticket or self.void is None or self.void.honour is None:
            return covered
        # Whoever arrived before the exchange is covered too: as many as were seen then.
        proofs = self.void.honour.proofs(family.parent.arrivals, self.now)
        seen = people_covered(proofs, family.sold.admits)
        others = family.together.people_in(self.day) - own.people_in(self.day)
        return max(covered, min(self.voucher.admits, seen - max(0, others)))

    @property
    def is_covered(self) -> bool:
        """Whether the honour terms let anybody in, or would where another rule says why not."""
        return self.covered > 0 or (self.available == 0 and self._people_covered > 0)

    @once
    def covered(self) -> int:
        """People whom the void's honour terms still let in here."""
        honour, people = self.void.honour if self.void is not None else None, self._people_covered
        if honour is None:
            return 0
        if self.at_desk:
            return self._covered_at_desk(people, honour.max_people)
        if self.right is None:
            return 0
        # Those on tickets are covered there.
        people -= self.voucher.exchanged
        if self._stamped_in:
            return min(people, self._stamped_in)
        use = self.one.history.use_of(self.case.gate.area)
        outside = use.outside_on(self.day)
        used = use.used_of(self.right, self.day) - outside
        left = min(people, people * self.right.uses - used)
        if honour.max_people is not None:
            quota = self.one.history.honoured() + honour.max_people - self.one.honoured_people
            left = min(left, max(0, quota - use.honoured) + outside)
        return max(0, min(left, self.available))

    def _covered_at_desk(self, people: int, most: int | None) -> int:
        left = people - self.voucher.exchanged - self.one.history.people_entered(self.day)
        if most is not None:
            left = min(left, most - self.one.honoured_people)
        return max(0, min(left, self.available))

    @property
    def allowed(self) -> int:
        """People who may come in now: available and, under a void, covered."""
        return self.covered if self.void is not None else self.available

    @once
    def party(self) -> int:
        """How many people stand here, by word of the device or by its default."""
        scan = self.case.scan
        if scan.party is not None:
            return scan.party
        if scan.party_default is PartyDefault.ALL:
            return max(1, self.inside_here if self.leaving else self.allowed)
        return 1

    @property
    def coming(self) -> int:
        """How many more people would be inside the venue."""
        before = self.one.history.inside_venue(self.day)
        here = self.inside_here
        if self._stamped_in:
            use = self.one.history.use_of(self.case.gate.area)
            here = use.staying(self.party, self.voucher.admits)
        return max(0, here + self.party - before)

    @once
    def held(self) -> bool:
        """Whether the voucher is in the scope of the deal's hold."""
        hold, voucher = self.one.hold, self.sold
        return hold is not None and hold.scope.covers(
            sold_at=voucher.sold_at, price_minor=voucher.price_paid_minor, admits=voucher.admits
        )

    @property
    def marked(self) -> bool:
        """Whether the hold lets the voucher in and marks it."""
        hold = self.one.hold
        return hold is not None and hold.at_gate is AtGate.ADMIT_AND_MARK and self.held

    def verdict(self, reason: Reason) -> Verdict:
        """Return the verdict for a reason, with what staff are told beside it."""
        if len(self.case.found) > 1 or not (self.case.found or self.case.provisional):
            return Verdict(reason, self._strangers(reason), say=self._say_of_code())
        people, tickets = self._people(reason), self._tickets(reason)
        void = self.void
        return Verdict(
            reason,
            people,
            remaining=self._remaining(people + tickets),
            say=self._say(reason),
            void_version=void.version if void is not None else None,
            marked=self.marked if OUTCOMES[reason] is Outcome.ADMIT else False,
            arrived_at=self._arrived_at(),
            first_use=self._first_use(reason),
            tickets=tickets,
        )

    def _remaining(self, people: int) -> int:
        if self.leaving:
            return 0
        if self.void is not None or self.at_desk or self._stamped_in:
            return max(0, self.allowed - people)
        return self._left(people)

    def _strangers(self, reason: Reason) -> int:
        """People who leave in an emergency on a code that finds no single voucher."""
        if reason is not Reason.EXIT_RECORDED or self.case.scan.mode in _DRY:
            return 0
        return self.case.scan.party or 1

    def _people(self, reason: Reason) -> int:
        if OUTCOMES[reason] is not Outcome.ADMIT or self.case.scan.mode in _DRY:
            return 0
        if self.leaving and not self.case.facts.emergency:
            return min(self.party, self.inside_here)
        return self.party

    def _tickets(self, reason: Reason) -> int:
        exchanges = self.case.scan.mode is Mode.EXCHANGE and OUTCOMES[reason] is Outcome.ADMIT
        return self.party if exchanges and not self.leaving else 0

    def _arrived_at(self) -> datetime | None:
        proofs = self._arrivals_covered if self.void is not None else self.arrivals_today
        return min((arrival.at for arrival in proofs), default=None)

    def _first_use(self, reason: Reason) -> FirstUse | None:
        own, family = self.one.history.first_use, self.one.family
        if own is not None or family is None or OUTCOMES[reason] is Outcome.ADMIT:
            return own
        return family.together.first_use

    def _say_of_code(self) -> Say:
        if self.case.proof is not None:
            return proof_to_say(self.case.proof)
        return {"vouchers": len(self.case.found)} if self.case.found else NOTHING_TO_SAY

    def _say(self, reason: Reason) -> Say:
        """Return what the sentence names; the rest staff see from the voucher itself."""
        if reason not in _SAYS_MORE:
            return NOTHING_TO_SAY
        if reason is Reason.PARTY_TOO_LARGE:
            return {"available": self.allowed, "party": self.party}
        if reason is Reason.WRONG_GATE:
            areas = tuple(right.area for right in self.deal.rights)
            return {"areas": areas, "gates": tuple(sorted(self.deal.gates))}
        if reason in {Reason.NOT_YET_VALID, Reason.EXPIRED, Reason.OUTSIDE_HOURS}:
            return {
                "valid_from": self.sold.valid_from or self.deal.valid_from,
                "valid_until": valid_until(self.sold, self.deal, self.case.venue),
                "hours": self.deal.hours,
            }
        if reason is Reason.EXCHANGED:
            # A ticket that is brought to the desk is itself what the voucher was exchanged for.
            return {"tickets": self.voucher.exchanged_for or (self.voucher.tail,)}
        if bears_notice(reason, self.sold):
            return notice_to_say(self.void, self.deal, self.now)
        notice = self._closure_notice(reason)
        return NOTHING_TO_SAY if notice is None else {"notice": notice}

    def _closure_notice(self, reason: Reason) -> tuple[str, str] | None:
        """Return what a closure says to who stands at a shut gate, or has been in that day."""
        closures, venue = self.deal.closures, self.case.venue
        if not closures:
            return None
        if reason is Reason.GATE_CLOSED:
            return find_notice(closures, self.now)
        first = self._first_use(reason)
        if reason is not Reason.USED_UP or first is None:
            return None
        return find_notice_of_use(closures, first.at, self.now, venue)
