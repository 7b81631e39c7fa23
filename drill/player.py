"""Play the day's steps at their moments: codes held before scanners, cues for everybody else."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from drill.calls import Platform
from drill.cast import TICKET_AFTER_S, Cast, Cue, Step
from drill.lanes import Lanes
from drill.story import LANES, Pace

LOOK_EVERY_S: Final = 0.05
SIGN_OF_LIFE_S: Final = 20.0
SHOWN_WITHIN_S: Final = 600.0


class Player:
    """Plays one day.

    Args:
        begun_s: when the day began, monotonic.
        cues: what is done at each cue, beside the crowd.
    """

    def __init__(
        self, lanes: Lanes, pace: Pace, begun_s: float, cues: Mapping[Cue, Callable[[], None]]
    ) -> None:
        self._lanes = lanes
        self._pace = pace
        self._begun_s = begun_s
        self._cues = cues
        self._lock = threading.Lock()
        self._steps: list[Step] = []
        self._done: list[Future[None]] = []

    def play(self, cast: Cast, platform: Platform, advance: Callable[[int], None]) -> None:
        """Play all steps, and wait until every code was answered."""
        self._steps = list(cast.steps)
        heapq.heapify(self._steps)
        self._lanes.on_tickets = self._bring_tickets
        over = threading.Event()
        with ThreadPoolExecutor(len(Cue) + 1) as pool:
            try:
                self._done.append(pool.submit(_give_signs, platform, over))
                self._play(pool, advance)
                self._lanes.await_shown(SHOWN_WITHIN_S)
                # Tickets were printed meanwhile.
                self._play(pool, advance)
                self._lanes.await_shown(SHOWN_WITHIN_S)
            finally:
                over.set()
        for each in self._done:
            each.result()

    def _play(self, pool: ThreadPoolExecutor, advance: Callable[[int], None]) -> None:
        while (step := self._next()) is not None:
            due_s = self._begun_s + self._pace.real_s(step.at_s)
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                with self._lock:
                    heapq.heappush(self._steps, step)
                # Something may have to be done before it by then.
                time.sleep(min(wait_s, LOOK_EVERY_S))
                continue
            if step.cue is not None:
                self._done.append(pool.submit(self._cues[step.cue]))
            else:
                self._lanes.scan(step, due_s)
            advance(1)

    def _next(self) -> Step | None:
        with self._lock:
            return heapq.heappop(self._steps) if self._steps else None

    def _bring_tickets(self, step: Step, codes: list[str]) -> None:
        """Have who left the desk with tickets come to a gate."""
        with self._lock:
            for number, code in enumerate(codes):
                lane = LANES[(int(step.at_s) + number) % len(LANES)]
                comes = replace(step, at_s=step.at_s + TICKET_AFTER_S, place=lane, code=code)
                heapq.heappush(self._steps, comes)


def _give_signs(platform: Platform, over: threading.Event) -> None:
    """Have the platform give a sign of life now and then, as one does that sells nothing."""
    while not over.wait(SIGN_OF_LIFE_S):
        platform.push("vouchers", [])
