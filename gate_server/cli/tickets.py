"""`gate-server ticket`: list, reprint, annul."""

from __future__ import annotations

from pathlib import Path

import click

from gate_server.cli.edge import Group, listing, options, show
from gate_server.cli.pictures import png_qr
from gate_server.commands.tickets import AnnulTickets, ListTickets, Reprint
from gate_server.control import call
from gate_server.key_files import write_durably

_OPERATOR = click.option("--operator", metavar="NUMBER", help="Who does it at the desk.")
_REASON = click.option("--reason", required=True, help="Why, for the record.")


@click.group("ticket", cls=Group)
def ticket() -> None:
    """Paper tickets of the exchange desk: what a voucher was exchanged for.

    TICKET is a ticket's name, as T1-57 is; it is printed on it and admits nobody.
    """


@ticket.command("list")
@click.argument("code", metavar="CODE")
def ticket_list(code: str) -> None:
    """List the tickets of a voucher, by its code or by one of theirs."""
    found = call(options().data, "ticket list", ListTickets(code=code))
    columns = ("ticket", "person", "state", "device_id", "nonce")
    show(found, listing(found, columns) or "this voucher was not exchanged for tickets")


@ticket.command("reprint")
@click.argument("name", metavar="TICKET")
@_REASON
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PNG to make; whoever has it has the ticket.",
)
@_OPERATOR
def ticket_reprint(name: str, reason: str, out: Path, operator: str | None) -> None:
    """Put a new ticket in the place of one that let nobody in; the first is dead.

    At the desk itself, `scanner-client reprint` prints the new one at once.
    """
    if out.exists():
        raise click.UsageError(f"{out} is there already")
    params = Reprint(ticket=name, reason=reason, operator=operator)
    made = call(options().data, "ticket reprint", params)
    write_durably(out, png_qr(made.pop("code")), replace=False)
    show(
        made | {"file": str(out)},
        f"{made['ticket']} (...{made['tail']}) is in {out}; {name} is dead",
    )


@ticket.command("annul")
@click.argument("name", metavar="TICKET")
@_REASON
@click.option("--people", type=click.IntRange(1, 99), help="How many tickets of the row, in all.")
@_OPERATOR
def ticket_annul(name: str, reason: str, people: int | None, operator: str | None) -> None:
    """Take back the exchange that TICKET belongs to; its people are on the voucher again.

    Tickets that let somebody in stay good: then name with --people how many of the row to take
    back. The last of the row go first.
    """
    params = AnnulTickets(ticket=name, reason=reason, people=people, operator=operator)
    made = call(options().data, "ticket annul", params)
    show(made, f"voucher ...{made['tail']}: tickets taken back; {made['remaining']} left on it")
