"""Fold a voucher's recorded scans into what the rules ask: used, inside, arrived, annulled.

The fold sorts by scan time, device and nonce, so the same set of records gives the same history
in whatever order they reached the ledger. It counts every admission on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from admission.calendar import Venue
from admission.closures import Renewed, Use, renew
from admission.deals import Closure, Deal, Reentry, Right, find_right
from admission.scans import Direction, Mode
from admission.uses import NO_SHARE, NOTHING_USED, AreaUse, Share
from admission.verdicts import OUTCOMES, FirstUse, Outcome, Reason
from admission.vouchers import Voucher

RETURN_WITHIN = timedelta(minutes=10)
"""How long after an annulment people may simply come again (DESIGN section 4)."""


@dataclass(slots=True, kw_only=True)
class Record:
    """One recorded scan. Not frozen only because the hot path makes one a scan; never changed.

    Attributes:
        scan_at: scan time: receipt when online, the corrected device time when offline.
        people: let in by the verdict as shown, or out of the venue for an exit.
        party: people that the device said stand there; None where it did not say.
        annulled: people taken back since; `annuls` times, last at `annulled_at`.
        overridden: people let in by a supervisor afterwards, at `overridden_at`.
        struck: as an arrival it counts for nothing any more.
        turned: of those let in, people whom the turnstile counted through so far; None where no
            turnstile watched, so that all count as passed.
        moved: people who came in by another lane instead (`admission.moves`).
        attested_at: the earlier instant as which it counts as an arrival (`admission.attested`).
    """

    device_id: str
    nonce: str
    scan_at: datetime
    gate_id: str
    area: str
    reason: Reason
    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    people: int = 0
    party: int | None = None
    staffed: bool = True
    annulled: int = 0
    annuls: int = 0
    annulled_at: datetime | None = None
    overridden: int = 0
    overridden_at: datetime | None = None
    struck: bool = False
    turned: int | None = None
    moved: int = 0
    attested_at: datetime | None = None

    @property
    def arrived_at(self) -> datetime:
        """When its holder reached the venue, if it proves that: as attested, else at the scan."""
        return self.attested_at or self.scan_at

    @property
    def passed_at(self) -> datetime:
        """When people passed: at the override where there was one, else at the scan."""
        return self.overridden_at or self.scan_at

    @property
    def passed(self) -> int:
        """People who really passed: as shown or overridden, less those annulled or moved.

        Whom the turnstile counted did pass, although they had been given back by then.
        """
        let_in = self.overridden or self.people
        back = max(self.annulled, self.moved)
        return max(0, let_in - back, min(self.turned or 0, let_in))

    @property
    def awaits(self) -> bool:
        """Whether somebody who was taken back has yet to come in, here or by another lane."""
        # Tickets that were taken back are no turnstile that did not turn.
        if not self.annuls or self.direction is Direction.EXIT or self.mode is Mode.EXCHANGE:
            return False
        let_in = self.overridden or self.people
        return self.turned is None or let_in - self.passed > self.moved

    @property
    def proves_arrival(self) -> bool:
        """Whether it shows that the holder stood here: seen by staff, or let in or held back."""
        if self.mode is Mode.CHECK or self.struck or self.direction is Direction.EXIT:
            return False
        if self.reason is Reason.BULK_ARRIVALS:
            return False
        return self.staffed or OUTCOMES[self.reason] is not Outcome.REFUSE


@dataclass(frozen=True, slots=True)
class Arrival:
    """Proof that a voucher's holder reached the venue.

    Attributes:
        seen: people seen; None: all that the voucher admits.
        in_before: people who were already in on the voucher when these were seen.
    """

    at: datetime
    seen: int | None
    in_before: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a fold must know of the voucher; the default is of a code nobody knows.

    Of the people whom it admits, those `exchanged` enter on tickets instead. `closures` are those
    in force.
    """

    admits: int = 0
    reentry: Reentry = Reentry.NONE
    rights: tuple[Right, ...] = ()
    exchanged: int = 0
    closures: tuple[Closure, ...] = ()

    @classmethod
    def of(cls, voucher: Voucher, deal: Deal) -> Terms:
        """Return the terms that a voucher has by its deal."""
        return cls(voucher.admits, deal.reentry, deal.rights, voucher.exchanged, deal.closures)

    @property
    def whole(self) -> Terms:
        """The terms of a voucher and all its tickets together."""
        return replace(self, exchanged=0)

    def right_to(self, area: str) -> Right | None:
        """Return the right that opens an area."""
        return find_right(self.rights, area)


@dataclass(slots=True)
class History:
    """What the records of one voucher come to.

    Attributes:
        areas: use by area; `day` is the venue day of the latest passage anywhere.
        annulled_at: when people were last taken back; `annuls` counts how often.
        entered_at: the latest admission that still counts.
        shares: what each record added, by (device, nonce).
        uses: what used up rights, in order; kept only where there are closures.
        renewed: by area, what the uses come to where closures gave new rights.
    """

    terms: Terms
    areas: dict[str, AreaUse] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    first_use: FirstUse | None = None
    annuls: int = 0
    annulled_at: datetime | None = None
    entered_at: datetime | None = None
    day: date | None = None
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    renewed: dict[str, Renewed] = field(default_factory=dict)

    def use_of(self, area: str) -> AreaUse:
        """Return the use of an area; of one never entered, nothing used."""
        return self.areas.get(area, NOTHING_USED)

    def inside(self, area: str, day: date) -> int:
        """Return the people inside an area on a venue day."""
        use = self.use_of(area)
        return use.inside if use.day == day else 0

    def inside_venue(self, day: date) -> int:
        """Return the people inside the venue: a person who is in two areas is one person."""
        return max([use.inside for use in self.areas.values() if use.day == day], default=0)

    def honoured(self) -> int:
        """Return the persons honoured under a void, in whatever area most of them entered."""
        return max([use.honoured for use in self.areas.values()], default=0)

    def people_in(self, day: date) -> int:
        """Return the people let in already, in whatever area most were, less those given back."""
        if not self.areas:
            return 0
        terms = self.terms
        return max(
            min(use.used_of(terms.right_to(area), day), terms.admits) - use.outside_on(day)
            for area, use in self.areas.items()
        )

    def people_entered(self, day: date) -> int:
        """Return the people who used their right somewhere, those among them who left again."""
        each = (self._used_up(area, self.terms.right_to(area), day) for area in self.areas)
        return min(self.terms.admits, max(each, default=0))

    def _used_up(self, area: str, right: Right | None, day: date) -> int:
        """Return the entries that count against a right, less what closures gave anew."""
        renewed = self.renewed.get(area)
        if renewed is None or right is None or right.per_day:
            return self.use_of(area).used_of(right, day)
        return renewed.counted - renewed.left_on(day)

    def counted(self, area: str) -> int:
        """Return the entries over all days that used the voucher's own right to an area."""
        renewed = self.renewed.get(area)
        return self.use_of(area).used if renewed is None else renewed.counted

    def exchangeable(self, day: date) -> int:
        """Return the people who could still have tickets: not in yet, and without one."""
        return max(0, self.terms.admits - self.terms.exchanged - self.people_entered(day))

    def persons(self, day: date) -> int:
        """Return the different people who entered the venue on a day, in whatever area most did."""
        admits, most = self.terms.admits, 0
        for use in self.areas.values():
            if use.day == day:
                most = max(most, use.persons(admits))
        return most

    def available(self, area: str, day: date, *, entering: int = 0) -> int:
        """Return the people that may still enter an area; 0 without a right to it.

        Args:
            entering: people who are being let in now.
        """
        right = self.terms.right_to(area)
        if right is None:
            return 0
        use, admits = self.use_of(area), self.terms.admits - self.terms.exchanged
        fresh = max(0, admits * right.uses - self._used_up(area, right, day))
        if self.terms.reentry is Reentry.NONE:
            return max(0, min(fresh - entering, admits))
        today = use.day == day
        outside = use.outside if today and self.terms.reentry is Reentry.SAME_DAY else 0
        return max(0, min(fresh + outside, admits - (use.inside if today else 0)) - entering)

    def entered_today(self, area: str, day: date) -> int:
        """Return the different people who entered an area on a venue day."""
        use = self.use_of(area)
        return use.persons(self.terms.admits) if use.day == day else 0

    def arrivals_on(self, day: date, venue: Venue) -> Iterator[Arrival]:
        """Yield the arrivals of one venue day, earliest first."""
        first, last = venue.day_bounds(day)
        return (arrival for arrival in self.arrivals if first <= arrival.at <= last)

    def awaits_return(self, now: datetime, area: str, day: date, venue: Venue) -> bool:
        """Say whether an annulment asks for a human before anyone enters again.

        It does when ten minutes have passed since, or when it is not the voucher's first, until
        somebody has entered. Rights that renew each venue day forget it with the day.
        """
        annulled_at = self.annulled_at
        if annulled_at is None or (self.entered_at and self.entered_at >= annulled_at):
            return False
        right = self.terms.right_to(area)
        if right is not None and right.per_day and venue.day_of(annulled_at) != day:
            return False
        return self.annuls > 1 or now - annulled_at > RETURN_WITHIN


def share_of_first(record: Record) -> Share:
    """Return the share of a voucher's only record, as `fold` would: nobody was in before it.

    Most admissions are a voucher's first, and a fold is a tenth of what a scan costs.
    """
    people = record.passed
    if record.direction is Direction.EXIT:
        return NO_SHARE
    honours = record.reason is Reason.HONOURED and not record.overridden
    return Share(people, people, people, people if honours else 0)


def fold(records: Iterable[Record], terms: Terms, venue: Venue) -> History:
    """Fold recorded scans, in any order, into the history of one voucher."""
    history = History(terms)
    steps = []
    for record in records:
        order = (record.device_id, record.nonce)
        if record.proves_arrival:
            steps.append((record.scan_at, *order, 0, record))
        if record.passed:
            steps.append((record.passed_at, *order, 1, record))
        if record.annuls and record.awaits:
            history.annuls += record.annuls
            at = record.annulled_at or record.scan_at
            history.annulled_at = max(history.annulled_at or at, at)
    if len(steps) > 1:
        steps.sort(key=lambda step: step[:4])
    for at, _, _, passage, record in steps:
        if passage:
            _pass(history, record, at, venue)
        else:
            _arrive(history, record, at, venue)
    # One that staff attest came earlier than it was seen.
    history.arrivals.sort(key=lambda arrival: arrival.at)
    uses = history.uses
    history.renewed = renew(uses, terms.closures, terms.admits, venue) if uses else {}
    return history


def _arrive(history: History, record: Record, at: datetime, venue: Venue) -> None:
    day = venue.day_of(at)
    in_before = history.people_in(day)
    if by_stamp(history, record, day):
        in_before = max(0, in_before - record.people)
    # Whoever was in when it was made is beside the people seen, also where these came earlier.
    history.arrivals.append(Arrival(record.arrived_at, record.party, in_before))


def by_stamp(history: History, record: Record, day: date) -> bool:
    """Say whether a record's people came in again by the stamp on their hands."""
    if record.mode is not Mode.REENTRY or record.overridden:
        return False
    if record.reason is not Reason.HONOURED:
        return record.reason is Reason.REENTERED
    # Under a void both are `honoured`: who came back, and who came in for the first time.
    stamps = history.terms.reentry is Reentry.SAME_DAY_STAMP
    return stamps and history.entered_today(record.area, day) > 0


def _pass(history: History, record: Record, at: datetime, venue: Venue) -> None:
    """Let a record's people through, and note what that adds to the counts."""
    day = venue.day_of(at)
    use = history.areas.setdefault(record.area, AreaUse())
    admits, honoured_before = history.terms.admits, history.honoured()
    if day != history.day:
        history.day = day
        for each in history.areas.values():
            each.turn_to(day)
    elif use.day is None:
        use.day = day
    inside_before = history.inside_venue(day)
    people_before = use.persons(admits)
    persons_before = history.persons(day)
    if record.direction is Direction.EXIT:
        _go_out(use, record.passed, history.terms.reentry)
    else:
        _come_in(history, record, use, day)
        history.entered_at = max(history.entered_at or at, at)
        history.first_use = history.first_use or FirstUse(at, record.gate_id)
    history.shares[record.device_id, record.nonce] = Share(
        people=use.persons(admits) - people_before,
        persons=history.persons(day) - persons_before,
        inside=history.inside_venue(day) - inside_before,
        honoured=history.honoured() - honoured_before,
    )


def _go_out(use: AreaUse, people: int, reentry: Reentry) -> None:
    out = min(people, use.inside)
    use.inside -= out
    if reentry is Reentry.SAME_DAY:
        use.outside += out


def _come_in(history: History, record: Record, use: AreaUse, day: date) -> None:
    people, terms = record.passed, history.terms
    right = terms.right_to(record.area)
    back = min(people, use.outside)
    use.outside -= back
    fresh = people - back
    if fresh and by_stamp(history, record, day):
        # The same people's way out was not scanned, so it is recorded here.
        use.inside = use.staying(people, terms.admits)
    elif fresh:
        use.used += fresh
        use.used_day += fresh
        if terms.closures:
            history.uses.append(Use(record.passed_at, day, record.area, fresh))
        if record.reason is Reason.HONOURED and not record.overridden:
            use.honoured += fresh
        # A further use of a right without re-entry can only be by people who left unscanned.
        # Not so for an override or a double use: those really are more people.
        within = right is not None and use.used_of(right, day) <= terms.admits * right.uses
        if within and not record.overridden:
            use.inside -= max(0, min(use.inside, use.inside + people - terms.admits))
    use.inside += people
    use.peak = max(use.peak, use.inside)
