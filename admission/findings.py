"""Findings: what is odd in what platforms sold, how far off it is, and what a hold would cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from admission.deals import HoldScope

Measured: TypeAlias = int | float | str


class FindingKind(StrEnum):
    """What is odd; stored, so never renamed."""

    PRICE_LOW = "price_low"
    OVER_QUOTA = "over_quota"
    RATE_SURGE = "rate_surge"
    BUYER_HOARD = "buyer_hoard"
    DAY_OVER_CAPACITY = "day_over_capacity"
    GUESSABLE_CODES = "guessable_codes"
    DEAL_CHANGED = "deal_changed"
    CODE_TWICE = "code_twice"
    BULK_ARRIVALS = "bulk_arrivals"


class FindingState(StrEnum):
    """What became of a finding; stored, so never renamed."""

    OPEN = "open"
    RELEASED = "released"
    VOIDED = "voided"
    CLOSED = "closed"


class Policy(StrEnum):
    """What a venue does about a kind of finding; stored, so never renamed."""

    HOLD = "hold"
    WARN = "warn"
    OFF = "off"


HOLDABLE: Final = frozenset(
    {
        FindingKind.PRICE_LOW,
        FindingKind.OVER_QUOTA,
        FindingKind.RATE_SURGE,
        FindingKind.GUESSABLE_CODES,
        FindingKind.DEAL_CHANGED,
    }
)
"""Kinds that a hold can cover; of the others, honest vouchers would be held as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is odd, as far as it is known now.

    Attributes:
        subject: what of the deal, where it has several: a buyer's number, a day, a field.
        since: the first sale that it is about, or when it came about; `until` the last.
        vouchers, people: how many it is about.
        paid_minor: what was paid for them; `face_minor` what they are worth at face value.
        measure: how far off it is, in figures by name.
        scope: what a hold must cover; None: nothing that another finding's does not.
    """

    kind: FindingKind
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    vouchers: int = 0
    people: int = 0
    paid_minor: int = 0
    face_minor: int = 0
    measure: Mapping[str, Measured] = field(default_factory=dict)
    scope: HoldScope | None = None

    @property
    def size(self) -> int:
        """How large it is; a released one is held again only when this has grown."""
        return max(self.vouchers, self.people, 1)


def decides_again(size: int, decided: int | None, factor: float) -> bool:
    """Say whether a finding needs a human: nobody decided yet, or it grew since by a factor.

    Args:
        decided: its size when a human decided about it.
    """
    return decided is None or size >= factor * decided


def join_scopes(one: HoldScope, other: HoldScope) -> HoldScope:
    """Return a scope that covers what either covers, and no honest price below both bounds.

    Scopes with a price bound are joined to the earlier time and the higher price. One without
    covers every price from its time on, and leaves alone what was sold before.
    """
    if contains(one, other):
        return one
    if contains(other, one):
        return other
    parts = [_parted(one), _parted(other)]
    boxes = [box for box, _ in parts if box is not None]
    starts = [start for _, start in parts if start is not None]
    start = min(starts, default=None)
    if not boxes:
        return HoldScope(sold_from=start)
    box = boxes[0] if len(boxes) == 1 else _around(*boxes)
    return HoldScope(box.sold_from, box.sold_until, box.price_at_most_minor, start)


def contains(outer: HoldScope, inner: HoldScope) -> bool:
    """Say whether whatever the inner scope covers, the outer one does too."""
    parts = [_box(inner)]
    if inner.any_price_from is not None:
        parts.append(HoldScope(inner.any_price_from))
    start = outer.any_price_from
    return all(
        _within(_box(outer), part)
        or (start is not None and part.sold_from is not None and part.sold_from >= start)
        for part in parts
    )


def _parted(scope: HoldScope) -> tuple[HoldScope | None, datetime | None]:
    """Return what a scope covers within bounds, and from when on it covers any price."""
    start = scope.any_price_from
    if scope.price_at_most_minor is None and scope.sold_until is None and scope.sold_from:
        return None, scope.sold_from if start is None else min(start, scope.sold_from)
    return _box(scope), start


def _box(scope: HoldScope) -> HoldScope:
    return HoldScope(scope.sold_from, scope.sold_until, scope.price_at_most_minor)


def _within(outer: HoldScope, inner: HoldScope) -> bool:
    if outer.sold_from is not None and (
        inner.sold_from is None or inner.sold_from < outer.sold_from
    ):
        return False
    if outer.sold_until is not None and (
        inner.sold_until is None or inner.sold_until > outer.sold_until
    ):
        return False
    most, price = outer.price_at_most_minor, inner.price_at_most_minor
    return most is None or (price is not None and price <= most)


def _around(one: HoldScope, other: HoldScope) -> HoldScope:
    """Return the least span and price bound that hold both."""
    froms = [each.sold_from for each in (one, other) if each.sold_from is not None]
    untils = [each.sold_until for each in (one, other) if each.sold_until is not None]
    prices = [each.price_at_most_minor for each in (one, other)]
    known = [price for price in prices if price is not None]
    return HoldScope(
        min(froms) if len(froms) == 2 else None,
        max(untils) if len(untils) == 2 else None,
        max(known) if len(known) == 2 else None,
    )
