"""What a platform is owed for one voucher, and what becomes of each deed that reports it.

People who were let in are counted from the record, never from what was sent: the difference to what
the platform has confirmed is the next deed, and there is one at a time. A deed that may have been
carried out is asked about or sent again under its own key, and never replaced by another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b

from admission.calendar import MILLISECOND, Venue
from admission.history import History, Record, Terms, fold
from admission.scans import Direction, Mode
from admission.verdicts import OUTCOMES, Outcome


class Deed(StrEnum):
    """What is reported to a platform; stored, so never renamed."""

    REDEEM = "redeem"
    UNDO = "undo"


class DeedState(StrEnum):
    """Where a deed stands; stored, so never renamed."""

    WAITING = "waiting"
    SENT = "sent"
    LOST = "lost"
    """It was sent and no answer came: it is asked about, or sent again under the same key."""
    DONE = "done"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"
    """It was tried as often as the ladder has steps; what became of it is not known."""
    DROPPED = "dropped"
    """It is needed no more, and was surely never carried out."""


OPEN = frozenset(DeedState) - {DeedState.DONE, DeedState.DROPPED}
"""States that keep a voucher from a further deed."""
POISON = frozenset({DeedState.REFUSED, DeedState.EXHAUSTED})
"""States that only a human ends."""


class Fate(StrEnum):
    """What became of a deed at the platform, as one attempt showed it."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The platform has never heard of the key: it may be sent (again) under the same one."""
    LOST = "lost"
    """No answer that can be understood: it may have been carried out or not."""
    UNSENT = "unsent"
    """The platform surely did not look at it: no connection, or too many calls."""


@dataclass(frozen=True, slots=True)
class Need:
    """What would make the platform's count that of the record."""

    deed: Deed
    people: int


@dataclass(frozen=True, slots=True)
class OpenDeed:
    """A deed that is not over.

    Attributes:
        tries: how often it was sent, or asked about in vain.
        doubtful: it was sent once without an answer, and nobody has said since that it is unknown.
    """

    need: Need
    state: DeedState = DeedState.WAITING
    tries: int = 0
    doubtful: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it was surely not carried out, so that another may take its place."""
        if self.doubtful:
            return False
        return self.state in POISON or (self.state is DeedState.WAITING and self.tries == 0)


@dataclass(frozen=True, slots=True)
class Ladder:
    """How often and how far apart a deed is tried (FACTS: 5 s x 5, then 40 s, at most 14).

    Attributes:
        quick: so many waits are `quick_s` long, the others `slow_s`.
        most: tries; after the last one a human must look.
    """

    quick_s: float = 5.0
    quick: int = 5
    slow_s: float = 40.0
    most: int = 14

    def wait_s(self, tries: int) -> float:
        """Return how long to wait after so many tries."""
        return self.quick_s if tries <= self.quick else self.slow_s


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from a need: whether the open deed is dropped, and which one is made."""

    drop: bool = False
    make: Need | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The scan that a deed tells of.

    Attributes:
        at: when people passed or had their tickets, or when they were taken back.
    """

    device_id: str
    nonce: str
    gate_id: str
    at: datetime


# --- how many people ---------------------------------------------------------------------------


def people_redeemed(records: Sequence[Record], terms: Terms, venue: Venue) -> int:
    """Return the people of a voucher whom its platform should count as redeemed.

    They are those let in, and those who had a paper ticket for it: from then on the ticket admits,
    and the voucher must not be refunded any more. Nobody counts beyond `admits`: who came in by an
    override beyond it, or by two gates at once during an outage, was never sold.

    Args:
        records: the voucher's own; what its tickets let in is in `terms.exchanged` already.
    """
    direct = _people_in(records, terms, venue) if records else 0
    return min(terms.admits, direct + terms.exchanged)


def _people_in(records: Sequence[Record], terms: Terms, venue: Venue) -> int:
    history = fold(records, terms.whole, venue)
    a_day: Counter[tuple[str, date]] = Counter()
    for record in records:
        share = history.shares.get((record.device_id, record.nonce))
        if share is not None and share.people:
            a_day[record.area, venue.day_of(record.passed_at)] += share.people
    most = max(a_day.values(), default=0)
    return max([most, *(_over_days(history, area) for area in history.areas)])


def _over_days(history: History, area: str) -> int:
    """Return the fewest people who can have used an area so often, over all days."""
    right, used = history.terms.right_to(area), history.counted(area)
    if right is None:
        return used
    return 0 if right.per_day else -(-used // right.uses)


def find_evidence(records: Iterable[Record], deed: Deed) -> Evidence | None:
    """Return the latest scan that a deed can rest on; None where there is none on record."""
    if deed is Deed.UNDO:
        ends = [(each.annulled_at, each) for each in records if each.annulled_at is not None]
    else:
        ends = [(each.passed_at, each) for each in records if _lets_in(each)]
    if not ends:
        return None
    at, record = max(ends, key=lambda end: (end[0], end[1].device_id, end[1].nonce))
    return Evidence(record.device_id, record.nonce, record.gate_id, at)


def _lets_in(record: Record) -> bool:
    if record.direction is Direction.EXIT:
        return False
    exchanged = record.mode is Mode.EXCHANGE and OUTCOMES[record.reason] is Outcome.ADMIT
    return exchanged or record.passed > 0


# --- what is to be done ------------------------------------------------------------------------


def find_need(target: int, reported: int, admits: int, *, partial: bool) -> Need | None:
    """Return what the platform should be told; None: it counts as the record does.

    Args:
        partial: the platform takes some people of a voucher; else the first redeems it whole, and
            it is undone when nobody is left.
    """
    if not partial:
        if bool(target) == bool(reported):
            return None
        return Need(Deed.REDEEM, admits) if target else Need(Deed.UNDO, reported)
    if target == reported:
        return None
    more = target > reported
    return Need(Deed.REDEEM if more else Deed.UNDO, abs(target - reported))


def next_step(deed: OpenDeed | None, need: Need | None) -> Step:
    """Return what follows from a need while a deed is open, or none is.

    What was refused stays until a human has looked or it is needed no more: more of the same
    would be refused too. Whatever may have been carried out stays in any case.
    """
    if deed is None:
        return Step(make=need)
    if need == deed.need or not deed.is_free:
        return Step()
    if deed.state in POISON and need is not None and need.deed is deed.need.deed:
        return Step()
    return Step(drop=True, make=need)


def retried(deed: OpenDeed, need: Need | None) -> OpenDeed | None:
    """Return a poisoned deed as it is tried again; None: it is dropped, and the need made anew."""
    if deed.doubtful:
        return replace(deed, state=DeedState.LOST, tries=0)
    if need != deed.need:
        return None
    return replace(deed, state=DeedState.WAITING, tries=0)


def sent(deed: OpenDeed) -> OpenDeed:
    """Return a deed as it is noted before it leaves."""
    return replace(deed, state=DeedState.SENT, tries=deed.tries + 1)


def settled(deed: OpenDeed, fate: Fate, ladder: Ladder) -> OpenDeed:
    """Return what an attempt makes of a deed: one that was sent, or was asked about."""
    asked = deed.state is DeedState.LOST
    if fate is Fate.DONE:
        return replace(deed, state=DeedState.DONE, doubtful=False)
    if fate is Fate.REFUSED:
        return replace(deed, state=DeedState.REFUSED, doubtful=False)
    if fate is Fate.UNSENT:
        tries = deed.tries if asked else deed.tries - 1
        state = DeedState.LOST if deed.doubtful else DeedState.WAITING
        return replace(deed, state=state, tries=tries)
    doubtful = fate is Fate.LOST
    tries = deed.tries + 1 if asked and doubtful else deed.tries
    state = DeedState.LOST if doubtful else DeedState.WAITING
    if tries >= ladder.most:
        state = DeedState.EXHAUSTED
    return replace(deed, state=state, tries=tries, doubtful=doubtful)


def wait_s(deed: OpenDeed, fate: Fate, ladder: Ladder) -> float:
    """Return how long a deed waits after an attempt; one that was found unknown goes at once."""
    if fate is Fate.UNKNOWN and deed.state is DeedState.LOST:
        return 0.0
    return ladder.wait_s(max(1, deed.tries))


def reported_after(reported: int, need: Need) -> int:
    """Return the people that a platform counts once it has carried out a deed."""
    people = need.people if need.deed is Deed.REDEEM else -need.people
    return max(0, reported + people)


def key_of(platform: str, credential_key: bytes, number: int, need: Need) -> str:
    """Return a deed's idempotency key: of the voucher and its content, and no secret.

    It holds nothing of this ledger's life, so that a ledger restored from a backup, which sends
    what it has forgotten again, is recognised instead of redeeming twice.
    """
    text = f"{platform}\x00{credential_key.hex()}\x00{number}\x00{need.deed}\x00{need.people}"
    return blake2b(text.encode(), digest_size=16, person=b"gatehouse deed").hexdigest()


def people_redeemed_on(
    day: date,
    records: Sequence[Record],
    exchanged_at: Sequence[datetime],
    terms: Terms,
    venue: Venue,
) -> int:
    """Return the people whom a platform should have counted as redeemed on one venue day.

    Args:
        exchanged_at: when each person who has a paper ticket for the voucher had it made.
    """
    first, last = venue.day_bounds(day)

    def until(instant: datetime) -> int:
        before = [each for each in records if each.passed_at <= instant]
        tickets = sum(at <= instant for at in exchanged_at)
        return people_redeemed(before, replace(terms, exchanged=tickets), venue)

    return until(last) - until(first - MILLISECOND)
