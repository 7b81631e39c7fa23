"""Pages of the hand-over: who did what at which lane, and the sheet to be signed."""

from __future__ import annotations

from typing import Final

from gate_server.handover import KINDS, ROLES, Asked, Page, make_sheet, read_asked
from gate_server.web.board.languages import lazy_gettext
from gate_server.web.board.pages import STAFF, Section, Shown, Visit, show
from gate_server.web.callers import Role

handover: Final = Section("handover")

_WHO: Final = STAFF | {Role.AUDITOR}
_PARTS: Final = ("day", "operator", "gate", "counted")


@handover.page("/handover", who=_WHO, title=lazy_gettext("Hand-over"), seldom=True)
def show_handover(visit: Visit) -> Shown:
    """Show a venue day's lanes, by default today's, and ask what was counted by hand."""
    ledger, asked = visit.services.ledger, _asked(visit)
    given = {part: visit.query[part] for part in _PARTS if visit.query.get(part)}
    return show(
        "handover.html",
        sheet=make_sheet(ledger, asked),
        given=given,
        gates=ledger.catalogue.gates,
        operators=ledger.catalogue.operators,
        kinds=KINDS,
        roles=ROLES,
    )


@handover.page("/handover/sheet", who=_WHO)
def print_handover(visit: Visit) -> Shown:
    """Show the sheet that is printed, in both languages, to be signed by both sides."""
    services = visit.services
    page = Page(services.ledger.venue, services.answers.messages, services.settings.name)
    return page.write(make_sheet(services.ledger, _asked(visit)), served=True)


def _asked(visit: Visit) -> Asked:
    return read_asked(*(visit.query.get(part) for part in _PARTS))
