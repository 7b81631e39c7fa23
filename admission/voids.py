"""Voids: a deal withdrawn by its platform, and whom its honour terms still cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from admission.calendar import Venue
from admission.deals import Hold
from admission.history import Arrival
from admission.remedies import Remedy

FAR = timedelta(hours=36)
"""A cut-off further from now than this may be a mistyped day."""


class CostBearer(StrEnum):
    """Who pays for the people honoured or overridden."""

    PLATFORM = "platform"
    VENUE = "venue"


@dataclass(frozen=True, slots=True)
class Honour:
    """Who is admitted in spite of a void; all instants aware UTC, inclusive.

    Attributes:
        arrived_from: earliest arrival that counts.
        arrived_by: latest arrival that counts.
        admit_until: last instant of admission for them.
        max_people: at most so many persons in all; None: no limit.
    """

    arrived_from: datetime
    arrived_by: datetime
    admit_until: datetime
    max_people: int | None = None

    def __post_init__(self) -> None:
        if self.arrived_from > self.arrived_by:
            raise ValueError("arrived_from is after arrived_by: nobody could be honoured")
        if self.admit_until < self.arrived_from:
            raise ValueError("admit_until is before arrived_from: nobody could be honoured")

    def proofs(self, arrivals: Iterable[Arrival], now: datetime) -> list[Arrival]:
        """Return the arrivals that let people in now, in the order given."""
        return [] if now > self.admit_until else arrivals_covered(self, arrivals)

    def most_to_come(self, people: int, honoured: int, now: datetime) -> int:
        """Return how many of `people`, who have not arrived, these terms may still let in.

        Args:
            honoured: persons whom they have let in, or whom they hold a place for.
        """
        if now > min(self.arrived_by, self.admit_until):
            return 0
        room = people if self.max_people is None else self.max_people - honoured
        return max(0, min(people, room))

    @classmethod
    def of(
        cls,
        arrived_by: datetime,
        venue: Venue,
        *,
        arrived_from: datetime | None = None,
        admit_until: datetime | None = None,
        max_people: int | None = None,
    ) -> Honour:
        """Return the terms with what is not given taken from `arrived_by`'s venue day."""
        first, last = venue.day_bounds(venue.day_of(arrived_by))
        return cls(arrived_from or first, arrived_by, admit_until or last, max_people)


@dataclass(frozen=True, slots=True)
class Void:
    """One version of a deal's withdrawal.

    Attributes:
        committed_at: when the version came into force.
        honour: None: nobody is honoured.
        settlement_unit_minor: owed a person honoured; None: the deal's settle price, else face.
        statuses_since: cancellations and refunds set at or after it are the void's own effect.
        restored: this version ends the void.
        notice: (Chinese, English) sentences that stand on every refusal; None: composed of the
            terms (`admission.notices`).
        remedy: what the platform gives to whom it does not honour; None: the terms do not say.
    """

    version: int
    committed_at: datetime
    reason: str
    honour: Honour | None
    cost_bearer: CostBearer
    statuses_since: datetime
    settlement_unit_minor: int | None = None
    notice: tuple[str, str] | None = None
    restored: bool = False
    remedy: Remedy | None = None

    def made(self, status_at: datetime) -> bool:
        """Say whether a cancellation or refund is the void's own effect."""
        return status_at >= self.statuses_since


def find_contradiction(honour: Honour) -> tuple[str, str] | None:
    """Return the field of honour terms that contradicts another one, and why; None: none does."""
    if honour.admit_until < honour.arrived_by:
        return "admit_until", "is before arrived_by: who arrives in between could not be let in"
    return None


def is_far(honour: Honour | None, now: datetime) -> bool:
    """Say whether a cut-off is so far from now that its day may be mistyped."""
    return honour is not None and abs(honour.arrived_by - now) > FAR


def lost_notice(before: Void | None, after: Void) -> int | None:
    """Return the version whose notice visitors no longer hear, for the new one has none.

    Args:
        before: the version in force until then; None: there was none.
    """
    if before is None or before.notice is None or after.notice is not None:
        return None
    return before.version


def default_statuses_since(versions: Sequence[Void], hold: Hold | None, now: datetime) -> datetime:
    """Return since when statuses are the effect of a version that does not say so.

    Args:
        versions: the deal's versions so far, oldest first.
        hold: the hold that the new version ends.
        now: when the new version comes into force.
    """
    first = None
    for version in versions:
        first = None if version.restored else first or version
    if first is not None:
        return first.statuses_since
    return hold.since if hold is not None else now


def arrivals_covered(honour: Honour, arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Return the arrivals inside the window of the honour terms, in the order given."""
    return [a for a in arrivals if honour.arrived_from <= a.at <= honour.arrived_by]


def people_covered(arrivals: Iterable[Arrival], admits: int) -> int:
    """Return the people covered: the most, over the arrivals, of those in plus those seen."""
    return max(
        (min(admits, a.in_before + (admits if a.seen is None else a.seen)) for a in arrivals),
        default=0,
    )
