"""`gate-server slip`: print, hand-out, list."""

from __future__ import annotations

from pathlib import Path

import click

from admission.attested import MOST_SLIPS
from admission.wire_arrivals import HandoutRequest
from gate_server.cli.edge import Group, listing, local, options, show, tell
from gate_server.cli.times import read_time
from gate_server.commands.attested import HandOut, PrintSlips
from gate_server.control import call
from gate_server.key_files import write_durably
from gate_server.ledger.numbered_slips import NumberedSlip
from gate_server.slip_sheets import write_sheets


@click.group("slip", cls=Group)
def slip() -> None:
    """Numbered slips, printed in advance and handed out at walking pace.

    Whoever shows one at the gate before the voucher arrived when it was handed out.
    """


@slip.command("print")
@click.option("--count", required=True, type=click.IntRange(1, MOST_SLIPS))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PDF to make, ten slips a page; keep it as you keep tickets.",
)
def slip_print(count: int, out: Path) -> None:
    """Print slips with the next numbers; none counts before it was handed out."""
    if out.exists():
        raise click.UsageError(f"{out} is there already")
    made = call(options().data, "slip print", PrintSlips(count=count))
    slips = [NumberedSlip(**each) for each in made["slips"]]
    write_durably(out, write_sheets(slips, made["venue"]), replace=False)
    first, last = slips[0].number, slips[-1].number
    show({"first": first, "last": last, "file": str(out)}, f"slips {first} to {last} are in {out}")


@slip.command("hand-out")
@click.argument("first", type=click.IntRange(0))
@click.argument("last", type=click.IntRange(0))
@click.option("--gate", metavar="ID", required=True, help="The gate whose queue it was.")
@click.option("--at", metavar="TIME", help="By then all were; 16:58 is today; default now.")
@click.option("--operator", metavar="NUMBER", help="Who handed them out.")
def slip_hand_out(
    first: int, last: int, gate: str, *, at: str | None, operator: str | None
) -> None:
    """Record that slips FIRST to LAST were handed out."""
    request = HandoutRequest(
        first=first,
        last=last,
        gate_id=gate,
        handed_at=read_time("--at", at),
        operator=operator,
    )
    made = call(options().data, "slip hand-out", HandOut(request=request))
    if made["warning"]:
        tell(f"note: {made['warning']}")
    show(made, f"slips {first} to {last}: handed out by {local(made['handed_at'])}")


@slip.command("list")
def slip_list() -> None:
    """List what was handed out, the newest first."""
    found = call(options().data, "slip list")
    columns = ("first", "last", "handed_at", "gate_id", "made_by", "operator")
    show(found, listing(found, columns))
