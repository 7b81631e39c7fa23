"""What a venue says about its crowd: area, visit, ceilings of gates, and when people must act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final

from admission.errors import InvalidInput

DENSITY_LEVELS: Final = "ABCDEF"
"""Levels of service of a queue, from free to crushed; F is below the least bound."""


@dataclass(frozen=True, slots=True)
class CrowdTerms:
    """The table `[crowd]` of gate.toml; 0 and empty tables mean: not known.

    Attributes:
        usable_area_m2, area_a_visitor_m2: people at once, by LB/T 034-2014, are their quotient.
        mean_visit_min: with it and the opening hours, people a day.
        open_until: wall-clock time at which nobody is let in any more.
        gate_ceiling: most people a minute through a gate; `gate_ceilings` of some by their ids.
        queue_area_m2: the room that a queue has, by area or by gate.
        density_m2: least square metres a person of the levels A to E.
        warn_share, notice_share, stop_share: shares of the limit at which people must act.
        wait_warn_min: from so long a wait on, gates to open are named, so that it falls to
            `wait_goal_min`.
    """

    usable_area_m2: float
    area_a_visitor_m2: float
    mean_visit_min: float
    open_until: str
    gate_ceiling: float
    gate_ceilings: Mapping[str, Any]
    queue_area_m2: Mapping[str, Any]
    density_m2: Sequence[Any]
    warn_share: float
    notice_share: float
    stop_share: float
    wait_warn_min: float
    wait_goal_min: float

    def __post_init__(self) -> None:
        for name in ("usable_area_m2", "area_a_visitor_m2", "mean_visit_min"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"crowd.{name}", "0 (not known) or more")
        try:
            time.fromisoformat(self.open_until)
        except ValueError as error:
            raise InvalidInput("crowd.open_until", "give a time as 18:00") from error
        _check_numbers("gate_ceilings", {"": self.gate_ceiling, **self.gate_ceilings})
        _check_numbers("queue_area_m2", self.queue_area_m2)
        _check_density(self.density_m2)
        if not 0 < self.warn_share <= self.notice_share <= self.stop_share <= 1:
            raise InvalidInput("crowd.warn_share", "0 < warn <= notice <= stop_share <= 1")
        if not 0 < self.wait_goal_min <= self.wait_warn_min:
            raise InvalidInput("crowd.wait_goal_min", "above 0, and at most wait_warn_min")

    @property
    def closes(self) -> time:
        """When nobody is let in any more."""
        return time.fromisoformat(self.open_until)

    def ceiling(self, gate_id: str) -> float:
        """Return the most people a minute that a gate may let through."""
        return float(self.gate_ceilings.get(gate_id, self.gate_ceiling))

    def at_once(self) -> int | None:
        """Return how many people the area takes at once (LB/T 034-2014); None: not known."""
        if not self.usable_area_m2 or not self.area_a_visitor_m2:
            return None
        return max(1, int(self.usable_area_m2 / self.area_a_visitor_m2))

    def a_day(self, limit: int | None, opening: timedelta) -> int | None:
        """Return how many people a day takes: those at once, as often as they change."""
        if limit is None or not self.mean_visit_min or opening <= timedelta(0):
            return None
        return int(limit * (opening / timedelta(minutes=self.mean_visit_min)))

    def density(self, m2_a_person: float) -> str:
        """Return the level of service of a queue."""
        bounds = zip(DENSITY_LEVELS, self.density_m2, strict=False)
        return next((level for level, least in bounds if m2_a_person >= least), DENSITY_LEVELS[-1])

    def level(self, share: float) -> str:
        """Return what a share of the limit means: normal, warning, alarm or full."""
        if share >= self.stop_share:
            return "full"
        if share >= self.notice_share:
            return "alarm"
        return "warning" if share >= self.warn_share else "normal"


def _check_numbers(name: str, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < 1e9:
            raise InvalidInput(f"crowd.{name}", f"{key or 'each'}: give a number above 0")


def _check_density(bounds: Sequence[Any]) -> None:
    falling = sorted(bounds, key=float, reverse=True) if _numbers(bounds) else None
    if falling is None or len(bounds) != len(DENSITY_LEVELS) - 1 or list(bounds) != falling:
        problem = f"give {len(DENSITY_LEVELS) - 1} falling numbers of square metres"
        raise InvalidInput("crowd.density_m2", problem)


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(each, int | float) and each > 0 for each in values)
