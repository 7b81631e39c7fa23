"""A platform's ordinary month over HTTP, for its partner and the venue; closing is a command."""

from __future__ import annotations

from admission.errors import NotFound
from admission.settlement_months import read_month
from admission.wire_months import MonthAnswer
from gate_server.months import make_month
from gate_server.web.callers import PARTNERS, SUPERVISORS
from gate_server.web.operations import Call, Noun

months = Noun("months")


@months.operation(
    "GET", "/statements/<platform>/<month>", who=SUPERVISORS | PARTNERS, answer=MonthAnswer
)
def show_month(call: Call) -> MonthAnswer:
    """State a platform's month, as 2026-05: by deal people, refunds and annulments; corrections.

    A closed month is answered as it was told then. Another platform's is not there for a partner.
    """
    platform = call.args["platform"]
    if call.caller.platform not in {None, platform}:
        raise NotFound(f"no deal is of a platform {platform}")
    return make_month(call.services.ledger, platform, read_month(call.args["month"]))
