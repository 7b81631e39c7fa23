"""`gate-server alarm`: what is amiss in the venue now, and who sees to it."""

from __future__ import annotations

from typing import Any

import click

from gate_server.cli.edge import Group, local, options, show
from gate_server.commands.alarms import AcknowledgeAlarm
from gate_server.control import call


@click.group("alarm", cls=Group)
def alarm() -> None:
    """What is amiss in the venue now; each alarm clears by itself."""


@alarm.command("list")
def alarm_list() -> None:
    """List the alarms that stand, the most severe first, and those that were over today."""
    found = call(options().data, "alarm list")
    lines = [line for each in found["alarms"] for line in _lines(each)]
    show(found, "\n".join(lines) or "nothing is amiss")


@alarm.command("acknowledge")
@click.argument("alarm_id", metavar="ID", type=int)
@click.option("--note", help="What you found; no names, no codes.")
def alarm_acknowledge(alarm_id: int, note: str | None) -> None:
    """Say that you see to an alarm; it stands until its figure is well again."""
    params = AcknowledgeAlarm(alarm_id=alarm_id, note=note)
    show(call(options().data, "alarm acknowledge", params), f"alarm {alarm_id} is acknowledged")


def _lines(found: dict[str, Any]) -> list[str]:
    if found["cleared_at"] is not None:
        when = f"{local(found['since'])} to {local(found['cleared_at'])}"
        return [f"{found['alarm_id']}  over, {when}: {_both(found['says'])}"]
    head = f"{found['alarm_id']}  {found['severity']}, since {local(found['since'])}"
    if found["acknowledged_by"] is not None:
        note = "" if found["note"] is None else f": {found['note']}"
        head += f", acknowledged by {found['acknowledged_by']}{note}"
    return [head, f"   {_both(found['says'])}", f"   -> {_both(found['to_do'])}"]


def _both(text: dict[str, str]) -> str:
    return f"{text['zh']} / {text['en']}"
