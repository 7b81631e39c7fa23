"""Gather an after-action report of an incident: what it was, what was counted, what is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from admission.calendar import Venue
from admission.incident_words import money
from admission.incidents import EntryKind, Incident, began_at
from admission.scans import Profile
from admission.wire_incidents import EntryAnswer, IncidentDetail
from admission.wire_notices import Said
from admission.wire_settlement import SettlementAnswer
from gate_server.incidents import IncidentDesk
from gate_server.ledger.broadcasts import find_recorded
from gate_server.ledger.incidents import get_incident
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.report_rows import (
    StampRow,
    count_conflicts,
    list_deal,
    list_entered,
    list_left,
    list_quarters,
    list_stamps,
)
from gate_server.ledger.settlements import make_settlement
from gate_server.ledger.void_versions import list_made
from gate_server.report_figures import (
    Queue,
    ReportFigures,
    calls_of,
    chart_bounds,
    chart_day,
    count_all,
    first_stamps,
    quarter_at,
    queue_of,
    rates_of,
    reasons_of,
    verdicts_of,
)
from gate_server.settings import Settings

BEFORE: Final = timedelta(hours=1)
"""So much of what was before an incident began is counted, so that its beginning can be seen."""
MOST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Question:
    """What is still open, by its name in the words; `values` fill its braces."""

    name: str
    values: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """All that a report tells, before it is put into words.

    Attributes:
        cut: the incident lasted longer than what is counted.
        said: broadcasts and notices as they were told, with their time.
        gates: names by id.
    """

    venue_name: str
    calendar: Venue
    made_at: datetime
    incident: IncidentDetail
    deal_title: str | None
    gates: dict[str, str]
    figures: ReportFigures
    cut: bool
    settlement: SettlementAnswer | None
    said: list[tuple[datetime, Said]]
    questions: list[Question]


def make_report(ledger: Ledger, settings: Settings, incident_id: str) -> IncidentReport:
    """Gather the report of an incident, open or closed, from counters and indexed rows.

    Raises:
        NotFound: there is no such incident.
    """
    now = ledger.clock()
    incident = ledger.read(lambda db: get_incident(db, incident_id))
    shown = IncidentDesk(ledger, settings).show(incident_id)
    last = incident.closed_at or now
    first = max(began_at(incident) - BEFORE, last - MOST)
    figures = _figures(ledger, incident, first, last)
    deal = ledger.catalogue.deals.get(incident.deal_no or 0)
    settlement = None if deal is None else make_settlement(ledger, deal.deal_id).answer
    return IncidentReport(
        venue_name=settings.name,
        calendar=ledger.venue,
        made_at=now,
        incident=shown,
        deal_title=None if deal is None else deal.title,
        gates={each.gate_id: each.name for each in ledger.catalogue.gates.values()},
        figures=figures,
        cut=began_at(incident) < first,
        settlement=settlement,
        said=_said(ledger, shown, incident, last),
        questions=_questions(ledger, shown, incident, figures, settlement),
    )


def _figures(ledger: Ledger, incident: Incident, first: datetime, last: datetime) -> ReportFigures:
    devices = ledger.catalogue.devices.values()
    marshals = {each.device_id for each in devices if each.profile is Profile.MARSHAL}
    rows, overrides = ledger.read(lambda db: list_quarters(db, first, last, marshals))
    stamps = ledger.read(lambda db: list_stamps(db, first, last, marshals))
    day = chart_day(rows, ledger.venue, first)
    day_last = ledger.venue.day_bounds(ledger.venue.day_of(day))[1]
    begin, end = chart_bounds(rows, max(first, day), min(last, day_last))
    entered = ledger.read(lambda db: list_entered(db, begin, end))
    outcomes, people, honoured = count_all(rows)
    deal_no, deal = incident.deal_no, []
    if deal_no is not None:
        found = ledger.read(lambda db: list_deal(db, first, last, deal_no, stamps))
        deal = [(quarter_at(quarter), each) for quarter, each in sorted(found.items())]
    conflicts, still_open = ledger.read(lambda db: count_conflicts(db, first, last, deal_no))
    return ReportFigures(
        first=first,
        last=last,
        chart_first=begin,
        chart_last=end,
        rates=rates_of(entered, begin, end),
        quarters=verdicts_of(rows, begin, end),
        deal=deal,
        reasons=reasons_of(rows),
        calls=calls_of(rows),
        queue=_queue(ledger, stamps, begin, last),
        outcomes=outcomes,
        people=people,
        honoured=honoured,
        overrides=overrides,
        conflicts=conflicts,
        open_conflicts=still_open,
    )


def _queue(ledger: Ledger, stamps: list[StampRow], first: datetime, last: datetime) -> Queue | None:
    came = first_stamps(stamps, ledger.venue, last)
    left = ledger.read(lambda db: list_left(db, came))
    stays = [(stamp.at_ms, left_ms) for stamp, left_ms in zip(came, left, strict=True)]
    return queue_of(stays, ledger.venue, first, last)


def _said(
    ledger: Ledger, shown: IncidentDetail, incident: Incident, last: datetime
) -> list[tuple[datetime, Said]]:
    """Return what visitors and lanes were told: broadcasts of its timeline, a void's notices."""
    said = []
    for entry in shown.timeline:
        if entry.kind is EntryKind.BROADCAST:
            find = partial(find_recorded, broadcast_id=str(entry.refs.get("broadcast_id")))
            told = ledger.read(find)
            said.append((entry.at, Said(zh=entry.text, en=told.broadcast.en if told else "")))
    made = ledger.read(lambda db: list_made(db, incident.deal_no or 0))
    notices: dict[tuple[str, str], datetime] = {}
    for void in (each.void for each in made):
        if void.notice is not None and void.committed_at <= last:
            # Who amends a void repeats its notice: that is said once.
            notices.setdefault(void.notice, void.committed_at)
    said += [(at, Said(zh=zh, en=en)) for (zh, en), at in notices.items()]
    return sorted(said, key=lambda each: each[0])


def _questions(
    ledger: Ledger,
    shown: IncidentDetail,
    incident: Incident,
    figures: ReportFigures,
    settlement: SettlementAnswer | None,
) -> list[Question]:
    found = []
    if incident.open:
        found.append(Question("open", {}))
    if incident.deal_no in ledger.catalogue.holds:
        found.append(Question("decision", {}))
    if incident.kind.rings and not _was_answered(shown.timeline):
        found.append(Question("unanswered", {}))
    if figures.open_conflicts:
        found.append(Question("conflicts", {"n": figures.open_conflicts}))
    if settlement is not None:
        found += _of_settlement(settlement, stamped=figures.queue is not None)
    return found


def _was_answered(timeline: list[EntryAnswer]) -> bool:
    return any(entry.kind is EntryKind.ACKNOWLEDGED for entry in timeline)


def _of_settlement(settlement: SettlementAnswer, *, stamped: bool) -> list[Question]:
    amounts, found = settlement.amounts_minor, []
    if settlement.people.honoured and not stamped:
        found.append(Question("unstamped", {"honoured": settlement.people.honoured}))
    if settlement.counts.honour_open:
        found.append(Question("honour_open", {"n": settlement.counts.honour_open}))
    for name, minor in (("disputed", amounts.disputed), ("reverse", amounts.refunds_to_reverse)):
        if minor:
            found.append(Question(name, {"amount": money(minor, settlement.currency)}))
    if not settlement.balanced:
        found.append(Question("unbalanced", {}))
    return found
