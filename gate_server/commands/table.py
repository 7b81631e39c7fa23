"""Every command by its name, and how a request for one is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from admission.errors import AdmissionError, NotFound
from gate_server.commands import (
    attested,
    blocks,
    broadcasts,
    closures,
    conflicts,
    deals,
    duty,
    evidence,
    feed_lookup,
    feed_redemptions,
    feeds,
    findings,
    imports,
    incidents,
    issue,
    people,
    privacy,
    redemptions,
    refunds,
    scans,
    settlement_papers,
    settlements,
    tickets,
    venue,
)
from gate_server.commands.messages import read_request, write_failure, write_invalid, write_reply
from gate_server.commands.services import Command, Services

COMMANDS: Final[dict[str, Command[Any]]] = (
    venue.COMMANDS
    | imports.COMMANDS
    | deals.COMMANDS
    | closures.COMMANDS
    | issue.COMMANDS
    | blocks.COMMANDS
    | conflicts.COMMANDS
    | scans.COMMANDS
    | broadcasts.COMMANDS
    | tickets.COMMANDS
    | attested.COMMANDS
    | people.COMMANDS
    | incidents.COMMANDS
    | duty.COMMANDS
    | feeds.COMMANDS
    | findings.COMMANDS
    | redemptions.COMMANDS
    | feed_redemptions.COMMANDS
    | feed_lookup.COMMANDS
    | refunds.COMMANDS
    | settlements.COMMANDS
    | settlement_papers.COMMANDS
    | evidence.COMMANDS
    | privacy.COMMANDS
)


def answer(services: Services, request: bytes, *, by: str | None = None) -> bytes:
    """Do what a request asks and write the reply, an error of ours as one too.

    Args:
        by: who asks, for the audit.
    """
    try:
        asked = read_request(request)
        command = COMMANDS.get(asked.name)
        if command is None:
            raise NotFound(f"this server has no command {asked.name}; is it of another version?")
        params = msgspec.msgpack.decode(asked.params, type=command.params)
        given = services if by is None else replace(services, by=by)
        return write_reply(command.run(given, params))
    except msgspec.MsgspecError as error:
        return write_invalid(str(error))
    except AdmissionError as error:
        return write_failure(error)
