"""Read the values of a platform's rows: text, whole numbers, times, lists. No file, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeAlias, TypeVar

from admission.calendar import Venue, whole_ms
from admission.deals import EVERY_DAY, Right
from admission.errors import Fault, FeedRejected

Row: TypeAlias = Mapping[str, object]
"""One row by column name; text as a file has it, or numbers as NDJSON may; "" is absent."""

MOST_MONEY = 10**12
FIRST_YEAR, LAST_YEAR = 1970, 9998

_REFUSED = {"Cc": "a control character", "Cs": "half a character", "Zl": "a line separator",
            "Zp": "a paragraph separator"}  # fmt: skip
# They turn the direction of text, so that what staff read is not what is stored.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WHEN = re.compile(
    r"(\d{4})-\d\d-\d\d(?:([T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_NAME = re.compile(r"[^\s:|/]{1,64}")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAYS = re.compile(r"([1-7])(?:-([1-7]))?", re.ASCII)
_MOST_TIMES_KEPT = 100_000

E = TypeVar("E", bound=StrEnum)


def text(row: Row, name: str, longest: int = 200) -> str | None:
    """Return a text without the white space around it; None where it is absent."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if type(value) is not str:
        if type(value) is not int:
            raise FeedRejected(name, "is neither text nor a whole number")
        value = str(value)
    if not value.isprintable():
        _check_characters(name, value)
    value = value.strip()
    if len(value) > longest:
        problem = f"is longer than {longest} characters"
        raise FeedRejected(name, problem, Fault.TOO_LONG, longest)
    return value or None


def needed(row: Row, name: str, longest: int = 200) -> str:
    """Return a text that must be there."""
    found = text(row, name, longest)
    if found is None:
        raise FeedRejected(name, "is required and empty", Fault.MISSING)
    return found


def ident(row: Row, name: str) -> str:
    """Return a required name that also stands in URLs: no white space, no slash."""
    found = needed(row, name, 64)
    if _NAME.fullmatch(found) is None:
        problem = "has a space or one of : | /, which a name must not have"
        raise FeedRejected(name, problem, Fault.NAME)
    return found


def whole(row: Row, name: str, lowest: int = 0, highest: int = MOST_MONEY) -> int | None:
    """Return a whole number; None where it is absent."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if type(value) is str:
        digits = value.strip()
        if not digits:
            return None
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise FeedRejected(name, _not_whole(name, lowest, highest))
        number = int(digits)
    elif type(value) is int:
        number = value
    else:
        raise FeedRejected(name, _not_whole(name, lowest, highest))
    if not lowest <= number <= highest:
        raise FeedRejected(name, f"is not from {lowest} to {highest}")
    return number


def choice(row: Row, name: str, kind: type[E]) -> E | None:
    """Return one of an enumeration's values; None where it is absent."""
    value = text(row, name)
    if value is None:
        return None
    found = kind._value2member_map_.get(value)  # a third of the price of a call of the class
    if not isinstance(found, kind):
        raise FeedRejected(name, f"is none of {', '.join(each.value for each in kind)}")
    return found


class Times:
    """Reads times by a venue's calendar, and keeps those just read: files repeat them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._first: dict[str, datetime] = {}
        self._last: dict[str, datetime] = {}

    def instant(self, row: Row, name: str, *, last: bool = False) -> datetime | None:
        """Return an instant, aware UTC, whole milliseconds; None where it is absent.

        A naive time is venue time. A date is that venue day's first instant, or its `last`.
        """
        value = row.get(name)
        if value is None or value == "":
            return None
        kept = self._last if last else self._first
        found = kept.get(value) if type(value) is str else None
        if found is None:
            stripped = text(row, name, 64)
            if stripped is None:
                return None
            found = self._read(name, stripped, last)
            if len(kept) >= _MOST_TIMES_KEPT:
                kept.clear()
            kept[str(value)] = found
        return found

    def _read(self, name: str, value: str, last: bool) -> datetime:
        match = _WHEN.fullmatch(value)
        if match is None:
            raise FeedRejected(name, "give a time as 2026-05-01T09:00:00+08:00, or a date")
        if not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise FeedRejected(name, f"its year is not from {FIRST_YEAR} to {LAST_YEAR}")
        try:
            if match[2] is None:
                bounds = self._venue.day_bounds(date.fromisoformat(value))
                return bounds[1] if last else bounds[0]
            when = datetime.fromisoformat(value)
        except ValueError as error:
            raise FeedRejected(name, f"there is no such time: {error}") from error
        if when.tzinfo is not None:
            return whole_ms(when.astimezone(UTC))
        return whole_ms(self._venue.instant(when.date(), when.time(), last=last))


def rights(row: Row, name: str) -> tuple[Right, ...]:
    """Return rights: `area:uses[/day]` joined by `|`; default `park:1`."""
    value = text(row, name, 1000)
    if value is None:
        return (Right("park"),)
    found = tuple(_right(name, part.strip()) for part in value.split("|"))
    if len({right.area for right in found}) != len(found):
        raise FeedRejected(name, "names an area twice")
    return found


def _right(name: str, part: str) -> Right:
    match = re.fullmatch(r"([^\s:|/]{1,64})(?::([1-9]\d{0,3})(/day)?)?", part, re.ASCII)
    if match is None:
        raise FeedRejected(name, "give area:uses or area:uses/day, joined by |, as canyon:1|park:1")
    return Right(match[1], int(match[2] or 1), match[3] is not None)


def weekdays(row: Row, name: str) -> frozenset[int]:
    """Return ISO weekdays: `1-5`, `6|7`; default every day."""
    value = text(row, name)
    if value is None:
        return EVERY_DAY
    days: set[int] = set()
    for part in value.split("|"):
        match = _DAYS.fullmatch(part.strip())
        if match is None or int(match[2] or 7) < int(match[1]):
            raise FeedRejected(name, "give weekdays as 1-5 or 6|7; 1 is Monday, 7 is Sunday")
        days.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(days)


def dates(row: Row, name: str) -> frozenset[date]:
    """Return days joined by `|`; default none."""
    value = text(row, name, 20_000)
    if value is None:
        return frozenset()
    try:
        return frozenset(_date(part.strip()) for part in value.split("|"))
    except ValueError as error:
        raise FeedRejected(name, "give dates as 2026-05-01|2026-05-02") from error


def _date(part: str) -> date:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", part, re.ASCII) is None:
        raise ValueError("not a date")
    return date.fromisoformat(part)


def hours(row: Row, name: str) -> tuple[time, time] | None:
    """Return opening hours: `16:00-22:00`; None: any time. 24:00 is the end of a day."""
    value = text(row, name)
    if value is None:
        return None
    problem = "give hours as 16:00-22:00"
    opens, dash, closes = (part.strip() for part in value.partition("-"))
    first, last = _CLOCK.fullmatch(opens), _CLOCK.fullmatch(closes)
    if first is None or last is None or not dash or first[1] == "24":
        raise FeedRejected(name, problem)
    if last[1] == "24":
        if last[2] != "00":
            raise FeedRejected(name, problem)
        return time(int(first[1]), int(first[2])), time(0, 0)
    return time(int(first[1]), int(first[2])), time(int(last[1]), int(last[2]))


def names(row: Row, name: str) -> frozenset[str]:
    """Return names joined by `|`; default none."""
    value = text(row, name, 4000)
    if value is None:
        return frozenset()
    found = [part.strip() for part in value.split("|")]
    if not all(_NAME.fullmatch(part) for part in found):
        raise FeedRejected(name, "give names joined by |, as G1|G2")
    return frozenset(found)


def _not_whole(name: str, lowest: int, highest: int) -> str:
    if name.endswith("_minor"):
        return "give whole minor units (fen), without point, sign or currency"
    return f"give a whole number from {lowest} to {highest}"


def _check_characters(name: str, value: str) -> None:
    for at, char in enumerate(value, 1):
        problem = _REFUSED.get(unicodedata.category(char))
        if problem is None and char in _TURNING:
            problem = "a character that turns the direction of text"
        if problem is not None:
            told = f"has {problem} (U+{ord(char):04X}) at character {at}"
            raise FeedRejected(name, told, Fault.CHARACTERS, at)
