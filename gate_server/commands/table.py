"""Every command by its name, and how a request for one is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

import msgspec

from admission.errors import AdmissionError, NotFound
from admission.wire_base import invalid_of
from gate_server.commands.messages import read_request, write_failure, write_invalid, write_reply
from gate_server.commands.services import Command, Services

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "alarm": ("alarms",),
    "audit": ("evidence", "figures"),
    "block": ("blocks",),
    "broadcast": ("broadcasts",),
    "closure": ("closures",),
    "conduct": ("evidence",),
    "conflict": ("conflicts",),
    "crowd": ("crowd",),
    "deal": ("deals",),
    "device": ("venue",),
    "duty": ("duty",),
    "feed": ("feeds", "feed_redemptions", "feed_lookup"),
    "figures": ("figures",),
    "finding": ("findings",),
    "gate": ("venue",),
    "handover": ("people",),
    "import": ("imports",),
    "incident": ("incidents",),
    "key": ("issue",),
    "list": ("settlement_papers",),
    "occupancy": ("crowd",),
    "operator": ("people",),
    "privacy": ("privacy",),
    "queue": ("attested", "crowd"),
    "redemptions": ("redemptions",),
    "refund": ("refunds",),
    "replay": ("evidence",),
    "scan": ("scans",),
    "settle": ("settlements",),
    "settlement": ("settlement_papers",),
    "slip": ("attested",),
    "statement": ("settlement_papers",),
    "ticket": ("tickets",),
    "user": ("venue",),
    "voucher": ("issue", "blocks"),
}
"""Which modules of this package have the commands whose name begins with a word.

They are loaded when a command of theirs is asked for: a command without a server then starts in two
thirds of the time that all of them take.
"""


def find_command(name: str) -> Command[Any] | None:
    """Return a command by its name; None where there is none."""
    for place in PLACES.get(name.partition(" ")[0], ()):
        found = _load(place).get(name)
        if found is not None:
            return found
    return None


def _load(place: str) -> dict[str, Command[Any]]:
    commands: dict[str, Command[Any]] = import_module(f"{__package__}.{place}").COMMANDS
    return commands


def answer(services: Services, request: bytes, *, by: str | None = None) -> bytes:
    """Do what a request asks and write the reply, an error of ours as one too.

    Args:
        by: who asks, for the audit.
    """
    try:
        asked = read_request(request)
        command = find_command(asked.name)
        if command is None:
            raise NotFound(f"this server has no command {asked.name}; is it of another version?")
        params = msgspec.msgpack.decode(asked.params, type=command.params)
        given = services if by is None else replace(services, by=by)
        return write_reply(command.run(given, params))
    except msgspec.MsgspecError as error:
        return write_invalid(str(error))
    except AdmissionError as error:
        return write_failure(error)


def run(services: Services, name: str, params: Mapping[str, Any]) -> Any:
    """Run a command with what a page of the board gives it.

    Raises:
        InvalidInput: `params` do not fit; it names the field.
        AdmissionError: what the command raises.
    """
    command = find_command(name)
    assert command is not None, name  # noqa: S101 - pages name our own commands
    try:
        read = msgspec.convert(params, command.params)
    except msgspec.ValidationError as error:
        raise invalid_of(error) from error
    return command.run(services, read)
