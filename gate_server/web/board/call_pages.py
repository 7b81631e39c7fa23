"""The page of calls: everybody who waits for a human, whoever waits longest first."""

from __future__ import annotations

from typing import Final

from gate_server.web.board.call_rows import make_call_rows, say_called
from gate_server.web.board.pages import LEADERS, STAFF, Section, Shown, Visit, show
from gate_server.web.callers import Role
from gate_server.web.stats import make_stats

calls: Final = Section("calls")


@calls.page("/calls", who=STAFF | {Role.AUDITOR})
def show_calls(visit: Visit) -> Shown:
    """List all who wait; the board shows only those that wait longest."""
    figures = make_stats(visit.services)
    return show(
        "calls.html",
        calls=make_call_rows(visit.services, figures.calls, figures.now),
        behind=say_called,
        leads=visit.may(LEADERS),
    )
