"""What all commands share: their two options, how they show results, how they fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.cells import cell_len

from admission.errors import AdmissionError
from gate_server.settings import read_settings

DEFAULT_DATA = Path("var")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Options:
    """The options that may stand before or after the sub-command.

    Attributes:
        data: the venue's directory.
        as_json: machine-readable output on stdout.
    """

    data: Path = DEFAULT_DATA
    as_json: bool = False


def _set_data(context: click.Context, _: click.Parameter, value: Path | None) -> None:
    if value is not None:
        options(context).data = value


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        options(context).as_json = True


def options(context: click.Context | None = None) -> Options:
    """Return the shared options of the running command."""
    found: Options = (context or click.get_current_context()).ensure_object(Options)
    return found


def _shared() -> list[click.Parameter]:
    return [
        click.Option(
            ["--data"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="The venue's directory; default ./var.",
            expose_value=False,
            is_eager=True,
            callback=_set_data,
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            help="Machine-readable output on stdout.",
            expose_value=False,
            is_eager=True,
            callback=_set_json,
        ),
    ]


class Command(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _shared()


class Group(click.Group):
    """A group that takes the shared options too, and turns our errors into exit 1."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _shared()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours is one line on stderr."""
        try:
            return super().invoke(ctx)
        except AdmissionError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if isinstance(error, BrokenPipeError) or error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def show(value: Any, text: str) -> None:
    """Print a result: as JSON where that was asked for, else as text."""
    if options().as_json:
        click.echo(json.dumps(value, ensure_ascii=False))
    elif text:
        click.echo(text)


def tell(text: str) -> None:
    """Print a message on stderr."""
    click.echo(text, err=True)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with what it counts: `1 voucher`, `2 vouchers`.

    Args:
        many: where no s makes it.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def listing(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as a table for people, instants in venue time; "" where there are none."""
    if not rows:
        return ""
    heads = [name.removesuffix("_id").replace("_", " ") for name in columns]
    cells = [heads, *([_cell(name, row.get(name)) for name in columns] for row in rows)]
    widths = [max(cell_len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(
            text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def local(at: str | None) -> str:
    """Return an instant (RFC 3339) as people at the venue say it, to the second."""
    if at is None:
        return "-"
    zone = read_settings(options().data).venue.zone
    return datetime.fromisoformat(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _cell(name: str, value: Any) -> str:
    if name == "at" or name.endswith("_at"):
        return local(value)
    return "-" if value is None else str(value)
