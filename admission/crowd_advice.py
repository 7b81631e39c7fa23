"""Advise what to do about a crowd: gates to open, shares of the limit ahead, queues to count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from admission.crowd_queues import GateFlow, QueueEstimate
from admission.crowd_terms import CrowdTerms

AHEAD: Final = timedelta(hours=2)
"""A share of the limit that is farther ahead at this rate is not spoken of."""
RECOUNT: Final = timedelta(minutes=20)
"""A queue is to be counted again when its last count is older."""
BUSY_SHARE: Final = 0.6
"""A gate that lets through this share of its best is taken to have a queue."""
_LEAST_GAIN: Final = 0.9


class AdviceKind(StrEnum):
    """What is advised; each has its sentence in config/messages/crowd.toml."""

    OPEN_GATES = "open_gates"
    MAN_GATES = "man_gates"
    OPEN_AND_MAN = "open_and_man"
    ALL_OPEN = "all_open"
    WARN_AHEAD = "warn_ahead"
    NOTICE_AHEAD = "notice_ahead"
    STOP_AHEAD = "stop_ahead"
    WARN = "warn"
    NOTICE = "notice"
    STOP = "stop"
    DAY_AHEAD = "day_ahead"
    DENSE = "dense"
    CLOSING = "closing"
    COUNT_QUEUE = "count_queue"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do.

    Attributes:
        gates: names of gates to open; `unmanned` of those that are, where nobody lets people in.
        gate_ids: both by their ids.
        wait_min, after_min: the wait now, and the one that is expected then.
        share: of the limit, at `at`.
    """

    kind: AdviceKind
    area: str = ""
    gates: tuple[str, ...] = ()
    gate_ids: tuple[str, ...] = ()
    unmanned: tuple[str, ...] = ()
    wait_min: float | None = None
    after_min: float | None = None
    share: float | None = None
    people: int | None = None
    at: datetime | None = None


def likely_rate(gate: GateFlow, gates: Sequence[GateFlow]) -> float:
    """Return what a gate that is not in use will let through a minute: its best, else as others do.

    Never above its ceiling. A best of less than half of the others' pace was on a quiet day.
    """
    rates = [each.rate() for each in gates if each.open and each.rate() > 0]
    usual = sum(rates) / len(rates) if rates else gate.ceiling
    return min(gate.ceiling, gate.best if gate.best >= usual / 2 else usual)


def advise_gates(
    area: str, found: QueueEstimate, gates: Sequence[GateFlow], terms: CrowdTerms
) -> Advice | None:
    """Name the fewest gates by which the wait falls to the goal; all, where none suffice.

    A closed one is to be opened; one that is open, where nobody lets people in, to be manned.
    """
    if found.wait is None or found.waiting is None or found.wait.value < terms.wait_warn_min:
        return None
    closed = [gate for gate in gates if not gate.open]
    wait, people = found.wait.value, found.waiting.value
    if not closed:
        return Advice(AdviceKind.ALL_OPEN, area=area, wait_min=wait)
    closed.sort(key=lambda gate: (-likely_rate(gate, gates), gate.gate_id))
    rate, after, opened = found.rate, wait, []
    for gate in closed:
        rate += likely_rate(gate, gates)
        after = people / rate
        opened.append(gate)
        if after <= terms.wait_goal_min:
            break
    if after > _LEAST_GAIN * wait:
        return None
    return _use(area, sorted(opened, key=lambda gate: gate.gate_id), wait, after)


def _use(area: str, gates: Sequence[GateFlow], wait: float, after: float) -> Advice:
    """Say of each gate what it needs."""
    closed = tuple(gate.name for gate in gates if not gate.opened)
    unmanned = tuple(gate.name for gate in gates if gate.opened)
    kind = AdviceKind.OPEN_AND_MAN if closed and unmanned else AdviceKind.MAN_GATES
    return Advice(
        kind if unmanned else AdviceKind.OPEN_GATES,
        area=area,
        gates=closed,
        gate_ids=tuple(gate.gate_id for gate in gates),
        unmanned=unmanned,
        wait_min=wait,
        after_min=after,
    )


def advise_count(
    area: str, found: QueueEstimate, gates: Sequence[GateFlow], now: datetime
) -> Advice | None:
    """Ask for a count where a queue is likely and its last count is old, or there is none."""
    if found.as_of is not None and now - found.as_of <= RECOUNT:
        return None
    busy = [
        gate
        for gate in gates
        if gate.open and gate.rate() >= BUSY_SHARE * (min(gate.best, gate.ceiling) or gate.ceiling)
    ]
    if found.as_of is None and not busy:
        return None
    return Advice(AdviceKind.COUNT_QUEUE, area=area)


def advise_closing(
    area: str, found: QueueEstimate, now: datetime, closes_at: datetime
) -> Advice | None:
    """Say that who joins now does not get in before the venue closes."""
    if found.wait is None or found.wait.value <= 0 or now >= closes_at:
        return None
    if now + timedelta(minutes=found.wait.value) <= closes_at:
        return None
    return Advice(AdviceKind.CLOSING, area=area, wait_min=found.wait.value, at=closes_at)


def advise_limit(
    inside: int, limit: int | None, net_rate: float, terms: CrowdTerms, now: datetime
) -> list[Advice]:
    """Return the share of the limit that is reached, and the next one at this rate.

    Args:
        net_rate: people a minute, those who come less those who leave.
    """
    if limit is None:
        return []
    steps = (
        (terms.warn_share, AdviceKind.WARN, AdviceKind.WARN_AHEAD),
        (terms.notice_share, AdviceKind.NOTICE, AdviceKind.NOTICE_AHEAD),
        (terms.stop_share, AdviceKind.STOP, AdviceKind.STOP_AHEAD),
    )
    share, found = inside / limit, []
    reached = [(bound, kind) for bound, kind, _ in steps if share >= bound]
    if reached:
        bound, kind = reached[-1]
        found.append(Advice(kind, share=share, people=inside))
    ahead = next(((bound, kind) for bound, _, kind in steps if share < bound), None)
    if ahead is not None and net_rate > 0:
        bound, kind = ahead
        at = now + timedelta(minutes=(bound * limit - inside) / net_rate)
        if at - now <= AHEAD:
            found.append(Advice(kind, share=bound, at=at))
    return found
