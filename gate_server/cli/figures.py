"""`gate-server figures gates|deals`: figures over days, as text, JSON, CSV or a workbook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from admission.calendar import Venue
from admission.wire_figures import By, DealFigure, GateFigure
from gate_server.cli.edge import Command, Group, listing, options, show
from gate_server.cli.settlements import FILE, write_parts, write_whole
from gate_server.commands.figures import Figures
from gate_server.commands.services import Caller
from gate_server.control import connect
from gate_server.figure_tables import DEAL_COLUMNS, GATE_COLUMNS, deal_cells, gate_cells
from gate_server.settings import read_settings
from gate_server.settlement_tables import Cells, csv_parts

_STEP: Final = timedelta(days=20)
_HELD: Final = ("day", "from_at", "entered", "persons", "scans", "refused", "referred")


@dataclass(frozen=True, slots=True)
class _Table:
    """One kind of figures: its columns, and how a row of it is written."""

    name: str
    header: Sequence[str]
    cells: Callable[[Any, Venue], Cells]
    row: type[GateFigure] | type[DealFigure]
    key: str


_GATES: Final = _Table("gates", GATE_COLUMNS, gate_cells, GateFigure, "gate_id")
_DEALS: Final = _Table("deals", DEAL_COLUMNS, deal_cells, DealFigure, "deal_id")


@click.group("figures", cls=Group)
def figures() -> None:
    """What gates and deals did over days: people, scans, and why somebody was not let in."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--out", type=FILE, help="Where to write it; default standard output."),
        click.option("--format", "form", type=click.Choice(["json", "csv", "xlsx"])),
        click.option("--by", type=click.Choice(["day", "hour"]), default="day"),
        click.option("--until", "last", metavar="YYYY-MM-DD", help="Last day; default today."),
        click.option("--from", "first", metavar="YYYY-MM-DD", help="First day; default the last."),
    ):
        command = option(command)
    return command


@figures.command("gates", cls=Command)
@_options
def gates(
    first: str | None, last: str | None, *, by: By, form: str | None, out: Path | None
) -> None:
    """Show what each gate did; as a table with a column for each reason."""
    _write(_GATES, Figures(first=first, last=last, by=by), form, out)


@figures.command("deals", cls=Command)
@_options
def deals(
    first: str | None, last: str | None, *, by: By, form: str | None, out: Path | None
) -> None:
    """Show what was scanned of each deal; as a table with a column for each reason."""
    _write(_DEALS, Figures(first=first, last=last, by=by), form, out)


def _write(table: _Table, asked: Figures, form: str | None, out: Path | None) -> None:
    if form == "xlsx" and out is None:
        raise click.UsageError("a workbook goes into a file: --out FILE")
    with connect(options().data) as caller:
        first, last = caller.call("figures days", asked)
        rows = _rows(caller, table, asked, (date.fromisoformat(first), date.fromisoformat(last)))
        if form == "xlsx" and out is not None:
            _write_book(table, rows, out)
        elif form == "csv":
            write_parts(csv_parts(_cells(table, rows), table.header), out)
        elif form == "json" or out is not None:
            write_parts([f"{json.dumps(list(rows), ensure_ascii=False)}\n".encode()], out)
        else:
            shown = list(rows)
            columns = (*_HELD[:2], table.key, *_HELD[2:])
            show(shown, listing(shown, columns) or "nothing was scanned or counted then")


def _rows(
    caller: Caller, table: _Table, asked: Figures, bounds: tuple[date, date]
) -> Iterator[dict[str, Any]]:
    """Yield the figures, asked for some days at a time, so that no message is large."""
    day, last = bounds
    while day <= last:
        until = min(last, day + _STEP - timedelta(days=1))
        part = Figures(first=day.isoformat(), last=until.isoformat(), by=asked.by)
        yield from caller.call(f"figures {table.name}", part)[table.name]
        day = until + timedelta(days=1)


def _cells(table: _Table, rows: Iterator[dict[str, Any]]) -> Iterator[Cells]:
    venue = read_settings(options().data).venue
    for row in rows:
        yield table.cells(msgspec.convert(row, table.row), venue)


def _write_book(table: _Table, rows: Iterator[dict[str, Any]], out: Path) -> None:
    # It takes half a second to load, and no other command needs it.
    from gate_server.figure_books import write_table

    cells = _cells(table, rows)
    write_whole(out, lambda path: write_table(path, table.name, table.header, cells))
