"""The page that searches the audit: who did what, when and to what; for admins and auditors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

from admission.calendar import from_ms
from admission.messages import Sentence
from admission.wire_figures import AuditAnswer
from gate_server.web.audit_search import audit_search
from gate_server.web.board.acts import find_operation
from gate_server.web.board.languages import clock, lazy_gettext, say
from gate_server.web.board.pages import Section, Shown, Visit, show
from gate_server.web.callers import Role

audit: Final = Section("audit")

_PARTS: Final = ("from", "until", "event", "by", "subject", "before")
_INSTANTS: Final = ("_at", "_from", "_until", "_by", "_since")
LATEST_MS: Final = 253_370_764_800_000
"""The year 9999, after which nothing can be shown as a time."""
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
        said=partial(_said, visit),
    )


@cache
def event_names() -> dict[str, Sentence]:
    """Return what events are called, by their own names."""
    text = files("gatehouse_config").joinpath("messages/audit.toml").read_text("utf-8")
    return {
        name: Sentence(words["zh"], words["en"])
        for name, words in tomllib.loads(text)["events"].items()
    }


def _said(visit: Visit, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return an event's fields as short texts; nested ones by their path."""
    found: list[tuple[str, str]] = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found += [(f"{name}.{below}", text) for below, text in _said(visit, value)]
        elif value not in (None, "", []):
            found.append((name, _text(visit, name, value)))
    return found


def _text(visit: Visit, name: str, value: Any) -> str:
    if isinstance(value, list):
        return " / ".join(str(each) for each in value)
    if isinstance(value, int) and name.endswith(_INSTANTS) and abs(value) < LATEST_MS:
        return clock(from_ms(value), visit.services.ledger.venue, visit.now)
    return str(value)
