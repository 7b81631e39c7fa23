"""What the board shows: the figures of the day, made ready for people with ten seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admission.messages import Sentence
from admission.scans import GateState, Profile
from admission.wire_crowd import CrowdAnswer, write_crowd
from admission.wire_staff import StatsAnswer
from gate_server.alarm_desk import AlarmDesk
from gate_server.alarm_words import AlarmView
from gate_server.handover import FAULTS
from gate_server.settings import read_crowd_words
from gate_server.web.board.call_rows import CallRow, make_call_rows
from gate_server.web.board.desk import Desk, make_desk
from gate_server.web.board.languages import gettext, say
from gate_server.web.board.tiles import Around, Tile, make_tiles, queues_of
from gate_server.web.services import Services
from gate_server.web.stats import count_new, make_stats

# More of them would push the gates off the screen.
MOST_CALLS: Final = 6
MOST_ALARMS: Final = 4
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
class Board:
    """All that the page shows.

    Attributes:
        last_15: persons new to the venue within the last 15 minutes.
        calls_an_hour: calls of the last hour at all gates.
        alarms: the most severe that stand; `more_alarms` are not shown, `more_calls` neither.
        desk: incidents, conflicts, broadcasts, feeds, deals.
    """

    now: datetime
    stats: StatsAnswer
    crowd: CrowdAnswer
    last_15: int
    calls: list[CallRow]
    more_calls: int
    calls_an_hour: int
    alarms: list[AlarmView]
    more_alarms: int
    tiles: list[Tile]
    desk: Desk


def say_state(name: str, state: str) -> str:
    """Say how a gate stands."""
    return gettext("%(gate)s is %(state)s now.", gate=name, state=say(STATES[state]))


def make_board(services: Services) -> Board:
    """Return the board as of now."""
    ledger, figures = services.ledger, make_stats(services)
    crowd = write_crowd(services.crowd.view(), read_crowd_words(ledger.venue))
    # What is on its way down comes last.
    alarms = sorted(AlarmDesk(ledger).standing(), key=lambda alarm: alarm.eases is not None)
    around = Around(
        now=figures.now,
        bars=services.settings.alarms,
        messages=services.answers.messages,
        faults=FAULTS,
        alarms=alarms,
        crowd={each.gate_id: each for each in crowd.gates},
        queues=queues_of(crowd),
        waiting=Counter(call.gate_id for call in figures.calls),
        emergency=figures.emergency,
    )
    return Board(
        figures.now,
        figures,
        crowd,
        last_15=count_new(services, figures.now, 15),
        calls=make_call_rows(services, figures.calls[:MOST_CALLS], figures.now),
        more_calls=max(0, figures.calls_waiting - MOST_CALLS),
        calls_an_hour=sum(gate.calls_last_60min for gate in figures.gates),
        alarms=alarms[:MOST_ALARMS],
        more_alarms=max(0, len(alarms) - MOST_ALARMS),
        tiles=make_tiles(figures.gates, around),
        desk=make_desk(ledger, services.settings, figures, services.read_through.states()),
    )
