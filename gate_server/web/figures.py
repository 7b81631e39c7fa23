"""Figures over days over HTTP: gates, deals, one gate's day, one deal's sales; as table too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar, cast

from admission.wire_figures import By, CurveAnswer, DealFigures, GateDayAnswer, GateFigures
from gate_server.figure_tables import DEAL_COLUMNS, GATE_COLUMNS, deal_cells, gate_cells
from gate_server.figures import (
    Days,
    make_curve,
    make_deal_figures,
    make_gate_day,
    make_gate_figures,
    read_date,
    read_days,
)
from gate_server.settlement_tables import Cells, csv_parts
from gate_server.web.callers import PARTNERS, STEWARDS
from gate_server.web.operations import Call, Noun, Parameter, Reply
from gate_server.web.settlements import (
    CSV,
    FORMATS,
    XLSX,
    book_parts,
    choice,
    download,
    own_deal,
    read_choice,
)

figures = Noun("figures")

BY: Final = ("day", "hour")
_DAY: Final = {"type": "string", "format": "date"}
_ASKED: Final = (
    *(Parameter("from", _DAY), Parameter("until", _DAY)),
    *(choice("by", BY), choice("format", FORMATS)),
)

T = TypeVar("T", GateFigures, DealFigures)


@figures.operation(
    "GET",
    "/figures/gates",
    who=STEWARDS,
    answer=GateFigures,
    query=_ASKED,
    other_types=(CSV, XLSX),
)
def show_gate_figures(call: Call) -> GateFigures | Reply:
    """Tell what each gate did by day or hour: people, scans, and why somebody was not let in.

    Of the venue days `from` to `until`, by default today; at most 400, by hour 100.
    """
    days, venue = _days(call), call.services.ledger.venue
    made = make_gate_figures(call.services.ledger, days)
    rows = (gate_cells(figure, venue) for figure in made.gates)
    return _written(call, made, f"gates-{_named(days)}", GATE_COLUMNS, rows)


@figures.operation(
    "GET",
    "/figures/deals",
    who=STEWARDS | PARTNERS,
    answer=DealFigures,
    query=_ASKED,
    other_types=(CSV, XLSX),
)
def show_deal_figures(call: Call) -> DealFigures | Reply:
    """Tell what was scanned of each deal by day or hour; to a partner, of its own.

    Of the venue days `from` to `until`, by default today; at most 400, by hour 100.
    """
    days, venue = _days(call), call.services.ledger.venue
    made = make_deal_figures(call.services.ledger, days, platform=call.caller.platform)
    rows = (deal_cells(figure, venue) for figure in made.deals)
    return _written(call, made, f"deals-{_named(days)}", DEAL_COLUMNS, rows)


@figures.operation(
    "GET",
    "/gates/<gate_id>/day",
    who=STEWARDS,
    answer=GateDayAnswer,
    query=(Parameter("day", _DAY),),
)
def show_gate_day(call: Call) -> GateDayAnswer:
    """Tell one gate's venue day by minute, beside its best of all days and its lanes' ceiling."""
    day = read_date("day", call.query.get("day"))
    gate_id, crowd = call.args["gate_id"], call.services.settings.crowd
    an_hour = round(crowd.ceiling(gate_id) * 60)
    return make_gate_day(call.services.ledger, gate_id, day, ceiling_per_lane=an_hour)


@figures.operation(
    "GET",
    "/deals/<deal_id>/curve",
    who=STEWARDS | PARTNERS,
    answer=CurveAnswer,
    query=(choice("by", BY),),
)
def show_curve(call: Call) -> CurveAnswer:
    """Tell when a deal's vouchers were sold and when they were presented, by day or hour.

    Another platform's deal is not there for a partner.
    """
    return make_curve(call.services.ledger, own_deal(call), _by(call))


def _days(call: Call) -> Days:
    query = call.query
    return read_days(call.services.ledger, query.get("from"), query.get("until"), _by(call))


def _by(call: Call) -> By:
    return cast(By, read_choice(call, "by", BY))


def _named(days: Days) -> str:
    return f"{days.by}-{days.first}-{days.last}"


def _written(
    call: Call, made: T, name: str, header: Sequence[str], rows: Iterable[Cells]
) -> T | Reply:
    wanted = read_choice(call, "format", FORMATS)
    if wanted == "json":
        return made
    if wanted == "csv":
        return download(csv_parts(rows, header), CSV, f"{name}.csv")
    # It takes half a second to load, and nobody else here needs it.
    from gate_server.figure_books import write_table

    parts = book_parts(lambda path: write_table(path, name[:5], header, rows))
    return download(parts, XLSX, f"{name}.xlsx")
