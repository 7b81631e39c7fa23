"""Work out what the day came to from what scanners showed and the platform did, and nothing else.

The ledger is not asked: what stands here is held against it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from drill.lanes import Shown
from drill.sales import FLASH, Voucher
from drill.story import COMPENSATION_MINOR, FACE_MINOR, KIOSK, LANES, MARSHAL_NAMES, PAID_MINOR

GATES: Final = frozenset({*LANES, KIOSK})
STAFFED: Final = frozenset({*LANES, *MARSHAL_NAMES})


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen from outside.

    Attributes:
        vouchers: all that was sold, by code.
        refunded: codes that the platform has refunded.
        overridden: people whom a supervisor let in, by code; the platform's partner bears them.
        blocked: buyers whose compensation is withheld.
        tickets: codes of tickets, by the code of the voucher that they were exchanged for.
        arrived_by: the cut-off.
    """

    shown: list[Shown] = field(repr=False)
    vouchers: Mapping[str, Voucher] = field(repr=False)
    refunded: set[str] = field(repr=False)
    overridden: Mapping[str, int] = field(repr=False)
    blocked: set[str] = field(repr=False)
    tickets: Mapping[str, list[str]] = field(repr=False)
    arrived_by: datetime


@dataclass(slots=True)
class Holder:
    """One voucher as scanners saw it.

    Attributes:
        in_on: scans that let people in, device and nonce, with how many.
        seen_at: when staff had it before them, whatever they were shown.
        turned_at: when a gate refused it because its deal is void.
    """

    in_on: dict[tuple[str, str], int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    seen_at: list[datetime] = field(default_factory=list)
    turned_at: list[datetime] = field(default_factory=list)
    out: int = 0

    @property
    def people(self) -> int:
        """People let in."""
        return sum(self.in_on.values())


def fold(played: Played) -> dict[str, Holder]:
    """Return every voucher that was shown, by its code; a ticket counts as its voucher."""
    parents = {ticket: code for code, made in played.tickets.items() for ticket in made}
    holders: dict[str, Holder] = defaultdict(Holder)
    for shown in played.shown:
        if not shown.reason or shown.at is None:
            continue
        holder = holders[parents.get(shown.code, shown.code)]
        if shown.place in STAFFED and not shown.leaves:
            holder.seen_at.append(shown.at)
        if shown.place not in GATES:
            continue
        if shown.leaves:
            holder.out += shown.people
        elif shown.outcome == "admit":
            holder.in_on[shown.device_id, shown.nonce] = shown.people
            holder.reasons.append(shown.reason)
        elif shown.reason == "deal_voided":
            holder.turned_at.append(shown.at)
    return dict(holders)


def double_uses(holders: Mapping[str, Holder], played: Played) -> set[tuple[str, str]]:
    """Return scans that let in more people than their voucher is for."""
    return {
        scan
        for code, holder in holders.items()
        if holder.people > _admits(code, played)
        for scan in holder.in_on
    }


def inside(holders: Mapping[str, Holder], played: Played) -> int:
    """Return how many people are in."""
    let_in = sum(holder.people - holder.out for holder in holders.values())
    return let_in + sum(played.overridden.values())


def settle(holders: Mapping[str, Holder], played: Played) -> dict[str, Any]:
    """Return the settlement of the mis-sold deal as it must be, by the names of the interface."""
    counts, people, owed, over = Counter[str](), Counter[str](), 0, 0
    compensated: set[str] = set()
    reverse = 0
    for code, voucher in played.vouchers.items():
        if voucher.deal_id != FLASH:
            continue
        holder = holders.get(code)
        came = holder.people if holder is not None else 0
        settled = _class(code, came, played)
        counts[settled] += 1
        if settled in {"honoured", "overridden"}:
            charged = played.overridden.get(code, min(came, voucher.admits))
            people[settled] += charged
            owed += charged * FACE_MINOR
            over += max(0, came - voucher.admits)
            reverse += PAID_MINOR if code in played.refunded else 0
        else:
            compensated.add(voucher.buyer)
    return {
        "sold": counts.total(),
        "honoured": counts["honoured"],
        "overridden": counts["overridden"],
        "refunded": counts["refunded"],
        "refund_due": counts["refund_due"],
        "people_honoured": people["honoured"],
        "people_overridden": people["overridden"],
        "over_admitted": over,
        "owed_to_venue": owed,
        "refunds": counts["refund_due"] * PAID_MINOR,
        "refunds_to_reverse": reverse,
        "buyers_compensated": len(compensated - played.blocked),
        "buyers_withheld": len(compensated & played.blocked),
        "compensation": len(compensated - played.blocked) * COMPENSATION_MINOR,
    }


def told_settlement(settlement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the server says of the same things, by the same names."""
    counts, people = settlement["counts"], settlement["people"]
    told = {name: counts[name] for name in ("sold", *_CLASSES)}
    told |= {f"people_{name}": people[name] for name in ("honoured", "overridden")}
    told["over_admitted"] = people["over_admitted"]
    amounts = settlement["amounts_minor"]
    for name in ("owed_to_venue", "refunds", "refunds_to_reverse", "compensation"):
        told[name] = amounts[name]
    for name in ("buyers_compensated", "buyers_withheld"):
        told[name] = settlement[name]
    return told


_CLASSES: Final = ("honoured", "overridden", "refunded", "refund_due")


def _class(code: str, came: int, played: Played) -> str:
    if came:
        return "honoured"
    if code in played.overridden:
        return "overridden"
    return "refunded" if code in played.refunded else "refund_due"


def _admits(code: str, played: Played) -> int:
    voucher = played.vouchers.get(code)
    return 0 if voucher is None else voucher.admits


def came_in(holders: Mapping[str, Holder], overridden: Iterable[str]) -> set[str]:
    """Return the codes on which somebody was let in."""
    return {code for code, holder in holders.items() if holder.people} | set(overridden)
