"""Settings of one venue, read once at start from DIR/gate.toml over the packaged defaults."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import time
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from admission.calendar import Venue
from admission.errors import InvalidInput
from admission.messages import Messages
from admission.why_words import WhyWords

FILE = "gate.toml"
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Settings:
    """What a venue may set; every default stands in config/gate.toml.

    Attributes:
        limit: most people inside at once; 0: no limit.
        stale_after_s: age of a feed from which an unknown code is referred instead of refused.
        threads: threads that answer requests; `streams` of them may be event streams.
        enrol_attempts_a_minute: failed enrolments from one address, then 429.
        lookups_an_hour: look-ups by phone a user, then 429.
        pin_tries: wrong PINs of one operator, or on one device, in 15 minutes; then 429.
        phone_days, buyer_days, seal_keep_days: what leads to a buyer is kept so long after a
            voucher has ended; `operator_days`, `audit_days`: so long after it was recorded.
        operator_required: entries wait until somebody has signed in at the lane.
    """

    name: str
    zone: str
    day_starts_at: str
    limit: int
    stale_after_s: float
    threads: int
    streams: int
    enrol_attempts_a_minute: int
    lookups_an_hour: int
    pin_tries: int
    operator_required: bool
    phone_days: int
    buyer_days: int
    seal_keep_days: int
    operator_days: int
    audit_days: int

    def __post_init__(self) -> None:
        # As many may hold a replica's download, and as many more are for scans alone.
        most = self.threads - 32
        if self.streams > most:
            raise InvalidInput(
                "server.streams",
                f"at most threads - 32 = {most}: scans and downloads need threads",
            )
        if self.limit < 0:
            raise InvalidInput("venue.limit", "0 (no limit) or the most people inside at once")

        for name in ("phone_days", "buyer_days", "seal_keep_days", "operator_days", "audit_days"):
            if not 0 <= getattr(self, name) <= MOST_DAYS:
                raise InvalidInput(f"privacy.{name}", f"days, 0 to {MOST_DAYS}")

    @property
    def venue(self) -> Venue:
        """The venue's calendar."""
        return Venue(ZoneInfo(self.zone), time.fromisoformat(self.day_starts_at))


def read_settings(directory: Path) -> Settings:
    """Read DIR/gate.toml over the packaged defaults.

    Raises:
        InvalidInput: not TOML, an unknown key, a wrong type or value; names the key.
    """
    values = _flat(_packaged())
    own = directory / FILE
    if own.exists():
        given = _flat(_parse(own.read_text("utf-8"), str(own)))
        for key, value in given.items():
            if key not in values:
                known = ", ".join(sorted(values))
                raise InvalidInput(key, f"no such setting in {own}; known are {known}")
            default = values[key]
            if type(value) is not type(default) and (type(value), type(default)) != (int, float):
                raise InvalidInput(key, f"must be {type(default).__name__} in {own}")
            values[key] = type(default)(value)
    names = {field.name for field in fields(Settings)}
    settings = Settings(**{key.split(".")[1]: value for key, value in values.items()})
    assert names == {key.split(".")[1] for key in values}  # noqa: S101 - packaged file is ours
    try:
        settings.venue.day_of  # noqa: B018 - makes the zone, so that a wrong one is told at start
    except ZoneInfoNotFoundError as error:
        raise InvalidInput("venue.zone", f"no time zone {settings.zone}") from error
    except ValueError as error:
        raise InvalidInput("venue.day_starts_at", "give a time as 00:00") from error
    return settings


def read_messages(venue: Venue) -> Messages:
    """Read the sentences for staff from the package."""
    text = files("gatehouse_config").joinpath("messages/verdicts.toml").read_text("utf-8")
    return Messages(_parse(text, "verdicts.toml"), venue)


def read_why_words(venue: Venue) -> WhyWords:
    """Read the sentences about why it is busy from the package."""
    text = files("gatehouse_config").joinpath("messages/why.toml").read_text("utf-8")
    return WhyWords(_parse(text, "why.toml"), venue)


def default_file() -> str:
    """Return the packaged gate.toml, comments and all, for `init` to put into DIR."""
    return files("gatehouse_config").joinpath(FILE).read_text("utf-8")


def _packaged() -> dict[str, Any]:
    return _parse(default_file(), FILE)


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(name, f"not TOML: {error}") from error


def _flat(tables: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{table}.{key}": value
        for table, values in tables.items()
        for key, value in (values.items() if isinstance(values, dict) else {"": values}.items())
    }
