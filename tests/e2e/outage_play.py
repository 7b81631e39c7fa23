"""A seeded day with several outages: many scanners, many scans, copied codes shown again."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from drill.plug import HOLD, PASS, REFUSE, Plug, Way
from tests.e2e.outage import Lane, Venue, wait_until

COPIED = 0.25
RECENT = 300


class Crowd:
    """Visitors at several lanes at once, each lane with its own row of codes."""

    def __init__(self, rows: dict[Lane, list[str]]) -> None:
        self._rows = rows
        self._failed: list[Exception] = []
        self._threads = [
            threading.Thread(target=self._stand, args=(lane, codes)) for lane, codes in rows.items()
        ]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    @property
    def passed(self) -> int:
        """Scans so far."""
        return sum(len(lane.shown) for lane in self._rows)

    def await_passed(self, count: int, within_s: float = 120) -> None:
        """Wait until so many scans were made."""

        def so() -> bool:
            if self._failed:
                raise self._failed[0]
            return self.passed >= count

        wait_until(so, within_s, f"scan {count}")

    def _stand(self, lane: Lane, codes: list[str]) -> None:
        try:
            for code in codes:
                said = lane.scan(code)
                assert said["reason"] is not None, said
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            self._failed.append(error)


@dataclass
class Played:
    """What a day came to."""

    scans: int = 0
    offline: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    doubles: int = 0
    slowest_s: float = 0.0


def rows_of(lanes: list[Lane], codes: list[str], scans: int, seed: int) -> dict[Lane, list[str]]:
    """Return what each lane is shown: new codes, and a share of recent ones again."""
    chance, fresh = random.Random(seed), iter(codes)
    shown: list[str] = []
    rows: dict[Lane, list[str]] = {lane: [] for lane in lanes}
    for _ in range(scans):
        again = shown and chance.random() < COPIED
        code = chance.choice(shown[-RECENT:]) if again else next(fresh)
        shown.append(code)
        rows[chance.choice(lanes)].append(code)
    return rows


def play(venue: Venue, lanes: list[Lane], rows: dict[Lane, list[str]]) -> Played:
    """Play a day with three outages of different kinds, and hold the ledger against it."""
    scans = sum(len(codes) for codes in rows.values())
    for lane in lanes:
        venue.await_replica(lane)
    with Crowd(rows) as crowd:
        crowd.await_passed(scans * 1 // 8)
        turn(lanes, HOLD)
        crowd.await_passed(scans * 2 // 8)
        turn(lanes, PASS)
        crowd.await_passed(scans * 3 // 8)
        venue.stop(kill=True)
        crowd.await_passed(scans * 4 // 8)
        venue.start()
        crowd.await_passed(scans * 5 // 8)
        # Some lanes are cut off, one loses its answers, the others go on.
        turn(lanes[: len(lanes) // 2], REFUSE)
        turn(lanes[-1:], Way(down_bytes=0, asked=rb"POST /api/v1/scans"))
        crowd.await_passed(scans * 6 // 8)
        turn(lanes, PASS)
    for lane in lanes:
        lane.await_online()
        lane.await_empty(60)
    venue.compare(*lanes)
    return told(venue, lanes)


def turn(lanes: list[Lane], way: Way) -> None:
    """Change the network of some lanes."""
    for lane in lanes:
        plug: Plug = lane.plug
        plug.turn(way)


def told(venue: Venue, lanes: list[Lane]) -> Played:
    """Count what was shown."""
    played = Played(doubles=len(venue.conflicts("double_use")))
    for lane in lanes:
        played.scans += len(lane.shown)
        played.offline += sum(each["offline"] for each in lane.shown)
        played.reasons.update(each["reason"] for each in lane.shown)
        slowest = max((each["took_s"] for each in lane.shown), default=0.0)
        played.slowest_s = max(played.slowest_s, slowest)
    return played
