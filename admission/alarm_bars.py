"""From where on an alarm is raised, and who is told: the table `[alarms]` of gate.toml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final

from admission.alarms import Severity
from admission.calendar import Venue
from admission.errors import InvalidInput

OFF: Final = "off"
_MOST: Final = 1_000_000
# Fewer refusals than this within a quarter of an hour say nothing (admission.surges).
_LEAST_REFUSED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmBars:
    """What a venue may set; every default stands in config/gate.toml. 0 or false turns one off.

    Attributes:
        duty_from: the severity from which the duty list is told; `off`: never.
        open_from, open_until: when gates and devices are missed, wall-clock time.
    """

    capacity_notice: float
    capacity_warning: float
    capacity_critical: float
    wait_minutes: float
    wait_critical_minutes: float
    calls_oldest_minutes: float
    calls_waiting: int
    gate_silent_minutes: float
    gate_refused: int
    deal_refusals: bool
    device_gone_minutes: float
    replica_minutes: float
    outbox_rows: int
    device_clock_minutes: float
    clock_devices: int
    feed_minutes: float
    feed_failures: int
    redemptions_minutes: float
    disk_free_mib: int
    disk_critical_mib: int
    reserve: bool
    audit: bool
    heads_hours: float
    overrides: bool
    duty_failures: int
    streams_share: float
    calm_minutes: float
    duty_from: str
    open_from: str
    open_until: str

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and not 0 <= value <= _MOST:
                raise InvalidInput(f"alarms.{each.name}", f"give a number from 0 (off) to {_MOST}")
        for name in ("open_from", "open_until"):
            try:
                time.fromisoformat(getattr(self, name))
            except ValueError as error:
                raise InvalidInput(f"alarms.{name}", "give a time as 09:00") from error
        if self.duty_from not in {OFF, *Severity}:
            known = ", ".join((*Severity, OFF))
            raise InvalidInput("alarms.duty_from", f"give one of {known}")
        if 0 < self.gate_refused < _LEAST_REFUSED:
            raise InvalidInput("alarms.gate_refused", f"give 0 (off), or {_LEAST_REFUSED} or more")
        self._check_order("capacity_notice", "capacity_warning", "capacity_critical")
        self._check_order("wait_minutes", "wait_critical_minutes")
        self._check_order("disk_critical_mib", "disk_free_mib")

    def _check_order(self, *names: str) -> None:
        known = [name for name in names if getattr(self, name)]
        for lower, upper in pairwise(known):
            if getattr(self, lower) >= getattr(self, upper):
                raise InvalidInput(f"alarms.{upper}", f"must be more than alarms.{lower}")

    @property
    def calm_for(self) -> timedelta:
        """How long a figure stays well below its bar before its alarm goes."""
        return timedelta(minutes=self.calm_minutes)

    def tells(self, severity: Severity) -> bool:
        """Say whether the duty list is told of an alarm of that severity."""
        return self.duty_from != OFF and severity.rank >= Severity(self.duty_from).rank

    def open_at(self, at: datetime, venue: Venue) -> bool:
        """Say whether gates and devices are missed at an instant; a night may be within."""
        opens, closes = time.fromisoformat(self.open_from), time.fromisoformat(self.open_until)
        clock = at.astimezone(venue.zone).time()
        if opens <= closes:
            return opens <= clock <= closes
        return clock >= opens or clock <= closes
