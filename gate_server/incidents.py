"""The use case of incidents: open, list, show, note, acknowledge, close; for calls and commands."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec.structs import replace

from admission.broadcasts import checked_text
from admission.duty import next_ring
from admission.errors import Fault, FeedRejected, InvalidInput
from admission.incidents import (
    OPENED_BY_PEOPLE,
    Entry,
    EntryKind,
    Figures,
    Incident,
    NewIncident,
)
from admission.messages import Sentence
from admission.row_values import needed
from admission.scans import Device
from admission.wire_incidents import (
    LONGEST_SUMMARY,
    DutyCallAnswer,
    EntryAnswer,
    FiguresAnswer,
    IncidentAnswer,
    IncidentDetail,
    IncidentRequest,
    IncidentsAnswer,
    StopSaleAnswer,
)
from admission.wire_notices import Said, WhyCard, WhyTerms
from admission.wire_surges import SurgeAnswer
from gate_server.help_calls import read_call
from gate_server.ledger import incidents
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.duty import DutyCall
from gate_server.ledger.help_calls import open_once
from gate_server.ledger.incident_records import get_record, list_incidents
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import StopSale
from gate_server.ledger.trails import gather
from gate_server.settings import Settings, read_incident_words

STATES: Final = ("open", "closed")


class IncidentDesk:
    """Where incidents are handled.

    Args:
        settings: when the venue opens, for the call before it.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._words = read_incident_words(ledger.venue)

    def open(
        self, request: IncidentRequest, *, by: str, device: Device | None = None
    ) -> IncidentDetail:
        """Open an incident that a person has noticed; the same nonce again is the same one.

        Args:
            device: at which somebody calls for help; it is told nothing of who is called.

        Raises:
            InvalidInput: a kind that opens by itself, a gate or a deal that there is not, a text
                that cannot be shown.
        """
        if device is not None:
            incident = read_call(request, device, self._ledger)
        else:
            incident = self._read(request, by)
        now = self._ledger.clock()
        incident_id = self._change(
            lambda tx: open_once(tx, incident, request.nonce, by=by, now=now)
        )
        shown = self.show(incident_id)
        return shown if device is None else replace(shown, calls=[])

    def _read(self, request: IncidentRequest, by: str) -> NewIncident:
        catalogue = self._ledger.catalogue
        if request.kind not in OPENED_BY_PEOPLE:
            known = ", ".join(sorted(OPENED_BY_PEOPLE))
            raise InvalidInput("kind", f"opens by itself; people open {known}", Fault.CHOICE)
        if request.gate_id is not None and request.gate_id not in catalogue.gates:
            raise InvalidInput(
                "gate_id", f"no gate {request.gate_id}", Fault.UNKNOWN, request.gate_id
            )
        deal = None if request.deal_id is None else catalogue.deal(request.deal_id)
        if request.deal_id is not None and deal is None:
            raise InvalidInput(
                "deal_id", f"no deal {request.deal_id}", Fault.UNKNOWN, request.deal_id
            )
        if request.called_at is not None:
            raise InvalidInput(
                "called_at", "is for devices that could not send at once", Fault.OUT_OF_PLACE
            )
        self._check_closed(request.follows)
        title = checked_text("title", request.title or "")
        return NewIncident(
            kind=request.kind,
            subject=f"opened by {by}: {request.nonce or secrets.token_hex(8)}",
            title_zh=title,
            title_en=title,
            deal_no=None if deal is None else deal.deal_no,
            platform=None if deal is None else deal.platform,
            gate_id=request.gate_id,
            follows=request.follows,
            note="" if request.note is None else checked_text("note", request.note),
        )

    def _check_closed(self, follows: str | None) -> None:
        """Check that an incident may be gone on from: what is closed stays so."""
        if follows is None:
            return
        before = self._ledger.read(lambda db: incidents.find_incident(db, follows))
        if before is None or before.open:
            told = "is still open" if before is not None else f"no incident {follows}"
            raise InvalidInput("follows", told, Fault.STILL_OPEN, follows)

    def note(self, incident_id: str, text: str, *, by: str) -> IncidentDetail:
        """Add to a timeline, a closed one too: the rest often comes to light later.

        Raises:
            NotFound: there is no such incident.
        """
        told, now = checked_text("note", text), self._ledger.clock()
        self._change(
            lambda tx: incidents.note_incident(
                tx, incident_id, EntryKind.NOTED, told, by=by, now=now
            )
        )
        return self.show(incident_id)

    def acknowledge(self, incident_id: str, *, by: str) -> IncidentDetail:
        """Say that one sees to it; the calls about it end until it asks again.

        Raises:
            NotFound, LedgerConflict: `incident-closed`.
        """
        now = self._ledger.clock()
        self._change(lambda tx: incidents.acknowledge(tx, incident_id, by=by, now=now))
        return self.show(incident_id)

    def close(self, incident_id: str, summary: str, *, by: str) -> IncidentDetail:
        """End an incident with what came of it.

        Raises:
            NotFound, LedgerConflict: `incident-closed`, `decision-awaited`.
        """
        told, now = _checked_summary(summary), self._ledger.clock()
        self._change(
            lambda tx: incidents.close_incident(tx, incident_id, summary=told, by=by, now=now)
        )
        return self.show(incident_id)

    def page(self, state: str | None, before: int | None) -> IncidentsAnswer:
        """Return a page of incidents, the newest first.

        Args:
            state: `open` or `closed`; None: both.
        """
        if state is not None and state not in STATES:
            raise InvalidInput("state", f"is one of {', '.join(STATES)}", Fault.CHOICE)
        is_open = None if state is None else state == "open"
        found, more = self._ledger.read(
            lambda db: list_incidents(db, is_open=is_open, before=before)
        )
        return IncidentsAnswer(
            incidents=[IncidentAnswer(**self._fields(*each)) for each in found],
            next=found[-1][0].number if more else None,
        )

    def show(self, incident_id: str) -> IncidentDetail:
        """Return an incident with all that is on record of it.

        Raises:
            NotFound: there is no such incident.
        """
        now = self._ledger.clock()
        found = self._ledger.read(lambda db: get_record(db, incident_id))
        entries = self._ledger.read(lambda db: gather(db, found.incident, found.entries, now=now))
        venue, opens_at = self._ledger.venue, self._settings.duty.opens
        next_at = next_ring(found.incident, found.rung_at, now, venue=venue, opens_at=opens_at)
        nobody = not self._ledger.catalogue.duty.contacts
        return IncidentDetail(
            **self._fields(found.incident, entries),
            calls=[_call(name, each) for name, each in found.calls],
            next_ring_at=next_at,
            nobody_called=nobody and next_at is not None,
            stop_sale=None if found.request is None else _stop_sale(found.request),
        )

    def _change(self, work: Callable[[Session], Any]) -> Any:
        return self._ledger.write(work, alone=True, urgent=True)

    def _fields(self, incident: Incident, entries: list[Entry]) -> dict[str, Any]:
        state: Literal["open", "closed"] = "open" if incident.open else "closed"
        return {
            "incident_id": incident.incident_id,
            "number": incident.number,
            "kind": incident.kind,
            "name": _said(self._words.kind(incident.kind)),
            "title": Said(zh=incident.title_zh, en=incident.title_en),
            "state": state,
            "opened_at": incident.opened_at,
            "opened_by": incident.opened_by,
            "deal_id": deal_id_of(incident, self._ledger.catalogue),
            "platform": incident.platform,
            "gate_id": incident.gate_id,
            "device_id": incident.device_id,
            "figures": None if incident.figures is None else _figures(incident.figures),
            "surge": surge_of(incident, self._ledger.catalogue),
            "called_at": incident.called_at,
            "follows": incident.follows,
            "awaits_decision": incident.awaits_decision,
            "decision": incident.decision,
            "decided_at": incident.decided_at,
            "acknowledged_at": incident.acknowledged_at,
            "acknowledged_by": incident.acknowledged_by,
            "closed_at": incident.closed_at,
            "closed_by": incident.closed_by,
            "summary": incident.summary,
            "timeline": [self._entry(each) for each in entries],
        }

    def _entry(self, entry: Entry) -> EntryAnswer:
        return EntryAnswer(
            at=entry.at,
            kind=entry.kind,
            says=_said(self._words.entry(entry.kind)),
            by=entry.by,
            text=entry.text,
            refs=entry.refs,
        )


def deal_id_of(incident: Incident, catalogue: Catalogue) -> str | None:
    """Return the deal that an incident is about, by its platform's name for it."""
    deal = None if incident.deal_no is None else catalogue.deals.get(incident.deal_no)
    return None if deal is None else deal.deal_id


def surge_of(incident: Incident, catalogue: Catalogue) -> SurgeAnswer | None:
    """Return the card of a deal that surges, as of the last look."""
    told, deal = incident.surge, catalogue.deals.get(incident.deal_no or 0)
    if told is None or deal is None:
        return None
    terms = None
    if told.honour is not None:
        terms = WhyTerms(
            arrived_from=told.honour.arrived_from,
            arrived_by=told.honour.arrived_by,
            admit_until=told.honour.admit_until,
            max_people=told.honour.max_people,
            cost_bearer=told.cost_bearer or "",
        )
    card = WhyCard(
        deal_id=deal.deal_id,
        title=deal.title,
        state=told.state,
        since=told.state_since,
        sold=told.sold,
        people_sold=told.people_sold,
        used=told.used,
        still_to_come_today=told.still_to_come,
        share_of_scans=told.share_of_scans,
        refused=told.refused,
        terms=terms,
        say=Said(zh=told.say_zh, en=told.say_en),
    )
    figures = {name: getattr(told, name) for name in ("since", "count", "share", "before")}
    return SurgeAnswer(measure=told.measure, card=card, **figures)


def _checked_summary(summary: str) -> str:
    try:
        return needed({"summary": summary}, "summary", LONGEST_SUMMARY)
    except FeedRejected as error:
        raise error.as_input() from error


def _said(sentence: Sentence) -> Said:
    return Said(zh=sentence.zh, en=sentence.en)


def _figures(figures: Figures) -> FiguresAnswer:
    return FiguresAnswer(
        what=Said(zh=figures.what_zh, en=figures.what_en),
        since=figures.since,
        until=figures.until,
        vouchers=figures.vouchers,
        people=figures.people,
        paid_minor=figures.paid_minor,
        face_minor=figures.face_minor,
        currency=figures.currency,
        lowest_minor=figures.lowest_minor,
        face_price_minor=figures.face_price_minor,
        quota=figures.quota,
    )


def _call(name: str, call: DutyCall) -> DutyCallAnswer:
    return DutyCallAnswer(
        contact=name,
        ring=call.ring,
        rung_at=call.rung_at,
        state=call.state.value,
        tries=call.tries,
        problem=call.problem,
    )


def _stop_sale(request: StopSale) -> StopSaleAnswer:
    return StopSaleAnswer(
        request_id=request.request_id,
        platform=request.platform,
        text=_said(request.text),
        written_at=request.written_at,
        state=request.state.value,
        tries=request.tries,
        taken_at=request.taken_at,
        problem=request.problem,
    )
