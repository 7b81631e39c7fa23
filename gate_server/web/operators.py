"""Operators over HTTP: who stands at a device, by badge, by PIN, or on a scanner's word."""

from __future__ import annotations

import threading
from typing import Final

from admission.codes import normalise
from admission.errors import Forbidden, InvalidInput
from admission.operators import mask_name, read_badge
from admission.wire_people import (
    ShiftsAnswer,
    ShiftsRequest,
    SignedIn,
    SignedOut,
    SignInRequest,
)
from gate_server.ledger.operators import Operator
from gate_server.ledger.people import record_shift, sign_in, sign_out
from gate_server.ledger.session import Session
from gate_server.secrets import password_matches
from gate_server.web.callers import DEVICES
from gate_server.web.operations import Call, Noun
from gate_server.web.services import Services

operators = Noun("operators")

# A PIN takes 64 MiB and a tenth of a second of one core: never more than two beside the scans.
PINS_AT_ONCE: Final = threading.BoundedSemaphore(2)


@operators.operation(
    "POST",
    "/operators/sign-in",
    who=DEVICES,
    body=SignInRequest,
    answer=SignedIn,
    problems=("sign-in-failed", "too-many"),
)
def sign_operator_in(call: Call) -> SignedIn:
    """Note who stands at this device from now on; whoever stood there before has left."""
    ledger, device = call.services.ledger, call.device
    operator = _prove(call.services, device.device_id, call.body)
    shift = ledger.write(
        lambda tx: sign_in(tx, device, operator.operator, now=ledger.clock()), alone=True
    )
    return SignedIn(
        operator=operator.operator,
        name=mask_name(operator.name),
        role=operator.role,
        since=shift.from_at,
    )


def _prove(services: Services, device_id: str, request: SignInRequest) -> Operator:
    """Return whose badge or PIN it is.

    Raises:
        InvalidInput: neither or both, or a badge that is not whole.
        Forbidden: `sign-in-failed`.
        Refused: 429, too many wrong PINs.
    """
    if request.badge is not None and request.operator is None and request.pin is None:
        return _prove_badge(services, request.badge)
    if request.badge is None and request.operator is not None and request.pin is not None:
        return _prove_pin(services, device_id, request.operator, request.pin)
    raise InvalidInput("badge", "send either badge, or operator and pin")


def _prove_badge(services: Services, text: str) -> Operator:
    badge, catalogue = read_badge(normalise(text)), services.ledger.catalogue
    number = catalogue.badges.get(services.keys.badge_hash(badge))
    found = None if number is None else catalogue.operators.get(number)
    if found is None or found.disabled:
        raise Forbidden(
            "this badge is not valid (any more); ask a supervisor for a new one",
            slug="sign-in-failed",
        )
    return found


def _prove_pin(services: Services, device_id: str, number: str, pin: str) -> Operator:
    services.attempts.count_pin(device_id, number)
    found = services.ledger.catalogue.operators.get(number)
    stored = None if found is None or found.disabled else found.pin_hash
    with PINS_AT_ONCE:
        right = password_matches(stored, services.keys.pin_text(number, pin))
    if not right or found is None:
        raise Forbidden("number and PIN do not belong together", slug="sign-in-failed")
    services.attempts.pin_was_right(device_id, number)
    return found


@operators.operation("POST", "/operators/sign-out", who=DEVICES, answer=SignedOut)
def sign_operator_out(call: Call) -> SignedOut:
    """Note that nobody stands at this device any more."""
    ledger, device = call.services.ledger, call.device
    now = ledger.clock()
    ended = ledger.write(lambda tx: sign_out(tx, device, now=now), alone=True)
    return SignedOut(operator=None if ended is None else ended.operator, until=now)


@operators.operation(
    "POST", "/operators/shifts", who=DEVICES, body=ShiftsRequest, answer=ShiftsAnswer
)
def take_shifts(call: Call) -> ShiftsAnswer:
    """Record who stood at a device that could not ask: unverified, and the same again once."""
    ledger, device, told = call.services.ledger, call.device, call.body.shifts
    for shift in told:
        if shift.until is not None and shift.until < shift.since:
            raise InvalidInput("shifts", "one ends before it begins")

    def keep(tx: Session) -> None:
        for shift in told:
            record_shift(tx, device, shift, now=ledger.clock())

    ledger.write(keep, alone=True)
    here = ledger.catalogue.operator_at(device.device_id, ledger.clock())
    return ShiftsAnswer(taken=len(told), operator=here)
