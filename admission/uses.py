"""What was used of one area, and what one record adds to the counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from admission.deals import Right


@dataclass(slots=True)
class AreaUse:
    """What was used of one area.

    Attributes:
        used: entries that consumed a right, over all days; `used_day` of them on `day`.
        inside: people inside on `day`.
        outside: of those who entered on `day`, people given back by an exit (same-day re-entry).
        peak: most people inside at once on `day`.
        honoured: entries under a void's honour terms that consumed a right.
    """

    day: date | None = None
    used: int = 0
    used_day: int = 0
    inside: int = 0
    outside: int = 0
    peak: int = 0
    honoured: int = 0

    def turn_to(self, day: date) -> None:
        """Begin a venue day: by its start all have left, and nobody is owed a way back."""
        if day != self.day:
            self.day, self.used_day, self.inside, self.outside, self.peak = day, 0, 0, 0, 0

    def used_of(self, right: Right | None, day: date) -> int:
        """Return the entries that count against a right on a venue day."""
        if right is None or not right.per_day:
            return self.used
        return self.used_day if self.day == day else 0

    def outside_on(self, day: date) -> int:
        """Return the people given back on a venue day who have not come in again."""
        return self.outside if self.day == day else 0

    def persons(self, admits: int) -> int:
        """Return how many different people entered on `day`, as far as scans can tell."""
        return max(self.peak, min(self.used_day, admits))

    def staying(self, people: int, admits: int) -> int:
        """Return the people inside beside those whom a stamp lets in again on `day`.

        They went out, scanned or not; people who are known to be outside come back first.
        """
        return min(self.inside, max(0, self.persons(admits) - people))


@dataclass(slots=True)
class Share:
    """What one record adds to the counts; all of them together are the voucher's own.

    Attributes:
        people: persons who entered this area for the first time on that day.
        persons: persons who entered the venue for the first time on that day.
        inside: change of the people inside the venue.
        honoured: persons honoured for the first time.
    """

    people: int = 0
    persons: int = 0
    inside: int = 0
    honoured: int = 0


NOTHING_USED = AreaUse()
NO_SHARE = Share()
