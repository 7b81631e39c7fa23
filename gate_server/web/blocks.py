"""Blocks over HTTP: buyers' accounts whose vouchers must see a supervisor."""

from __future__ import annotations

from admission.wire_buyers import (
    AcceptRequest,
    AppealRequest,
    BlockAnswer,
    BlockRequest,
    BlocksAnswer,
)
from admission.wire_staff import ReasonRequest
from gate_server.blocks import BlockDesk
from gate_server.web.callers import SUPERVISORS
from gate_server.web.operations import Call, Noun, text

blocks = Noun("blocks")


@blocks.operation("GET", "/blocks", who=SUPERVISORS, answer=BlocksAnswer, query=(text("state"),))
def show_blocks(call: Call) -> BlocksAnswer:
    """List blocks, the newest first, or proposals (`?state=proposed`), the largest first.

    `state` is `proposed`, `in_force`, `expired`, `lifted`, `declined`, or `appealed`: whose appeal
    waits for an answer. Of a buyer nothing but the platform is kept.
    """
    return _desk(call).page(call.query.get("state"))


@blocks.operation(
    "POST", "/blocks", who=SUPERVISORS, body=BlockRequest, answer=BlockAnswer, status=201
)
def block(call: Call) -> BlockAnswer:
    """Have a buyer's vouchers referred to a supervisor, those too that come later."""
    return _desk(call).add(call.body, by=call.caller.name)


@blocks.operation("GET", "/blocks/<block_id>", who=SUPERVISORS, answer=BlockAnswer)
def show_block(call: Call) -> BlockAnswer:
    """Show a block, or the proposal of one, with what the account bought and its appeals."""
    return _desk(call).show(call.args["block_id"])


@blocks.operation(
    "POST",
    "/blocks/<block_id>/lift",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=BlockAnswer,
    problems=("lifted-already",),
)
def lift(call: Call) -> BlockAnswer:
    """End a block, and the appeals against it."""
    return _desk(call).lift(call.args["block_id"], call.body.reason, by=call.caller.name)


@blocks.operation(
    "POST",
    "/blocks/<block_id>/appeal",
    who=SUPERVISORS,
    body=AppealRequest,
    answer=BlockAnswer,
    problems=("lifted-already",),
)
def appeal(call: Call) -> BlockAnswer:
    """Note what a blocked buyer says; the block stands until a supervisor lifts it."""
    return _desk(call).appeal(call.args["block_id"], call.body.note, by=call.caller.name)


@blocks.operation(
    "POST",
    "/blocks/<block_id>/uphold",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=BlockAnswer,
    problems=("lifted-already", "not-appealed"),
)
def uphold(call: Call) -> BlockAnswer:
    """Decide that a block stands in spite of what was said to it."""
    return _desk(call).uphold(call.args["block_id"], call.body.reason, by=call.caller.name)


@blocks.operation(
    "POST",
    "/blocks/<block_id>/accept",
    who=SUPERVISORS,
    body=AcceptRequest,
    answer=BlockAnswer,
    status=201,
    problems=("decided-already",),
)
def accept_block(call: Call) -> BlockAnswer:
    """Block an account that was proposed; the answer is the block, with a number of its own."""
    return _desk(call).accept(call.args["block_id"], call.body, by=call.caller.name)


@blocks.operation(
    "POST",
    "/blocks/<block_id>/decline",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=BlockAnswer,
    problems=("decided-already",),
)
def decline_block(call: Call) -> BlockAnswer:
    """Decide that an account is not blocked; it is proposed again only when it has grown."""
    return _desk(call).decline(call.args["block_id"], call.body.reason, by=call.caller.name)


def _desk(call: Call) -> BlockDesk:
    services = call.services
    return BlockDesk(services.ledger, services.keys, services.settings)
