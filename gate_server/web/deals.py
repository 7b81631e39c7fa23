"""Deals over HTTP: how they stand, and what supervisors do with them."""

from __future__ import annotations

from msgspec.structs import replace

from admission.deals import Deal, Hold, HoldScope, Right
from admission.errors import NotFound
from admission.voids import Void
from admission.wire_staff import (
    DealAnswer,
    DealsAnswer,
    HoldAnswer,
    HoldRequest,
    ReasonRequest,
    VoidAnswer,
    VoidRequest,
    VoidTerms,
)
from gate_server import deal_terms
from gate_server.ledger.actions import hold_deal, release_deal
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.reports import DealCounts
from gate_server.web.callers import PARTNERS, STEWARDS, SUPERVISORS, Role
from gate_server.web.operations import Call, Noun, flag

deals = Noun("deals")


@deals.operation("GET", "/deals", who=STEWARDS | PARTNERS, answer=DealsAnswer)
def list_deals(call: Call) -> DealsAnswer:
    """List all deals; a partner's own only."""
    catalogue = call.services.ledger.catalogue
    counts = call.services.deal_book.counts()
    seen = [deal for deal in catalogue.deals.values() if _may_see(call, deal)]
    return DealsAnswer(deals=[_answer(catalogue, deal, counts[deal.deal_no]) for deal in seen])


@deals.operation("GET", "/deals/<deal_id>", who=STEWARDS | PARTNERS, answer=DealAnswer)
def show_deal(call: Call) -> DealAnswer:
    """Show one deal with every version of its void; another platform's is not there for a partner.

    A partner is not told who of the venue made a version.
    """
    shown, ledger = _current(call), call.services.ledger
    deal = ledger.catalogue.deals[ledger.catalogue.deal_nos[shown.deal_id]]
    named = call.caller.kind is not Role.PARTNER
    versions = deal_terms.void_versions(ledger, deal, named=named)
    return replace(shown, void_versions=versions)


@deals.operation(
    "POST",
    "/deals/<deal_id>/hold",
    who=SUPERVISORS,
    body=HoldRequest,
    answer=DealAnswer,
    problems=("deal-voided",),
)
def hold(call: Call) -> DealAnswer:
    """Let a deal's vouchers, or those in the scope, await a human's decision."""
    request, ledger, deal_id = call.body, call.services.ledger, call.args["deal_id"]
    scope = HoldScope()
    if request.scope is not None:
        given = request.scope
        scope = HoldScope(given.sold_from, given.sold_until, given.price_at_most_minor)
    ledger.write(
        lambda tx: hold_deal(
            tx,
            deal_id,
            reason=request.reason,
            scope=scope,
            at_gate=request.at_gate,
            by=call.caller.name,
            now=ledger.clock(),
        ),
        alone=True,
        urgent=True,
    )
    return _current(call)


@deals.operation(
    "POST",
    "/deals/<deal_id>/release",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=DealAnswer,
    problems=("not-held",),
    password=True,
)
def release(call: Call) -> DealAnswer:
    """End a hold; the vouchers are admitted again."""
    ledger, deal_id, reason = call.services.ledger, call.args["deal_id"], call.body.reason
    ledger.write(
        lambda tx: release_deal(
            tx, deal_id, reason=reason, by=call.caller.name, now=ledger.clock()
        ),
        alone=True,
        urgent=True,
    )
    return _current(call)


@deals.operation(
    "POST",
    "/deals/<deal_id>/void",
    who=SUPERVISORS,
    body=VoidRequest,
    answer=VoidAnswer,
    query=(flag("preview"),),
    password=True,
)
def void(call: Call) -> VoidAnswer:
    """Withdraw a deal, or change the terms; `preview=true` only says what that would come to."""
    ledger, deal_id, terms = call.services.ledger, call.args["deal_id"], call.body
    if call.flag("preview"):
        return deal_terms.preview_void(ledger, deal_id, terms)
    return deal_terms.void(ledger, deal_id, terms, by=call.caller.name)


@deals.operation(
    "POST",
    "/deals/<deal_id>/restore",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=VoidAnswer,
    query=(flag("preview"),),
    problems=("not-voided",),
    password=True,
)
def restore(call: Call) -> VoidAnswer:
    """End a void and any hold; `preview=true` only says what that would come to."""
    ledger, deal_id = call.services.ledger, call.args["deal_id"]
    if call.flag("preview"):
        return deal_terms.preview_restore(ledger, deal_id)
    return deal_terms.restore(ledger, deal_id, call.body.reason, by=call.caller.name)


def _may_see(call: Call, deal: Deal) -> bool:
    return call.caller.kind is not Role.PARTNER or deal.platform == call.caller.platform


def _current(call: Call) -> DealAnswer:
    catalogue, deal_id = call.services.ledger.catalogue, call.args["deal_id"]
    deal = catalogue.deal(deal_id)
    if deal is None or not _may_see(call, deal):
        raise NotFound(f"no deal {deal_id}")
    return _answer(catalogue, deal, call.services.deal_book.counts()[deal.deal_no])


def _answer(catalogue: Catalogue, deal: Deal, counts: DealCounts) -> DealAnswer:
    hold, void = catalogue.holds.get(deal.deal_no), catalogue.voids.get(deal.deal_no)
    return DealAnswer(
        deal_id=deal.deal_id,
        platform=deal.platform,
        title=deal.title,
        category=deal.category.value,
        status=deal_terms.status_of(catalogue, deal),
        valid_from=deal.valid_from,
        valid_until=deal.valid_until,
        face_price_minor=deal.face_price_minor,
        currency=deal.currency,
        rights="|".join(map(_right, deal.rights)),
        vouchers=counts.vouchers,
        people_sold=counts.people_sold,
        people_admitted=counts.people_admitted,
        refunded_people=counts.refunded_people,
        hold=None if hold is None else _hold(hold),
        void=None if void is None else _void(void, deal),
        closures=[closure.closure_id for closure in deal.closures],
    )


def _right(right: Right) -> str:
    return f"{right.area}:{right.uses}" + ("/day" if right.per_day else "")


def _hold(hold: Hold) -> HoldAnswer:
    return HoldAnswer(
        since=hold.since,
        reason=hold.reason,
        at_gate=hold.at_gate,
        sold_from=hold.scope.sold_from,
        sold_until=hold.scope.sold_until,
        price_at_most_minor=hold.scope.price_at_most_minor,
        any_price_from=hold.scope.any_price_from,
    )


def _void(void: Void, deal: Deal) -> VoidTerms:
    return VoidTerms(
        void_version=void.version,
        committed_at=void.committed_at,
        reason=void.reason,
        honour=deal_terms.honour_terms(void.honour),
        cost_bearer=void.cost_bearer,
        settlement_unit_minor=deal_terms.unit_minor(deal, void.settlement_unit_minor),
        statuses_since=void.statuses_since,
    )
