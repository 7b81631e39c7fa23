"""The night: the platform sells, the absurd price is found, the deal is put on hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from drill.calls import DrillFailed, Platform
from drill.sales import FIRST_ROWS, FLASH, Sales, deals, parts
from drill.venue import Venue

# 206,865 in nine hours.
SOLD_A_SECOND: Final = 6.4
LOOK_EVERY_S: Final = 0.02
HELD_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Night:
    """What the night came to.

    Attributes:
        hold_s: from the push of the first absurd sale to the hold.
        rows_a_second: at which the rest of the night was taken.
    """

    hold_s: float
    rows_a_second: float
    incident_id: str


class _Watch:
    """Looks again and again whether the deal is on hold."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._over = threading.Event()
        self.held_s: float | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            if self._venue.supervisor.get(f"/deals/{FLASH}")["status"] == "held":
                self.held_s = time.monotonic()
                return

    def end(self) -> float:
        """Return when it was on hold; wait for it a while.

        Raises:
            DrillFailed: it never was.
        """
        self._thread.join(HELD_WITHIN_S)
        self._over.set()
        if self.held_s is None:
            raise DrillFailed("the absurd sale was not put on hold")
        return self.held_s


def sell(venue: Venue, platform: Platform, sales: Sales, advance: Callable[[int], None]) -> Night:
    """Sell honest tickets, then the night's; the first of it as fast as it was, the rest faster."""
    platform.push("deals", deals(datetime.now(UTC)))
    for part in parts(map(sales.row, sales.all_honest())):
        platform.push("vouchers", part)
        advance(len(part))
    watch = _Watch(venue)
    begun_s = rest_s = time.monotonic()
    slow = len(FIRST_ROWS)
    for part in parts(map(sales.row, sales.all_flash()), FIRST_ROWS):
        if slow and watch.held_s is None:
            time.sleep(len(part) / SOLD_A_SECOND)
        elif slow:
            slow, rest_s = 0, time.monotonic()
        platform.push("vouchers", part)
        advance(len(part))
    took_s = time.monotonic() - rest_s
    held_s = watch.end()
    return Night(held_s - begun_s, sales.sizes.sold / took_s, _find_incident(venue))


def _find_incident(venue: Venue) -> str:
    """Return the incident that the hold has opened by itself."""
    for incident in venue.supervisor.get("/incidents")["incidents"]:
        if incident["deal_id"] == FLASH and incident["kind"] == "sale_held":
            return str(incident["incident_id"])
    raise DrillFailed("the hold has opened no incident")
