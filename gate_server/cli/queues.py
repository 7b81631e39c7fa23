"""`gate-server queue`: close, list, reopen, count."""

from __future__ import annotations

from typing import Any

import click

from admission.wire_arrivals import QueueRequest
from admission.wire_crowd import QueueCountRequest
from gate_server.cli.edge import Group, listing, local, options, show, tell
from gate_server.cli.times import read_time
from gate_server.commands.attested import CloseQueue, ReopenQueue
from gate_server.commands.crowd import CountQueue
from gate_server.control import call

_REASON = click.option("--reason", required=True, help="Why, for the record.")
_GATE = click.option("--gate", metavar="ID", help="The gate where it is.")


@click.group("queue", cls=Group)
def queue() -> None:
    """Queues: closed ones, whose people had arrived by then, and how many people stand in one."""


@queue.command("close")
@_REASON
@_GATE
@click.option("--area", metavar="NAME", help="The area, where no gate says it.")
@click.option("--at", metavar="TIME", help="When its tail was seen; 16:58 is today; default now.")
@click.option("--until", metavar="TIME", help="Stamps count as it so long; default two hours.")
def queue_close(
    reason: str, gate: str | None, area: str | None, at: str | None, until: str | None
) -> None:
    """Record that a queue's tail was seen; stamps made in it later count as that instant."""
    request = QueueRequest(
        reason=reason,
        area=area,
        gate_id=gate,
        closed_at=read_time("--at", at),
        until=read_time("--until", until, last=True),
    )
    made = call(options().data, "queue close", CloseQueue(request=request))
    if made["warning"]:
        tell(f"note: {made['warning']}")
    span = f"{local(made['closed_at'])}, for stamps until {local(made['ends_at'])}"
    show(made, f"{made['queue_id']}: {_place(made)} closed at {span}")


@queue.command("list")
def queue_list() -> None:
    """List closings, the newest first."""
    found = call(options().data, "queue list")
    rows = [row | {"place": _place(row), "state": _state(row)} for row in found]
    columns = ("queue_id", "place", "closed_at", "ends_at", "state", "made_by", "reason")
    show(found, listing(rows, columns))


@queue.command("reopen")
@click.argument("queue_id", metavar="ID")
@_REASON
def queue_reopen(queue_id: str, reason: str) -> None:
    """End a closing now; stamps that count as it go on to."""
    ended = call(options().data, "queue reopen", ReopenQueue(queue_id=queue_id, reason=reason))
    show(ended, f"{queue_id}: no stamp counts as it any more")


@queue.command("count")
@click.argument("people", type=click.IntRange(0, 1_000_000))
@_GATE
@click.option("--area", metavar="NAME", help="The area, for the queue of all its gates.")
@click.option("--at", metavar="TIME", help="When it was counted; 16:58 is today; default now.")
def queue_count(people: int, gate: str | None, area: str | None, at: str | None) -> None:
    """Record how many people stand in a queue now; waits are worked out from it."""
    request = QueueCountRequest(
        people=people, area=area, gate_id=gate, counted_at=read_time("--at", at)
    )
    made = call(options().data, "queue count", CountQueue(request=request))
    show(made, f"{_place(made)}: {made['people']} wait at {local(made['counted_at'])}")


def _state(row: dict[str, Any]) -> str:
    return "open" if row["open"] else "over"


def _place(row: dict[str, Any]) -> str:
    return f"{row['area']} ({row['gate_id']})" if row["gate_id"] else str(row["area"])
