"""Pages about incidents: what is open, one with its timeline, its report to take away."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Response

from admission.errors import NotFound
from admission.report_words import LANGUAGES
from gate_server.incident_report import make_report
from gate_server.incidents import IncidentDesk
from gate_server.report_pages import tell_refs, write_report
from gate_server.settings import read_report_words
from gate_server.web.board.languages import language, lazy_gettext
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show

incidents: Final = Section("incidents")

_TYPES: Final = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8"}


@incidents.page("/incidents", who=READERS, title=lazy_gettext("Incidents"))
def show_incidents(visit: Visit) -> Shown:
    """List what is open, the latest of what is closed below."""
    desk, before = _desk(visit), visit.query.get("before", "")
    closed = desk.page("closed", int(before) if before.isascii() and before.isdecimal() else None)
    found = desk.page("open", None).incidents
    return show(
        "incidents.html",
        opened=sorted(found, key=lambda each: (each.acknowledged_at is not None, -each.number)),
        closed=closed,
        later=bool(before),
        may=visit.may(LEADERS),
    )


@incidents.page("/incidents/<incident_id>", who=READERS)
def show_one_incident(visit: Visit) -> Shown:
    """Show an incident with its timeline, whom it calls and what can be done."""
    found = _desk(visit).show(visit.args["incident_id"])
    gates = visit.services.ledger.catalogue.gates
    names = {gate.gate_id: gate.name for gate in gates.values()}
    return show(
        "incident.html",
        found=found,
        gates=gates,
        about=partial(tell_refs, read_report_words(), language(), gates=names),
        files=[f"{each}.{end}" for each in LANGUAGES for end in _TYPES],
        may=visit.may(LEADERS),
    )


@incidents.page("/incidents/<incident_id>/report/<name>", who=READERS)
def take_report(visit: Visit) -> Shown:
    """Hand out the after-action report as a file: to be printed, or to be edited."""
    name, incident_id = visit.args["name"], visit.args["incident_id"]
    wanted, _, end = name.partition(".")
    if wanted not in LANGUAGES or end not in _TYPES:
        raise NotFound(f"no report {name[:40]}")
    services = visit.services
    made = make_report(services.ledger, services.settings, incident_id)
    text = write_report(made, read_report_words(), wanted)[name]
    attached = f'attachment; filename="incident-{incident_id}.{name}"'
    return Response(text, content_type=_TYPES[end], headers={"Content-Disposition": attached})


def _desk(visit: Visit) -> IncidentDesk:
    return IncidentDesk(visit.services.ledger, visit.services.settings)
