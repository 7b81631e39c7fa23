"""The page of figures over days: gates and deals by day or hour, as a chart, a table and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from admission.errors import Fault, InvalidInput
from admission.wire_figures import By, DealFigure, GateFigure
from gate_server.figures import Days, make_deal_figures, make_gate_figures, read_days
from gate_server.screen_charts import Said, column_chart
from gate_server.web.board import counted
from gate_server.web.board.languages import gettext, lazy_gettext
from gate_server.web.board.pages import STAFF, Section, Shown, Visit, show
from gate_server.web.callers import Role

figures: Final = Section("figures")

WHAT: Final = {"gates": lazy_gettext("Gates"), "deals": lazy_gettext("Deals")}
BY: Final = {"day": lazy_gettext("by day"), "hour": lazy_gettext("by hour")}
MOST_COLUMNS: Final = 120


@dataclass(frozen=True, slots=True)
class Total:
    """What one gate or deal did in all the days."""

    key: str
    name: str
    entered: int
    scans: int
    refused: int
    referred: int


@figures.page("/figures", who=STAFF | {Role.AUDITOR}, title=lazy_gettext("Figures"), seldom=True)
def show_figures(visit: Visit) -> Shown:
    """Show days of gates or deals; today by hour where nothing else is asked for."""
    query, ledger = visit.query, visit.services.ledger
    what, by = query.get("what", "gates"), query.get("by", "hour")
    if what not in WHAT or by not in BY:
        raise InvalidInput("what", "gates or deals, by day or by hour", Fault.CHOICE)
    days = read_days(ledger, query.get("from"), query.get("until"), cast(By, by))
    rows: Sequence[GateFigure | DealFigure]
    if what == "gates":
        rows = make_gate_figures(ledger, days).gates
    else:
        rows = make_deal_figures(ledger, days).deals
    asked = {"from": days.first.isoformat(), "until": days.last.isoformat(), "by": by}
    return show(
        "figures.html",
        what=what,
        by=by,
        days=days,
        kinds=WHAT,
        ways=BY,
        chart=_chart(visit, rows, days),
        totals=_totals(rows),
        files={name: {**asked, "format": name} for name in ("csv", "xlsx")},
    )


def _totals(rows: Iterable[GateFigure | DealFigure]) -> list[Total]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 4)
    for row in rows:
        whose = (row.gate_id, row.name) if isinstance(row, GateFigure) else (row.deal_id, row.title)
        for place, value in enumerate((row.entered, row.scans, row.refused, row.referred)):
            sums[whose][place] += value
    found = [Total(*whose, *values) for whose, values in sums.items()]
    return sorted(found, key=lambda each: (-each.entered, each.key))


def _chart(visit: Visit, rows: Sequence[GateFigure | DealFigure], days: Days) -> str:
    """Return columns of all that was asked for, SVG; of more than fit, the newest."""
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0] * 3)
    for row in rows:
        for place, value in enumerate((row.entered, row.refused, row.referred)):
            sums[row.from_at][place] += value
    if not sums:
        return ""
    form = "%m-%d" if days.by == "day" else "%m-%d %H:%M"
    if days.first == days.last and days.by == "hour":
        form = "%H:%M"
    zone: Any = visit.services.ledger.venue.zone
    columns = [(at.astimezone(zone).strftime(form), sums[at]) for at in sorted(sums)]
    people = sum(counts[0] for counts in sums.values())
    return column_chart(
        columns[-MOST_COLUMNS:],
        [gettext("people let in"), gettext("scans refused"), gettext("scans referred")],
        Said(
            gettext("People and scans"),
            gettext("%(people)s let in.", people=counted.people(people)),
        ),
        apart=True,
    )
