"""The pages of settlements: who owes whom for a deal, lists, statements, and platforms' months."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from msgspec import UNSET

from admission.messages import Sentence
from admission.settlement_months import month_of, read_month
from admission.wire_months import MonthAnswer
from admission.wire_settlement import SettlementAnswer, StatementAnswer
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.statements import find_newest
from gate_server.months import last_instant, list_months
from gate_server.statements import statement_answer
from gate_server.web.board.deal_rows import get_deal
from gate_server.web.board.languages import gettext, lazy_gettext, money
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show
from gate_server.web.board.problem_words import Told
from gate_server.web.board.reading import answer_of
from gate_server.web.board.rows import STATES
from gate_server.web.callers import Role
from gate_server.web.deals import deals as deal_calls
from gate_server.web.months import months
from gate_server.web.settlement_lists import lists
from gate_server.web.statements import statements

WHO: Final = READERS | {Role.PARTNER}
MOST_CHANGED: Final = 100
MONTHS_OFFERED: Final = 11
"""Before the running one."""
CLASSES: Final = {
    "used": Sentence("已使用", "used"),
    "used_before_void": Sentence("取消前已使用", "used before the void"),
    "honoured": Sentence("照常入园", "honoured"),
    "overridden": Sentence("主管放行", "let in by a supervisor"),
    "used_after_void": Sentence("取消后入园（存疑）", "used after the void, in dispute"),
    "cancelled": Sentence("已取消订单", "cancelled"),
    "refunded": Sentence("平台已退款", "refunded by the platform"),
    "outstanding": Sentence("未使用", "not used yet"),
    "honour_open": Sentence("已到场，尚可入园", "arrived, may still come in"),
    "refund_due": Sentence("应退款", "refund due"),
    "over_admitted": Sentence("超出票面人数", "beyond what the vouchers admit"),
}
AMOUNTS: Final = {
    "owed_to_venue": Sentence("应付园方", "owed to the venue"),
    "disputed": Sentence("存疑金额", "in dispute"),
    "refunds": Sentence("应退购票款", "refunds due"),
    "compensation": Sentence("补偿金", "compensation"),
    "refunds_to_reverse": Sentence("应追回退款", "refunds to be reversed"),
}
EVIDENCE: Final = {
    "server": Sentence("服务器当场判定", "decided by the server"),
    "device_bounded": Sentence("离线，取消前已留痕", "offline, on record before the void"),
    "attested": Sentence("工作人员证明到场", "staff attest the arrival"),
    "device": Sentence("仅凭离线设备记录", "a scanner's word alone"),
}
LISTS: Final = {
    "refunds": Sentence("退款名单", "refunds"),
    "compensation": Sentence("补偿名单", "compensation"),
    "reverse": Sentence("追回退款名单", "refunds to reverse"),
    "disputed": Sentence("存疑名单", "in dispute"),
}

settlement = Section("settlement")


@settlement.page("/settlement", who=READERS, title=lazy_gettext("Settlement"))
def show_settlements(visit: Visit) -> Shown:
    """Show the deals with their newest statement, and the months of each platform."""
    ledger, told = visit.services.ledger, answer_of(visit, deal_calls, "list_deals").deals
    rows = [(deal, _newest(ledger, ledger.catalogue.deal_nos[deal.deal_id])) for deal in told]
    return show(
        "settlements.html",
        rows=sorted(rows, key=_unsigned_first),
        months=list_months(ledger, MONTHS_OFFERED),
        states=STATES,
    )


def _newest(ledger: Ledger, deal_no: int) -> StatementAnswer | None:
    found = ledger.read(lambda db: find_newest(db, deal_no))
    return None if found is None else statement_answer(found)


def _unsigned_first(row: tuple[Any, StatementAnswer | None]) -> tuple[int, str]:
    """Sort statements first that wait for a signature, then deals without one, then closed ones."""
    deal, newest = row
    if newest is None:
        return 1, deal.deal_id
    return (0 if newest.closed_at is None else 2), deal.deal_id


@settlement.page("/deals/<deal_id>/bill", who=WHO)
def show_bill(visit: Visit) -> Shown:
    """Show what a deal comes to so far, as a part of another page."""
    told = answer_of(visit, deal_calls, "show_deal", {"deal_id": visit.args["deal_id"]})
    return show(
        "bill.html",
        deal=told,
        made=visit.services.bills.find(get_deal(visit, told.deal_id)),
        amounts=AMOUNTS,
    )


@settlement.page("/deals/<deal_id>/settlement", who=WHO)
def show_deal_settlement(visit: Visit) -> Shown:
    """Show who owes whom how much for a deal, its lists and its statements."""
    deal_id = visit.args["deal_id"]
    told = answer_of(visit, deal_calls, "show_deal", {"deal_id": deal_id})
    made = visit.services.bills.find(get_deal(visit, deal_id))
    return show(
        "settlement.html",
        deal=told,
        lists=answer_of(visit, lists, "show_lists", {"deal_id": deal_id}).lists,
        statements=answer_of(visit, statements, "show_statements", {"deal_id": deal_id}).statements,
        overrides=answer_of(visit, lists, "show_overrides", {"deal_id": deal_id}).overrides,
        **_figures(visit, made),
    )


@settlement.page("/deals/<deal_id>/statements/<version>", who=WHO)
def show_one_page_of_statement(visit: Visit) -> Shown:
    """Show a statement with what changed since the one before, to be signed."""
    args = {"deal_id": visit.args["deal_id"], "version": visit.args["version"]}
    found: StatementAnswer = answer_of(visit, statements, "show_one_statement", args)
    changed = answer_of(visit, statements, "show_differences", args)
    told = answer_of(visit, statements, "show_statements", {"deal_id": args["deal_id"]})
    return show(
        "statement.html",
        deal=answer_of(visit, deal_calls, "show_deal", {"deal_id": args["deal_id"]}),
        statement=found,
        is_newest=told.statements[0].version == found.version,
        signed=any(each.name == visit.account.name for each in found.signatures),
        changed=changed,
        changes=changed.changed[:MOST_CHANGED],
        **_figures(visit, found.settlement),
    )


@settlement.page("/months/<platform>/<month>", who=WHO)
def show_platform_month(visit: Visit) -> Shown:
    """Show a platform's month, and what has changed in months that were closed before."""
    args = {"platform": visit.args["platform"], "month": read_month(visit.args["month"])}
    if args["month"] > month_of(visit.now, visit.services.ledger.venue):
        ahead = Told(gettext("This month has not begun yet."))
        return Response(show("problem.html", problem=ahead, status=404), 404)
    found, ledger = answer_of(visit, months, "show_month", args), visit.services.ledger
    return show(
        "month.html",
        month=found,
        owed=owed_in(found, ledger),
        currencies={deal.deal_id: deal.currency for deal in ledger.catalogue.deals.values()},
        ended=visit.now > last_instant(found.month, ledger.venue),
        leads=visit.may(LEADERS),
    )


def owed_in(month: MonthAnswer, ledger: Ledger) -> list[str]:
    """Return what is owed to the venue for a month, in each currency; nothing is an amount, too."""
    own = [deal for deal in ledger.catalogue.deals.values() if deal.platform == month.platform]
    owed = month.owed_minor or dict.fromkeys((deal.currency for deal in own), 0)
    return [money(minor, currency) for currency, minor in sorted(owed.items())]


def _figures(visit: Visit, made: SettlementAnswer) -> dict[str, Any]:
    """Return a settlement with its lines by name, those that are nothing left out."""
    return {
        "made": made,
        "counts": _named(made.counts, CLASSES),
        "people": _named(made.people, CLASSES),
        "amounts": _named(made.amounts_minor, AMOUNTS),
        "evidence": _named(made.evidence, EVIDENCE),
        "list_names": LISTS,
        "leads": visit.may(LEADERS),
        "signs": visit.may(LEADERS | {Role.PARTNER}),
        "partner": visit.account.role is Role.PARTNER,
    }


def _named(values: Any, names: dict[str, Sentence]) -> list[tuple[Sentence, int]]:
    found = ((name, getattr(values, field, UNSET)) for field, name in names.items())
    return [(name, value) for name, value in found if value is not UNSET]
