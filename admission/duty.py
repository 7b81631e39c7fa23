"""When the on-duty list is called about an incident, and when a call that failed is tried again."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from admission.calendar import Venue
from admission.incidents import Incident

RING_EVERY = timedelta(minutes=5)
BEFORE_OPENING = timedelta(hours=2)
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(seconds=40),
    timedelta(minutes=2),
)
"""How long after a try that failed the next one is made; after the last one the next ring calls."""
STOP_SALE_AFTER = (*RETRY_AFTER, timedelta(minutes=10))
"""The same for a platform that is asked to stop a sale; the last one is repeated."""
MOST_PAUSE = timedelta(minutes=10)
"""Longest time that whoever is called may ask to be left alone."""


def next_ring(
    incident: Incident, rung_at: datetime | None, now: datetime, *, venue: Venue, opens_at: time
) -> datetime | None:
    """Return when to call the on-duty list (next); one that is past is due now. None: never.

    At once, then every 5 minutes until somebody acknowledges. While a hold awaits its decision, an
    acknowledgement holds until 2 hours before the next opening: then they are asked again. A kind
    that rings once calls at once and never again.

    Args:
        rung_at: the last call about it; None: none yet.
        opens_at: when the venue opens, wall-clock time.
    """
    if not (incident.open and incident.kind.rings):
        return None
    if incident.kind.asks_for_decision and not incident.awaits_decision:
        return None
    asked_at = asked_since(incident, now, venue=venue, opens_at=opens_at)
    if incident.acknowledged_at is not None and incident.acknowledged_at >= asked_at:
        return _reminder_after(now, venue, opens_at) if incident.awaits_decision else None
    if rung_at is None or rung_at < asked_at:
        return asked_at
    return None if incident.kind.rings_once else rung_at + RING_EVERY


def asked_since(incident: Incident, now: datetime, *, venue: Venue, opens_at: time) -> datetime:
    """Return since when an incident asks somebody to answer; an older answer is to another call."""
    if not incident.awaits_decision:
        return incident.asked_at
    reminder = _reminder_after(now, venue, opens_at, last=True)
    return max(incident.asked_at, reminder)


def _reminder_after(now: datetime, venue: Venue, opens_at: time, *, last: bool = False) -> datetime:
    """Return the first instant after now at which an opening is 2 hours away, or the last until it.

    Openings are looked at on the days around, for a venue day may begin at any hour.
    """
    today, one = venue.day_of(now), timedelta(days=1)
    openings = (
        venue.hours_of(today + one * days, (opens_at, opens_at))[0] for days in (-2, -1, 0, 1, 2)
    )
    instants = [opening - BEFORE_OPENING for opening in openings]
    if last:
        return max(each for each in instants if each <= now)
    return min(each for each in instants if each > now)


def retry_at(
    tries: int, now: datetime, ladder: tuple[timedelta, ...], *, after: timedelta | None = None
) -> datetime | None:
    """Return when to try again after `tries` failures; None: the ladder ends.

    Args:
        after: how long whoever is called asks to be left alone.
    """
    if tries > len(ladder):
        return None
    step = ladder[tries - 1]
    if after is not None:
        step = max(step, min(after, MOST_PAUSE))
    return now + step
