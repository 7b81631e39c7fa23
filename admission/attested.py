"""When a holder reached the venue, by the word of staff: in a closed queue, or with a slip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import Venue
from admission.errors import InvalidInput
from admission.verdicts import Reason

OPEN_FOR: Final = timedelta(hours=2)
"""How long stamps may count as a closing's instant, where nobody says otherwise."""
BACKDATED: Final = timedelta(minutes=15)
"""A closing or a hand-out that is told later than this is told as a warning too."""
TOLD_LATE: Final = timedelta(minutes=5)
"""How long ago a marshal may say that slips were handed out; then a supervisor must."""
MOST_SLIPS: Final = 1000
"""Slips in one printing, or in one hand-out."""


@dataclass(frozen=True, slots=True)
class QueueClosing:
    """A queue whose tail was seen at an instant: whoever stood in it had arrived by then.

    Attributes:
        closed_at: the instant that later stamps count as.
        ends_at: the last instant at which a stamp may; a reopening makes it earlier.
        area: of the venue, where the stamps are made; `gate_id` where the queue stands, if told.
    """

    queue_id: str
    closed_at: datetime
    ends_at: datetime
    area: str
    gate_id: str | None = None

    def __post_init__(self) -> None:
        if self.ends_at < self.closed_at:
            raise ValueError(f"queue {self.queue_id}: ends before it was closed")


@dataclass(frozen=True, slots=True)
class Handout:
    """Numbered slips `first` to `last`, all of them handed out by `handed_at`."""

    first: int
    last: int
    handed_at: datetime

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"no slips from {self.first} to {self.last}")

    def holds(self, number: int) -> bool:
        """Say whether a slip is among them."""
        return self.first <= number <= self.last


@dataclass(frozen=True, slots=True)
class Claim:
    """What a scan says of its holder's arrival, beside that they stand here now.

    Attributes:
        at: the instant that the arrival counts as; None: it does not, because of `problem`.
    """

    at: datetime | None = None
    problem: Reason | None = None


def claim_in_queue(closing: QueueClosing | None, *, area: str, now: datetime) -> Claim:
    """Return what it means that the holder stood in a queue when it was closed.

    Args:
        closing: None: nobody knows such a one.
        area: of the gate where the stamp is made; `now` when it is.
    """
    if closing is None or closing.area != area:
        return Claim(problem=Reason.QUEUE_OVER)
    if not closing.closed_at <= now <= closing.ends_at:
        return Claim(problem=Reason.QUEUE_OVER)
    return Claim(closing.closed_at)


def claim_by_slip(
    handed_at: datetime | None, *, bound_elsewhere: bool, alone: bool, venue: Venue, now: datetime
) -> Claim:
    """Return what a numbered slip proves beside the voucher that it is shown with.

    Args:
        handed_at: None: it was printed, and nobody has handed it out.
        bound_elsewhere: another voucher was shown with it before.
        alone: no voucher is shown with it, nor was before.
    """
    if handed_at is None or handed_at > now:
        return Claim(problem=Reason.SLIP_NOT_HANDED_OUT)
    if venue.day_of(handed_at) != venue.day_of(now):
        return Claim(problem=Reason.SLIP_OTHER_DAY)
    if bound_elsewhere:
        return Claim(problem=Reason.SLIP_BOUND)
    return Claim(problem=Reason.SLIP_ALONE) if alone else Claim(handed_at)


def close_at(closed_at: datetime | None, venue: Venue, now: datetime) -> datetime:
    """Return the instant as which a queue is closed.

    Raises:
        InvalidInput: it lies ahead, or on another venue day.
    """
    at = now if closed_at is None else closed_at
    if at > now:
        raise InvalidInput("closed_at", "lies ahead; a queue is closed once its tail is known")
    if venue.day_of(at) != venue.day_of(now):
        raise InvalidInput("closed_at", "is of another venue day")
    return at


def end_of(closed_at: datetime, until: datetime | None, venue: Venue) -> datetime:
    """Return until when stamps may count as a closing; never beyond its venue day.

    Raises:
        InvalidInput: `until` is before the closing.
    """
    last = venue.day_bounds(venue.day_of(closed_at))[1]
    if until is not None and until <= closed_at:
        raise InvalidInput("until", "is not after the closing")
    return min(until or closed_at + OPEN_FOR, last)


def hand_out_at(
    handed_at: datetime | None, *, first: int, last: int, now: datetime, supervisor: bool
) -> datetime:
    """Return the instant as which slips count as handed out: by then all of them were.

    Raises:
        InvalidInput: it lies ahead, is too long ago for a marshal to say, or they are too many.
    """
    if last < first or last - first >= MOST_SLIPS:
        raise InvalidInput("last", f"is not {first} to {first + MOST_SLIPS - 1}")
    at = now if handed_at is None else handed_at
    if at > now:
        raise InvalidInput("handed_at", "lies ahead")
    if not supervisor and now - at > TOLD_LATE:
        raise InvalidInput("handed_at", "is more than 5 minutes ago: a supervisor records that")
    return at
