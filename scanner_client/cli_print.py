"""The commands of `scanner-client` about paper: print, reprint, slip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
import msgspec

from admission.wire_tickets import ReprintRequest, SlipRequest
from scanner_client.printer import Printed
from scanner_client.scanner import Scanner

Options = Any
"""What was said before the sub-command: `state` and `as_json`."""
Decorator = Callable[[Any], Any]
NOT_ALL = 1


Opener = Callable[[Options], Scanner]


def print_commands(options: Decorator, open_scanner: Opener) -> Iterator[click.Command]:
    """Yield the commands.

    Args:
        options: adds what may be said before or after a sub-command.
        open_scanner: opens the scanner that they name.
    """
    yield from (make(options, open_scanner) for make in (_print, _reprint, _slip))


def _print(options: Decorator, open_scanner: Opener) -> click.Command:
    @click.command("print")
    @click.option("--pending", is_flag=True, help="What waits; this is the default.")
    @click.option("--again", is_flag=True, help="Also what may be on paper already: look first.")
    @options
    @click.pass_context
    def print_pending(ctx: click.Context, pending: bool, again: bool) -> None:
        """Print the tickets that wait for the printer."""
        if pending and again:
            raise click.UsageError("give --pending or --again")
        with open_scanner(ctx.obj) as scanner:
            printed = scanner.desk().print_waiting(again=again)
        _tell(ctx.obj, printed)
        if printed.waiting or printed.doubtful:
            ctx.exit(NOT_ALL)

    return print_pending


def _reprint(options: Decorator, open_scanner: Opener) -> click.Command:
    @click.command()
    @click.argument("ticket")
    @click.option("--reason", required=True, help="Why, for the record.")
    @options
    @click.pass_obj
    def reprint(obj: Options, ticket: str, reason: str) -> None:
        """Print a new ticket in the place of TICKET (as T1-57), which is dead from now on."""
        with open_scanner(obj) as scanner:
            made = scanner.relay.reprint(ticket, ReprintRequest(reason=reason))
            # First its name: if the printer fails, the next one takes the place of this one.
            click.echo(f"{ticket} is dead; its place has {made.ticket}", err=True)
            scanner.desk().print_new(made)
        if obj.as_json:
            click.echo(msgspec.json.encode({"ticket": made.ticket, "tail": made.tail}))

    return reprint


def _slip(options: Decorator, open_scanner: Opener) -> click.Command:
    @click.command()
    @click.argument("nonce")
    @click.option("--device", metavar="ID", help="Whose stamp it is; default this one's.")
    @options
    @click.pass_obj
    def slip(obj: Options, nonce: str, device: str | None) -> None:
        """Print the slip of an arrival stamp; again if it has to be."""
        with open_scanner(obj) as scanner:
            found = scanner.relay.fetch_slip(nonce, SlipRequest(device_id=device))
            scanner.desk().print_slip(found)
        if obj.as_json:
            click.echo(msgspec.json.encode({"number": found.number}))

    return slip


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
