"""Make the source of a feed from what its registry says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from admission.errors import InvalidInput
from gate_server.feeds.contract import Source
from gate_server.feeds.folder import FolderSource
from gate_server.feeds.http import PlatformHttp
from gate_server.feeds.octo import CAPABILITIES, Dates, OctoPlan, OctoSource
from gate_server.feeds.pull import PullSource

MOST_DAYS: Final = 400

T = TypeVar("T", bound=Struct)


class FetchedFeed(Struct, frozen=True, kw_only=True):
    """A feed that must be fetched, as `feed list` tells it.

    Attributes:
        error: why its last try failed; "" after a success.
    """

    feed_id: int
    platform: str
    kind: Literal["pull", "octo", "folder"]
    config: dict[str, Any]
    cursor: str | None = None
    accepted_at: datetime | None = None
    error: str = ""

    @property
    def name(self) -> str:
        """How logs call it."""
        return f"{self.kind} feed {self.feed_id} of {self.platform}"


class PullConfig(Struct, frozen=True, kw_only=True):
    """What a native pull needs to know; further keys are another part's."""

    url: str


class OctoConfig(Struct, frozen=True, kw_only=True):
    """What OCTO needs to know."""

    url: str
    dates: Dates = Dates.CREATED
    days: int = 60


class FolderConfig(Struct, frozen=True, kw_only=True):
    """What a folder needs to know."""

    path: str


def list_fetched(told: list[dict[str, Any]]) -> list[FetchedFeed]:
    """Return the feeds that must be fetched; a push comes by itself."""
    names = {"pull", "octo", "folder"}
    return [msgspec.convert(each, FetchedFeed) for each in told if each["kind"] in names]


def open_source(
    feed: FetchedFeed, token: str, *, zone: ZoneInfo, now: Callable[[], datetime]
) -> Source:
    """Make a feed's source; nothing is asked yet.

    Raises:
        InvalidInput: what it is to know makes no sense.
    """
    if feed.kind == "folder":
        return FolderSource(Path(_config(feed.config, FolderConfig).path), now=now)
    if feed.kind == "pull":
        return PullSource(PlatformHttp(_config(feed.config, PullConfig).url, token), now=now)
    config = _config(feed.config, OctoConfig)
    if not 1 <= config.days <= MOST_DAYS:
        raise InvalidInput("--days", f"from 1 to {MOST_DAYS}")
    http = PlatformHttp(config.url, token, headers={"Octo-Capabilities": CAPABILITIES})
    plan = OctoPlan(config.dates, config.days, zone)
    return OctoSource(feed.platform, http, plan, now=now)


def _config(config: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(config, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput("config", str(error)) from error
