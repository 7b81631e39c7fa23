"""The commands of `scanner-client` about paper: print, reprint, slip, refusal-slip."""

from __future__ import annotations

import click
import msgspec

from admission.wire_tickets import ReprintRequest, SlipRequest
from scanner_client.cli_options import Options, open_named, options
from scanner_client.printer import Printed
from scanner_client.refusals import fetch_refusal

NOT_ALL = 1


@click.command("print")
@click.option("--pending", is_flag=True, help="What waits; this is the default.")
@click.option("--again", is_flag=True, help="Also what may be on paper already: look first.")
@options
@click.pass_context
def print_pending(ctx: click.Context, pending: bool, again: bool) -> None:
    """Print the tickets that wait for the printer."""
    if pending and again:
        raise click.UsageError("give --pending or --again")
    with open_named(ctx.obj) as scanner:
        printed = scanner.print_desk().print_waiting(again=again)
    _tell(ctx.obj, printed)
    if printed.waiting or printed.doubtful:
        ctx.exit(NOT_ALL)


@click.command()
@click.argument("ticket")
@click.option("--reason", required=True, help="Why, for the record.")
@options
@click.pass_obj
def reprint(obj: Options, ticket: str, reason: str) -> None:
    """Print a new ticket in the place of TICKET (as T1-57), which is dead from now on."""
    with open_named(obj) as scanner:
        desk = scanner.print_desk()
        desk.check()
        made = scanner.relay.reprint(ticket, ReprintRequest(reason=reason))
        # First its name: if the printer fails, the next one takes the place of this one.
        click.echo(f"{ticket} is dead; its place has {made.ticket}", err=True)
        desk.print_new(made)
    if obj.as_json:
        click.echo(msgspec.json.encode({"ticket": made.ticket, "tail": made.tail}))


@click.command()
@click.argument("nonce")
@click.option("--device", metavar="ID", help="Whose stamp it is; default this one's.")
@options
@click.pass_obj
def slip(obj: Options, nonce: str, device: str | None) -> None:
    """Print the slip of an arrival stamp; again if it has to be."""
    with open_named(obj) as scanner:
        desk = scanner.print_desk()
        desk.check()
        found = scanner.relay.fetch_slip(nonce, SlipRequest(device_id=device))
        desk.print_slip(found)
    if obj.as_json:
        click.echo(msgspec.json.encode({"number": found.number}))


@click.command("refusal-slip")
@click.argument("nonce")
@click.option("--device", metavar="ID", help="Whose scan it is; default this one's.")
@options
@click.pass_obj
def refusal_slip(obj: Options, nonce: str, device: str | None) -> None:
    """Print a slip for a visitor who was not let in, as proof of coming; a copy says so."""
    with open_named(obj) as scanner:
        desk = scanner.print_desk()
        desk.check()
        found = fetch_refusal(scanner.relay, nonce, scanner.clock.wall(), device_id=device)
        # First its number: if the printer fails, the next one is a copy of this.
        click.echo(f"{found.number}, {found.copy}", err=True)
        desk.print_refusal(found)
    if obj.as_json:
        click.echo(msgspec.json.encode({"number": found.number, "copy": found.copy}))


def _tell(obj: Options, printed: Printed) -> None:
    if obj.as_json:
        click.echo(msgspec.json.encode(printed))
        return
    for word, names in (
        ("printed", printed.done),
        ("waiting", printed.waiting),
        ("look in the tray for", printed.doubtful),
    ):
        if names:
            click.echo(f"{word}: {', '.join(names)}", err=True)
