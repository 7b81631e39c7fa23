"""Rules about scans already decided: replays, annulments, overrides and strikes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from admission.errors import Fault, InvalidInput, LedgerConflict
from admission.history import History, Record, Terms
from admission.scans import Direction, Mode
from admission.verdicts import OUTCOMES, Outcome

ANNUL_WITHIN = timedelta(minutes=15)
OVERRIDE_WITHIN = timedelta(minutes=30)
MOST_PEOPLE = 99
_NO_ENTRY = frozenset({Mode.ARRIVE, Mode.EXCHANGE})


def check_replay(record: Record, *, same: bool) -> None:
    """Allow the stored verdict to be answered again.

    Args:
        same: whether code, mode, direction and party are those of the recorded scan.

    Raises:
        LedgerConflict: `nonce-reused`, or `annulled`: a retry must never open a turnstile.
    """
    if not same:
        raise LedgerConflict(
            "nonce-reused",
            "this nonce belongs to another scan of this device; send a new one",
        )
    if record.annulled or record.moved:
        raise LedgerConflict("annulled", "this scan was annulled; scan the code anew")


def people_to_annul(
    record: Record,
    others: Iterable[Record],
    terms: Terms,
    *,
    people: int | None,
    now: datetime,
    by_supervisor: bool,
) -> int:
    """Return how many people of a scan are taken back in all; 0: that was done already.

    Args:
        others: the voucher's other recorded scans.
        people: those who did not pass, of all whom the scan let in; None: all of them, as far as
            the turnstile did not count them through.

    Raises:
        LedgerConflict: `not-admitted`, `turned-already`, `too-late` or `moved-since`.
        InvalidInput: more people than were let in.
    """
    passed = record.overridden or record.people
    if passed == 0 or record.mode in _NO_ENTRY:
        raise LedgerConflict("not-admitted", "this scan let nobody in; there is nothing to annul")
    turned = 0 if by_supervisor else min(record.turned or 0, passed)
    wanted = max(passed - turned, record.annulled) if people is None else people
    if wanted > passed:
        raise InvalidInput(
            "people", f"the scan let in {passed}; name at most that many", Fault.TOO_MUCH, passed
        )
    if wanted > passed - turned or wanted == record.annulled == 0:
        raise LedgerConflict("turned-already", f"the turnstile counted {turned} through")
    if wanted <= record.annulled:
        return 0
    if not by_supervisor and now - record.passed_at > ANNUL_WITHIN:
        raise LedgerConflict(
            "too-late", "more than 15 minutes have passed; a supervisor can still annul it"
        )
    if moved_since(record, others, terms):
        raise LedgerConflict(
            "moved-since",
            "its people went on since: an exit, a return or another entry is on record; annul"
            " that one first if it did not happen, else leave this one as it is",
        )
    return wanted


def moved_since(record: Record, others: Iterable[Record], terms: Terms) -> bool:
    """Say whether people of this very scan must have moved on since, at whatever gate.

    Others of the same group may follow through another lane; an exit, a return by stamp, another
    area, or more entries than the voucher has people cannot be theirs.
    """
    later = [o for o in others if o.passed and o.passed_at > record.passed_at]
    if record.direction is Direction.EXIT:
        return any(other.area == record.area for other in later)
    if any(_goes_on(other, record) for other in later):
        return True
    return record.passed + sum(other.passed for other in later) > max(terms.admits, record.passed)


def _goes_on(later: Record, record: Record) -> bool:
    """Say whether a later passage is of somebody who was inside."""
    returned = later.mode is Mode.REENTRY and record.mode is not Mode.REENTRY
    return later.direction is Direction.EXIT or later.area != record.area or returned


def people_turned(record: Record, people: int) -> int | None:
    """Return how many of a scan's people have passed the turnstile by now; it never becomes less.

    None: nothing is known, or a supervisor said since what happened; then it stays so.

    Args:
        people: those whom the lane counted so far.

    Raises:
        LedgerConflict: `not-admitted`.
        InvalidInput: more people than were let in.
    """
    let_in = record.overridden or record.people
    if let_in == 0 or record.mode is Mode.ARRIVE:
        raise LedgerConflict("not-admitted", "this scan let nobody in; nobody passed by it")
    if people > let_in:
        raise InvalidInput(
            "people",
            f"the scan let in {let_in}; report the others as forced",
            Fault.TOO_MUCH,
            let_in,
        )
    return None if record.turned is None else max(record.turned, people)


def find_no_override(record: Record, now: datetime) -> LedgerConflict | None:
    """Return why a supervisor cannot let in the holder of a scan any more; None: they can."""
    if record.direction is Direction.EXIT or record.mode in _NO_ENTRY:
        return LedgerConflict("not-an-entry", "this scan did not ask to let anybody in")
    if record.overridden or OUTCOMES[record.reason] is Outcome.ADMIT:
        return LedgerConflict("admitted-already", "this scan has let people in already")
    if OUTCOMES[record.reason] is Outcome.WAIT:
        return LedgerConflict(
            "not-refused", "this scan was told to wait; open the gate, or scan again when it is"
        )
    if now - record.scan_at > OVERRIDE_WITHIN:
        return LedgerConflict("too-late", "more than 30 minutes have passed; scan the code anew")
    return None


def people_to_override(
    record: Record, history: History | None, *, party: int | None, available: int, now: datetime
) -> int:
    """Return how many people a supervisor lets in on a refused or referred scan.

    Args:
        history: the voucher's; None: the code finds none.
        party: people that the supervisor named; absent: the scan's own party or all that are
            left, and 1 where nobody is left or nothing was found.

    Raises:
        LedgerConflict: `admitted-already`, `not-an-entry`, `not-refused` or `too-late`.
    """
    conflict = find_no_override(record, now)
    if conflict is not None:
        raise conflict
    if party is not None:
        return party
    return people_by_default(record, None if history is None else available)


def people_by_default(record: Record, left: int | None) -> int:
    """Return how many people an override lets in where nobody names a number.

    Args:
        left: people that the scan's only voucher has left; None: the code finds none, or several.
    """
    return (record.party or left) if left else 1


def people_of_count_to_annul(counted: int, annulled: int, *, people: int | None) -> int:
    """Return how many people of a count by hand are taken back in all; 0: that was done already.

    Args:
        counted: its people, `annulled` of whom were taken back before.
        people: how many are taken back in all; None: everybody.

    Raises:
        LedgerConflict: `not-admitted`.
    """
    wanted = counted if people is None else people
    if wanted > counted:
        raise LedgerConflict("not-admitted", f"the count was of {counted} people")
    return wanted if wanted > annulled else 0


def check_strike(record: Record) -> None:
    """Allow an arrival stamp to be struck.

    Raises:
        LedgerConflict: `not-a-stamp`.
    """
    if record.mode is not Mode.ARRIVE:
        raise LedgerConflict("not-a-stamp", "only an arrival stamp can be struck")


def check_call(record: Record, *, shown_twice: bool) -> None:
    """Allow a call to be answered without letting anybody in.

    Args:
        shown_twice: the same code had let people in elsewhere minutes before, so that it calls a
            human though the scan was refused.

    Raises:
        LedgerConflict: `not-an-entry`, `admitted-already` or `not-a-call`.
    """
    if record.direction is Direction.EXIT or record.mode in _NO_ENTRY:
        raise LedgerConflict("not-an-entry", "this scan did not ask to let anybody in")
    outcome = OUTCOMES[record.reason]
    if record.overridden or outcome is Outcome.ADMIT:
        raise LedgerConflict("admitted-already", "this scan has let people in already")
    if outcome is not Outcome.REFER and not shown_twice:
        raise LedgerConflict("not-a-call", "nobody was told to wait for a human by this scan")


def check_slip(record: Record, arrival_number: str | None) -> None:
    """Allow a slip to be printed for an arrival.

    Raises:
        LedgerConflict: `not-a-stamp`.
    """
    if record.mode is not Mode.ARRIVE or arrival_number is None or record.struck:
        raise LedgerConflict("not-a-stamp", "only an arrival stamp that counts has a slip")
