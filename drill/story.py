"""The day as it is told: when what happens, how many there are, and how story time becomes real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

HOUR_S: Final = 3600.0

# Story time counts seconds from nine o'clock, when the gates open and the void is made.
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
SCANNERS: Final = GATES + MARSHALS + 2

SOLD: Final = 206_865
BUYERS: Final = 98_000
HONEST: Final = 3_000
PAID_MINOR: Final = 1
FACE_MINOR: Final = 26_000
HONEST_MINOR: Final = 21_000
COMPENSATION_MINOR: Final = 1_000

LEAST_SCALE: Final = 0.005

# The day is played in parts of twenty minutes, each as long as its scans take.
PART_S: Final = 20 * 60.0
PARTS: Final = int(ADMIT_UNTIL_S / PART_S)
SHORTEST_DAY_S: Final = 12.0
LONGEST_DAY_S: Final = 420.0
# Scanners are busy for this part of the time in which they could not do more.
LOAD: Final = 0.4
# A scanner needs some seconds to notice a cut and to come back; who is stamped before the cut-off
# and called after it shall be so on a busy machine, too. Real seconds, by the part's number.
_AT_LEAST: Final = {
    int(CUT_FROM_S / PART_S): 8.0,
    int(CUT_OFF_S / PART_S) - 1: 3.0,
    int(CUT_OFF_S / PART_S): 3.0,
}


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
    """Turns story seconds into real seconds since the day began.

    Args:
        parts_s: how many real seconds each part of the day takes.
    """

    def __init__(self, parts_s: Sequence[float]) -> None:
        self._real = (0.0, *accumulate(parts_s))

    @property
    def day_s(self) -> float:
        """Real seconds of the whole day."""
        return self._real[-1]

    @property
    def faster(self) -> float:
        """How many times as fast as life the day runs on average."""
        return ADMIT_UNTIL_S / self.day_s

    def real_s(self, story_s: float) -> float:
        """Return when a moment of the story is played."""
        part = min(int(story_s / PART_S), len(self._real) - 2)
        begin, end = self._real[part], self._real[part + 1]
        return begin + (story_s / PART_S - part) * (end - begin)


def choose_pace(moments: Iterable[float], rate: float) -> Pace:
    """Return a pace at which all scans of the day can be made.

    Args:
        moments: when in the story each scan is made.
        rate: scans a second that all scanners together can make here.
    """
    scans = Counter(min(int(at / PART_S), PARTS - 1) for at in moments)
    needed = [scans[part] / (rate * LOAD) for part in range(PARTS)]
    most = LONGEST_DAY_S - SHORTEST_DAY_S
    share = min(1.0, most / sum(needed)) if any(needed) else 1.0
    return Pace(
        [
            max(_AT_LEAST.get(part, 0.0), SHORTEST_DAY_S / PARTS + needed[part] * share)
            for part in range(PARTS)
        ]
    )
