"""The day as it is told: when what happens, how many there are, and how story time becomes real."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600.0

# Story time counts seconds from nine o'clock, when the gates open and the void is made.
OPENS_HOUR: Final = 9
CUT_OFF_S: Final = 8 * HOUR_S  # 17:00
ADMIT_UNTIL_S: Final = 11 * HOUR_S  # 20:00
MARSHALS_FROM_S: Final = 4 * HOUR_S  # 13:00
BROADCAST_S: Final = 5 * HOUR_S
FIRST_REFUNDS_S: Final = 5.5 * HOUR_S
CUT_FROM_S: Final = 6 * HOUR_S  # 15:00
CUT_UNTIL_S: Final = CUT_FROM_S + 20 * 60.0

GATES: Final = 12
MARSHALS: Final = 6
LANES: Final = tuple(f"L{number:02}" for number in range(1, GATES + 1))
MARSHAL_NAMES: Final = tuple(f"M{number}" for number in range(1, MARSHALS + 1))
KIOSK: Final = "K1"
DESK: Final = "W1"

SOLD: Final = 206_865
BUYERS: Final = 98_000
HONEST: Final = 3_000
PAID_MINOR: Final = 1
FACE_MINOR: Final = 26_000
HONEST_MINOR: Final = 21_000
COMPENSATION_MINOR: Final = 1_000

LEAST_SCALE: Final = 0.005

# A scanner needs some seconds to notice a cut and to come back, however short the day is made.
CUT_LEAST_S: Final = 8.0
# Who is stamped before the cut-off and called after it shall be so on a busy machine, too.
CUT_OFF_AROUND_S: Final = 0.5 * HOUR_S
CUT_OFF_LEAST_S: Final = 5.0
_SLOWER: Final = (
    (CUT_FROM_S, CUT_UNTIL_S, CUT_LEAST_S),
    (CUT_OFF_S - CUT_OFF_AROUND_S, CUT_OFF_S + CUT_OFF_AROUND_S, CUT_OFF_LEAST_S),
)
"""Parts of the day, in story seconds, and how many real seconds each takes at least."""
SHORTEST_DAY_S: Final = 12.0
LONGEST_DAY_S: Final = 420.0
# Scanners are busy for this part of the time in which they could not do more.
LOAD: Final = 0.5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many there are at a scale.

    Attributes:
        early: who come before the void, while the deal is on hold.
        refunded_first: vouchers that the platform refunds on the day itself, in bulk.
        exchanged: ordinary vouchers that the desk exchanges.
    """

    scale: float
    sold: int
    buyers: int
    honest: int
    early: int
    refunded_first: int
    fakes: int
    blocked: int
    kiosk: int
    exchanged: int

    @classmethod
    def of(cls, scale: float) -> Sizes:
        """Return the sizes at a scale; of what the story needs there are always some."""

        def some(full: int, least: int) -> int:
            return max(least, round(full * scale))

        return cls(
            scale=scale,
            sold=some(SOLD, 1),
            buyers=some(BUYERS, 1),
            honest=some(HONEST, 60),
            early=some(240, GATES),
            refunded_first=some(20_000, 20),
            fakes=some(60, 3),
            blocked=some(20, 2),
            kiosk=some(200, 3),
            exchanged=some(60, 2),
        )


class Pace:
    """Turns story seconds into real seconds since the day began; some parts may run slower.

    Args:
        day_s: real seconds that the day up to ADMIT_UNTIL_S would take without the slower parts.
    """

    def __init__(self, day_s: float) -> None:
        usual = day_s / ADMIT_UNTIL_S
        story, real = [0.0], [0.0]
        for begin, until, least_s in _SLOWER:
            story += [begin, until]
            real.append(real[-1] + (begin - story[-3]) * usual)
            real.append(real[-1] + max((until - begin) * usual, least_s))
        real.append(real[-1] + (ADMIT_UNTIL_S - story[-1]) * usual)
        story.append(ADMIT_UNTIL_S)
        self._story: Sequence[float] = story
        self._real: Sequence[float] = real

    @property
    def faster(self) -> float:
        """How many times as fast as life the day runs, but for its slower parts."""
        return self._story[1] / self._real[1]

    def real_s(self, story_s: float) -> float:
        """Return when a moment of the story is played."""
        part = min(bisect_right(self._story, story_s), len(self._story) - 1) - 1
        part = max(0, part)
        begin, end = self._story[part], self._story[part + 1]
        share = (story_s - begin) / (end - begin)
        return self._real[part] + share * (self._real[part + 1] - self._real[part])


def choose_pace(scans: int, rate: float) -> Pace:
    """Return a pace at which so many scans can be made.

    Args:
        rate: scans a second that all scanners together can make here.
    """
    needed = scans / (rate * LOAD)
    # The crowd comes in two thirds of the day.
    return Pace(min(LONGEST_DAY_S, max(SHORTEST_DAY_S, needed * 1.5)))


def clock(story_s: float) -> str:
    """Return a moment of the story as the clock at the gate shows it."""
    minutes = OPENS_HOUR * 60 + int(story_s // 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
