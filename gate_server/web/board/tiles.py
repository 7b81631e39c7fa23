"""One tile for each gate of the board, those where something is wrong first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from admission.alarm_bars import AlarmBars
from admission.alarms import AlarmKind
from admission.messages import Messages, Sentence
from admission.scans import GateState
from admission.verdicts import Reason
from admission.wire_crowd import CrowdAnswer, CrowdGate
from admission.wire_staff import DeviceStats, GateStats
from gate_server.alarm_words import AlarmView

# A scanner beats every ten seconds, and each second while it looks for the server.
SILENT_S: Final = 30
# What a gate's transaction may take (FACTS.md, crowds).
SLOW_ANSWER_MS: Final = 500
LOW_BATTERY: Final = 15
# A gate is slow at less than this share of the best that it kept up, while so many wait for it.
SLOW_SHARE: Final = 0.5
QUEUES_FROM: Final = 20
SPARK_HEIGHT: Final = 20
MOST_REASONS: Final = 3
_OF_GATES: Final = frozenset({AlarmKind.GATE_SILENT, AlarmKind.GATE_REFUSALS})


@dataclass(frozen=True, slots=True)
class Stopped:
    """One reason for which people were not let in, and how many scans it answered."""

    name: Sentence
    scans: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong at a gate.

    Attributes:
        kind: which sentence says it (`part_gates.html`).
        weight: how much it matters; the gate with the heaviest is shown first.
        number: what the sentence counts; `of` how many there are in all.
        name: what an alarm or a turnstile says by itself.
    """

    kind: str
    weight: int
    number: int = 0
    of: int = 0
    name: Sentence | None = None


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A scanner on the board.

    Attributes:
        device: what it says itself, but for what stands here beside it, coarser.
        silent_s: since its last word; None before the first.
        silent: so long that what it said may not be so any more.
        replica_min: age of its replica.
        battery: per cent; None: it has none, or has not said.
    """

    device: DeviceStats
    silent_s: int | None
    silent: bool
    replica_min: int | None
    battery: int | None

    @property
    def low(self) -> bool:
        """Whether it may go out soon."""
        return self.battery is not None and self.battery < LOW_BATTERY


@dataclass(frozen=True, slots=True)
class Tile:
    """A gate on the board.

    Attributes:
        troubles: what is wrong, the heaviest first.
        reasons: of scans that let nobody in, the most frequent first; `more` scans of the others.
        calls_waiting: people who wait here for a human.
        pace: people a minute lately; `best` is what the gate has kept up.
        spark: people a minute of the last hour, an SVG path 60 wide; `peak` the most of them.
        evacuated: nobody enters here, whatever the gate's own state is; that counts afterwards.
    """

    gate: GateStats
    troubles: tuple[Trouble, ...]
    reasons: tuple[Stopped, ...]
    more: int
    devices: tuple[DeviceRow, ...]
    calls_waiting: int
    pace: float
    best: float | None
    p50_ms: int | None
    p95_ms: int | None
    spark: str
    peak: int
    evacuated: bool

    @property
    def weight(self) -> int:
        """How much is wrong here."""
        return max((each.weight for each in self.troubles), default=0)


@dataclass(frozen=True, slots=True)
class Around:
    """What tiles are drawn with, beside the gates themselves.

    Attributes:
        queues: people who wait, by area, where that is known.
        waiting: calls that wait, by gate.
    """

    now: datetime
    bars: AlarmBars
    messages: Messages
    faults: Mapping[str, Sentence]
    alarms: Sequence[AlarmView]
    crowd: Mapping[str, CrowdGate]
    queues: Mapping[str, int]
    waiting: Counter[str]
    emergency: bool


def queues_of(crowd: CrowdAnswer) -> dict[str, int]:
    """Return how many wait in each area, where that is known."""
    return {each.area: each.waiting for each in crowd.queues if each.waiting is not None}


def make_tiles(gates: Iterable[GateStats], around: Around) -> list[Tile]:
    """Return the tiles, the gate with the worst trouble first, all others in their own order."""
    gates = list(gates)
    most = max((max(gate.per_minute) for gate in gates), default=0)
    tiles = [_tile(gate, around, max(1, most)) for gate in gates]
    return sorted(tiles, key=lambda tile: -tile.weight)


def _tile(gate: GateStats, around: Around, most: int) -> Tile:
    devices = tuple(tell_device(each, around.now) for each in gate.devices)
    flow = around.crowd.get(gate.gate_id)
    reasons = _stopped(gate, around.messages)
    return Tile(
        gate,
        _find_troubles(gate, devices, flow, around),
        reasons[:MOST_REASONS],
        sum(each.scans for each in reasons[MOST_REASONS:]),
        devices,
        around.waiting[gate.gate_id],
        0.0 if flow is None else flow.last_5,
        None if flow is None else flow.best,
        _whole(gate.p50_ms),
        _whole(gate.p95_ms),
        _spark(gate.per_minute, most),
        max(gate.per_minute),
        around.emergency,
    )


def _whole(ms: float | None) -> int | None:
    return None if ms is None else max(1, round(ms))


def _stopped(gate: GateStats, messages: Messages) -> tuple[Stopped, ...]:
    scans = Counter(gate.refused) + Counter(gate.referred) + Counter(gate.waited)
    found = sorted(scans.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Stopped(messages.short(Reason(reason)), count) for reason, count in found)


def tell_device(device: DeviceStats, now: datetime) -> DeviceRow:
    """Return a device's line; it is the same until somebody would see another."""
    silent_s = None
    if device.last_seen_at is not None:
        silent_s = max(0, int((now - device.last_seen_at).total_seconds()))
    # One that is run by hand for each code never beats, so its silence says nothing.
    beats = device.outbox_depth is not None
    age_s, battery = device.replica_age_s, device.battery
    said = replace(device, last_seen_at=None, replica_age_s=None, battery=None, clock_skew_s=None)
    return DeviceRow(
        said,
        _coarse(silent_s),
        silent=beats and silent_s is not None and silent_s > SILENT_S,
        replica_min=None if age_s is None else int(age_s // 60),
        battery=None if battery is None else round(battery),
    )


def _coarse(silent_s: int | None) -> int | None:
    """Return an age as exact as it is told, so that nothing is drawn anew for what nobody sees."""
    if silent_s is None:
        return None
    step_s = 15 if silent_s < 15 else 5 if silent_s < 120 else 60
    return silent_s - silent_s % step_s


def _find_troubles(
    gate: GateStats, devices: Sequence[DeviceRow], flow: CrowdGate | None, around: Around
) -> tuple[Trouble, ...]:
    """Return what is wrong at a gate, the heaviest first."""
    found = [
        *_of_devices([each for each in devices if each.device.state != "revoked"], around),
        *(
            Trouble("alarm", 60 + each.severity.rank, name=each.name)
            for each in around.alarms
            if each.kind in _OF_GATES and each.subject == gate.gate_id
        ),
    ]
    if gate.p95_ms is not None and gate.p95_ms >= SLOW_ANSWER_MS:
        found.append(Trouble("slow_answers", 50, round(gate.p95_ms)))
    if flow is not None and _is_slow(gate, flow, around):
        found.append(Trouble("slow", 45, round(flow.last_15), round(flow.best or 0)))
    if gate.state is not GateState.OPEN:
        found.append(Trouble("closed", 20))
    return tuple(sorted(found, key=lambda each: -each.weight))


def _is_slow(gate: GateStats, flow: CrowdGate, around: Around) -> bool:
    waits = around.queues.get(gate.area, 0) >= QUEUES_FROM
    can_do = flow.best or 0.0
    return waits and gate.state is GateState.OPEN and flow.last_15 < SLOW_SHARE * can_do


def _of_devices(devices: Sequence[DeviceRow], around: Around) -> list[Trouble]:
    bars, found = around.bars, []
    for each in devices:
        if each.device.fault is not None:
            name = around.faults.get(each.device.fault.kind.value)
            found.append(Trouble("fault", 90, name=name))
    silent = sum(each.silent for each in devices)
    if silent:
        beating = sum(each.device.outbox_depth is not None for each in devices)
        found.append(Trouble("silent", 80 if silent == beating else 70, silent, beating))
    suspended = sum(each.device.state == "suspended" for each in devices)
    if suspended:
        found.append(Trouble("suspended", 65, suspended))
    waiting = sum(each.device.outbox_depth or 0 for each in devices)
    if bars.outbox_rows and waiting >= bars.outbox_rows:
        found.append(Trouble("outbox", 40, waiting))
    oldest = max((each.replica_min or 0 for each in devices if not each.silent), default=0)
    if bars.replica_minutes and oldest >= bars.replica_minutes:
        found.append(Trouble("replica", 35, oldest))
    found += [Trouble("battery", 30, each.battery or 0) for each in devices if each.low]
    return found


def _spark(per_minute: Sequence[int], most: int) -> str:
    """Return bars as one path; where nobody came there is none."""
    return "".join(
        f"M{minute} {SPARK_HEIGHT}v-{SPARK_HEIGHT * people / most:.1f}h.8V{SPARK_HEIGHT}z"
        for minute, people in enumerate(per_minute)
        if people
    )
