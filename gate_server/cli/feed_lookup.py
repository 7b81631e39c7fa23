"""`gate-server feed lookup`: ask a platform for codes that the ledger does not know."""

from __future__ import annotations

import click

from gate_server.cli.edge import Command, options, show
from gate_server.commands.feed_lookup import SetLookup
from gate_server.control import call


@click.command("lookup", cls=Command)
@click.argument("platform")
@click.option("--on/--off", "asked", default=None, help="Ask it, or not; it keeps its address.")
@click.option("--find-url", metavar="URL", help="Where a platform that pushes can be asked.")
@click.option(
    "--feed", "feed_id", type=int, metavar="N", help="Which one, where the platform has several."
)
def feed_lookup(
    platform: str, asked: bool | None, find_url: str | None, feed_id: int | None
) -> None:
    """Let a platform be asked for a code that nobody knows, while its holder stands at the gate.

    A native pull is asked unless it is turned off. OCTO has no question that keeps a code out of
    addresses, so it is asked only where it is turned on.
    """
    params = SetLookup(platform=platform, feed_id=feed_id, on=asked, find_url=find_url)
    done = call(options().data, "feed lookup", params)
    word = "is" if done["asked"] else "is not"
    show(done, f"feed {done['feed_id']} of {platform} {word} asked for unknown codes")
