"""A venue for alarms: facts of a moment, and a player that steps through them minute by minute."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from admission.alarm_bars import AlarmBars
from admission.alarm_facts import AlarmFacts, DealSurge, DeviceFacts, FeedFacts, GateFacts
from admission.alarm_signs import find_signs
from admission.alarms import Alarm, next_steps
from admission.conduct import Act, Hour, Person
from admission.conduct import Alarm as ConductAlarm
from tests.builders import at

ROOT = Path(__file__).parent.parent
NOON = at("12:00")
MINUTE = timedelta(minutes=1)


def bars(**changes: Any) -> AlarmBars:
    """Return the packaged bars, some of them changed."""
    packaged = tomllib.loads((ROOT / "config/gate.toml").read_text("utf-8"))["alarms"]
    return AlarmBars(**(packaged | changes))


def facts(**changes: Any) -> AlarmFacts:
    """Return an ordinary noon at which nothing is amiss."""
    started_at = at("08:00")
    return AlarmFacts(
        **({"now": NOON, "day_from": at("00:00"), "started_at": started_at} | changes)
    )


def a_gate(gate_id: str = "G1", **changes: Any) -> GateFacts:
    """Return a gate that lets two people a minute in."""
    fields = {"lately": 30, "before": 120, "refused_lately": 1, "refused_before": 4}
    return GateFacts(**({"gate_id": gate_id, "last_at": NOON} | fields | changes))


def a_device(device_id: str = "D1", **changes: Any) -> DeviceFacts:
    """Return a device that has just spoken."""
    return DeviceFacts(**({"device_id": device_id, "seen_at": NOON, "beat_at": NOON} | changes))


class Player:
    """Plays looks at a venue and keeps what stands, as the ledger does.

    Attributes:
        told: what every look brought: `raised capacity`, `rose`, `fell`, `cleared`.
    """

    def __init__(self, limits: AlarmBars | None = None) -> None:
        self.bars = limits or bars()
        self.standing: dict[int, Alarm] = {}
        self.told: list[str] = []
        self._calm: Any = {}
        self._numbers = count(1)

    def look(self, seen: AlarmFacts) -> list[str]:
        """Look once; return what that brought."""
        names = frozenset(alarm.name for alarm in self.standing.values())
        signs = find_signs(replace(seen, standing=names), self.bars)
        steps = next_steps(
            self.standing.values(), signs, self._calm, seen.now, calm_for=self.bars.calm_for
        )
        self._calm = steps.calm
        told = []
        for sign in steps.raised:
            told.append(f"raised {sign.kind} {sign.subject} {sign.severity}".replace("  ", " "))
            self._keep(next(self._numbers), sign, sign.severity, seen)
        for alarm, sign in steps.rose:
            told.append(f"rose {sign.kind} {sign.severity}")
            self._keep(alarm.alarm_id, sign, sign.severity, seen)
        for alarm, sign in steps.fell:
            told.append(f"fell {sign.kind} {sign.keeps}")
            self._keep(alarm.alarm_id, sign, sign.keeps, seen)
        for alarm in steps.cleared:
            told.append(f"cleared {alarm.kind}")
            del self.standing[alarm.alarm_id]
        self.told += told
        return told

    def restart(self) -> None:
        """Forget what only the memory of a process holds."""
        self._calm = {}

    def minutes(self, first: AlarmFacts, of: int, **changes: Any) -> list[str]:
        """Look each half minute for a while at facts that do not change but for the time."""
        told = []
        for step in range(2 * of + 1):
            told += self.look(replace(first, now=first.now + step * MINUTE / 2, **changes))
        return told

    def _keep(self, alarm_id: int, sign: Any, severity: Any, seen: AlarmFacts) -> None:
        self.standing[alarm_id] = Alarm(
            alarm_id=alarm_id,
            kind=sign.kind,
            subject=sign.subject,
            severity=severity,
            raised_at=seen.now,
            rose_at=seen.now,
            seen_at=seen.now,
            figure=sign.figure,
            worst=sign.figure,
            bar=sign.bar,
        )


# --- one case a kind ---------------------------------------------------------------------------

MIB = 1 << 20


def ago(minutes):
    return NOON - minutes * MINUTE


def devices(number, **changes):
    return tuple(a_device(f"D{each}", **changes) for each in range(number))


def an_hour(acts=16):
    hour = Hour(Act.OVERRIDE, Person("account", "anne"), at("11:00"), acts, acts)
    return ConductAlarm(hour, 4.0)


def quiet_gate(minutes, **changes):
    """A busy gate that fell silent, beside one that goes on."""
    return (a_gate("G1", last_at=ago(minutes), lately=8, **changes), a_gate("G2"))


# What is well, what is still near the bar (None: there is no near), what is beyond it, and how.
CASES = {
    "capacity": (
        {"limit": 1000, "inside": 700},
        {"limit": 1000, "inside": 785},
        {"limit": 1000, "inside": 800},
        "notice",
    ),
    "wait": ({"wait_minutes": 20}, {"wait_minutes": 25}, {"wait_minutes": 30}, "warning"),
    "calls_old": ({}, {"calls": (ago(4.5),)}, {"calls": (ago(6), ago(1))}, "warning"),
    "calls_many": (
        {"calls": (ago(1),) * 7},
        {"calls": (ago(1),) * 8},
        {"calls": (ago(1),) * 10},
        "warning",
    ),
    "gate_silent": (
        {"gates": (a_gate("G1"), a_gate("G2"))},
        {"gates": quiet_gate(8)},
        {"gates": quiet_gate(11)},
        "warning",
    ),
    "gate_refusals": (
        {"gates": (a_gate("G1"), a_gate("G2"))},
        {"gates": (a_gate("G1", refused_lately=11), a_gate("G2"))},
        {"gates": (a_gate("G1", refused_lately=25), a_gate("G2"))},
        "warning",
    ),
    "deal_refusals": ({}, None, {"surges": (DealSurge("FLASH", 0.9, 0.03),)}, "notice"),
    "device_gone": (
        {"devices": devices(1)},
        {"devices": devices(1, seen_at=ago(2.5))},
        {"devices": devices(1, seen_at=ago(4))},
        "warning",
    ),
    "replica_old": (
        {"devices": devices(1, replica_age_s=60.0)},
        {"devices": devices(1, replica_age_s=1500.0)},
        {"devices": devices(1, replica_age_s=1900.0)},
        "notice",
    ),
    "outbox_deep": (
        {"devices": devices(1, outbox_depth=20)},
        {"devices": devices(1, outbox_depth=90)},
        {"devices": devices(1, outbox_depth=120)},
        "notice",
    ),
    "device_clock": (
        {"devices": devices(1, offset_s=-60.0)},
        {"devices": devices(1, offset_s=-110.0)},
        {"devices": devices(1, offset_s=-130.0)},
        "notice",
    ),
    "clock": ({"devices_off": 2}, None, {"devices_off": 3}, "critical"),
    "feed_old": (
        {"feeds": (FeedFacts(platform="lvtu", heard_at=ago(1)),)},
        {"feeds": (FeedFacts(platform="lvtu", heard_at=ago(9)),)},
        {"feeds": (FeedFacts(platform="lvtu", heard_at=ago(11)),)},
        "warning",
    ),
    "feed_failing": (
        {"feeds": (FeedFacts(platform="lvtu", heard_at=NOON, failures=2),)},
        None,
        {"feeds": (FeedFacts(platform="lvtu", heard_at=NOON, failures=3),)},
        "warning",
    ),
    "redemptions_late": (
        {},
        {"redemptions": {"lvtu": ago(4.5)}},
        {"redemptions": {"lvtu": ago(6)}},
        "warning",
    ),
    "disk": (
        {"disk_free_bytes": 2000 * MIB},
        {"disk_free_bytes": 1100 * MIB},
        {"disk_free_bytes": 1000 * MIB},
        "warning",
    ),
    "reserve_gone": ({}, None, {"reserve_there": False}, "critical"),
    "audit": ({}, None, {"broken_at": 4711}, "critical"),
    "heads_unsigned": (
        {},
        {"unsigned_since": ago(22 * 60)},
        {"unsigned_since": ago(27 * 60)},
        "warning",
    ),
    "overrides": ({}, None, {"conduct": (an_hour(),)}, "notice"),
    "duty_failing": ({"duty_failures": 2}, None, {"duty_failures": 3}, "warning"),
    "streams_full": (
        {"streams": 100, "most_streams": 224},
        {"streams": 200, "most_streams": 224},
        {"streams": 224, "most_streams": 224},
        "notice",
    ),
}
