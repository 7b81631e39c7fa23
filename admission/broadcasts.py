"""Broadcasts: what supervisors tell devices, whom one reaches, and until when it is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from admission.calendar import Venue
from admission.errors import FeedRejected
from admission.row_values import needed
from admission.scans import Device, Profile

LONGEST_TEXT = 500
# Of one that is sent just before a venue day ends, too.
LASTS_AT_LEAST = timedelta(hours=1)


class Priority(StrEnum):
    """How much a broadcast may get in the way; `high` is shown again and again."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """A message to devices.

    Attributes:
        gates: of the devices that it is for; empty: all.
        profiles: what those devices are for; empty: any.
        template: the key of what it was worded by.
        loud: (Chinese, English) words for the loudspeaker.
        expires_at: last instant at which it is shown, aware UTC, inclusive.
    """

    broadcast_id: str
    zh: str
    en: str
    made_at: datetime
    expires_at: datetime
    priority: Priority = Priority.NORMAL
    gates: frozenset[str] = frozenset()
    ended_at: datetime | None = None
    profiles: frozenset[Profile] = frozenset()
    template: str | None = None
    loud: tuple[str, str] | None = None

    def in_force(self, now: datetime) -> bool:
        """Say whether devices show it now."""
        return in_force(now, self.expires_at, self.ended_at)

    def reaches(self, device: Device) -> bool:
        """Say whether it is for a device, as it stands now."""
        return reaches(device, self.gates, self.profiles)


def reaches(device: Device, gates: frozenset[str], profiles: frozenset[Profile]) -> bool:
    """Say whether what is for these gates and profiles is for a device; none named: any."""
    at_gate = not gates or device.gate_id in gates
    return at_gate and (not profiles or device.profile in profiles)


def in_force(now: datetime, expires_at: datetime, ended_at: datetime | None) -> bool:
    """Say whether what expires and may be ended before is shown now."""
    return ended_at is None and now <= expires_at


def rank(priority: Priority, made_at: datetime) -> tuple[bool, float]:
    """Return the key by which several are sorted: high ones first, then the newest."""
    return priority is not Priority.HIGH, -made_at.timestamp()


def default_expiry(now: datetime, venue: Venue) -> datetime:
    """Return the end of the running venue day, or an hour from now where that is later."""
    return max(venue.day_bounds(venue.day_of(now))[1], now + LASTS_AT_LEAST)


def checked_text(field: str, value: str) -> str:
    """Return a text for people, without the white space around it.

    Raises:
        InvalidInput: it is empty or too long, or holds what steers a terminal or turns text round.
    """
    try:
        return needed({field: value}, field, LONGEST_TEXT)
    except FeedRejected as error:
        raise error.as_input() from error
