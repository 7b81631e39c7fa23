"""Settings of what a lane shows, sounds and lights: the tables `screen`, `sound` and `lamp`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import TypeVar

from admission.errors import InvalidInput
from scanner_client.hours import read_hours, value_at

MOST_PORT = 65_535
WAYS = ("ahead", "left", "right", "none")
READERS = ("below", "above", "left", "right")
THEMES = ("light", "dark")
LAMP_KINDS = ("none", "gpio", "http")
MOST_PIN = 53

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    """The lane screen.

    Attributes:
        port: of the page on this machine; 0: there is none.
        lane: what the screen calls the lane; "": by its gate.
        way: where people go on; `reader`: where the reader is, seen from the screen.
        verdict_s: how long a verdict stays, unless the next code comes first.
        theme: lines as `07:00 light`.
    """

    port: int
    lane: str
    way: str
    reader: str
    verdict_s: float
    theme: list[str]

    def __post_init__(self) -> None:
        _within("port", self.port, 0, MOST_PORT)
        _within("verdict_s", self.verdict_s, 1, 60)
        _one_of("way", self.way, WAYS)
        _one_of("reader", self.reader, READERS)
        _hours("theme", self.theme, _theme)

    def theme_at(self, clock: time) -> str:
        """Return the theme of a time of the day."""
        return value_at(_hours("theme", self.theme, _theme), clock)


@dataclass(frozen=True, slots=True)
class SoundSettings:
    """How loud the lane screen is; `levels`: lines as `08:00 0.8`, 0 mutes."""

    levels: list[str]

    def __post_init__(self) -> None:
        _hours("levels", self.levels, _level)

    def level_at(self, clock: time) -> float:
        """Return the level of a time of the day, 0 to 1."""
        return value_at(_hours("levels", self.levels, _level), clock)


@dataclass(frozen=True, slots=True)
class LampSettings:
    """The lamp over the lane.

    Attributes:
        kind: `none`, `gpio` or `http`.
        green, red, amber, blue: pins, in Broadcom's numbers; 0: there is no such lamp.
        url: what is told the colour, for `http`.
        on_s: how long it is lit after a verdict.
    """

    kind: str
    green: int
    red: int
    amber: int
    blue: int
    url: str
    on_s: float

    def __post_init__(self) -> None:
        _one_of("kind", self.kind, LAMP_KINDS)
        for colour, pin in self.pins().items():
            _within(colour, pin, 1, MOST_PIN)
        _within("on_s", self.on_s, 0.1, 60)
        if len(set(self.pins().values())) < len(self.pins()):
            raise InvalidInput("kind", "two lamps have the same pin")
        if self.kind == "gpio" and not self.pins():
            raise InvalidInput("kind", "gpio needs the pin of at least one lamp")
        if self.kind == "http" and not self.url.startswith(("http://", "https://")):
            raise InvalidInput("url", "give the address of the lamp, http://...")

    def pins(self) -> dict[str, int]:
        """Return the pin of each lamp that there is."""
        every = {"green": self.green, "red": self.red, "amber": self.amber, "blue": self.blue}
        return {colour: pin for colour, pin in every.items() if pin}


def _theme(text: str) -> str:
    if text not in THEMES:
        raise ValueError(f"{text!r} is none of: {', '.join(THEMES)}")
    return text


def _level(text: str) -> float:
    level = float(text)
    if not 0 <= level <= 1:
        raise ValueError(f"{text} is not from 0 to 1")
    return level


def _hours(name: str, lines: list[str], read: Callable[[str], T]) -> tuple[tuple[time, T], ...]:
    try:
        return read_hours(lines, read)
    except ValueError as error:
        raise InvalidInput(name, str(error)) from error


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InvalidInput(name, f"give a number from {least} to {most}")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(name, f"give one of: {', '.join(known)}")
