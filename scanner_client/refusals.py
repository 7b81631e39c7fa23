"""Slips of refused visitors at a lane: fetched from the gate server, which alone can sign them."""

from __future__ import annotations

from datetime import datetime

from admission.errors import AdmissionError
from admission.verdicts import Reason
from admission.wire_refusals import RefusalSlipAnswer, RefusalSlipRequest
from scanner_client.answers import NoAnswer
from scanner_client.checkin import Shown, new_nonce
from scanner_client.relay import Relay


class NotSigned(AdmissionError):
    """No slip can be signed without the gate server; the scan itself is on record."""


def fetch_refusal(
    relay: Relay, nonce: str, now: datetime, *, device_id: str | None = None
) -> RefusalSlipAnswer:
    """Fetch the slip of a refused scan; a lost answer is asked for again and is no copy more.

    Args:
        device_id: whose scan it is; None: this device's own.

    Raises:
        NotSigned: the gate server does not answer; says what is possible.
        RelayError: it answered that there is none.
    """
    request = RefusalSlipRequest(device_id=device_id, nonce=new_nonce(now))
    try:
        return relay.fetch_refusal_slip(nonce, request)
    except NoAnswer:
        pass
    try:
        return relay.fetch_refusal_slip(nonce, request)
    except NoAnswer as error:
        raise NotSigned(_possible(nonce, error)) from error


def wants_slip(shown: Shown) -> bool:
    """Say whether a lane that prints slips by itself prints one: whom a void turned away."""
    return shown.answer is not None and shown.answer.reason is Reason.DEAL_VOIDED


def _possible(nonce: str, error: NoAnswer) -> str:
    return (
        f"检票服务器未应答，暂不能打印签名凭条；本次验票已记录，请抄下编号 {nonce}，联网后补打。"
        f" No slip can be signed while the gate server is away ({error}). The scan is on record: "
        f"note its number, and print later: scanner-client refusal-slip {nonce}"
    )
