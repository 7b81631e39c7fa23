"""Commands about the refunds that platforms have asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.ledger.refunds import list_requests


class OfPlatform(Params, frozen=True):
    """Whose requests; None: of all."""

    platform: str | None = None


def list_refunds(services: Services, params: OfPlatform) -> dict[str, Any]:
    """List what was asked and decided, the newest first."""
    found = services.ledger.read(partial(list_requests, platform=params.platform))
    listed: dict[str, Any] = msgspec.to_builtins(found)
    return listed


COMMANDS: dict[str, Command[Any]] = {"refund list": Command(OfPlatform, list_refunds)}
