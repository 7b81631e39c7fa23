"""The scanner's settings: packaged defaults under those of its own directory, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from admission.errors import InvalidInput
from scanner_client.barrier_settings import BarrierSettings
from scanner_client.broadcasts import BroadcastSettings
from scanner_client.practice_settings import PracticeSettings
from scanner_client.printer_settings import PrinterSettings
from scanner_client.reader_settings import ReaderSettings
from scanner_client.screen_settings import LampSettings, ScreenSettings, SoundSettings

FILE_NAME = "scanner.toml"
T = TypeVar("T")

COLOURS = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a venue may choose; `config/scanner.toml` explains each and has the defaults."""

    timeout_ms: int
    pause_ms: int
    heartbeat_s: float
    poll_s: float
    replica_max_age_h: float
    batch_lines: int
    journal_keep_h: float
    source: str
    also: Sequence[str]
    camera_width: int
    camera_height: int
    away_s: float
    ask_s: float
    bell: bool
    colour: str
    broadcasts: BroadcastSettings
    barrier: BarrierSettings
    readers: ReaderSettings
    screen: ScreenSettings
    sound: SoundSettings
    lamp: LampSettings
    printer: PrinterSettings
    practice: PracticeSettings

    def __post_init__(self) -> None:
        for name, least, most in RANGES:
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(name, f"give a number from {least} to {most}")
        if self.colour not in COLOURS:
            raise InvalidInput("colour", f"give one of: {', '.join(COLOURS)}")
        if not all(isinstance(name, str) for name in self.also):
            raise InvalidInput("also", "give a list of texts")

    @property
    def timeout_s(self) -> float:
        """How long the server has to answer a scan."""
        return self.timeout_ms / 1000

    @property
    def pause_s(self) -> float:
        """How long to wait between two tries."""
        return self.pause_ms / 1000

    @property
    def replica_max_age(self) -> timedelta:
        """How old the replica may be that decides."""
        return timedelta(hours=self.replica_max_age_h)

    @property
    def journal_keep(self) -> timedelta:
        """How long what the server took is kept."""
        return timedelta(hours=self.journal_keep_h)


RANGES = (
    ("timeout_ms", 50, 60_000),
    ("pause_ms", 0, 10_000),
    ("heartbeat_s", 0.05, 3600),
    ("poll_s", 0.05, 3600),
    ("replica_max_age_h", 0, 168),
    ("batch_lines", 1, 2000),
    ("journal_keep_h", 1, 8760),
    ("camera_width", 64, 8192),
    ("camera_height", 64, 8192),
    ("away_s", 0, 3600),
    ("ask_s", 0, 600),
)
"""Number, its least and its most value; `nan` is within none of them."""
TABLES: dict[str, type] = {
    "barrier": BarrierSettings,
    "broadcasts": BroadcastSettings,
    "readers": ReaderSettings,
    "screen": ScreenSettings,
    "sound": SoundSettings,
    "lamp": LampSettings,
    "printer": PrinterSettings,
    "practice": PracticeSettings,
}
"""Tables of the file, by name, and what each is read into: a frozen dataclass of its own module."""
RETIRED = frozenset({"give_up_ms"})
"""Names of earlier versions; the copy in a scanner's directory may still have them."""


def load_settings(directory: Path) -> Settings:
    """Read `directory/scanner.toml` over the packaged defaults; the file may be absent.

    Raises InvalidInput: not TOML, an unknown name, a value of the wrong type or out of range.
    """
    values = tomllib.loads(default_text())
    path = directory / FILE_NAME
    own = _read(path) if path.exists() else {}
    try:
        return _make(Settings, own, values)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.field}", error.problem) from error


def _make(kind: type[T], own: Mapping[str, object], defaults: Mapping[str, Any]) -> T:
    """Make settings of `own` over `defaults`; a table is a field whose default is one."""
    _check(kind, own, defaults)
    values = dict(defaults) | {name: value for name, value in own.items() if name not in RETIRED}
    for name, table in TABLES.items() if kind is Settings else ():
        values[name] = _make_table(name, table, own.get(name, {}), defaults[name])
    return kind(**values)


def _make_table(name: str, kind: type, own: object, defaults: Mapping[str, Any]) -> object:
    assert isinstance(own, dict)  # noqa: S101 - checked as every value is
    try:
        return _make(kind, own, defaults)
    except InvalidInput as error:
        raise InvalidInput(f"{name}.{error.field}", error.problem) from error


def default_text() -> str:
    """Return the packaged defaults, with their comments."""
    return files("gatehouse_config").joinpath(FILE_NAME).read_text("utf-8")


def unset_text() -> str:
    """Return the defaults as a scanner gets them: each line that sets something is a comment.

    So what a venue adds at the end sets no name twice, and a default that a later version changes
    holds at every scanner that did not choose its own.
    """
    lines = default_text().splitlines()
    return "\n".join(f"#{line}" if line and line[0] != "#" else line for line in lines) + "\n"


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"not TOML in UTF-8: {error}{_hint(str(error))}") from error
    except OSError as error:
        raise InvalidInput(str(path), f"cannot be read: {error.strerror}") from error


def _check(kind: type, own: Mapping[str, object], defaults: Mapping[str, object]) -> None:
    known = _names(kind)
    for name, value in own.items():
        if name in RETIRED:
            continue
        if name not in known:
            raise InvalidInput(name, _unknown(name, known))
        wanted = type(defaults[name])
        given = type(value)
        # A whole number is a number with a fraction too; True and False are not numbers here.
        if given is not wanted and not (wanted is float and given is int):
            raise InvalidInput(name, f"give a {TYPE_NAMES[wanted]}")


def _unknown(name: str, known: Sequence[str]) -> str:
    """Say what is amiss with a name that is not known here; it may stand in the wrong place."""
    if name in _names(Settings):
        return "it stands in no table: put it before the first line in [brackets]"
    homes = [f"[{table}]" for table, kind in TABLES.items() if name in _names(kind)]
    if homes and known == _names(Settings):
        return f"it stands in a table: put it under {' or '.join(homes)}"
    return f"unknown; the names are {', '.join(known)}"


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _hint(said: str) -> str:
    """Say what to do about a name or a table that stands there twice, as tomllib tells it."""
    twice = "Cannot overwrite" in said or "twice" in said
    return "; it stands there twice: change the first one" if twice else ""


TYPE_NAMES = {
    int: "whole number",
    float: "number",
    bool: "word: true or false",
    str: "text",
    list: "list",
    dict: "table",
}
