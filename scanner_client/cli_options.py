"""What may be said before or after every sub-command of `scanner-client`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner_client.scanner import Scanner, open_scanner

DEFAULT_STATE = Path("var/scanner")
NOT_ADMITTED = 1
"""Exit status where anything was refused or failed."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(slots=True)
class Options:
    """What may be said before or after the sub-command."""

    state: Path = DEFAULT_STATE
    as_json: bool = False


def _note_state(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Options).state = value


def _note_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Options).as_json = True


def options(command: Command) -> Command:
    """Add what may be said before or after the sub-command."""
    state = click.option(
        "--state",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        expose_value=False,
        callback=_note_state,
        help=f"The scanner's directory; default ./{DEFAULT_STATE}.",
    )
    as_json = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_note_json,
        help="JSON on stdout.",
    )
    return state(as_json(command))


def open_named(obj: Options) -> Scanner:
    """Open the scanner that the options name; it tells staff on the standard streams."""
    return open_scanner(obj.state, sys.stdout, sys.stderr)


def _queue_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"Q[0-9]{1,16}", value):
        raise click.BadParameter("is Q and a number, as the supervisor told it")
    return value


def queue_option(command: Command) -> Command:
    """Add the closed queue whose people are stamped."""
    return click.option(
        "--queue",
        metavar="ID",
        callback=_queue_id,
        help="Stamps count as the instant at which this queue was closed.",
    )(command)
