"""The pages of deals: what is wrong first, and one deal with all that was done and decided."""

from __future__ import annotations

from typing import Any

from gate_server.closures import shown_closures
from gate_server.findings import list_findings
from gate_server.web.board.deal_charts import draw_curves
from gate_server.web.board.deal_rows import (
    find_ceiling,
    get_deal,
    list_lines,
    list_open,
    make_line,
    people_honoured,
    scanned_today,
)
from gate_server.web.board.languages import lazy_gettext
from gate_server.web.board.pages import LEADERS, STAFF, Section, Shown, Visit, show
from gate_server.web.board.reading import answer_of
from gate_server.web.board.rows import STATES
from gate_server.web.board.terms import say_right
from gate_server.web.callers import Role
from gate_server.web.deals import deals as calls

LOOKERS = STAFF | {Role.AUDITOR}
BILLED = LEADERS | {Role.AUDITOR, Role.PARTNER}

deals = Section("deals")


@deals.page("/deals", who=LOOKERS, title=lazy_gettext("Deals"))
def show_deals(visit: Visit) -> Shown:
    """Show all deals, those first that wait for a decision."""
    lines = list_lines(visit)
    return show(
        "deals.html",
        wrong=[each for each in lines if each.wrong],
        fine=[each for each in lines if not each.wrong and not each.over],
        over=[each for each in lines if not each.wrong and each.over],
        loose=[each for each in list_open(visit) if each.deal_id is None],
        **_common(visit),
    )


@deals.page("/deals/<deal_id>", who=LOOKERS | {Role.PARTNER})
def show_one_deal(visit: Visit) -> Shown:
    """Show one deal; another platform's is not there for a partner."""
    told = answer_of(visit, calls, "show_deal", {"deal_id": visit.args["deal_id"]})
    deal, ledger = get_deal(visit, told.deal_id), visit.services.ledger
    return show(
        "deal.html",
        deal=told,
        known=deal,
        rights=[say_right(right) for right in deal.rights],
        line=make_line(visit, told, list_open(visit)),
        today=scanned_today(visit, deal),
        honoured=people_honoured(visit, told),
        ceiling=find_ceiling(visit, told),
        curves=draw_curves(ledger, deal),
        found=[
            each
            for each in list_findings(ledger, platform=deal.platform)
            if each.deal_id == told.deal_id
        ],
        closures=shown_closures(ledger, deal),
        billed=visit.may(BILLED),
        partner=visit.account.role is Role.PARTNER,
        **_common(visit),
    )


def _common(visit: Visit) -> dict[str, Any]:
    return {"leads": visit.may(LEADERS), "states": STATES}
