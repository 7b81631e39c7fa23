"""What lies on a supervisor's desk: incidents, conflicts, broadcasts, feeds, deals of the hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admission.broadcasts import rank
from admission.calendar import from_ms
from admission.incidents import Incident
from admission.messages import Sentence
from admission.scans import Gate
from admission.wire_feeds import FeedAnswer
from admission.wire_notices import BroadcastAnswer
from admission.wire_outage import ConflictAnswer
from admission.wire_staff import StatsAnswer
from gate_server.broadcasts import list_all
from gate_server.feed_reports import report_feeds
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.conflicts import list_newest
from gate_server.ledger.deal_hours import hour_of, list_people
from gate_server.ledger.incidents import list_open
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.tallies import HOUR_MS
from gate_server.settings import Settings, read_incident_words

# More of them would push the gates off the screen.
MOST_BROADCASTS: Final = 4
MOST_INCIDENTS: Final = 6
MOST_CONFLICTS: Final = 4
MOST_DEALS: Final = 8
_BADLY: Final = ("failing", "stale", "waiting", "well")
"""States of feeds, the worst first."""
_ORDER: Final = {"held": 0, "voided": 1, "active": 2}


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An open incident, and for how long it has been open."""

    incident: Incident
    kind: Sentence
    title: Sentence
    gate: str
    minutes: int


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """An open conflict: its gates, oldest scan first, and for how long it has been open."""

    conflict: ConflictAnswer
    gates: tuple[str, ...]
    minutes: int


@dataclass(frozen=True, slots=True)
class BroadcastRow:
    """A broadcast in force; `gates` are their names, none: all."""

    told: BroadcastAnswer
    gates: list[str]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """How a feed fares; `minutes` since it was last up to date, None: never."""

    feed: FeedAnswer
    minutes: int | None


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal that people come on, or that is held or voided.

    Attributes:
        people: of this hour and the one before; `share` of all people with a voucher then.
        today: people of this venue day.
    """

    deal_id: str
    title: str
    state: str
    people: int
    share: float
    today: int


@dataclass(frozen=True, slots=True)
class Desk:
    """All of it; `more_*` are those that are not shown.

    Attributes:
        deals_since: from when on the people of the deals are counted.
    """

    incidents: list[IncidentRow]
    more_incidents: int
    conflicts: list[ConflictRow]
    more_conflicts: int
    broadcasts: list[BroadcastRow]
    more_broadcasts: int
    feeds: list[FeedRow]
    deals: list[DealRow]
    deals_since: datetime


def make_desk(
    ledger: Ledger, settings: Settings, figures: StatsAnswer, lookups: dict[int, str]
) -> Desk:
    """Return what is on the desk as of the figures.

    Args:
        lookups: by feed, how the breaker of those stands that are asked for unknown codes.
    """
    now = figures.now
    incidents = _incidents(ledger, now) if figures.incidents_open else []
    conflicts = _conflicts(ledger, now) if figures.conflicts_open else []
    told = [each for each in list_all(ledger).broadcasts if each.state == "in_force"]
    deals, since = _deals(ledger, figures)
    return Desk(
        incidents[:MOST_INCIDENTS],
        max(0, len(incidents) - MOST_INCIDENTS),
        conflicts,
        max(0, figures.conflicts_open - len(conflicts)),
        _broadcasts(told, ledger.catalogue),
        max(0, len(told) - MOST_BROADCASTS),
        _feeds(report_feeds(ledger, settings, lookups)),
        deals,
        since,
    )


def _minutes(since: datetime, now: datetime) -> int:
    return max(0, int((now - since) / timedelta(minutes=1)))


def _incidents(ledger: Ledger, now: datetime) -> list[IncidentRow]:
    """Return the open ones: those that nobody has answered first, of each the newest."""
    words, gates = read_incident_words(ledger.venue), ledger.catalogue.gates
    found = ledger.read(list_open)
    found.sort(key=lambda each: (each.acknowledged_at is not None, -each.number))
    return [
        IncidentRow(
            each,
            words.kind(each.kind),
            Sentence(each.title_zh, each.title_en),
            _name_of(each.gate_id, gates),
            _minutes(each.opened_at, now),
        )
        for each in found
    ]


def _name_of(gate_id: str | None, gates: Mapping[str, Gate]) -> str:
    gate = None if gate_id is None else gates.get(gate_id)
    return gate_id or "" if gate is None else gate.name


def _conflicts(ledger: Ledger, now: datetime) -> list[ConflictRow]:
    gates = ledger.catalogue.gates
    return [
        ConflictRow(
            each,
            tuple(dict.fromkeys(_name_of(scan.gate_id, gates) for scan in each.scans)),
            _minutes(each.opened_at, now),
        )
        for each in ledger.read(lambda db: list_newest(db, MOST_CONFLICTS))
    ]


def _broadcasts(told: list[BroadcastAnswer], catalogue: Catalogue) -> list[BroadcastRow]:
    """Return the most urgent, of those the ones first that have not been shown everywhere."""
    first = sorted(told, key=lambda each: rank(each.priority, each.made_at))[:MOST_BROADCASTS]
    first.sort(key=lambda each: each.unseen == 0)
    return [
        BroadcastRow(each, [_name_of(gate_id, catalogue.gates) for gate_id in each.gates])
        for each in first
    ]


def _feeds(found: list[FeedAnswer]) -> list[FeedRow]:
    found.sort(key=lambda each: (_BADLY.index(each.state), -(each.age_s or 0)))
    return [FeedRow(each, None if each.age_s is None else int(each.age_s // 60)) for each in found]


def _deals(ledger: Ledger, figures: StatsAnswer) -> tuple[list[DealRow], datetime]:
    """Return the deals of this hour and the one before: held ones first, then voided ones."""
    since = from_ms((hour_of(figures.now) - 1) * HOUR_MS)
    lately, catalogue = ledger.read(lambda db: list_people(db, since)), ledger.catalogue
    everybody = max(1, sum(lately.values()))
    today = {each.deal_id: each.people for each in figures.deals_today}
    found = [
        (deal, lately.get(deal.deal_no, 0))
        for deal in (catalogue.deals.get(deal_no) for deal_no in _shown(lately, catalogue))
        if deal is not None and (deal.deal_no in lately or deal.valid_until >= figures.now)
    ]
    rows = [
        DealRow(
            deal.deal_id,
            deal.title,
            _state(catalogue, deal.deal_no),
            people,
            people / everybody,
            today.get(deal.deal_id, 0),
        )
        for deal, people in found
    ]
    rows.sort(key=lambda row: (_ORDER[row.state], -row.people, -row.today, row.deal_id))
    return rows[:MOST_DEALS], since


def _shown(lately: Mapping[int, int], catalogue: Catalogue) -> set[int]:
    return {*lately, *catalogue.holds, *catalogue.voids}


def _state(catalogue: Catalogue, deal_no: int) -> str:
    if deal_no in catalogue.voids:
        return "voided"
    return "held" if deal_no in catalogue.holds else "active"
