"""Who shows what at which scanner, and when in the story: the whole day as steps in order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Final

from drill.crowd import Visit
from drill.sales import Sales, Voucher, fake_code
from drill.story import (
    BROADCAST_S,
    CUT_FROM_S,
    CUT_UNTIL_S,
    DESK,
    FIRST_REFUNDS_S,
    HOUR_S,
    KIOSK,
    LANES,
    MARSHAL_NAMES,
    Sizes,
)

MINUTE_S: Final = 60.0
COPIED_SHARE: Final = 0.01
COPIED_CUT_SHARE: Final = 0.03
LEAST_COPIES: Final = 3
LEAVES_SHARE: Final = 0.2
TICKET_AFTER_S: Final = 10 * MINUTE_S


class Cue(StrEnum):
    """What somebody else does at a moment of the story."""

    BROADCAST = "broadcast"
    REFUNDS = "refunds"
    CUT = "cut"
    BACK = "back"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """Something that happens at a moment of the story.

    Attributes:
        place: the scanner that a code is shown to.
        leaves: the holder goes out.
        cue: instead of a code.
    """

    at_s: float
    place: str = ""
    code: str = field(default="", repr=False)
    leaves: bool = False
    cue: Cue | None = None


@dataclass(slots=True)
class Cast:
    """All who have a part in the day.

    Attributes:
        early: what those hold who come before nine, while the deal is on hold.
        blocked: vouchers whose buyers a supervisor has blocked.
        refunded: vouchers that the platform refunds on the day; some of their holders come.
    """

    steps: list[Step] = field(default_factory=list)
    early: list[Voucher] = field(default_factory=list)
    blocked: list[Voucher] = field(default_factory=list)
    refunded: list[Voucher] = field(default_factory=list)


def choose_cast(visits: list[Visit], sales: Sales, seed: int) -> Cast:
    """Give every visitor a voucher and every part of the story its people."""
    chance = random.Random(seed)  # noqa: S311 - parts in a play, no secret
    sizes, cast = sales.sizes, Cast()
    mis_sold = [visit for visit in visits if not visit.visitor.honest]
    honest = [visit for visit in visits if visit.visitor.honest]
    held = [sales.visitor(number) for number in range(len(mis_sold))]
    for visit, voucher in zip(mis_sold, held, strict=True):
        cast.steps += _visit_steps(visit, voucher)
    for number, visit in enumerate(honest):
        cast.steps += _visit_steps(visit, sales.honest(number))
    cast.steps += _beside(sizes, sales, len(honest), chance)
    cast.steps += _leaving(honest, sales, chance)
    cast.steps += _copies(cast.steps, chance)
    cast.early = held[: sizes.early]
    cast.blocked = chance.sample(held[sizes.early :] or held, sizes.blocked)
    cast.refunded = _refunded(sizes, sales, held, chance)
    cast.steps += [
        Step(BROADCAST_S, cue=Cue.BROADCAST),
        Step(FIRST_REFUNDS_S, cue=Cue.REFUNDS),
        Step(CUT_FROM_S, cue=Cue.CUT),
        Step(CUT_UNTIL_S, cue=Cue.BACK),
    ]
    cast.steps.sort(key=lambda step: step.at_s)
    return cast


def _visit_steps(visit: Visit, voucher: Voucher) -> list[Step]:
    steps = []
    if visit.stamped_s is not None and visit.marshal is not None:
        steps.append(Step(visit.stamped_s, MARSHAL_NAMES[visit.marshal], voucher.code))
    if visit.served_s is not None and visit.gate is not None:
        steps.append(Step(visit.served_s, LANES[visit.gate], voucher.code))
    return steps


def _beside(sizes: Sizes, sales: Sales, taken: int, chance: random.Random) -> list[Step]:
    """Return who goes to the kiosk and the desk, and codes that nobody sold."""
    numbers = iter(range(taken, sizes.honest))

    def some(count: int, place: str, until_s: float) -> list[Step]:
        chosen = [sales.honest(number) for number in islice(numbers, count)]
        return [Step(chance.uniform(0, until_s), place, each.code) for each in chosen]

    fakes = [fake_code(number) for number in range(sizes.fakes)]
    return [
        *some(sizes.kiosk, KIOSK, 8 * HOUR_S),
        # The desk works while the network does.
        *some(sizes.exchanged, DESK, CUT_FROM_S - HOUR_S),
        *(Step(chance.uniform(0, CUT_FROM_S), chance.choice(LANES), code) for code in fakes),
    ]


def _leaving(honest: list[Visit], sales: Sales, chance: random.Random) -> list[Step]:
    """Return visitors who go home after two hours, once the network is back."""
    return [
        Step(max(visit.served_s, CUT_UNTIL_S) + 2 * HOUR_S, LANES[-1], sales.honest(n).code, True)
        for n, visit in enumerate(honest)
        if visit.served_s is not None and chance.random() < LEAVES_SHARE
    ]


def _copies(steps: list[Step], chance: random.Random) -> list[Step]:
    """Return codes that are shown again at another lane, some of them while lanes are cut off."""
    shown = [step for step in steps if step.place in LANES and not step.leaves]
    in_cut = [s for s in shown if CUT_FROM_S + MINUTE_S < s.at_s < CUT_UNTIL_S - 5 * MINUTE_S]
    before = [step for step in shown if step.at_s < CUT_FROM_S - HOUR_S]
    offline = _some(in_cut, COPIED_CUT_SHARE, chance)
    online = _some(before, COPIED_SHARE, chance)
    return [
        *(_again(step, chance.uniform(1, 3), chance) for step in offline),
        *(_again(step, chance.uniform(5, 50), chance) for step in online),
    ]


def _some(steps: list[Step], share: float, chance: random.Random) -> list[Step]:
    return chance.sample(steps, min(len(steps), max(LEAST_COPIES, round(len(steps) * share))))


def _again(step: Step, minutes: float, chance: random.Random) -> Step:
    other = chance.choice([lane for lane in LANES if lane != step.place])
    return replace(step, at_s=step.at_s + minutes * MINUTE_S, place=other)


def _refunded(
    sizes: Sizes, sales: Sales, held: list[Voucher], chance: random.Random
) -> list[Voucher]:
    """Return what is refunded on the day: mostly of people who stay away, but not only."""
    come = chance.sample(held, min(len(held), max(2, sizes.refunded_first // 100)))
    known = {voucher.number for voucher in held}
    away = (n for n in range(sizes.sold) if n not in known)
    rest = islice(away, sizes.refunded_first - len(come))
    return [*come, *map(sales.flash, rest)]
