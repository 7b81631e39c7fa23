"""The page that searches the audit: who did what, when and to what; for admins and auditors."""

from __future__ import annotations

from functools import partial
from typing import Final

from admission.messages import Sentence
from admission.wire_figures import AuditAnswer
from gate_server.web.audit_search import audit_search
from gate_server.web.board.acts import find_operation
from gate_server.web.board.audit_words import call_doer, call_field, event_names, tell_fields
from gate_server.web.board.languages import lazy_gettext, say
from gate_server.web.board.pages import Section, Shown, Visit, show
from gate_server.web.callers import Role

audit: Final = Section("audit")

_PARTS: Final = ("from", "until", "event", "by", "subject", "before")
_SEARCH: Final = find_operation(audit_search, "show_audit")


@audit.page(
    "/audit", who=frozenset({Role.ADMIN, Role.AUDITOR}), title=lazy_gettext("Audit"), seldom=True
)
def search_audit_page(visit: Visit) -> Shown:
    """Show the newest of what was done, or what is looked for."""
    given = {part: visit.query[part].strip() for part in _PARTS if visit.query.get(part)}
    found = _SEARCH.perform(
        visit.services, visit.caller, args={}, body={}, query=given, address=visit.address
    )
    assert isinstance(found, AuditAnswer)  # noqa: S101 - that call's only answer
    events = event_names()
    return show(
        "audit.html",
        found=found.audit,
        before=found.before,
        given={part: value for part, value in given.items() if part != "before"},
        events=sorted(events, key=lambda name: say(events[name])),
        called=lambda name: say(events.get(name, Sentence(name, name))),
        named=call_field,
        doer=call_doer,
        said=partial(tell_fields, visit),
    )
