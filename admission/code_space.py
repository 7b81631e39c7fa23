"""Estimate how many codes look like the ones that a deal has sold: too few can be guessed."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

ENOUGH_CODES: Final = 20
"""So many codes tell a fixed place, or a narrow run of numbers, from one that varies."""
MOST_CODES: Final = 200
"""More of one deal in one part tell nothing new."""

_MOST_SPACE: Final = 1e300
_KINDS: Final = (
    (frozenset(string.digits), 10),
    (frozenset(string.ascii_uppercase), 26),
    (frozenset(string.ascii_lowercase), 26),
)
_OTHERS: Final = 30


class CodeShape(Struct, frozen=True, array_like=True):
    """What some codes of one deal say about all of them; no code can be read from it.

    Attributes:
        codes: how many were looked at.
        space: how many codes there may be that look like these, at the most.
    """

    codes: int
    space: float

    def join(self, other: CodeShape) -> CodeShape:
        """Return what both say together."""
        return CodeShape(self.codes + other.codes, max(self.space, other.space))


def measure(codes: Sequence[str]) -> CodeShape:
    """Estimate the space of codes from some of them.

    Each place counts what its kinds of characters allow; once enough codes are known, one that
    never varies counts for 1, and codes that are numbers have no more space than lies between the
    least and the greatest.
    """
    known = sorted(set(codes))
    if not known:
        return CodeShape(0, 0.0)
    by_length: dict[int, list[str]] = {}
    for code in known:
        by_length.setdefault(len(code), []).append(code)
    space = sum(_space(some) for some in by_length.values())
    return CodeShape(len(known), min(space, _MOST_SPACE))


class Shapes:
    """Gathers the codes of each deal in a part, and measures them at its end."""

    def __init__(self) -> None:
        self._codes: dict[str, list[str]] = {}

    def __repr__(self) -> str:
        return f"Shapes({len(self._codes)} deals)"

    def add(self, deal_id: str, code: str) -> None:
        """Look at one more code of a deal."""
        codes = self._codes.setdefault(deal_id, [])
        if len(codes) < MOST_CODES:
            codes.append(code)

    def measured(self, *, pause: Callable[[], object] = lambda: None) -> dict[str, CodeShape]:
        """Return the shape of each deal's codes.

        Args:
            pause: called before each deal.
        """
        found = {}
        for deal_id, codes in self._codes.items():
            pause()
            found[deal_id] = measure(codes)
        return found


def _space(codes: list[str]) -> float:
    """Estimate the space of codes of one length."""
    enough = len(codes) >= ENOUGH_CODES
    space, varying = 1.0, []
    for place in zip(*codes, strict=True):
        seen = frozenset(place)
        if enough and len(seen) == 1:
            continue
        varying.append(place)
        space = min(space * _alphabet(seen), _MOST_SPACE)
    if not enough or not varying:
        return space
    numbers = ["".join(digits) for digits in zip(*varying, strict=True)]
    if all(number.isascii() and number.isdigit() for number in numbers):
        whole = [int(number) for number in numbers]
        space = min(space, float(max(whole) - min(whole) + 1))
    return space


def _alphabet(seen: frozenset[str]) -> int:
    """Return how many characters a place may hold that holds these."""
    size = sum(count for kind, count in _KINDS if seen & kind)
    known = frozenset().union(*(kind for kind, _ in _KINDS))
    return size + (_OTHERS if seen - known else 0)
