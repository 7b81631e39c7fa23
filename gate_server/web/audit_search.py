"""The search in the audit over HTTP; nothing of it can be changed."""

from __future__ import annotations

from admission.errors import InvalidInput
from admission.wire_figures import AuditAnswer
from gate_server.audit_search import read_bound, search_audit
from gate_server.ledger.audit_list import AuditSearch
from gate_server.web.callers import ADMINS, Role
from gate_server.web.operations import Call, Noun, text, whole

audit_search = Noun("audit_search")

LONGEST_WORD = 200


@audit_search.operation(
    "GET",
    "/audit",
    who=ADMINS,
    answer=AuditAnswer,
    query=(
        *(text("from"), text("until"), text("event"), text("by"), text("subject")),
        whole("before"),
    ),
)
def show_audit(call: Call) -> AuditAnswer:
    """List what was done, the newest first; scans are no part of it.

    `from` and `until` are venue days or instants, `event` what was done, `by` who did it, `subject`
    the id of what it was done to. At most 200 a page; go on with `before` of the answer.
    """
    venue, query = call.services.ledger.venue, call.query
    asked = AuditSearch(
        since=read_bound(venue, "from", query.get("from"), last=False),
        until=read_bound(venue, "until", query.get("until"), last=True),
        event=_word(call, "event"),
        by=_word(call, "by"),
        subject=_word(call, "subject"),
        before=call.whole("before") or None,
    )
    return search_audit(call.services.ledger, asked, admin=call.caller.kind is Role.ADMIN)


def _word(call: Call, name: str) -> str | None:
    value = call.query.get(name) or None
    if value is not None and (len(value) > LONGEST_WORD or not value.isprintable()):
        raise InvalidInput(name, f"is a text of at most {LONGEST_WORD} characters")
    return value
