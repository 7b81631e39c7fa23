"""Commands for figures over days, and for the search in the audit."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.wire_figures import By
from gate_server.audit_search import read_bound, search_audit
from gate_server.commands.services import Command, Params, Services
from gate_server.figures import make_deal_figures, make_gate_figures, read_days
from gate_server.ledger.audit_list import AuditSearch


class Figures(Params, frozen=True):
    """Venue days; without `first` the last one, without it today."""

    first: str | None = None
    last: str | None = None
    by: By = "day"


class AuditList(Params, frozen=True):
    """What is looked for in the audit; None: whatever it is."""

    since: str | None = None
    until: str | None = None
    event: str | None = None
    by: str | None = None
    subject: str | None = None
    before: int | None = None


def figure_days(services: Services, params: Figures) -> tuple[str, str]:
    """Return the first and last venue day that are meant, for who asks for them in parts."""
    days = read_days(services.ledger, params.first, params.last, params.by)
    return days.first.isoformat(), days.last.isoformat()


def gate_figures(services: Services, params: Figures) -> Any:
    """Tell what each gate did."""
    days = read_days(services.ledger, params.first, params.last, params.by)
    return msgspec.to_builtins(make_gate_figures(services.ledger, days))


def deal_figures(services: Services, params: Figures) -> Any:
    """Tell what was scanned of each deal."""
    days = read_days(services.ledger, params.first, params.last, params.by)
    return msgspec.to_builtins(make_deal_figures(services.ledger, days))


def audit_list(services: Services, params: AuditList) -> Any:
    """List what was done, a page of it; whoever runs commands may see what an admin may."""
    venue = services.ledger.venue
    asked = AuditSearch(
        since=read_bound(venue, "--from", params.since, last=False),
        until=read_bound(venue, "--until", params.until, last=True),
        event=params.event,
        by=params.by,
        subject=params.subject,
        before=params.before,
    )
    return msgspec.to_builtins(search_audit(services.ledger, asked, admin=True))


COMMANDS: dict[str, Command[Any]] = {
    "figures days": Command(Figures, figure_days),
    "figures gates": Command(Figures, gate_figures),
    "figures deals": Command(Figures, deal_figures),
    "audit list": Command(AuditList, audit_list),
}
