"""What of a venue alarms are seen by: figures of one moment, from wherever they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from admission.alarms import ALL, AlarmKind, Name
from admission.conduct import Alarm as ConductAlarm

LATELY: Final = timedelta(minutes=15)
"""A gate's latest scans are those within so long; `BEFORE` is the hour before that."""
BEFORE: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """One gate.

    Attributes:
        opened: its state is open; one that is paused or exit-only is not missed.
        lately: scans within LATELY; `before`: in the hour before that; `refused_` of those.
        last_at: its last scan within both, by the minute.
    """

    gate_id: str
    opened: bool = True
    lately: int = 0
    refused_lately: int = 0
    before: int = 0
    refused_before: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """One device that is neither revoked nor suspended.

    Attributes:
        wanted: its gate is open.
        seen_at: its last word of any kind; None: none yet.
        replica_age_s, outbox_depth: by its last heartbeat, which was at `beat_at`.
        offset_s: its clock less the server's.
    """

    device_id: str
    wanted: bool = True
    seen_at: datetime | None = None
    beat_at: datetime | None = None
    replica_age_s: float | None = None
    outbox_depth: int | None = None
    offset_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFacts:
    """One enabled feed.

    Attributes:
        heard_at: its last word, or when it was added; None: neither is known.
        failures: in a row.
    """

    platform: str
    heard_at: datetime | None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class DealSurge:
    """A deal of whose scans far more are stopped than before; shares are from 0 to 1."""

    deal_id: str
    share: float
    before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFacts:
    """The venue at one moment. What is not known is None or missing, and raises nothing.

    Attributes:
        started_at: when whoever looks began: silence before it is nobody's but ours.
        standing: names of the alarms that stand.
        open: within the hours in which gates and devices are missed, and nobody evacuates.
        emergency: the venue is being evacuated.
        day_from: the first instant of the running venue day.
        limit: most people inside at once; 0: none.
        calls: since when each referred visitor waits.
        devices_off: devices that disagree with the server's clock in the same direction.
        broken_at: the revision of the first link of the audit chain that does not hold.
        unsigned_since: when the newest head was signed, where rows have come since.
        conduct: hours of today that stand out.
        redemptions: by platform, since when the oldest waits to be reported.
        duty_failures: messages in a row that the duty list did not take.
        streams: open event streams, of at most `most_streams`.
    """

    now: datetime
    day_from: datetime
    started_at: datetime
    standing: frozenset[Name] = frozenset()
    open: bool = True
    emergency: bool = False
    inside: int = 0
    limit: int = 0
    wait_minutes: float | None = None
    calls: tuple[datetime, ...] = ()
    gates: tuple[GateFacts, ...] = ()
    devices: tuple[DeviceFacts, ...] = ()
    devices_off: int = 0
    feeds: tuple[FeedFacts, ...] = ()
    surges: tuple[DealSurge, ...] = ()
    conduct: tuple[ConductAlarm, ...] = ()
    redemptions: Mapping[str, datetime] = field(default_factory=dict)
    duty_failures: int = 0
    disk_free_bytes: int | None = None
    reserve_there: bool = True
    broken_at: int | None = None
    unsigned_since: datetime | None = None
    streams: int = 0
    most_streams: int = 0

    def silence(self, kind: AlarmKind, subject: str, heard_at: datetime) -> timedelta:
        """Return for how long something is silent; an alarm that stands counts from before too."""
        if not self.standing.isdisjoint({(kind, subject), (kind, ALL)}):
            return self.now - heard_at
        return self.now - max(heard_at, self.started_at)
