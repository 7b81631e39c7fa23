"""Commands about alarms."""

from __future__ import annotations

from typing import Any

import msgspec

from gate_server.alarm_desk import AlarmDesk
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing


class AcknowledgeAlarm(Params, frozen=True):
    """An alarm that somebody sees to, and what they found."""

    alarm_id: int
    note: str | None = None


def list_alarms(services: Services, _: Nothing) -> dict[str, Any]:
    """List the alarms that stand and those that were over today."""
    found: dict[str, Any] = msgspec.to_builtins(AlarmDesk(services.ledger).answer())
    return found


def acknowledge(services: Services, params: AcknowledgeAlarm) -> dict[str, Any]:
    """Say that one sees to an alarm."""
    desk = AlarmDesk(services.ledger)
    done = desk.acknowledge(params.alarm_id, params.note, by=services.by)
    shown: dict[str, Any] = msgspec.to_builtins(done)
    return shown


COMMANDS: dict[str, Command[Any]] = {
    "alarm list": Command(Nothing, list_alarms),
    "alarm acknowledge": Command(AcknowledgeAlarm, acknowledge),
}
