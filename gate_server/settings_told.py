"""Tell which settings are in force, where each comes from, and what it means."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from admission.errors import InvalidInput
from admission.messages import Sentence
from gate_server.settings import FILE, TABLES, Settings, default_file, read_settings
from gate_server.word_files import read_words

_HEAD: Final = re.compile(r"\[(\w+)\]\s*$")
_KEY: Final = re.compile(r"(\w+)\s*=")


@dataclass(frozen=True, slots=True)
class SettingTold:
    """One setting.

    Attributes:
        key: with its table, `venue.limit`.
        value: in force since the server's start; `packaged` is what it is where nobody sets it.
        own: the venue's file names it.
        next_value: what the file says by now, where that is another: in force from the next start.
    """

    key: str
    value: str
    packaged: str
    own: bool
    meaning: Sentence
    next_value: str | None = None

    @property
    def changed(self) -> bool:
        """Whether it is another than the packaged one."""
        return self.value != self.packaged


@dataclass(frozen=True, slots=True)
class SettingsTold:
    """All settings by their tables.

    Attributes:
        problem: why the venue's file could not be read just now, which a start would stop at.
    """

    tables: dict[str, list[SettingTold]]
    problem: str = ""


def tell_settings(directory: Path, in_force: Settings) -> SettingsTold:
    """Return the settings in force beside what the venue's file says by now."""
    coming, named, problem = in_force, frozenset[str](), ""
    try:
        coming = read_settings(directory)
        named = _named(directory / FILE)
    except InvalidInput as error:
        problem = str(error)
    tables: dict[str, list[SettingTold]] = {}
    for table, values in tomllib.loads(default_file()).items():
        tables[table] = [
            _told(f"{table}.{name}", packaged, in_force, coming, named)
            for name, packaged in values.items()
        ]
    return SettingsTold(tables, problem)


def _told(
    key: str, packaged: Any, in_force: Settings, coming: Settings, named: frozenset[str]
) -> SettingTold:
    value, later = _value(in_force, key), _value(coming, key)
    return SettingTold(
        key,
        _shown(value),
        _shown(packaged),
        key in named,
        _meanings().get(key, Sentence("", "")),
        None if later == value else _shown(later),
    )


def _value(settings: Settings, key: str) -> Any:
    table, _, name = key.partition(".")
    return getattr(getattr(settings, table) if table in TABLES else settings, name)


def _named(path: Path) -> frozenset[str]:
    """Return the keys that a venue's file names."""
    if not path.exists():
        return frozenset()
    tables = tomllib.loads(path.read_text("utf-8"))
    return frozenset(f"{table}.{name}" for table, values in tables.items() for name in values)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(each)}" for name, each in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "–"
    return str(value)


@cache
def _meanings() -> dict[str, Sentence]:
    """Return what each key means: in both languages where that is worded, else its comment."""
    worded = {
        f"{table}.{name}": Sentence(each["zh"], each["en"])
        for table, names in read_words("settings.toml").items()
        for name, each in names.items()
    }
    return {key: Sentence(said, said) for key, said in _comments(default_file()).items()} | worded


def _comments(text: str) -> dict[str, str]:
    """Return the comment above each key of a settings file, or above those that share it."""
    found: dict[str, str] = {}
    table, comment, fresh = "", "", False
    for line in text.splitlines():
        if line.startswith("#"):
            said = line.removeprefix("#").strip()
            comment = f"{comment} {said}" if fresh else said
            fresh = True
        elif head := _HEAD.match(line):
            table, comment, fresh = head[1], "", False
        elif key := _KEY.match(line):
            found[f"{table}.{key[1]}"] = comment
            fresh = False
    return found
