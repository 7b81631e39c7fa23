"""Why it is busy, over HTTP: the deals that explain it, and what staff may say."""

from __future__ import annotations

from admission.wire_notices import WhyAnswer
from gate_server.web.callers import DEVICES, STEWARDS
from gate_server.web.operations import Call, Noun

why = Noun("why")


@why.operation("GET", "/why", who=DEVICES | STEWARDS, answer=WhyAnswer)
def tell_why(call: Call) -> WhyAnswer:
    """Tell which deals explain why it is busy: voided, on hold, or with far more scans than usual.

    Counts are at most some seconds old, what was sold half a minute.
    """
    return WhyAnswer(cards=call.services.why.cards())
