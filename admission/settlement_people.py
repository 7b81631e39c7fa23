"""Count the persons whom a voucher let in, as its settlement charges them: once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from admission.deals import Right, find_right


class Figure:
    """The most persons admitted in any one area and venue day, as admissions come in.

    A right that renews each day is charged once a venue day: there it is the sum over the days of
    the most in any one area. A person who uses both kinds of rights is one person.
    """

    def __init__(self, rights: Sequence[Right], admits: int) -> None:
        self._rights = tuple(rights)
        self._admits = admits
        self._entered: dict[tuple[str, date], int] = defaultdict(int)
        self._most: dict[date, int] = defaultdict(int)
        self._once = 0
        self._told = (0, 0)

    def add(self, area: str, day: date, people: int) -> tuple[int, int]:
        """Take persons who entered an area for the first time on a day.

        Returns: how many of them are new to the figure, and how many of those are within `admits`.
        """
        self._entered[area, day] += people
        entered = self._entered[area, day]
        right = find_right(self._rights, area)
        if right is not None and right.per_day:
            self._most[day] = max(self._most[day], entered)
        else:
            self._once = max(self._once, entered)
        before, self._told = self._told, self._now()
        return self._told[0] - before[0], self._told[1] - before[1]

    def _now(self) -> tuple[int, int]:
        most = self._most.values()
        everybody = max(sum(most), self._once)
        within = sum(min(each, self._admits) for each in most)
        return everybody, max(within, min(self._once, self._admits))
