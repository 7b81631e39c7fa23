"""Settings of one venue, read once at start from DIR/gate.toml over the packaged defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import time
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from admission.alarm_bars import AlarmBars
from admission.anomaly_bars import Bars
from admission.broadcasts import checked_text
from admission.calendar import Venue
from admission.crowd_terms import CrowdTerms
from admission.crowd_words import CrowdWords
from admission.errors import InvalidInput
from admission.finding_words import FindingWords
from admission.incident_words import IncidentWords
from admission.messages import Messages, Sentence
from admission.notices import NoticeWords
from admission.report_words import ReportWords
from admission.surges import SurgeBars
from admission.why_words import WhyWords
from gate_server.duty_settings import DutySettings
from gate_server.feed_settings import FeedSettings
from gate_server.lookup_settings import LookupSettings
from gate_server.redemption_settings import RedemptionSettings
from gate_server.word_files import read_words

FILE = "gate.toml"
MOST_DAYS = 36_500
LONGEST_PLACE = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """What a venue may set; every default stands in config/gate.toml.

    Attributes:
        limit: most people inside at once; 0: as `crowd` says, else no limit.
        help_desk_zh, help_desk_en: where visitors are helped.
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
    help_desk_zh: str
    help_desk_en: str
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
    feeds: FeedSettings
    alarms: AlarmBars
    duty: DutySettings
    anomalies: Bars
    surges: SurgeBars
    redemptions: RedemptionSettings
    lookup: LookupSettings
    crowd: CrowdTerms

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
        for name in ("help_desk_zh", "help_desk_en"):
            if len(checked_text(f"venue.{name}", getattr(self, name))) > LONGEST_PLACE:
                raise InvalidInput(f"venue.{name}", f"at most {LONGEST_PLACE} characters")
        for name in ("phone_days", "buyer_days", "seal_keep_days", "operator_days", "audit_days"):
            if not 0 <= getattr(self, name) <= MOST_DAYS:
                raise InvalidInput(f"privacy.{name}", f"days, 0 to {MOST_DAYS}")

    @property
    def venue(self) -> Venue:
        """The venue's calendar."""
        return Venue(ZoneInfo(self.zone), time.fromisoformat(self.day_starts_at))

    @property
    def people_limit(self) -> int | None:
        """Most people inside at once: as set, else as the area takes; None: no limit."""
        return self.limit or self.crowd.at_once()

    @property
    def help_desk(self) -> Sentence:
        """Where visitors are helped, in both languages."""
        return Sentence(self.help_desk_zh, self.help_desk_en)


TABLES: Final[dict[str, Callable[..., Any]]] = {
    "feeds": FeedSettings,
    "alarms": AlarmBars,
    "duty": DutySettings,
    "anomalies": Bars,
    "surges": SurgeBars,
    "redemptions": RedemptionSettings,
    "lookup": LookupSettings,
    "crowd": CrowdTerms,
}
"""Tables of gate.toml that are objects of their own, fields of `Settings` by the same name."""


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
    settings = _settings(values)
    try:
        settings.venue.day_of  # noqa: B018 - makes the zone, so that a wrong one is told at start
    except ZoneInfoNotFoundError as error:
        raise InvalidInput("venue.zone", f"no time zone {settings.zone}") from error
    except ValueError as error:
        raise InvalidInput("venue.day_starts_at", "give a time as 00:00") from error
    return settings


def _settings(values: dict[str, Any]) -> Settings:
    """Put values into the object; a table of `TABLES` is an object of its own."""
    plain: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for key, value in values.items():
        table, name = key.split(".")
        tables.get(table, plain)[name] = value
    plain |= {table: TABLES[table](**own) for table, own in tables.items()}
    assert plain.keys() == {each.name for each in fields(Settings)}  # noqa: S101 - our own file
    return Settings(**plain)


def read_messages(venue: Venue, help_desk: Sentence) -> Messages:
    """Read the sentences for staff from the package."""
    notices = NoticeWords(read_words("notices.toml"), venue, help_desk)
    return Messages(read_words("verdicts.toml"), venue, notices)


def read_why_words(venue: Venue) -> WhyWords:
    """Read the sentences about why it is busy from the package."""
    return WhyWords(
        read_words("why.toml"), venue, NoticeWords(read_words("notices.toml"), venue, None)
    )


@cache
def read_crowd_words(venue: Venue) -> CrowdWords:
    """Read the sentences about crowds from the package."""
    return CrowdWords(read_words("crowd.toml"), venue)


@cache
def read_incident_words(venue: Venue) -> IncidentWords:
    """Read the sentences about incidents from the package."""
    return IncidentWords(read_words("incidents.toml"), venue)


@cache
def read_report_words() -> ReportWords:
    """Read the words of after-action reports from the package."""
    return ReportWords(read_words("report.toml"))


def read_finding_words(venue: Venue) -> FindingWords:
    """Read the sentences about findings from the package."""
    return FindingWords(read_words("findings.toml"), venue)


def default_file() -> str:
    """Return the packaged gate.toml, comments and all, for `init` to put into DIR."""
    return files("gatehouse_config").joinpath(FILE).read_text("utf-8")


@cache
def _packaged() -> dict[str, Any]:
    return _parse(default_file(), FILE)


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return _loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(name, f"not TOML: {error}") from error


@lru_cache(maxsize=8)
def _loads(text: str) -> dict[str, Any]:
    """Read a table; a venue's file is mostly the packaged one, which has been read already."""
    return tomllib.loads(text)


def _flat(tables: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{table}.{key}": value
        for table, values in tables.items()
        for key, value in (values.items() if isinstance(values, dict) else {"": values}.items())
    }
