"""Commands about deals: list, show, hold, release, void, restore."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from admission.deals import AtGate, Deal, HoldScope
from admission.errors import NotFound
from admission.voids import Void
from admission.wire_staff import VoidAnswer, VoidRequest
from gate_server import deal_terms
from gate_server.closures import shown_closures
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing, checked_text
from gate_server.ledger import actions
from gate_server.ledger.actions import read_honour
from gate_server.ledger.reports import DealBook, DealCounts


class Hold(Params, frozen=True):
    """A deal whose vouchers are to await a human."""

    deal_id: str
    reason: str
    sold_from: datetime | None = None
    sold_until: datetime | None = None
    price_at_most_minor: int | None = None
    at_gate: AtGate = AtGate.REFER


class Reasoned(Params, frozen=True):
    """A deal, and why."""

    deal_id: str
    reason: str


class RestoreDeal(Params, frozen=True):
    """A deal whose void is to end; `preview` changes nothing."""

    deal_id: str
    reason: str
    preview: bool = False


class VoidDeal(Params, frozen=True):
    """A deal to be withdrawn; `preview` changes nothing and counts what it would touch."""

    deal_id: str
    terms: VoidRequest
    preview: bool = False


def hold_deal(services: Services, params: Hold) -> dict[str, Any]:
    """Let vouchers of a deal await a human's decision."""
    ledger, reason = services.ledger, checked_text("reason", params.reason, 500)
    scope = HoldScope(params.sold_from, params.sold_until, params.price_at_most_minor)
    ledger.write(
        lambda tx: actions.hold_deal(
            tx,
            params.deal_id,
            reason=reason,
            scope=scope,
            at_gate=params.at_gate,
            by=services.by,
            now=ledger.clock(),
        ),
        alone=True,
        urgent=True,
    )
    return {"deal_id": params.deal_id, "status": "held"}


def release_deal(services: Services, params: Reasoned) -> dict[str, Any]:
    """End a hold."""
    ledger, reason = services.ledger, checked_text("reason", params.reason, 500)
    ledger.write(
        lambda tx: actions.release_deal(
            tx, params.deal_id, reason=reason, by=services.by, now=ledger.clock()
        ),
        alone=True,
        urgent=True,
    )
    return {"deal_id": params.deal_id, "status": "active"}


def restore_deal(services: Services, params: RestoreDeal) -> dict[str, Any]:
    """End a void, or say what that would come to."""
    reason = checked_text("reason", params.reason, 500)
    if params.preview:
        return _built(deal_terms.preview_restore(services.ledger, params.deal_id))
    return _built(deal_terms.restore(services.ledger, params.deal_id, reason, by=services.by))


def void_deal(services: Services, params: VoidDeal) -> dict[str, Any]:
    """Withdraw a deal under terms, or say what that would come to."""
    ledger, deal_id = services.ledger, params.deal_id
    checked_text("reason", params.terms.reason, 500)
    if params.preview:
        answer = deal_terms.preview_void(ledger, deal_id, params.terms)
        return _built(answer) | _understood(services, params, answer)
    done = deal_terms.void(ledger, deal_id, params.terms, by=services.by)
    counted = deal_terms.preview_void(ledger, deal_id, params.terms)
    return _built(done) | _understood(services, params, counted)


def list_deals(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all deals with what was sold and who came."""
    ledger = services.ledger
    counts = DealBook(ledger).counts()
    deals = ledger.catalogue.deals.values()
    return [_listed(services, deal, counts[deal.deal_no]) for deal in deals]


def show_deal(services: Services, params: Named) -> dict[str, Any]:
    """Show a deal with its hold, void and closures in force, and all its void versions."""
    ledger = services.ledger
    deal = ledger.catalogue.deal(params.name)
    if deal is None:
        raise NotFound(f"no deal {params.name}")
    hold, void = ledger.catalogue.holds.get(deal.deal_no), ledger.catalogue.voids.get(deal.deal_no)
    shown = _listed(services, deal, DealBook(ledger).counts()[deal.deal_no])
    return shown | {
        "hold": None if hold is None else msgspec.to_builtins(hold),
        "void": None if void is None else _version(deal, void),
        "void_versions": [_built(each) for each in deal_terms.void_versions(ledger, deal)],
        "closures": [_built(each) for each in shown_closures(ledger, deal)],
    }


def _version(deal: Deal, void: Void) -> dict[str, Any]:
    return {
        "void_version": void.version,
        "committed_at": void.committed_at.isoformat(),
        "restored": void.restored,
        "reason": void.reason,
        "honour": msgspec.to_builtins(void.honour),
        "cost_bearer": void.cost_bearer.value,
        "settlement_unit_minor": deal_terms.unit_minor(deal, void.settlement_unit_minor),
        "remedy": msgspec.to_builtins(deal_terms.remedy_terms(void.remedy)),
        "notice": msgspec.to_builtins(deal_terms.notice_terms(void)),
    }


def _listed(services: Services, deal: Deal, sold: DealCounts) -> dict[str, Any]:
    return {
        "deal_id": deal.deal_id,
        "platform": deal.platform,
        "title": deal.title,
        "category": deal.category.value,
        "status": deal_terms.status_of(services.ledger.catalogue, deal),
        "valid_from": deal.valid_from.isoformat(),
        "valid_until": deal.valid_until.isoformat(),
        "face_price_minor": deal.face_price_minor,
        "currency": deal.currency,
        "vouchers": sold.vouchers,
        "people_sold": sold.people_sold,
        "people_admitted": sold.people_admitted,
        "refunded_people": sold.refunded_people,
    }


def _understood(services: Services, params: VoidDeal, counted: VoidAnswer) -> dict[str, Any]:
    """Return the terms as they were understood, and what they mean for the vouchers left."""
    ledger, terms, preview = services.ledger, params.terms, counted.preview
    deal = ledger.catalogue.deals[ledger.catalogue.deal_nos[params.deal_id]]
    return {
        "honour": msgspec.to_builtins(read_honour(ledger.venue, terms)),
        "cost_bearer": terms.cost_bearer.value,
        "settlement_unit_minor": deal_terms.unit_minor(deal, terms.settlement_unit_minor),
        "remedy": msgspec.to_builtins(deal_terms.remedy_terms(terms.remedy)),
        "notice": msgspec.to_builtins(terms.notice),
        "currency": deal.currency,
        "would_admit": 0 if preview is None else preview.would_admit,
        "would_refuse": 0 if preview is None else preview.would_refuse,
    }


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "deal list": Command(Nothing, list_deals),
    "deal show": Command(Named, show_deal),
    "deal hold": Command(Hold, hold_deal),
    "deal release": Command(Reasoned, release_deal),
    "deal void": Command(VoidDeal, void_deal),
    "deal restore": Command(RestoreDeal, restore_deal),
}
