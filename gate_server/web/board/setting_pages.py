"""The page of settings: what is in force, what is not as packaged, and what waits for a start."""

from __future__ import annotations

from typing import Final

from gate_server.settings_told import tell_settings
from gate_server.web.board.languages import lazy_gettext
from gate_server.web.board.pages import Section, Shown, Visit, show
from gate_server.web.callers import Role

settings: Final = Section("settings")

TABLES: Final = {
    "venue": lazy_gettext("Venue"),
    "ledger": lazy_gettext("Ledger"),
    "server": lazy_gettext("Server"),
    "limits": lazy_gettext("Limits"),
    "people": lazy_gettext("Operators"),
    "feeds": lazy_gettext("Feeds"),
    "anomalies": lazy_gettext("What is odd in sales"),
    "surges": lazy_gettext("Surges"),
    "duty": lazy_gettext("Duty list"),
    "redemptions": lazy_gettext("Telling platforms who came in"),
    "lookup": lazy_gettext("Asking platforms for codes"),
    "privacy": lazy_gettext("Privacy"),
    "crowd": lazy_gettext("Crowd"),
    "alarms": lazy_gettext("Alarms"),
}


@settings.page(
    "/settings",
    who=frozenset({Role.ADMIN, Role.AUDITOR}),
    title=lazy_gettext("Settings"),
    seldom=True,
)
def show_settings(visit: Visit) -> Shown:
    """Show every setting with its source; it is changed in the file and read at a start."""
    services = visit.services
    told = tell_settings(services.ledger.directory, services.settings)
    return show("settings.html", told=told, tables=TABLES)
