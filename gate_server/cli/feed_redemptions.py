"""`gate-server feed redemptions` and `feed reconcile`: what platforms were told of who came in."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from gate_server.cli.edge import Command, counted, listing, options, show, tell
from gate_server.commands.feed_redemptions import Retry, Which
from gate_server.control import call, connect
from gate_server.keyring import Keyring
from gate_server.ledger.directory import check_directory
from gate_server.reconciling import Comparison, Reconciler
from gate_server.settings import read_settings

_STATES = ("waiting", "sent", "lost", "done", "refused", "exhausted", "dropped", "poison")


@click.command("redemptions", cls=Command)
@click.argument("platform")
@click.argument("action", required=False, type=click.Choice(["retry"]))
@click.argument("key", required=False)
@click.option(
    "--state",
    type=click.Choice(_STATES),
    help="Only these; poison: refused or exhausted. Without it: all that are not over.",
)
@click.option("--all", "every", is_flag=True, help="With `retry`: every deed on the poison list.")
def redemptions(
    platform: str, action: str | None, key: str | None, state: str | None, every: bool
) -> None:
    """List what a platform was told of who came in, or is to be: by voucher, never a code.

    With `retry KEY`, or `retry --all`, deeds on the poison list are tried again, under their own
    keys. docs/redemptions.md says what to do about each.
    """
    if action is None:
        if every:
            raise click.UsageError("--all goes with `retry`")
        _list(platform, state)
        return
    if every == (key is not None):
        raise click.UsageError("give the KEY of a deed, or --all")
    done = call(options().data, "feed redemptions retry", Retry(platform=platform, key=key))
    show(done, f"{done['retried']} are tried again")


def redemptions_text(told: dict[str, Any] | None) -> str:
    """Return how a platform stands in a few words; "-" where it is told nothing."""
    if told is None:
        return "-"
    problem = f" ({told['problem']})" if told["problem"] else ""
    if told["state"] != "reported":
        words = {"unknown": "not asked yet", "reconcile": "none taken: reconcile"}
        return words[told["state"]] + problem
    late = f", {told['oldest_s']:.0f} s" if told["waiting"] else ""
    poison = f", {told['poison']} poison" if told["poison"] else ""
    return f"{told['waiting']} waiting{late}{poison}{problem}"


def _list(platform: str, state: str | None) -> None:
    which = Which(platform=platform, state=state)  # type: ignore[arg-type]  # click has checked it
    found = call(options().data, "feed redemptions", which)
    columns = (
        *("key", "voucher_ref", "tail", "deed", "people", "state", "tries", "gate_id"),
        *("at", "next_try_at", "problem"),
    )
    show(found, listing(found, columns))


@click.command("reconcile", cls=Command)
@click.argument("platform")
@click.option("--day", required=True, metavar="YYYY-MM-DD", help="The venue day.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="The platform's own list, CSV or NDJSON: voucher_ref or code, and people.",
)
def reconcile(platform: str, day: str, path: Path | None) -> None:
    """List by voucher what both sides count differently on a day; exit 1 where they do."""
    directory, on = options().data, _day(day)
    check_directory(directory)
    settings = read_settings(directory)
    reconciler = Reconciler(directory, Keyring.open(directory / "keys"), settings.venue)
    if path is None:
        with connect(directory) as caller:
            theirs = list(reconciler.fetch(caller, platform, on))
    else:
        theirs = list(reconciler.read_file(path))
    found = reconciler.compare(platform, on, theirs)
    rows = [_row(line) for line in found.lines]
    columns = ("voucher_ref", "tail", "ours", "theirs", "difference", "why")
    show(_value(found, rows), listing(rows, columns))
    tell(f"{counted(found.counted, 'voucher')} counted on {on}, {len(rows)} of them differently")
    if rows:
        raise click.exceptions.Exit(1)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise click.BadParameter("give a day as 2015-02-12", param_hint="--day") from error


def _row(line: Any) -> dict[str, Any]:
    return {
        "voucher_ref": line.voucher_ref,
        "tail": line.tail,
        "ours": line.ours,
        "theirs": line.theirs,
        "difference": line.theirs - line.ours,
        "why": line.why,
    }


def _value(found: Comparison, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "platform": found.platform,
        "day": found.day.isoformat(),
        "counted": found.counted,
        "differences": rows,
    }
