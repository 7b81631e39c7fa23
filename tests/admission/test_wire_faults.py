"""What is wrong with a field is known by its kind, so that each language can say it."""

from __future__ import annotations

import json

import pytest

from admission import wire
from admission.errors import Fault, InvalidInput
from admission.wire_crowd import QueueCountRequest
from admission.wire_notices import BroadcastRequest
from admission.wire_staff import HoldRequest, LookupRequest, VoidRequest

TERMS = {"reason": "r", "cost_bearer": "venue", "honour": {"arrived_by": "2026-05-01T17:00:00Z"}}


@pytest.mark.parametrize(
    ("kind", "body", "field", "fault", "limit"),
    [
        (HoldRequest, {}, "reason", Fault.MISSING, ""),
        (HoldRequest, {"reason": ""}, "reason", Fault.MISSING, ""),
        (HoldRequest, {"reason": None}, "reason", Fault.MISSING, ""),
        (HoldRequest, {"reason": "x" * 501}, "reason", Fault.TOO_LONG, "500"),
        (HoldRequest, {"reason": "r", "at_gate": "shut"}, "at_gate", Fault.CHOICE, ""),
        (HoldRequest, {"reason": "r", "note": "n"}, "note", None, ""),
        (QueueCountRequest, {"people": -1}, "people", Fault.TOO_LITTLE, "0"),
        (QueueCountRequest, {"people": 10**7}, "people", Fault.TOO_MUCH, "1000000"),
        (QueueCountRequest, {"people": 10**30}, "people", Fault.TOO_MUCH, "1000000"),
        (QueueCountRequest, {"people": "ten"}, "people", Fault.UNREADABLE, ""),
        (LookupRequest, {"phone": "12"}, "phone", Fault.TOO_SHORT, "4"),
        (LookupRequest, {"phone_last4": "12"}, "phone_last4", Fault.FORM, ""),
        (BroadcastRequest, {"gates": ["G"] * 501}, "gates", Fault.TOO_MANY, "500"),
        (BroadcastRequest, {"expires_at": "soon"}, "expires_at", Fault.UNREADABLE, ""),
        (BroadcastRequest, {"expires_at": "2026-05-01T10:00"}, "expires_at", Fault.UNREADABLE, ""),
        (
            VoidRequest,
            TERMS | {"honour": {"arrived_by": "five"}},
            "honour.arrived_by",
            Fault.UNREADABLE,
            "",
        ),
    ],
)
def test_field_that_cannot_be_read_says_which_and_why(kind, body, field, fault, limit):
    with pytest.raises(InvalidInput) as raised:
        wire.read(kind, json.dumps(body).encode())

    error = raised.value
    assert (error.field, error.fault, error.limit) == (field, fault, limit)
