"""`gate-server drill`: the whole story of a mis-sold deal, on a venue that is thrown away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from drill.progress import Told
from drill.run import Asked, check_again, run
from drill.story import LEAST_SCALE
from drill.table import show_table
from gate_server.cli.edge import Command, options


@click.command("drill", cls=Command)
@click.option("--scale", type=click.FloatRange(LEAST_SCALE, 1.0), default=1.0, show_default=True,
              help="How much of the story is played: 1.0 are 206,865 vouchers.")  # fmt: skip
@click.option("--seed", type=int, default=2015, show_default=True, help="Draws the crowd.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Keep all that it writes in a new directory; default: nothing.")  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Leave the incident's after-action report there.")  # fmt: skip
@click.option("--again", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Only check the invariants of a drill that was kept there.")  # fmt: skip
def drill(
    scale: float, seed: int, *, keep: Path | None, report: Path | None, again: Path | None
) -> None:
    """Rehearse a mis-sold deal from the first sale to the signed statement.

    A real server and real scanners on this machine; no venue of yours is touched, and nothing is
    left behind. It checks what must be true and exits 1 if something is not. docs/drill.md tells
    how to read the table.
    """
    if again is not None:
        show(check_again(again))
        return
    told = Told()
    with told.interruptible():
        found = run(Asked(scale, seed, keep, report), told)
    show(found)


def show(found: dict[str, Any]) -> None:
    """Print what the drill found; exit 1 where an invariant does not hold."""
    if options().as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        show_table(found)
    if not found["holds"]:
        raise click.exceptions.Exit(1)
