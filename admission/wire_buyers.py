"""Blocks of buyers' accounts over HTTP, and whether a visitor knows the buyer's phone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from admission.blocks import AppealOutcome, BlockOrigin, BlockState
from admission.wire_base import Answer, Ident, Line, Request, Text

Last4 = Annotated[
    str,
    Meta(pattern="^[0-9]{4}$", max_length=4, description="the last four digits of the phone"),
]


class BlockRequest(Request, frozen=True):
    """Have a buyer's vouchers referred to a supervisor.

    Attributes:
        origin: `feed` where the platform itself named the account.
        origin_id: what names the platform's message, a letter or a list.
    """

    platform: Ident
    buyer_ref: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Line
    expires_at: datetime | None = None
    origin: Literal["supervisor", "feed"] = "supervisor"
    origin_id: Ident | None = None


class AcceptRequest(Request, frozen=True):
    """Block an account as it was proposed."""

    reason: Line
    expires_at: datetime | None = None


class AppealRequest(Request, frozen=True):
    """What a blocked buyer says to it; it stays on record until a supervisor decides."""

    note: Line


class BuyerFacts(Answer, frozen=True):
    """What is known of an account's purchases, all its deals together.

    Attributes:
        scanned: vouchers that were presented already.
    """

    vouchers: int
    people: int
    deals: list[str]
    first_sold_at: datetime | None
    last_sold_at: datetime | None
    scanned: int


class AppealAnswer(Answer, frozen=True):
    """What was said to a block, and what came of it; `outcome` null: nobody has decided yet.

    Attributes:
        note: null once it was erased.
    """

    made_at: datetime
    made_by: str
    note: str | None
    outcome: AppealOutcome | None
    ended_at: datetime | None
    ended_by: str | None
    answer: str | None


class BlockAnswer(Answer, frozen=True):
    """A block, or the proposal of one; the buyer's reference itself is not kept.

    Attributes:
        origin_id: of a finding its number; of a feed what the supervisor gave.
        created_by: who blocked the account, proposed it, or declined to block it.
        say: of a proposal, what was found.
        facts: null where no voucher of the account is known.
    """

    block_id: str
    state: BlockState
    origin: BlockOrigin
    origin_id: str | None
    platform: str
    reason: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None
    vouchers: int
    facts: BuyerFacts | None
    appeals: list[AppealAnswer]
    say: Text | None = None


class BlocksAnswer(Answer, frozen=True):
    """Blocks, the newest first, or proposals, the largest first."""

    blocks: list[BlockAnswer]


class VerifyRequest(Request, frozen=True):
    """Ask whether four digits end the phone that bought a voucher: its `code`, or its `pick`."""

    phone_last4: Last4
    code: Annotated[str, Meta(max_length=600)] | None = None
    pick: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class VerifyAnswer(Answer, frozen=True):
    """Whether they do, and how many wrong answers the voucher still takes today."""

    matches: bool
    tries_left: int
