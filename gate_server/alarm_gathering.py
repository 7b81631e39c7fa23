"""Gather what alarms are seen by: from memory at each look, from the ledger now and then."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from admission.alarm_facts import (
    BEFORE,
    LATELY,
    AlarmFacts,
    DealSurge,
    DeviceFacts,
    FeedFacts,
    GateFacts,
)
from admission.conduct import Alarm as ConductAlarm
from admission.conduct import Hour, find_alarms
from admission.scans import GateState
from admission.surges import Measure
from admission.verdicts import OUTCOMES, Outcome, Reason
from gate_server.audit_check import AuditCheck
from gate_server.conduct import hours_before, hours_of
from gate_server.ledger.conduct import newest_act
from gate_server.ledger.gate_minutes import ReasonScans, read_lately
from gate_server.ledger.heads import unsigned_since
from gate_server.ledger.incidents import get_incident
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.surges import list_up
from gate_server.redemption_figures import list_standings
from gate_server.settings import Settings

READ_EVERY_S: Final = 15.0
"""How often counters and queues in the ledger are read; all else is in memory."""
_REFUSALS: Final = frozenset({Measure.REFUSED, Measure.CALLED})


@dataclass(frozen=True, slots=True)
class Sources:
    """What of a venue only a running server knows.

    Attributes:
        inside: people inside now.
        waiting: since when each referred visitor waits.
        wait_minutes: how long visitors wait at the gates; None: that is not known.
        devices_off: how many devices disagree with the server's clock in the same direction.
        streams: event streams that are open.
        free_bytes: what the ledger's disk has left.
    """

    inside: Callable[[datetime], int]
    waiting: Callable[[datetime], Sequence[datetime]]
    wait_minutes: Callable[[], float | None]
    devices_off: Callable[[datetime], int]
    streams: Callable[[], int]
    free_bytes: Callable[[], int]


@dataclass(slots=True)
class Gatherer:
    """Gathers the facts of an open ledger; for one thread.

    Attributes:
        monotonic: seconds that only go forward.
        started_at: silence before it is nobody's but ours.
    """

    ledger: Ledger
    settings: Settings
    sources: Sources
    monotonic: Callable[[], float] = time.monotonic
    started_at: datetime = field(init=False)
    _audit: AuditCheck = field(init=False)
    _read_at_s: float = float("-inf")
    _kept: dict[str, Any] = field(default_factory=dict)
    _newest_act: int = -1
    _standing_out: tuple[ConductAlarm, ...] = ()
    _usual: dict[date, list[Hour]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started_at = self.ledger.clock()
        self._audit = AuditCheck(self.ledger, self.monotonic)

    def facts(self) -> AlarmFacts:
        """Return the venue as it is now.

        Raises:
            LedgerError: something could not be read.
        """
        ledger, sources, settings = self.ledger, self.sources, self.settings
        now, catalogue = ledger.clock(), ledger.catalogue
        if self.monotonic() - self._read_at_s >= READ_EVERY_S:
            self._kept = self._read(now)
            self._read_at_s = self.monotonic()
        day_from, _ = ledger.venue.day_bounds(ledger.venue.day_of(now))
        opened = settings.alarms.open_at(now, ledger.venue) and not catalogue.emergency
        return AlarmFacts(
            now=now,
            day_from=day_from,
            started_at=self.started_at,
            standing=frozenset(alarm.name for alarm in catalogue.duty.alarms),
            open=opened,
            emergency=catalogue.emergency,
            inside=sources.inside(now),
            limit=settings.people_limit or 0,
            wait_minutes=sources.wait_minutes(),
            calls=tuple(sources.waiting(now)),
            devices=self._devices(),
            devices_off=sources.devices_off(now),
            feeds=self._feeds(),
            duty_failures=catalogue.duty.failures,
            disk_free_bytes=sources.free_bytes(),
            reserve_there=(ledger.directory / "reserve").exists(),
            broken_at=self._audit.look() if settings.alarms.audit else None,
            streams=sources.streams(),
            most_streams=settings.streams,
            **self._kept,
        )

    def _devices(self) -> tuple[DeviceFacts, ...]:
        catalogue = self.ledger.catalogue
        opened = {gate.gate_id for gate in catalogue.gates.values() if gate.state is GateState.OPEN}
        found = []
        for device_id, device in catalogue.devices.items():
            if device.revoked or device.suspended:
                continue
            word = catalogue.seen.get(device_id)
            beat = {} if word is None else word.heartbeat
            age_s, depth = beat.get("replica_age_s"), beat.get("outbox_depth")
            offset_ms = device.offset_ms
            each = DeviceFacts(
                device_id=device_id,
                wanted=device.gate_id in opened,
                seen_at=self.ledger.last_seen(device_id),
                beat_at=None if word is None else word.seen_at,
                replica_age_s=float(age_s) if isinstance(age_s, int | float) else None,
                outbox_depth=depth if isinstance(depth, int) else None,
                offset_s=None if offset_ms is None else offset_ms / 1000,
            )
            found.append(each)
        return tuple(found)

    def _feeds(self) -> tuple[FeedFacts, ...]:
        return tuple(
            FeedFacts(
                platform=feed.platform,
                heard_at=feed.accepted_at or feed.added_at,
                failures=feed.failures,
            )
            for feed in self.ledger.catalogue.feeds.values()
        )

    # --- from the ledger -------------------------------------------------------------------------

    def _read(self, now: datetime) -> dict[str, Any]:
        ledger, bars = self.ledger, self.settings.alarms
        scanned = ledger.read(lambda db: read_lately(db, now, LATELY, BEFORE))
        waiting = {
            found.platform: now - timedelta(seconds=found.oldest_s(now))
            for _, found in list_standings(ledger)
        }
        return {
            "gates": self._gates(scanned),
            "surges": self._surges() if bars.deal_refusals else (),
            "conduct": self._conduct(now) if bars.overrides else (),
            "redemptions": waiting,
            "unsigned_since": ledger.read(unsigned_since),
        }

    def _gates(self, scanned: Sequence[ReasonScans]) -> tuple[GateFacts, ...]:
        by_gate: dict[str, list[ReasonScans]] = defaultdict(list)
        for each in scanned:
            by_gate[each.gate_id].append(each)
        return tuple(
            _gate(gate.gate_id, gate.state is GateState.OPEN, by_gate[gate.gate_id])
            for gate in self.ledger.catalogue.gates.values()
        )

    def _surges(self) -> tuple[DealSurge, ...]:
        ledger, found = self.ledger, []
        for up in ledger.read(list_up):
            card = ledger.read(partial(get_incident, incident_id=up.incident_id)).surge
            if card is not None and card.measure in _REFUSALS:
                deal = ledger.catalogue.deals[up.deal_no]
                found.append(DealSurge(deal.deal_id, card.share, card.before))
        return tuple(found)

    def _conduct(self, now: datetime) -> tuple[ConductAlarm, ...]:
        newest = self.ledger.read(newest_act)
        if newest == self._newest_act:
            return self._standing_out
        day = self.ledger.venue.day_of(now)
        # What was usual before a day does not change on it.
        self._usual = {day: self._usual.get(day) or hours_before(self.ledger, day)}
        found = find_alarms(hours_of(self.ledger, day), self._usual[day])
        self._newest_act, self._standing_out = newest, tuple(found)
        return self._standing_out


def _gate(gate_id: str, opened: bool, scanned: Sequence[ReasonScans]) -> GateFacts:
    refused = [each for each in scanned if OUTCOMES[Reason(each.reason)] is Outcome.REFUSE]
    return GateFacts(
        gate_id=gate_id,
        opened=opened,
        lately=sum(each.lately for each in scanned),
        before=sum(each.before for each in scanned),
        refused_lately=sum(each.lately for each in refused),
        refused_before=sum(each.before for each in refused),
        last_at=max((each.last_at for each in scanned if each.last_at is not None), default=None),
    )
