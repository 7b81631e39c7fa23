"""Say when something was as the venue's clocks show it, whatever zone this machine is set to."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def find_zone(name: str) -> ZoneInfo | None:
    """Return a zone by its name; None where nobody has told it, or this machine lacks it."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None


def tell_clock(at: datetime, zone: ZoneInfo | None) -> str:
    """Return the time of day.

    Args:
        zone: the venue's; None: not known yet, so this machine's, with its offset written out.
    """
    return _tell(at, zone, "%H:%M")


def tell_day(at: datetime, zone: ZoneInfo | None) -> str:
    """Return month, day and time of day; `zone` as for `tell_clock`."""
    return _tell(at, zone, "%m-%d %H:%M")


def _tell(at: datetime, zone: ZoneInfo | None, form: str) -> str:
    if zone is not None:
        return at.astimezone(zone).strftime(form)
    here = at.astimezone()
    offset = here.strftime("%z")
    return f"{here.strftime(form)} (UTC{offset[:3]}:{offset[3:5]})"
