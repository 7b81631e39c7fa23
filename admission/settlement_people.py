"""Count the persons whom a voucher let in, as its settlement charges them: once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from admission.closures import closures_at, find_extension
from admission.deals import Right, find_right
from admission.settlement_terms import Basis, Proof
from admission.vouchers import Voucher


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

    def add(
        self, area: str, day: date, people: int, *, made_up: date | None = None
    ) -> tuple[int, int]:
        """Take persons who entered an area for the first time on a day.

        Args:
            made_up: the day, lost to a closure, that this one makes up for.

        Returns: how many of them are new to the figure, and how many of those are within `admits`.
        """
        self._entered[area, day] += people
        entered = self._entered[area, day]
        right = find_right(self._rights, area)
        if right is not None and right.per_day:
            counts_on = made_up or day
            self._most[counts_on] = max(self._most[counts_on], entered)
        else:
            self._once = max(self._once, entered)
        before, self._told = self._told, self._now()
        return self._told[0] - before[0], self._told[1] - before[1]

    def _now(self) -> tuple[int, int]:
        most = self._most.values()
        everybody = max(sum(most), self._once)
        within = sum(min(each, self._admits) for each in most)
        return everybody, max(within, min(self._once, self._admits))


class MadeUp:
    """Which day, lost to a closure, an admission after a voucher's own window makes up for.

    Each is judged by the closures that were in force when it was made, so that what is declared or
    taken back later charges nobody anew.
    """

    def __init__(self, voucher: Voucher, basis: Basis, entries: Sequence[Proof]) -> None:
        self._voucher = voucher
        self._basis = basis
        self._days: dict[str, list[date]] = defaultdict(list)
        for proof in entries:
            day = basis.venue.day_of(proof.record.passed_at)
            self._days[proof.record.area].append(day)

    def day_of(self, proof: Proof) -> date | None:
        """Return the day that an admission makes up for; None: it makes up for none."""
        basis, at = self._basis, proof.record.passed_at
        deal = replace(basis.deal, closures=closures_at(basis.closures, at))
        extension = find_extension(self._voucher, deal, basis.venue)
        if extension is None:
            return None
        day = basis.venue.day_of(at)
        used = [each for each in self._days[proof.record.area] if each <= day]
        return extension.day_made_up(day, used)
