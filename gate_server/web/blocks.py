"""Blocks over HTTP: buyers' accounts whose vouchers must see a supervisor."""

from __future__ import annotations

from admission.errors import NotFound
from admission.keys import buyer_hash
from admission.wire_staff import BlockAnswer, BlockRequest, BlocksAnswer, ReasonRequest
from gate_server.ledger.actions import block_buyer, lift_block
from gate_server.ledger.reports import Block, list_blocks
from gate_server.web.callers import SUPERVISORS
from gate_server.web.operations import Call, Noun

blocks = Noun("blocks")


@blocks.operation("GET", "/blocks", who=SUPERVISORS, answer=BlocksAnswer)
def show_blocks(call: Call) -> BlocksAnswer:
    """List all blocks, the newest first; of a buyer nothing but the platform is kept."""
    return BlocksAnswer(blocks=[_answer(block) for block in list_blocks(call.services.ledger)])


@blocks.operation(
    "POST", "/blocks", who=SUPERVISORS, body=BlockRequest, answer=BlockAnswer, status=201
)
def block(call: Call) -> BlockAnswer:
    """Have a buyer's vouchers referred to a supervisor, those too that come later."""
    request, ledger = call.body, call.services.ledger
    buyer = buyer_hash(request.platform, request.buyer_ref, call.services.keys.buyer_key())
    block_id = ledger.write(
        lambda tx: block_buyer(
            tx,
            request.platform,
            buyer,
            reason=request.reason,
            expires_at=request.expires_at,
            by=call.caller.name,
            now=ledger.clock(),
        ),
        alone=True,
        urgent=True,
    )
    return _one(call, block_id)


@blocks.operation(
    "POST",
    "/blocks/<block_id>/lift",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=BlockAnswer,
    problems=("lifted-already",),
)
def lift(call: Call) -> BlockAnswer:
    """End a block."""
    ledger, reason = call.services.ledger, call.body.reason
    block_id = _read_id(call.args["block_id"])
    ledger.write(
        lambda tx: lift_block(tx, block_id, reason=reason, by=call.caller.name, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    return _one(call, block_id)


def _read_id(text: str) -> int:
    # 18 digits fit SQLite's integers.
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound(f"no block {text}")
    return int(text)


def _one(call: Call, block_id: int) -> BlockAnswer:
    found = list_blocks(call.services.ledger)
    return next(_answer(block) for block in found if block.block_id == block_id)


def _answer(block: Block) -> BlockAnswer:
    return BlockAnswer(
        block_id=str(block.block_id),
        platform=block.platform,
        reason=block.reason,
        created_at=block.created_at,
        created_by=block.created_by,
        expires_at=block.expires_at,
        lifted_at=block.lifted_at,
        vouchers=block.vouchers,
    )
