"""What a platform says to have people's money given back, and what it is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from admission.refunds import RefundDecision, RefundReason
from admission.wire_base import Answer, Ident, People, Request


class RefundRequest(Request, frozen=True):
    """Ask whether people may have their money back, or take an earlier request back.

    Attributes:
        id: the platform's own name for the request; asked again, it is answered as before.
        voucher_ref, code: one of them names the voucher; none is needed to withdraw.
        people: how many; absent: all whom the voucher still stands for.
        withdraw: the refund does not come to be; its people are let in again.
    """

    id: Ident
    voucher_ref: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    code: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    people: People | None = None
    withdraw: bool = False


class RefundEvidence(Answer, frozen=True):
    """A recorded admission that speaks against a refund."""

    scan_id: str
    at: datetime
    gate_id: str
    people: int


class RefundAnswer(Answer, frozen=True):
    """The decision on one request.

    Attributes:
        people: given back and locked; 0 for a refusal.
        refundable: how many could have been given back when it was decided.
        withdrawn_at: since then the decision is of no effect.
    """

    id: str
    decision: RefundDecision
    reason: RefundReason
    people: int
    refundable: int
    evidence: list[RefundEvidence]
    decided_at: datetime
    withdrawn_at: datetime | None = None


class RefundListed(RefundAnswer, frozen=True, kw_only=True):
    """A decision as staff and the platform's partner see it.

    Attributes:
        asked: people asked about; null: all of the voucher.
        deal_id, tail: of the voucher; null where none was found.
    """

    platform: str
    voucher_ref: str | None
    deal_id: str | None
    tail: str | None
    asked: int | None


class RefundsAnswer(Answer, frozen=True):
    """Decisions, the newest first.

    Attributes:
        more: there are older ones.
    """

    refund_requests: list[RefundListed]
    more: bool = False
