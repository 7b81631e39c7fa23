"""Alarms over HTTP: staff see them, supervisors acknowledge one; and what they are seen by."""

from __future__ import annotations

from functools import partial
from typing import Final

from admission.errors import NotFound
from admission.wire_alarms import AlarmAcknowledge, AlarmAnswer, AlarmsAnswer
from gate_server.alarm_desk import AlarmDesk
from gate_server.alarm_gathering import Sources
from gate_server.web.callers import STEWARDS, SUPERVISORS
from gate_server.web.clocks import devices_ahead
from gate_server.web.health import disk_free_bytes
from gate_server.web.operations import Call, Noun
from gate_server.web.services import Services
from gate_server.web.stats import make_queue, today

_MOST_DIGITS: Final = 15

alarms = Noun("alarms")


@alarms.operation("GET", "/alarms", who=STEWARDS, answer=AlarmsAnswer)
def list_alarms(call: Call) -> AlarmsAnswer:
    """List the alarms that stand, the most severe first, and those that were over today."""
    return AlarmDesk(call.services.ledger).answer()


@alarms.operation(
    "POST",
    "/alarms/<alarm_id>/acknowledge",
    who=SUPERVISORS,
    body=AlarmAcknowledge,
    answer=AlarmAnswer,
    problems=("alarm-cleared",),
)
def acknowledge_alarm(call: Call) -> AlarmAnswer:
    """Say that one sees to an alarm; it stands until its figure is well below its bar again."""
    desk, note = AlarmDesk(call.services.ledger), call.body.note
    return desk.acknowledge(_number(call), note, by=call.caller.name)


def _number(call: Call) -> int:
    text = call.args["alarm_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFound(f"no alarm {text[:40]}")
    return int(text)


def alarm_sources(services: Services) -> Sources:
    """Return what alarms are seen by that only a running server knows."""
    catalogue = services.ledger.catalogue
    return Sources(
        inside=lambda now: today(services, now).inside,
        waiting=lambda now: [scan.at for scan in services.calls.waiting(now)],
        wait_minutes=lambda: make_queue(services.crowd.view()).wait_minutes,
        devices_off=lambda now: max(devices_ahead(catalogue.devices, catalogue.seen, now)),
        streams=lambda: services.hub.listening,
        free_bytes=partial(disk_free_bytes, services),
    )
