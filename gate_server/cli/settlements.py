"""`gate-server settle`: a deal's settlement, as text, JSON, CSV or a workbook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from admission.wire_settlement import SettlementAnswer
from gate_server.cli.edge import Command, counted, local, options, show, tell
from gate_server.cli.times import read_time
from gate_server.commands.services import Caller
from gate_server.commands.settlements import Settle
from gate_server.control import connect
from gate_server.settlement_tables import Cells, csv_parts

FILE: Final = click.Path(path_type=Path, dir_okay=False)
_DEAL: Final = click.argument("deal_id", metavar="DEAL")


@click.command("settle", cls=Command)
@_DEAL
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "xlsx"]),
    help="JSON: the figures. CSV and XLSX: a row a voucher with its evidence.",
)
@click.option("--as-of", metavar="TIME", help="The moment to settle at; default now.")
@click.option("--out", type=FILE, help="Where to write it; default standard output.")
def settle(deal_id: str, *, form: str | None, as_of: str | None, out: Path | None) -> None:
    """Settle a deal: who owes whom how much, from what is on record.

    Every voucher is in one class; docs/settlement.md explains each, and how to check the sums.
    """
    with connect(options().data) as caller:
        at = read_time("--as-of", as_of, last=True)
        made = caller.call("settle", Settle(deal_id=deal_id, as_of=at))
        figures = made["settlement"]
        if not figures["balanced"]:
            tell("NOT BALANCED: the rows contradict each other; run `gate-server doctor`")
        if made["unpriced"]:
            tell(f"due a refund without a known price: {counted(made['unpriced'], 'voucher')}")
        if form == "xlsx":
            _write_book(figures, _rows(caller, made["page"]), out)
        elif form == "csv":
            write_parts(csv_parts(_rows(caller, made["page"])), out)
        elif form == "json" or out is not None:
            write_parts([f"{json.dumps(figures, ensure_ascii=False)}\n".encode()], out)
        else:
            show(figures, settlement_text(in_venue_time(figures)))
    if not figures["balanced"]:
        raise click.exceptions.Exit(1)


def _rows(caller: Caller, page: dict[str, Any]) -> Iterator[Cells]:
    after: int | None = -1
    while after is not None:
        made = caller.call("settle page", page | {"after": after})
        yield from made["rows"]
        after = made["after"]


def write_parts(parts: Iterable[bytes], out: Path | None) -> None:
    """Write what was made into a file, or on standard output."""
    if out is None:
        for part in parts:
            click.echo(part, nl=False)
        return

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.writelines(parts)

    write_whole(out, write)


def _write_book(figures: dict[str, Any], rows: Iterator[Cells], out: Path | None) -> None:
    # It takes half a second to load, and no other command needs it.
    from gate_server.settlement_books import write_book

    if out is None:
        raise click.UsageError("a workbook goes into a file: --out FILE")
    answer = msgspec.convert(figures, SettlementAnswer)
    write_whole(out, lambda path: write_book(path, rows, lambda: answer))


def write_whole(out: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, so that a broken-off one never takes it."""
    making = out.with_name(f".{out.name}.making")
    try:
        write(making)
        making.replace(out)
    finally:
        making.unlink(missing_ok=True)
    tell(f"written: {out}")


def money(minor: int, currency: str = "") -> str:
    """Return an amount as people read it; every currency here has two places."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02} {currency}".rstrip()


def in_venue_time(figures: dict[str, Any]) -> dict[str, Any]:
    """Return a settlement with its moment as people at the venue say it."""
    return figures | {"as_of": local(figures["as_of"])}


def settlement_text(figures: dict[str, Any]) -> str:
    """Return a settlement for people."""
    currency, amounts = figures["currency"], figures["amounts_minor"]
    version = figures["void_version"]
    lines = [
        f"deal {figures['deal_id']}, as of {figures['as_of']},"
        + (" no void in force" if version is None else f" void version {version}"),
        f"balanced: {'yes' if figures['balanced'] else 'NO'}",
    ]
    lines += [f"vouchers {_said(name)}: {count}" for name, count in figures["counts"].items()]
    lines += [f"people {_said(name)}: {count}" for name, count in figures["people"].items()]
    lines += [f"{_said(name)}: {money(minor, currency)}" for name, minor in amounts.items()]
    lines.append(f"buyers compensated: {figures['buyers_compensated']}")
    lines.append(f"buyers withheld: {figures['buyers_withheld']}")
    if asked := figures.get("on_request"):
        people = counted(asked["people"], "person", "people")
        whom = f"{people} of {counted(asked['vouchers'], 'voucher')}"
        lines.append(f"given back on request: {whom}, {money(asked['paid_back_minor'], currency)}")
    evidence = ", ".join(f"{_said(name)} {n}" for name, n in figures["evidence"].items())
    return "\n".join([*lines, f"evidence: {evidence}"])


def _said(name: str) -> str:
    return name.replace("_", " ")
