"""The page of look-ups: find the voucher of who stands here, never a list to browse."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from admission.corrections import find_no_override
from admission.errors import AdmissionError, Fault, InvalidInput
from admission.scans import Direction, Mode
from admission.wire_staff import FoundVoucher, LookupAnswer
from gate_server.voucher_story import Story, tell_story
from gate_server.web.board.acts import find_operation
from gate_server.web.board.languages import gettext, lazy_gettext
from gate_server.web.board.ops_acts import gate_choices
from gate_server.web.board.pages import LEADERS, STAFF, Section, Shown, Visit, show
from gate_server.web.board.problem_words import Told, tell
from gate_server.web.problems import problem_of
from gate_server.web.vouchers import vouchers

lookup: Final = Section("lookup")

WAYS: Final = (
    ("code", lazy_gettext("code")),
    ("order_ref", lazy_gettext("order number")),
    ("phone", lazy_gettext("whole phone number")),
    ("phone_last4", lazy_gettext("last 4 digits of the phone")),
)
PROBLEMS: Final = {
    "reason": lazy_gettext("Say why: the last 4 digits find other people's vouchers, too."),
    "phone": lazy_gettext("Type the whole phone number."),
    "phone_last4": lazy_gettext("Type exactly the last 4 digits."),
}
"""By the field of the call that cannot be used; of others what the call says is told."""
DEEDS: Final = {
    Mode.ADMIT.value: lazy_gettext("entry"),
    Mode.ARRIVE.value: lazy_gettext("arrival"),
    Mode.REENTRY.value: lazy_gettext("re-entry"),
    Mode.EXCHANGE.value: lazy_gettext("exchange"),
    Direction.EXIT.value: lazy_gettext("exit"),
}
_FIND: Final = find_operation(vouchers, "find")


@lookup.page("/lookup", who=STAFF, title=lazy_gettext("Look up"))
def show_lookup(visit: Visit) -> Shown:
    """Ask what to look for; nothing is listed."""
    return _page(visit)


@lookup.page("/lookup", who=STAFF, method="POST")
def look_up(visit: Visit) -> Shown:
    """Find at most ten vouchers, and tell what each has done and what a gate would say."""
    how, what = visit.form.get("how", ""), visit.form.get("what", "").strip()
    if how not in dict(WAYS):
        raise InvalidInput("how", f"is one of {', '.join(dict(WAYS))}", Fault.CHOICE)
    reason = visit.form.get("reason", "").strip()
    body = {how: what} | ({"reason": reason} if reason else {})
    try:
        found = _FIND.perform(
            visit.services, visit.caller, args={}, body=body, query={}, address=visit.address
        )
    except AdmissionError as error:
        # What was looked for is typed again: a phone number stands in no page.
        page = _page(visit, problem=_words(error), how=how, reason=reason)
        return Response(page, problem_of(error).problem.status)
    assert isinstance(found, LookupAnswer)  # noqa: S101 - that call's only answer
    told = [(each, _story(visit, each)) for each in found.vouchers]
    return _page(visit, found=told, more=found.more, how=how, reason=reason)


def _words(error: AdmissionError) -> Told:
    if isinstance(error, InvalidInput) and error.field in PROBLEMS:
        return Told(str(PROBLEMS[error.field]))
    return tell(error)


def _story(visit: Visit, found: FoundVoucher) -> Story | None:
    services = visit.services
    pick = services.answers.picks.read(found.pick, device_id="", now=visit.now)
    if pick.voucher_id is None:
        return None
    gate_id = visit.form.get("gate_id") or None
    return tell_story(services.ledger, services.check_in, pick.voucher_id, gate_id, visit.now)


def _page(visit: Visit, **found: Any) -> str:
    services = visit.services
    messages, answers = services.answers.messages, services.answers
    return show(
        "lookup.html",
        ways=WAYS,
        gates=gate_choices(visit),
        here=visit.form.get("gate_id", ""),
        statuses={
            "valid": gettext("valid"),
            "cancelled": gettext("cancelled"),
            "refunded": gettext("refunded"),
            "blocked": gettext("blocked"),
        },
        deed=lambda record: DEEDS[
            "exit" if record.direction is Direction.EXIT else record.mode.value
        ],
        reason_name=messages.short,
        may_let_in=lambda record: visit.may(LEADERS) and not find_no_override(record, visit.now),
        words=answers.words,
        limit=services.settings.lookups_an_hour,
        **found,
    )
