"""`gate-server import`: deals and vouchers from files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from admission.errors import FeedRejected
from gate_server.cli.edge import Group, options, show, tell
from gate_server.commands.read_files import Importer
from gate_server.control import connect
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.prepared import Imported
from gate_server.settings import read_settings

MOST_SHOWN = 50

_FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group("import", cls=Group)
def import_() -> None:
    """Take deals or vouchers from a CSV or NDJSON file.

    A wrong row is named by line and column and the others go in; then the exit status is 1.
    Importing the same file twice changes nothing.
    """


@import_.command("deals")
@_FILE
def import_deals(file: Path) -> None:
    """Import deals: what a platform sells, with rights, windows and prices."""
    _import(file, vouchers=False)


@import_.command("vouchers")
@_FILE
def import_vouchers(file: Path) -> None:
    """Import vouchers; their deals must be there already.

    Codes are hashed before they leave this process; the ledger never holds them.
    """
    _import(file, vouchers=True)


def _import(path: Path, *, vouchers: bool) -> None:
    directory = options().data
    with connect(directory, apart=vouchers) as caller, _progress() as progress:
        task = progress.add_task(path.name, total=None)

        def advance(done: int, size: int) -> None:
            progress.update(task, completed=done, total=size)

        importer = Importer(caller, read_settings(directory).venue, utc_now(), advance)
        try:
            if vouchers:
                imported = importer.vouchers(path, Keyring.open(directory / "keys"))
            else:
                imported = importer.deals(path)
        except FeedRejected as error:
            raise click.ClickException(f"{_where(path, 0, error.field)} {error.problem}") from error
    _report(path, imported)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _report(path: Path, imported: Imported) -> None:
    rejected = sorted(imported.rejected, key=lambda each: each.line)
    for each in rejected[:MOST_SHOWN]:
        tell(f"{_where(path, each.line, each.field)} {each.problem}")
    if len(rejected) > MOST_SHOWN:
        tell(f"... and {len(rejected) - MOST_SHOWN} more; --json lists them all")
    counts = f"{imported.added} added, {imported.changed} changed, {imported.unchanged} unchanged"
    show(
        msgspec.to_builtins(imported) | {"rejected": msgspec.to_builtins(rejected)},
        f"{counts}, {len(rejected)} rejected",
    )
    if rejected:
        raise click.exceptions.Exit(1)


def _where(path: Path, line: int, field: str) -> str:
    return f"{path}{f':{line}' if line else ''}{f' {field}' if field else ''}:"
