"""The command `scanner-client`: enrol, read, run, status, why, sync, flush, annul and the rest."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import click

from admission.errors import AdmissionError
from scanner_client import __version__
from scanner_client.cli_options import NOT_ADMITTED, Options, options

_PLACES: Final = {
    "annul": "cli_state",
    "count": "cli_people",
    "enrol": "cli_state",
    "flush": "cli_state",
    "help": "cli_people",
    "operator": "cli_people",
    "practice": "cli_people",
    "print": "cli_print",
    "read": "cli_scan",
    "refusal-slip": "cli_print",
    "reprint": "cli_print",
    "run": "cli_scan",
    "slip": "cli_print",
    "status": "cli_state",
    "sync": "cli_state",
    "why": "cli_state",
}
"""Which module of this package a command stands in, by its name."""

_NAMES: Final = {"help": "call_help", "practice": "practice_codes", "print": "print_pending"}
"""What commands are called there that are not called as they are typed."""


class _Commands(click.Group):
    """Loads a command's module when it is asked for; our errors are one line and exit status 1.

    Only what scans waits for cameras, pictures and printers to be loaded.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in _PLACES:
            return None
        module: Any = import_module(f"scanner_client.{_PLACES[cmd_name]}")
        name = _NAMES.get(cmd_name, cmd_name.replace("-", "_"))
        command: click.Command = getattr(module, name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command."""
        try:
            return super().invoke(ctx)
        except AdmissionError as error:
            click.echo(f"scanner-client: {error}", err=True)
            ctx.exit(NOT_ADMITTED)


@click.group(cls=_Commands)
@options
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Read QR codes, ask the gate server, show staff the verdict."""
    ctx.ensure_object(Options)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot write Chinese gets question marks, not a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
