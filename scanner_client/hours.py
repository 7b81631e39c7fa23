"""What holds from a time of the day on: lines as `08:00 0.8`, each until the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from typing import TypeVar

T = TypeVar("T")


def read_hours(lines: Sequence[object], read: Callable[[str], T]) -> tuple[tuple[time, T], ...]:
    """Read lines of a time of the day and a value, the earliest first.

    Args:
        read: makes a value of its text; raises ValueError where it is none.

    Raises ValueError: no line, one that is none, or one time twice.
    """
    parsed = sorted((_read_line(line, read) for line in lines), key=lambda entry: entry[0])
    if not parsed:
        raise ValueError("give at least one line")
    if len({since for since, _ in parsed}) < len(parsed):
        raise ValueError("the same time stands twice")
    return tuple(parsed)


def value_at(hours: Sequence[tuple[time, T]], clock: time) -> T:
    """Return what holds at a time of the day; before the first line the last one still does."""
    begun = [value for since, value in hours if since <= clock]
    return begun[-1] if begun else hours[-1][1]


def _read_line(line: object, read: Callable[[str], T]) -> tuple[time, T]:
    clock, _, text = str(line).strip().partition(" ")
    since = time.fromisoformat(clock)
    if since.tzinfo is not None or len(clock) != len("HH:MM"):
        raise ValueError(f"{clock!r} is no time of the day: write it as 08:00")
    return since, read(text.strip())
