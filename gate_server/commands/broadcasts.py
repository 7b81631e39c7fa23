"""Commands about what devices are told: send, templates, list, show, end."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.wire_notices import BroadcastRequest
from gate_server import broadcast_templates, broadcasts
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing


class Send(Params, frozen=True):
    """A broadcast to be sent."""

    request: BroadcastRequest


class End(Params, frozen=True):
    """A broadcast to be taken back, and why."""

    broadcast_id: str
    reason: str


def send_broadcast(services: Services, params: Send) -> dict[str, Any]:
    """Tell devices something."""
    desk = services.settings.help_desk
    return _built(broadcasts.send(services.ledger, params.request, desk=desk, by=services.by))


def list_templates(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List what was worded beforehand."""
    return [_built(each) for each in broadcast_templates.list_templates(services.ledger).templates]


def list_broadcasts(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List those in force, then the latest others."""
    found = broadcasts.list_all(services.ledger)
    return [_built(each) for each in found.broadcasts]


def show_broadcast(services: Services, params: Named) -> dict[str, Any]:
    """Show one with every device that has shown it, and every one that has not."""
    return _built(broadcasts.show(services.ledger, params.name))


def end_broadcast(services: Services, params: End) -> dict[str, Any]:
    """Take one back."""
    ledger, by = services.ledger, services.by
    return _built(broadcasts.end(ledger, params.broadcast_id, reason=params.reason, by=by))


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "broadcast send": Command(Send, send_broadcast),
    "broadcast templates": Command(Nothing, list_templates),
    "broadcast list": Command(Nothing, list_broadcasts),
    "broadcast show": Command(Named, show_broadcast),
    "broadcast end": Command(End, end_broadcast),
}
