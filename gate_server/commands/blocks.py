"""Commands about buyers' accounts: block, lift, appeal, decide, verify a buyer's phone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from admission.codes import read_code
from admission.wire_buyers import AcceptRequest, BlockRequest, Last4
from gate_server.blocks import BlockDesk
from gate_server.commands.services import Command, Params, Services
from gate_server.ledger.phone_checks import Asker, Which, check_phone


class InState(Params, frozen=True):
    """Which blocks are asked for; None: every one that there is or was."""

    state: str | None = None


class BlockNumber(Params, frozen=True):
    """A block, or the proposal of one."""

    block_id: str


class NewBlock(Params, frozen=True):
    """An account that must see a supervisor."""

    platform: str
    buyer_ref: str
    reason: str
    expires_at: datetime | None = None
    origin: Literal["supervisor", "feed"] = "supervisor"
    origin_id: str | None = None


class Reasoned(Params, frozen=True):
    """A block or a proposal, and why it ends or what is said to it."""

    block_id: str
    reason: str


class Accepted(Params, frozen=True):
    """A proposal that is to be a block, and until when."""

    block_id: str
    reason: str
    expires_at: datetime | None = None


class Verify(Params, frozen=True):
    """A voucher's code, and four digits that a visitor says."""

    code: str
    phone_last4: Last4


def list_all(services: Services, params: InState) -> dict[str, Any]:
    """List blocks, or proposals."""
    return _built(_desk(services).page(params.state))


def show_one(services: Services, params: BlockNumber) -> dict[str, Any]:
    """Show a block or a proposal with its facts and appeals."""
    return _built(_desk(services).show(params.block_id))


def add(services: Services, params: NewBlock) -> dict[str, Any]:
    """Block an account."""
    request = BlockRequest(
        platform=params.platform,
        buyer_ref=params.buyer_ref,
        reason=params.reason,
        expires_at=params.expires_at,
        origin=params.origin,
        origin_id=params.origin_id,
    )
    return _built(_desk(services).add(request, by=services.by))


def lift(services: Services, params: Reasoned) -> dict[str, Any]:
    """End a block."""
    return _built(_desk(services).lift(params.block_id, params.reason, by=services.by))


def appeal(services: Services, params: Reasoned) -> dict[str, Any]:
    """Note what a blocked buyer says."""
    return _built(_desk(services).appeal(params.block_id, params.reason, by=services.by))


def uphold(services: Services, params: Reasoned) -> dict[str, Any]:
    """Let a block stand in spite of an appeal."""
    return _built(_desk(services).uphold(params.block_id, params.reason, by=services.by))


def accept(services: Services, params: Accepted) -> dict[str, Any]:
    """Block an account as proposed."""
    request = AcceptRequest(reason=params.reason, expires_at=params.expires_at)
    return _built(_desk(services).accept(params.block_id, request, by=services.by))


def decline(services: Services, params: Reasoned) -> dict[str, Any]:
    """Decide not to block an account."""
    return _built(_desk(services).decline(params.block_id, params.reason, by=services.by))


def verify(services: Services, params: Verify) -> dict[str, Any]:
    """Say whether four digits end the phone that bought a voucher."""
    ledger = services.ledger
    which = Which(keys=read_code(params.code, services.keys.reader).keys)
    asker, now = Asker(services.by), ledger.clock()
    checked = ledger.write(
        lambda tx: check_phone(tx, which.find(tx), params.phone_last4, asker=asker, now=now)
    )
    return {"matches": checked.matches, "tries_left": checked.tries_left}


def _desk(services: Services) -> BlockDesk:
    return BlockDesk(services.ledger, services.keys, services.settings)


def _built(answer: Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "block list": Command(InState, list_all),
    "block show": Command(BlockNumber, show_one),
    "block add": Command(NewBlock, add),
    "block lift": Command(Reasoned, lift),
    "block appeal": Command(Reasoned, appeal),
    "block uphold": Command(Reasoned, uphold),
    "block accept": Command(Accepted, accept),
    "block decline": Command(Reasoned, decline),
    "voucher verify": Command(Verify, verify),
}
