"""`gate-server feed add pull|octo|folder` and `feed pull`: platforms that are fetched from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from admission.errors import InvalidInput
from gate_server.cli.edge import Command, options, show, tell
from gate_server.commands.feeds import AddFeed
from gate_server.commands.services import Caller
from gate_server.control import connect
from gate_server.feed_rounds import Outcome, Round, Tally, pull_once, try_source
from gate_server.feed_sources import FetchedFeed, list_fetched
from gate_server.feeds.http import check_token, check_url
from gate_server.feeds.octo import Dates
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import FeedKind
from gate_server.settings import read_settings

_OTHERS_MAY: Final = 0o077
F = TypeVar("F", bound=Callable[..., Any])


def _shared(command: F) -> F:
    """Give a command the options that every fetched feed has."""
    platform = click.option("--platform", required=True, metavar="P", help="As its deals name it.")
    secondary = click.option(
        "--secondary", is_flag=True, help="Fills gaps of the platform's authority only."
    )
    every = click.option(
        "--every",
        "every_s",
        type=click.FloatRange(1, 86_400),
        metavar="SECONDS",
        help="From one round to the next.",
    )
    return platform(secondary(every(command)))


def _addressed(command: F) -> F:
    url = click.option("--url", required=True, help="https://HOST/PATH, without a key in it.")
    token = click.option(
        "--token-file",
        required=True,
        type=click.Path(path_type=Path),
        help="Holds the platform's token for us; it is read once and kept sealed.",
    )
    return url(token(command))


@click.command("pull", cls=Command)
@_shared
@_addressed
def add_pull(url: str, token_file: Path, **given: Any) -> None:
    """Fetch a platform's changes by the native pull, every 5 seconds."""
    _add(FeedKind.PULL, {"url": check_url(url)}, _token(token_file), given)


@click.command("octo", cls=Command)
@_shared
@_addressed
@click.option(
    "--dates",
    type=click.Choice([each.value for each in Dates]),
    default=Dates.CREATED.value,
    show_default=True,
    help="What the server's `localDate` filters mean: when a booking was made, or for when.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=60,
    show_default=True,
    help="How many days back (or of visits ahead) bookings are looked at.",
)
def add_octo(url: str, token_file: Path, dates: str, days: int, **given: Any) -> None:
    """Fetch the bookings of an OCTO server, every 60 seconds."""
    config = {"url": check_url(url), "dates": dates, "days": days}
    _add(FeedKind.OCTO, config, _token(token_file), given)


@click.command("folder", cls=Command)
@_shared
@click.option("--path", required=True, type=click.Path(path_type=Path), metavar="DIR")
def add_folder(path: Path, **given: Any) -> None:
    """Take the files that are put into a folder: deals*.csv, vouchers*.ndjson and the like."""
    if not path.is_dir():
        raise InvalidInput("--path", f"{path} is not a folder")
    _add(FeedKind.FOLDER, {"path": str(path.resolve())}, None, given)


@click.command("pull", cls=Command)
@click.argument("platform", required=False)
def pull(platform: str | None) -> None:
    """Run one round now, of one platform's feeds or of all, and say what came of it.

    The exit status is 1 where a feed failed or rows could not be taken.
    """
    outcomes: list[Outcome] = []
    with connect(options().data) as caller, _progress() as progress:
        feeds = list_fetched(caller.call("feed list"))
        chosen = [feed for feed in feeds if platform in {None, feed.platform}]
        if not chosen:
            raise InvalidInput("PLATFORM", "has no feed that is fetched; see `feed list`")
        for feed in chosen:
            told = _teller(progress, feed)
            outcomes.append(pull_once(_round(caller, told), feed, options().data))
    show([each.told() for each in outcomes], "\n".join(each.words() for each in outcomes))
    if any(each.error or each.tally.set_aside for each in outcomes):
        raise click.exceptions.Exit(1)


def _add(kind: FeedKind, config: dict[str, Any], token: str | None, given: dict[str, Any]) -> None:
    if given["every_s"] is not None:
        config["every_s"] = given["every_s"]
    asked = AddFeed(
        platform=given["platform"],
        kind=kind,
        config=config,
        secondary=given["secondary"],
        secret=token,
    )
    with connect(options().data) as caller:
        made = caller.call("feed add", asked)
        turn = _round(caller, lambda _: None)
        feed = turn.get_feed(made["feed_id"])
        found = try_source(turn, feed)
    show(made | {"kind": kind.value, "found": found}, f"{feed.name} is added: {found}")


def _teller(progress: Progress, feed: FetchedFeed) -> Callable[[Tally], object]:
    task = progress.add_task(feed.name, total=None)
    return lambda tally: progress.update(task, description=f"{feed.name}: {tally.rows} rows")


def _round(caller: Caller, told: Callable[[Tally], object]) -> Round:
    directory = options().data
    keys = Keyring.open(directory / "keys")
    return Round(caller, read_settings(directory).venue, keys, told=told)


def _token(path: Path) -> str:
    token = check_token(path.read_text("utf-8", errors="replace"))
    if path.stat().st_mode & _OTHERS_MAY:
        tell(f"warning: others may read {path}; remove it, or chmod 600 it")
    return token


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}")
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
