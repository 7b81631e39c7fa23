"""`gate-server broadcast`: send, list, show, end."""

from __future__ import annotations

from typing import Any

import click

from admission.broadcasts import Priority
from admission.wire import Text
from admission.wire_notices import BroadcastRequest
from gate_server.cli.edge import Group, listing, local, options, show
from gate_server.cli.times import read_time
from gate_server.commands.broadcasts import End, Send
from gate_server.commands.venue import Named
from gate_server.control import call

_ID = click.argument("broadcast_id", metavar="ID")


@click.group("broadcast", cls=Group)
def broadcast() -> None:
    """Messages to scanners; each says once somebody could read it."""


@broadcast.command("send")
@click.option("--zh", required=True, metavar="TEXT", help="What to tell, in Chinese.")
@click.option("--en", required=True, metavar="TEXT", help="... and in English.")
@click.option("--gate", "gates", multiple=True, metavar="ID", help="Only there; may be repeated.")
@click.option(
    "--priority",
    type=click.Choice([each.value for each in Priority]),
    default=Priority.NORMAL.value,
    show_default=True,
    help="high is shown again and again.",
)
@click.option("--expires", metavar="TIME", help="17:00 is today; default the venue day's end.")
@click.option("--incident", metavar="ID", help="The incident that it is about.")
def broadcast_send(
    zh: str,
    en: str,
    gates: tuple[str, ...],
    *,
    priority: str,
    expires: str | None,
    incident: str | None,
) -> None:
    """Tell scanners something; on every connected one within a second."""
    request = BroadcastRequest(
        message=Text(zh=zh, en=en),
        gates=list(gates) or None,
        priority=Priority(priority),
        expires_at=read_time("--expires", expires, last=True),
        incident_id=incident,
    )
    made = call(options().data, "broadcast send", Send(request=request))
    until = local(made["expires_at"])
    text = f"{made['broadcast_id']} is told to {made['unseen']} scanners, until {until}"
    show(made, text)


@broadcast.command("list")
def broadcast_list() -> None:
    """List those in force, then the latest others, with how many scanners have shown each."""
    found = call(options().data, "broadcast list")
    rows = [row | {"zh": row["message"]["zh"], "en": row["message"]["en"]} for row in found]
    columns = ("broadcast_id", "state", "priority", "made_at", "expires_at", "seen", "unseen",
               "zh", "en")  # fmt: skip
    show(found, listing(rows, columns))


@broadcast.command("show")
@_ID
def broadcast_show(broadcast_id: str) -> None:
    """Show which scanners have shown it, and which have not."""
    found = call(options().data, "broadcast show", Named(name=broadcast_id))
    show(found, "\n".join(_lines(found)))


@broadcast.command("end")
@_ID
@click.option("--reason", required=True, help="Why, for the record.")
def broadcast_end(broadcast_id: str, reason: str) -> None:
    """Take it back; scanners show it no more."""
    ended = call(options().data, "broadcast end", End(broadcast_id=broadcast_id, reason=reason))
    show(ended, f"{broadcast_id} was ended by {ended['ended_by']}: {ended['end_reason']}")


def _lines(found: dict[str, Any]) -> list[str]:
    gates = ", ".join(found["gates"]) or "all gates"
    lines = [
        f"{found['broadcast_id']}: {found['state']}, {found['priority']}, to {gates}",
        found["message"]["zh"],
        found["message"]["en"],
        f"sent {local(found['made_at'])} by {found['made_by']}, until {local(found['expires_at'])}",
    ]
    if found["ended_at"] is not None:
        ended = f"ended {local(found['ended_at'])} by {found['ended_by']}"
        lines.append(f"{ended}: {found['end_reason']}")
    columns = ("device_id", "name", "gate_id", "gate_name")
    for title, key, last in (
        (f"shown by {found['seen']}:", "seen_by", "seen_at"),
        (f"not shown by {found['unseen']}:", "not_seen_by", "last_seen_at"),
    ):
        lines += [title, *listing(found[key], (*columns, last)).splitlines()]
    return lines
