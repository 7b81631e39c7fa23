"""`gate-server feed`: the platforms that keep the ledger in step."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import click

from gate_server.cli.edge import Command, Group, counted, listing, local, options, show, tell
from gate_server.cli.feed_redemptions import redemptions_text
from gate_server.commands.feeds import AddNative, RotateSecret, WhichFeed
from gate_server.control import call
from gate_server.serving_place import read_serving

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_FEED = click.option(
    "--feed", "feed_id", type=int, metavar="N", help="Which one, where the platform has several."
)


@click.group("feed", cls=Group)
def feed() -> None:
    """What keeps the ledger in step with the platforms; docs/feeds.md tells how to connect one."""


@feed.group("add", cls=Group)
def feed_add() -> None:
    """Connect a platform. It has one authority; a --secondary feed fills gaps only."""


@feed_add.command("native", cls=Command)
@click.option("--platform", required=True, metavar="P", help="As its deals name it.")
@click.option("--secondary", is_flag=True, help="Fills gaps of the platform's authority only.")
@click.option("--redeem-url", metavar="URL", help="Where it is told who came in.")
@click.option("--keep-codes", is_flag=True, help="It redeems by code: keep codes, sealed.")
@click.option("--notify-url", metavar="URL", help="Where it takes requests to stop a sale.")
def add_native(
    platform: str,
    secondary: bool,
    redeem_url: str | None,
    keep_codes: bool,
    notify_url: str | None,
) -> None:
    """Let a platform push its sales, signed with a secret that is shown this once."""
    asked = AddNative(
        platform=platform,
        secondary=secondary,
        redeem_url=redeem_url,
        keep_codes=keep_codes,
        notify_url=notify_url,
    )
    _show_secret(_with_url(call(options().data, "feed add native", asked)))


@feed.command("list", cls=Command)
def feed_list() -> None:
    """List the feeds."""
    found = call(options().data, "feed list")
    columns = ("feed_id", "platform", "kind", "role", "accepted_at", "added_at")
    show(found, listing([row | {"role": _role(row)} for row in found], columns))


@feed.command("status", cls=Command)
def feed_status() -> None:
    """Say how each feed fares: its age, its errors, the rows that are set aside."""
    found = call(options().data, "feed status")
    columns = (
        "feed_id", "platform", "kind", "state", "age", "rows_taken", "set_aside", "redemptions",
        "failures", "lookup", "error",
    )  # fmt: skip
    show(found, listing([_status(row) for row in found], columns))


@feed.command("rejects", cls=Command)
@click.argument("platform")
@_FEED
@click.option("--drop", is_flag=True, help="Let go of them all, for good; they are not in then.")
def feed_rejects(platform: str, feed_id: int | None, *, drop: bool) -> None:
    """List the rows that cannot be taken: where each came from and why, never its code.

    They are kept sealed and tried again; what has gone in leaves the list.
    """
    which = WhichFeed(platform=platform, feed_id=feed_id)
    if drop:
        done = call(options().data, "feed drop", which)
        show(done, f"dropped: {counted(done['dropped'], 'row')} of {platform}")
        return
    found = [_reject(row) for row in call(options().data, "feed rejects", which)]
    show(found, listing(found, ("kind", "place", "field", "problem", "tries", "since_at")))


@feed.command("remove", cls=Command)
@click.argument("platform")
@_FEED
def feed_remove(platform: str, feed_id: int | None) -> None:
    """End a feed, its secret with it; its deals and vouchers stay."""
    which = WhichFeed(platform=platform, feed_id=feed_id)
    done = call(options().data, "feed remove", which)
    show(done, f"feed {done['feed_id']} of {platform} is removed; its vouchers stay")


@feed.command("rotate", cls=Command)
@click.argument("platform")
@_FEED
@click.option(
    "--retire-after",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="How long the old secret counts beside the new one, as 90m, 24h or 7d; 0s: not at all.",
)
def feed_rotate(platform: str, feed_id: int | None, retire_after: str) -> None:
    """Give a push a new secret; the old one counts for a while beside it."""
    asked = RotateSecret(
        platform=platform, feed_id=feed_id, retire_after_s=_duration_s(retire_after)
    )
    made = _with_url(call(options().data, "feed rotate", asked))
    _show_secret(made)
    tell(f"the secret before counts until {local(made['old_until'])}")


def _status(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"age": _age(row["age_s"]), "redemptions": redemptions_text(row["redemptions"])}


def _with_url(made: dict[str, Any]) -> dict[str, Any]:
    return made | {"url": read_serving(options().data).origin + made["url"]}


def _show_secret(made: dict[str, Any]) -> None:
    show(made, f"url     {made['url']}\nsecret  {made['secret']}")
    tell("the secret is shown this once; it is kept sealed, and can only be rotated")


def _reject(row: dict[str, Any]) -> dict[str, Any]:
    since, tried_at = row.pop("since"), row.pop("tried_at")
    return row | {"since_at": _iso(since), "tried_at": _iso(tried_at)}


def _iso(at: datetime | str) -> str:
    return at if isinstance(at, str) else at.isoformat()


def _role(row: dict[str, Any]) -> str:
    return "secondary" if row["secondary"] else "authority"


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "never heard"
    whole = int(age_s)
    return f"{whole} s" if whole < 600 else f"{whole // 60} min"


def _duration_s(text: str) -> float:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if match is None:
        raise click.BadParameter("give a time as 90m, 24h or 7d", param_hint="--retire-after")
    return float(int(match[1]) * _UNITS_S[match[2]])
