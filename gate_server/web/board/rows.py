"""What the board shows: the figures of the day, made ready for people with ten seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from admission.broadcasts import rank
from admission.deals import Deal
from admission.messages import Messages, Sentence
from admission.scans import GateState, Profile
from admission.verdicts import Reason
from admission.wire import FirstUseAnswer
from admission.wire_notices import BroadcastAnswer
from admission.wire_staff import CallAnswer, DeviceStats, GateStats, StatsAnswer
from gate_server.broadcasts import list_all
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.ledger import Ledger
from gate_server.web.services import Services
from gate_server.web.stats import make_stats

# A scanner beats every ten seconds, and each second while it looks for the server.
SILENT_S: Final = 30
# More of them would push the gates off the screen.
MOST_CALLS: Final = 5
MOST_BROADCASTS: Final = 4
STATES: Final[Mapping[str, Sentence]] = {
    GateState.OPEN.value: Sentence("开放", "open"),
    GateState.PAUSED.value: Sentence("暂停", "paused"),
    GateState.EXIT_ONLY.value: Sentence("只出不进", "exit only"),
    "active": Sentence("正常", "active"),
    "suspended": Sentence("已暂停使用", "suspended: look at it"),
    "revoked": Sentence("已停用", "revoked"),
    "held": Sentence("待确认", "on hold"),
    "voided": Sentence("已取消", "voided"),
}
PROFILES: Final[Mapping[str, Sentence]] = {
    Profile.GATE.value: Sentence("检票通道", "lanes"),
    Profile.MARSHAL.value: Sentence("排队疏导员", "marshals"),
    Profile.EXCHANGE.value: Sentence("换票窗口", "exchange desks"),
    Profile.KIOSK.value: Sentence("自助机", "kiosks"),
}


@dataclass(frozen=True, slots=True)
class Stopped:
    """One reason for which people were not let in, and how many scans it answered."""

    name: Sentence
    scans: int


@dataclass(frozen=True, slots=True)
class GateRow:
    """A gate on the board.

    Attributes:
        answer_ms: what 95 of 100 scans were answered within; None where there were none.
        peak: most people within one of the last 60 minutes.
    """

    gate: GateStats
    refused: list[Stopped]
    referred: list[Stopped]
    waited: list[Stopped]
    answer_ms: int | None
    peak: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """Somebody who waits for a human; `elsewhere`: where and when the same code was let in."""

    call: CallAnswer
    gate: str
    device: str
    name: Sentence
    minutes: int
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A scanner on the board.

    Attributes:
        silent_s: since its last word; None before the first.
        silent: so long that what it said may not be so any more.
    """

    gate: str
    device: DeviceStats
    silent_s: int | None
    silent: bool


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal that people came on today, or that is held or voided."""

    deal_id: str
    title: str
    state: str
    people: int
    share: float


@dataclass(frozen=True, slots=True)
class BroadcastRow:
    """A broadcast in force; `gates` are their names, none: all."""

    told: BroadcastAnswer
    made: str
    until: str
    gates: list[str]


@dataclass(frozen=True, slots=True)
class Board:
    """All that the page shows."""

    name: str
    now: datetime
    stats: StatsAnswer
    gates: list[GateRow]
    calls: list[CallRow]
    broadcasts: list[BroadcastRow]
    more_broadcasts: int
    devices: list[DeviceRow]
    deals: list[DealRow]
    most: int


def make_board(services: Services) -> Board:
    """Return the board as of now."""
    figures, ledger = make_stats(services), services.ledger
    messages = services.answers.messages
    told = [each for each in list_all(ledger).broadcasts if each.state == "in_force"]
    return Board(
        services.settings.name,
        figures.now.astimezone(ledger.venue.zone),
        figures,
        gates=[_gate_row(gate, messages) for gate in figures.gates],
        calls=[
            _call_row(call, ledger.catalogue, messages, figures.now.astimezone(ledger.venue.zone))
            for call in figures.calls[:MOST_CALLS]
        ],
        broadcasts=_broadcast_rows(told, ledger, figures.now),
        more_broadcasts=max(0, len(told) - MOST_BROADCASTS),
        devices=[
            _device_row(gate.name, device, figures.now)
            for gate in figures.gates
            for device in gate.devices
        ],
        deals=_deal_rows(figures, ledger.catalogue),
        most=max(chain([1], *(gate.per_minute for gate in figures.gates))),
    )


def _gate_row(gate: GateStats, messages: Messages) -> GateRow:
    return GateRow(
        gate,
        _stopped(gate.refused, messages),
        _stopped(gate.referred, messages),
        _stopped(gate.waited, messages),
        None if gate.p95_ms is None else max(1, round(gate.p95_ms)),
        max(gate.per_minute),
    )


def _stopped(reasons: Mapping[str, int], messages: Messages) -> list[Stopped]:
    found = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return [Stopped(messages.short(Reason(reason)), scans) for reason, scans in found]


def _call_row(call: CallAnswer, catalogue: Catalogue, messages: Messages, now: datetime) -> CallRow:
    gate, device = catalogue.gates.get(call.gate_id), catalogue.devices.get(call.device_id)
    use, elsewhere = call.elsewhere, ""
    if isinstance(use, FirstUseAnswer):
        other = catalogue.gates.get(use.gate_id)
        at = use.at.astimezone(now.tzinfo)
        elsewhere = f"{use.gate_id if other is None else other.name} {at:%H:%M:%S}"
    return CallRow(
        call,
        call.gate_id if gate is None else gate.name,
        call.device_id if device is None else device.name,
        messages.short(call.reason),
        max(0, int((now - call.at).total_seconds() // 60)),
        elsewhere,
    )


def _broadcast_rows(
    told: list[BroadcastAnswer], ledger: Ledger, now: datetime
) -> list[BroadcastRow]:
    gates, venue = ledger.catalogue.gates, ledger.venue
    first = sorted(told, key=lambda each: rank(each.priority, each.made_at))

    def local(at: datetime) -> str:
        form = "%H:%M" if venue.same_day(at, now) else "%m-%d %H:%M"
        return at.astimezone(venue.zone).strftime(form)

    return [
        BroadcastRow(
            each,
            local(each.made_at),
            local(each.expires_at),
            [gates[gate_id].name for gate_id in each.gates if gate_id in gates],
        )
        for each in first[:MOST_BROADCASTS]
    ]


def _device_row(gate: str, device: DeviceStats, now: datetime) -> DeviceRow:
    if device.last_seen_at is None:
        return DeviceRow(gate, device, None, silent=False)
    silent_s = max(0, int((now - device.last_seen_at).total_seconds()))
    # One that is run by hand for each code never beats, so its silence says nothing.
    beats = device.outbox_depth is not None
    return DeviceRow(gate, device, silent_s, silent=beats and silent_s > SILENT_S)


def _deal_rows(figures: StatsAnswer, catalogue: Catalogue) -> list[DealRow]:
    rows = [
        DealRow(each.deal_id, each.title, _state(catalogue, each.deal_id), each.people, each.share)
        for each in figures.deals_today
    ]
    shown = {row.deal_id for row in rows}
    stopped = [catalogue.deals.get(number) for number in (*catalogue.voids, *catalogue.holds)]
    return rows + [
        DealRow(deal.deal_id, deal.title, _state(catalogue, deal.deal_id), 0, 0.0)
        for deal in _once(stopped)
        if deal.deal_id not in shown
    ]


def _once(deals: list[Deal | None]) -> list[Deal]:
    return list({deal.deal_no: deal for deal in deals if deal is not None}.values())


def _state(catalogue: Catalogue, deal_id: str) -> str:
    deal_no = catalogue.deal_nos.get(deal_id)
    if deal_no in catalogue.voids:
        return "voided"
    return "held" if deal_no in catalogue.holds else "active"
