"""The commands of the gate server; `gate-server --help` lists them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

from gate_server import __version__
from gate_server.cli.edge import Group

_PLACES: Final = {
    "alarm": "alarms",
    "audit": "evidence",
    "backup": "upkeep",
    "block": "blocks",
    "broadcast": "broadcasts",
    "card": "people",
    "closure": "closures",
    "conduct": "evidence",
    "conflict": "conflicts",
    "crowd": "crowd",
    "deal": "deals",
    "device": "venue",
    "doctor": "upkeep",
    "drill": "drill.command",
    "duty": "duty",
    "feed": "feed_commands",
    "figures": "figures",
    "finding": "findings",
    "gate": "venue",
    "handover": "people",
    "import": "imports",
    "incident": "incidents",
    "init": "venue",
    "key": "keys",
    "list": "settlement_papers",
    "occupancy": "crowd",
    "operator": "people",
    "privacy": "privacy",
    "queue": "queues",
    "refund": "refunds",
    "replay": "evidence",
    "restore": "upkeep",
    "scan": "scans",
    "serve": "serving",
    "settle": "settlements",
    "settlement": "settlement_papers",
    "slip": "slips",
    "statement": "settlement_papers",
    "ticket": "tickets",
    "user": "venue",
    "voucher": "keys",
}
"""Which module of this package a command stands in, by its name; with a dot, one beside it."""

_NAMES: Final = {"import": "import_", "list": "lists"}
"""What commands are called there that have a word of Python's for a name."""


class _Commands(Group):
    """All commands; the module of each is loaded when it is asked for, so that none waits for all.

    `gate-server gate list` starts in two thirds of the time that all modules take.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in _PLACES:
            return None
        place = _PLACES[cmd_name]
        module: Any = import_module(place if "." in place else f"gate_server.cli.{place}")
        command: click.Command = getattr(module, _NAMES.get(cmd_name, cmd_name))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="gatehouse", prog_name="gate-server")
def main() -> None:
    """Run a venue's gates: its ledger, its scanners, its deals.

    Every command works beside a running server, which sees the change at once. Exit status: 0
    done, 1 refused or failed, 2 wrong usage.
    """
