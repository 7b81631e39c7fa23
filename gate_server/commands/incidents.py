"""Commands about incidents: list, show, open, note, acknowledge, close."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from admission.wire_incidents import IncidentRequest
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named
from gate_server.incident_report import make_report
from gate_server.incidents import IncidentDesk
from gate_server.report_pages import write_report
from gate_server.settings import read_report_words


class ListIncidents(Params, frozen=True):
    """Which incidents; `before` is a number, None: from the newest."""

    state: str | None = None
    before: int | None = None


class OpenIncident(Params, frozen=True):
    """An incident that a person has noticed."""

    request: IncidentRequest


class Note(Params, frozen=True):
    """Something for an incident's timeline."""

    incident_id: str
    note: str


class Close(Params, frozen=True):
    """An incident that is over, and what came of it."""

    incident_id: str
    summary: str


class Report(Params, frozen=True):
    """An incident to report on, and in which languages."""

    incident_id: str
    languages: list[Literal["zh", "en"]]


def list_incidents(services: Services, params: ListIncidents) -> dict[str, Any]:
    """List a page of incidents, the newest first."""
    return _built(_desk(services).page(params.state, params.before))


def show_incident(services: Services, params: Named) -> dict[str, Any]:
    """Show an incident with its timeline, its calls and its request to the platform."""
    return _built(_desk(services).show(params.name))


def open_incident(services: Services, params: OpenIncident) -> dict[str, Any]:
    """Open an incident."""
    return _built(_desk(services).open(params.request, by=services.by))


def note_incident(services: Services, params: Note) -> dict[str, Any]:
    """Add to a timeline."""
    return _built(_desk(services).note(params.incident_id, params.note, by=services.by))


def acknowledge_incident(services: Services, params: Named) -> dict[str, Any]:
    """Say that one sees to it."""
    return _built(_desk(services).acknowledge(params.name, by=services.by))


def close_incident(services: Services, params: Close) -> dict[str, Any]:
    """End an incident."""
    return _built(_desk(services).close(params.incident_id, params.summary, by=services.by))


def report_incident(services: Services, params: Report) -> dict[str, str]:
    """Write the after-action report; return the text of each file by the end of its name."""
    made = make_report(services.ledger, services.settings, params.incident_id)
    words = read_report_words()
    written = (write_report(made, words, language) for language in params.languages)
    return {name: text for files in written for name, text in files.items()}


def _desk(services: Services) -> IncidentDesk:
    return IncidentDesk(services.ledger, services.settings)


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "incident list": Command(ListIncidents, list_incidents),
    "incident show": Command(Named, show_incident),
    "incident open": Command(OpenIncident, open_incident),
    "incident note": Command(Note, note_incident),
    "incident acknowledge": Command(Named, acknowledge_incident),
    "incident close": Command(Close, close_incident),
    "incident report": Command(Report, report_incident),
}
