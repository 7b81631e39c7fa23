"""The demo's crowd beside its tickets: people leave, and stewards count who queues."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any, Final

Ask = Callable[[str, str, dict[str, Any] | None], Any]

# The fuller it is, the more leave: in balance at about three quarters of the limit.
LEAVE_AT_MOST: Final = 6
QUEUE: Final = (12, 60)
COUNT_EVERY: Final = 25


class Crowd:
    """Who comes and goes without showing a ticket.

    Args:
        ask: makes a supervisor's call of the API.
        exits: gates that people leave by.
        areas: whose queues are counted.
    """

    def __init__(self, ask: Ask, exits: list[str], areas: list[str], chance: random.Random) -> None:
        self._ask, self._exits, self._areas, self._chance = ask, exits, areas, chance
        self._moves = 0

    def begin(self) -> None:
        """Have a venue that is not full: a demo that ran before today may have filled it."""
        stats = self._ask("GET", "/api/v1/stats", None)
        if stats["inside"] > stats["capacity"]["limit"] / 2:
            body = {"people": stats["capacity"]["limit"] // 3, "reason": "the demo begins"}
            self._ask("POST", "/api/v1/occupancy", body)

    def move(self) -> None:
        """Let some people leave; now and then count a queue."""
        if self._moves % COUNT_EVERY == 0:
            people, area = self._chance.randint(*QUEUE), self._chance.choice(self._areas)
            self._ask("POST", "/api/v1/queue-counts", {"people": people, "area": area})
        self._moves += 1
        share = self._ask("GET", "/api/v1/stats", None)["capacity"]["share"]
        leaving = self._chance.randint(0, round(LEAVE_AT_MOST * share * share))
        if leaving:
            body = {
                "kind": "manual",
                "people": leaving,
                "direction": "exit",
                "gate_id": self._chance.choice(self._exits),
                "nonce": uuid.uuid4().hex,
            }
            self._ask("POST", "/api/v1/counts", body)
