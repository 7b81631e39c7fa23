"""Refunds over HTTP: platforms ask, signed, and people see what was decided."""

from __future__ import annotations

from functools import partial

from admission.wire_refunds import RefundAnswer, RefundRequest, RefundsAnswer
from gate_server.ledger.refunds import list_requests
from gate_server.refunds import answer_request
from gate_server.web.callers import PARTNERS, SUPERVISORS, Role
from gate_server.web.operations import Call, Noun, Reply, text

refunds = Noun("refunds")


@refunds.operation(
    "POST",
    "/feeds/native/<platform>/refund-requests",
    signed=True,
    body=RefundRequest,
    answer=RefundAnswer,
    problems=("push-reused", "request-reused"),
)
def ask_refund(call: Call) -> Reply:
    """Decide whether people of a voucher may have their money back, and lock them if so.

    All or nothing: `refundable` says for how many it would have been approved. From an approval on
    no gate lets its people in; `withdraw` takes it back. A refusal names the scans that speak
    against it. The same `id` gets the first answer for ever. 503: nothing was decided, ask again.
    """
    services, signer = call.services, call.signer
    body = answer_request(services.ledger, services.keys, signer.feed, signer.webhook_id, call.body)
    return Reply(body)


@refunds.operation(
    "GET",
    "/refund-requests",
    who=SUPERVISORS | PARTNERS,
    answer=RefundsAnswer,
    query=(text("platform"),),
)
def list_refunds(call: Call) -> RefundsAnswer:
    """List what was asked and decided, the newest first; a partner's own platform only."""
    platform = call.query.get("platform")
    if call.caller.kind is Role.PARTNER:
        if platform not in {None, call.caller.platform}:
            return RefundsAnswer(refund_requests=[])  # another's are not there
        platform = call.caller.platform
    return call.services.ledger.read(partial(list_requests, platform=platform))
