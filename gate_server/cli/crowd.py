"""`gate-server crowd` and `gate-server occupancy`: how the crowd stands, how many are inside."""

from __future__ import annotations

from typing import Any

import click

from admission.wire_crowd import OccupancyRequest
from gate_server.cli.edge import Command, Group, options, show
from gate_server.commands.crowd import SetOccupancy
from gate_server.control import call

MOST_PEOPLE = 1_000_000


@click.command("crowd", cls=Command)
def crowd() -> None:
    """Tell who is inside, how long queues are, what is ahead, and what to do."""
    found = call(options().data, "crowd show")
    show(found, "\n".join(_lines(found)))


@click.group("occupancy", cls=Group)
def occupancy() -> None:
    """How many people are inside, entered by hand."""


@occupancy.command("set")
@click.argument("people", type=click.IntRange(0, MOST_PEOPLE))
@click.option("--reason", required=True, help="Why, for the record.")
def occupancy_set(people: int, reason: str) -> None:
    """Set how many people are inside from now on: at opening, or after an emergency."""
    request = OccupancyRequest(people=people, reason=reason)
    made = call(options().data, "occupancy set", SetOccupancy(request=request))
    show(made, f"{made['people']} inside from now on; the counters said {made['before']}")


def _lines(found: dict[str, Any]) -> list[str]:
    inside, capacity = found["occupancy"], found["capacity"]
    limit = "" if capacity["limit"] is None else f" of {capacity['limit']} ({capacity['level']})"
    lines = [f"inside {inside['inside']}{limit}; today {inside['people_today']}"]
    lines.append(f"a minute: {found['rate_in']} in, {found['rate_out']} out")
    lines += [_queue(each) for each in found["queues"]]
    ahead = found["forecast"]
    if ahead is not None:
        low, high = ahead["between"]
        lines.append(f"today in all about {ahead['people']} ({low:.0f} to {high:.0f})")
    lines += [each["say"]["en"] for each in found["advice"]]
    return lines + [each["en"] for each in found["missing"]]


def _queue(queue: dict[str, Any]) -> str:
    place = queue["gate_id"] or queue["area"]
    if queue["waiting"] is None:
        return f"{place}: {queue['why']['en']}"
    text = f"{place}: {queue['waiting']} wait"
    if queue["wait_minutes"] is not None:
        low, high = queue["wait_between"]
        text += f", {queue['wait_minutes']:.0f} min ({low:.0f} to {high:.0f})"
    return f"{text}, {queue['how']['en']} {queue['age_s'] / 60:.0f} min old"
