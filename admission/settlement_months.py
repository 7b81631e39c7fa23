"""Ordinary months: who came in which month, and how a platform's own file differs from that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from admission.calendar import Venue
from admission.errors import Fault, InvalidInput
from admission.settlement_terms import Row, SettlementClass
from admission.vouchers import Status


def read_month(text: str) -> str:
    """Return a month as it is stored, `2026-05`.

    Raises:
        InvalidInput: no month.
    """
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise InvalidInput("month", "give a month as 2026-05", Fault.UNREADABLE, text) from error
    return text


def month_of(at: datetime, venue: Venue) -> str:
    """Return the month of an instant's venue day."""
    return f"{venue.day_of(at):%Y-%m}"


@dataclass(slots=True)
class MonthSums:
    """What one deal comes to in one month; money in minor units of its currency.

    Attributes:
        people: persons who came in, by class; `charged` of them are owed.
        refunded, refunds_minor: vouchers that the platform refunded, and their prices.
        annulled: people who were let in, and taken back.
    """

    people: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    charged: int = 0
    owed_minor: int = 0
    disputed_minor: int = 0
    refunded: int = 0
    refunds_minor: int = 0
    annulled: int = 0


class Months:
    """Sums a deal's rows by month."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.sums: dict[str, MonthSums] = defaultdict(MonthSums)

    def add(self, row: Row) -> None:
        """Take one voucher's row."""
        for charge in row.charges:
            sums = self.sums[month_of(charge.at, self._venue)]
            sums.people[charge.settled.value] += charge.people
            sums.owed_minor += charge.owed_minor
            sums.disputed_minor += charge.disputed_minor
            if charge.settled is not SettlementClass.USED_AFTER_VOID:
                sums.charged += charge.charged
        voucher = row.sold.voucher
        if voucher.status is Status.REFUNDED and voucher.status_at is not None:
            sums = self.sums[month_of(voucher.status_at, self._venue)]
            sums.refunded += 1
            sums.refunds_minor += voucher.price_paid_minor or 0
        for proof in row.sold.proofs:
            record = proof.record
            if record.annulled and record.annulled_at is not None:
                self.sums[month_of(record.annulled_at, self._venue)].annulled += record.annulled


class Used(NamedTuple):
    """A voucher that was used in a month, or an order; by whoever says so."""

    people: int
    amount_minor: int


def used_in(row: Row, month: str, venue: Venue) -> Used | None:
    """Return what a voucher was used for in a month; None: it was not."""
    charges = [each for each in row.charges if month_of(each.at, venue) == month]
    people = sum(each.people for each in charges)
    if not people:
        return None
    return Used(people, sum(each.owed_minor for each in charges))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where our record and a platform's file say otherwise; None: not there at all."""

    deal_id: str
    ref: str
    ours: Used | None
    theirs: Used | None


Ref = tuple[str, str]
"""A deal, and the reference of a voucher or an order of it."""


def sum_up(rows: Iterable[tuple[Ref, Used]]) -> dict[Ref, Used]:
    """Return each reference once: an order has several vouchers."""
    sums: dict[Ref, Used] = {}
    for ref, used in rows:
        before = sums.get(ref, Used(0, 0))
        sums[ref] = Used(before.people + used.people, before.amount_minor + used.amount_minor)
    return sums


def compare(ours: Mapping[Ref, Used], theirs: Mapping[Ref, Used]) -> Iterator[Difference]:
    """Yield what differs, by deal and reference."""
    for ref in sorted({*ours, *theirs}):
        if ours.get(ref) != theirs.get(ref):
            yield Difference(*ref, ours.get(ref), theirs.get(ref))
