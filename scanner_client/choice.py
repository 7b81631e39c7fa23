"""Choose whose code it is when a frame holds several: the nearest, and then stay with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from scanner_client.rescue import Reading, Spot

# Of the frame's width. Two codes whose ways to the middle differ by less are equally near.
EQUAL = 0.02
# Of the frame's width. A code takes the place of one that is held only if it is so much nearer.
CLEARLY = 0.1
# Of a reading's size. A smaller spot is texture, not the code of somebody who stands nearer.
LEAST_SPOT = 0.4
# In frames. A code that was not read for longer has left; until then no other takes its place.
FLICKER = 5
# In frames, about a second: so long the code of somebody behind waits for the nearer one to be
# read. For ever would let a poster with half a code on it close the lane.
PATIENCE = 25


def nearest(readings: Sequence[Reading], shape: tuple[int, ...]) -> Reading | None:
    """Return the reading nearest to the middle of a frame of (height, width), if it may be taken.

    Of those that are equally near it is the largest. `None` also where that reading is behind a
    nearer code that could not be read: it would be somebody else's.
    """
    chosen = _nearest(readings, shape) if len(readings) > 1 else next(iter(readings), None)
    return None if chosen is None or chosen.behind else chosen


def _nearest(readings: Sequence[Reading], shape: tuple[int, ...]) -> Reading:
    ways = [way(reading.centre, shape) for reading in readings]
    least = min(ways) + EQUAL * shape[1]
    near = (reading for reading, its in zip(readings, ways, strict=True) if its <= least)
    return max(near, key=lambda reading: reading.size)


def way(centre: tuple[float, float], shape: tuple[int, ...]) -> float:
    """Return how far a place is from the middle of a frame of (height, width), in pixels."""
    return math.dist(centre, (shape[1] / 2, shape[0] / 2))


def united(readings: Iterable[Reading]) -> list[Reading]:
    """Return readings with each text once; the first of a text stays."""
    once: dict[str, Reading] = {}
    for reading in readings:
        once.setdefault(reading.text, reading)
    return list(once.values())


def marked(
    readings: Sequence[Reading], spots: Sequence[Spot], shape: tuple[int, ...]
) -> list[Reading]:
    """Return readings, each marked where a nearer code was seen and not read."""
    unread = [spot for spot in spots if not any(covers(reading, spot) for reading in readings)]
    return [_set(reading, behind=_is_behind(reading, unread, shape)) for reading in readings]


def _set(reading: Reading, *, behind: bool) -> Reading:
    return reading if reading.behind is behind else replace(reading, behind=behind)


def _is_behind(reading: Reading, spots: Sequence[Spot], shape: tuple[int, ...]) -> bool:
    if not spots:
        return False
    its = way(reading.centre, shape) - EQUAL * shape[1]
    return any(
        spot.size >= LEAST_SPOT * reading.size and way(spot.centre, shape) < its for spot in spots
    )


def covers(reading: Reading, other: Reading | Spot) -> bool:
    """Tell whether something lies where a reading does."""
    return math.dist(reading.centre, other.centre) < 0.6 * max(reading.size, other.size)


@dataclass(slots=True)
class Choice:
    """The code that a lane has settled on.

    The first that was chosen stays until it has left or another one is clearly nearer, so that two
    people who hold out their codes side by side are not scanned in turns.
    """

    held: Reading | None = None
    _missed: int = field(default=0, repr=False)
    _waited: int = field(default=0, repr=False)

    def choose(self, readings: Sequence[Reading], shape: tuple[int, ...]) -> Reading | None:
        """Return the code that counts in a frame of (height, width), if there is one."""
        found = self._taken(readings, shape)
        if self.held is None:
            return self.hold(found)
        again = next((reading for reading in readings if reading.text == self.held.text), None)
        if again is None:
            return self._without(self.held, found)
        if found is not None and _is_clearly_nearer(found, again, shape):
            return self.hold(found)
        return self.hold(again)

    def hold(self, reading: Reading | None) -> Reading | None:
        """Settle on a reading and return it."""
        self.held = reading
        self._missed = 0
        return reading

    def _taken(self, readings: Sequence[Reading], shape: tuple[int, ...]) -> Reading | None:
        """Return the nearest reading; one behind an unread code only when that was waited for."""
        self._waited = self._waited + 1 if any(reading.behind for reading in readings) else 0
        if self._waited > PATIENCE:
            readings = [replace(reading, behind=False) for reading in readings]
        return nearest(readings, shape)

    def _without(self, held: Reading, found: Reading | None) -> Reading | None:
        """Return what counts when the held code was not read: nothing, unless it has left."""
        self._missed += 1
        in_its_place = found is not None and covers(held, found)
        if in_its_place or self._missed > FLICKER:
            return self.hold(found)
        return None


def _is_clearly_nearer(reading: Reading, held: Reading, shape: tuple[int, ...]) -> bool:
    return way(reading.centre, shape) + CLEARLY * shape[1] < way(held.centre, shape)
