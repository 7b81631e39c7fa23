"""Decide whether one scan admits its holder. No clock, no database, no network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from admission.calendar import Venue
from admission.cases import Case, Found
from admission.closures import find_extension
from admission.codes import CodeForm, TokenState
from admission.deals import Reentry, Right
from admission.history import Arrival
from admission.scans import GateState
from admission.situations import Situation
from admission.verdicts import Reason, Verdict
from admission.vouchers import Status

Rule = Callable[[Situation], Reason | None]


def decide(case: Case, now: datetime) -> Verdict:
    """Answer a scan with the first rule that speaks, else admit.

    Args:
        now: scan time, aware UTC: the server's receipt, or offline the corrected device time.
    """
    situation = Situation(case, now)
    for rule in RULES:
        reason = rule(situation)
        if reason is not None:
            return situation.verdict(reason)
    return situation.verdict(_admission(situation))


def _admission(s: Situation) -> Reason:
    if s.case.provisional is not None and not s.case.found:
        return Reason.PROVISIONAL
    if s.void is not None:
        return Reason.HONOURED
    return Reason.REENTERED if s.returning else Reason.ADMITTED


# --- rule 0: the venue, the gate ---------------------------------------------------------------


def wait_in_emergency(s: Situation) -> Reason | None:
    """An evacuation decides nothing: entries wait, and everyone may leave."""
    if not s.case.facts.emergency:
        return None
    return Reason.EXIT_RECORDED if s.leaving else Reason.EMERGENCY


def wait_at_closed_gate(s: Situation) -> Reason | None:
    """A paused or exit-only gate lets nobody in."""
    if s.leaving or s.case.gate.state is GateState.OPEN:
        return None
    return Reason.GATE_CLOSED


# --- rules 1 and 2: the code -------------------------------------------------------------------


def refuse_malformed(s: Situation) -> Reason | None:
    """What no platform would have sold."""
    return Reason.MALFORMED_CODE if s.case.form is CodeForm.MALFORMED else None


def refuse_payment_code(s: Situation) -> Reason | None:
    """A payment code held up by mistake, unless a platform sells codes of that form."""
    if s.case.form is CodeForm.PAYMENT and not s.case.found:
        return Reason.NOT_A_TICKET
    return None


def refuse_bad_signature(s: Situation) -> Reason | None:
    """A token that our keys did not sign; a key may only be too new for a stale list."""
    if s.case.token is TokenState.BAD:
        return Reason.BAD_SIGNATURE
    if s.case.token is TokenState.UNKNOWN_KEY and not s.case.facts.key_list_stale:
        return Reason.BAD_SIGNATURE
    return None


def refuse_refusal_slip(s: Situation) -> Reason | None:
    """A slip of ours that proves a refusal: it says what it proves, and lets nobody in."""
    return None if s.case.proof is None else Reason.REFUSAL_SLIP


def answer_claim(s: Situation) -> Reason | None:
    """What staff say of an earlier arrival, where it does not hold: they must be told at once."""
    problem = None if s.case.claim is None else s.case.claim.problem
    if problem in _NOT_KNOWN_HERE and s.case.facts.key_list_stale:
        # Only a replica that lags: it may not have heard of the hand-out, or of the queue.
        return Reason.LEDGER_STALE
    return problem


def refer_bulk(s: Situation) -> Reason | None:
    """More arrivals at one device than people can walk past: 200 pictures are not 200 people."""
    facts = s.case.facts
    return Reason.BULK_ARRIVALS if 0 < facts.most_arrivals < facts.arrivals else None


def answer_unknown(s: Situation) -> Reason | None:
    """A code that finds nothing is unknown only in a ledger that is fresh."""
    if s.case.found or s.case.provisional is not None:
        return None
    stale = s.case.facts.stale or s.case.token is TokenState.UNKNOWN_KEY
    return Reason.LEDGER_STALE if stale else Reason.UNKNOWN_CODE


def refuse_second_provisional(s: Situation) -> Reason | None:
    """A token taken on its word alone is taken once by each device."""
    if s.is_provisional and s.one.history.entered_at is not None:
        return Reason.USED_UP
    return None


def refer_ambiguous(s: Situation) -> Reason | None:
    """Two platforms sold the same code: only a human can tell whose it is."""
    found = s.case.found
    if len(found) > 1 and len({each.deal.platform for each in found}) > 1:
        return Reason.AMBIGUOUS_CODE
    return None


def refer_several(s: Situation) -> Reason | None:
    """One code, several vouchers of an order: staff pick."""
    return Reason.SEVERAL_VOUCHERS if len(s.case.found) > 1 else None


# --- rule 3: exits -----------------------------------------------------------------------------


def record_exit(s: Situation) -> Reason | None:
    """Leaving is recorded and never refused; staff look where nobody was inside."""
    if not s.leaving:
        return None
    return Reason.EXIT_RECORDED if s.inside_here > 0 else Reason.NOT_INSIDE


# --- rules 4 to 6: the voucher -----------------------------------------------------------------


def refuse_dead_ticket(s: Situation) -> Reason | None:
    """A ticket that was printed anew, or taken back: nothing makes it good again."""
    if not s.voucher.dead:
        return None
    return Reason.EXCHANGED if s.voucher.exchanged_for else Reason.TICKET_ANNULLED


def refer_refunded_after_arrival(s: Situation) -> Reason | None:
    """Cancelled or refunded while its holder stood in the queue: a human decides."""
    status_at = s.sold.status_at
    if s.void is not None or s.sold.status not in _ENDED or status_at is None:
        return None
    if s.available > 0 and any(arrival.at < status_at for arrival in s.arrivals_today):
        return Reason.REFUNDED_AFTER_ARRIVAL
    return None


def refuse_ended(s: Situation) -> Reason | None:
    """Cancelled or refunded by the platform, unless that is the void's own effect."""
    voucher = s.sold
    if voucher.refund_listed:
        return Reason.REFUNDED
    reason = _ENDED.get(voucher.status)
    if reason is None or s.void is None or voucher.status_at is None:
        return reason
    return None if s.void.made(voucher.status_at) else reason


def refuse_blocked(s: Situation) -> Reason | None:
    """The platform blocked this voucher."""
    return Reason.VOUCHER_BLOCKED if s.sold.status is Status.BLOCKED else None


def refuse_exchanged(s: Situation) -> Reason | None:
    """Paper tickets were given for all its people; they are the voucher now."""
    if s.is_ticket:
        return Reason.EXCHANGED if s.at_desk else None
    return Reason.EXCHANGED if 0 < s.voucher.admits <= s.voucher.exchanged else None


def refuse_used_up(s: Situation) -> Reason | None:
    """Nobody is left to let in here, and nobody could be coming back."""
    if s.available > 0 or (s.right is None and not s.at_desk):
        return None
    if s.voucher.exchanged:
        return Reason.EXCHANGED
    if not s.at_desk and s.deal.reentry is not Reentry.NONE and s.inside_here > 0:
        return None
    return Reason.USED_UP


def refer_annulled(s: Situation) -> Reason | None:
    """Taken back before, and too long ago or too often for a turnstile that did not turn."""
    waiting = s.one.history.awaits_return(s.now, s.case.gate.area, s.day, s.case.venue)
    return Reason.ANNULLED_BEFORE if waiting else None


# --- rules 7 to 9: the deal --------------------------------------------------------------------


def refuse_voided(s: Situation) -> Reason | None:
    """The platform withdrew the deal, and the honour terms do not cover this voucher."""
    return Reason.DEAL_VOIDED if s.void is not None and not s.is_covered else None


def refer_blocked_buyer(s: Situation) -> Reason | None:
    """A supervisor wants to see who bought this."""
    return Reason.BUYER_BLOCKED if s.one.buyer_blocked else None


def refer_held(s: Situation) -> Reason | None:
    """The deal awaits a human's decision, and this voucher is in the hold's scope."""
    return Reason.DEAL_HELD if s.held and not s.marked else None


# --- rules 10 to 14: place, time, people ---------------------------------------------------------


def refuse_wrong_gate(s: Situation) -> Reason | None:
    """No right to this gate's area, or not one of the deal's gates; a desk is at none."""
    if s.at_desk:
        return None
    if s.right is None:
        return Reason.WRONG_GATE
    gates = s.deal.gates
    return Reason.WRONG_GATE if gates and s.case.gate.gate_id not in gates else None


def refuse_outside_window(s: Situation) -> Reason | None:
    """Too early, too late, or not on this day or at this hour; a queue makes nobody late."""
    reason = _window_reason(s.one, s.now, s.case.venue, s.right)
    if reason is None or reason is Reason.NOT_YET_VALID:
        return reason
    arrived = any(in_window(s.one, arrival, s.case.venue) for arrival in s.arrivals_today)
    return None if arrived else reason


def in_window(found: Found, arrival: Arrival, venue: Venue) -> bool:
    """Say whether an arrival was inside window, weekdays, days and hours."""
    return _window_reason(found, arrival.at, venue) is None


def _window_reason(
    found: Found, at: datetime, venue: Venue, right: Right | None = None
) -> Reason | None:
    voucher, deal = found.sold, found.deal
    if at < (voucher.valid_from or deal.valid_from) - deal.early:
        return Reason.NOT_YET_VALID
    if at > (voucher.valid_until or deal.valid_until) + deal.late:
        return _late_reason(found, at, venue, right) if deal.closures else Reason.EXPIRED
    return None if deal.open_at(at, venue) else Reason.OUTSIDE_HOURS


def _late_reason(found: Found, at: datetime, venue: Venue, right: Right | None) -> Reason | None:
    """After its own window: good only as long as a closure extends it."""
    extension = find_extension(found.sold, found.deal, venue)
    if extension is None or at > extension.until:
        return Reason.EXPIRED
    if not found.deal.within_hours(at, venue):
        return Reason.OUTSIDE_HOURS
    if right is None or not right.per_day:
        return None
    history = found.history if found.family is None else found.family.together
    days = [use.day for use in history.uses if use.area == right.area]
    return None if extension.opens_on(venue.day_of(at), days) else Reason.EXPIRED


def refuse_already_inside(s: Situation) -> Reason | None:
    """All of them are inside; they would first have to come out."""
    return Reason.ALREADY_INSIDE if s.available == 0 else None


def refer_large_party(s: Situation) -> Reason | None:
    """More people stand here than the voucher still lets in."""
    return Reason.PARTY_TOO_LARGE if s.party > s.allowed else None


def wait_when_full(s: Situation) -> Reason | None:
    """The venue holds as many people as it may."""
    if s.at_desk:
        return None
    limit, inside = s.case.facts.limit, s.case.facts.inside
    return Reason.VENUE_FULL if limit is not None and inside + s.coming > limit else None


_NOT_KNOWN_HERE = frozenset({Reason.SLIP_NOT_HANDED_OUT, Reason.QUEUE_OVER})
_ENDED = {Status.CANCELLED: Reason.CANCELLED, Status.REFUNDED: Reason.REFUNDED}

# Order is the order that staff can explain: a cancelled voucher that is also expired is cancelled.
RULES: tuple[Rule, ...] = (
    wait_in_emergency,
    wait_at_closed_gate,
    refuse_malformed,
    refuse_payment_code,
    refuse_bad_signature,
    refuse_refusal_slip,
    answer_claim,
    refer_bulk,
    answer_unknown,
    refer_ambiguous,
    refer_several,
    record_exit,
    refuse_second_provisional,
    refuse_dead_ticket,
    refer_refunded_after_arrival,
    refuse_ended,
    refuse_blocked,
    refuse_exchanged,
    refuse_used_up,
    refer_annulled,
    refuse_voided,
    refer_blocked_buyer,
    refer_held,
    refuse_wrong_gate,
    refuse_outside_window,
    refuse_already_inside,
    refer_large_party,
    wait_when_full,
)
