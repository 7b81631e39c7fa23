"""Commands about deals: list, show, hold, release, void, restore."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from admission.deals import AtGate, Deal, HoldScope
from admission.errors import NotFound
from admission.voids import Honour, Void
from admission.wire_staff import VoidRequest
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Named, Nothing, checked_text
from gate_server.ledger import actions
from gate_server.ledger.catalogue import list_versions
from gate_server.ledger.conflicts import reconcile_deal
from gate_server.ledger.reports import DealBook, DealCounts, Touched, preview_void


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


def restore_deal(services: Services, params: Reasoned) -> dict[str, Any]:
    """End a void."""
    ledger, reason = services.ledger, checked_text("reason", params.reason, 500)
    version = ledger.write(
        lambda tx: actions.restore_deal(
            tx, params.deal_id, reason=reason, by=services.by, now=ledger.clock()
        ),
        alone=True,
        urgent=True,
    )
    reconcile_deal(ledger, params.deal_id)
    return {"deal_id": params.deal_id, "status": "active", "void_version": version}


def void_deal(services: Services, params: VoidDeal) -> dict[str, Any]:
    """Withdraw a deal under terms, or count what that would touch."""
    ledger = services.ledger
    checked_text("reason", params.terms.reason, 500)
    if params.preview:
        return _preview(services, params)
    version = ledger.write(
        lambda tx: actions.void_deal(
            tx, params.deal_id, params.terms, by=services.by, now=ledger.clock()
        ),
        alone=True,
        urgent=True,
    )
    reconcile_deal(ledger, params.deal_id)
    done = {"deal_id": params.deal_id, "status": "voided", "void_version": version}
    deal, honour, touched = _touched(services, params)
    return done | _understood(deal, params.terms, honour, touched)


def list_deals(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all deals with what was sold and who came."""
    ledger = services.ledger
    counts = DealBook(ledger).counts()
    deals = ledger.catalogue.deals.values()
    return [_listed(services, deal, counts[deal.deal_no]) for deal in deals]


def show_deal(services: Services, params: Named) -> dict[str, Any]:
    """Show a deal with its hold and void in force, and all its void versions."""
    ledger = services.ledger
    deal = ledger.catalogue.deal(params.name)
    if deal is None:
        raise NotFound(f"no deal {params.name}")
    hold, void = ledger.catalogue.holds.get(deal.deal_no), ledger.catalogue.voids.get(deal.deal_no)
    versions = ledger.read(lambda db: list_versions(db, deal.deal_no))
    shown = _listed(services, deal, DealBook(ledger).counts()[deal.deal_no])
    return shown | {
        "hold": None if hold is None else msgspec.to_builtins(hold),
        "void": None if void is None else _version(deal, void),
        "void_versions": [_version(deal, each) | {"by": by} for each, by in versions],
    }


def _version(deal: Deal, void: Void) -> dict[str, Any]:
    return {
        "void_version": void.version,
        "committed_at": void.committed_at.isoformat(),
        "restored": void.restored,
        "reason": void.reason,
        "honour": msgspec.to_builtins(void.honour),
        "cost_bearer": void.cost_bearer.value,
        "settlement_unit_minor": _unit(deal, void.settlement_unit_minor),
    }


def _listed(services: Services, deal: Deal, sold: DealCounts) -> dict[str, Any]:
    return {
        "deal_id": deal.deal_id,
        "platform": deal.platform,
        "title": deal.title,
        "category": deal.category.value,
        "status": _status(services, deal.deal_no),
        "valid_from": deal.valid_from.isoformat(),
        "valid_until": deal.valid_until.isoformat(),
        "face_price_minor": deal.face_price_minor,
        "currency": deal.currency,
        "vouchers": sold.vouchers,
        "people_sold": sold.people_sold,
        "people_admitted": sold.people_admitted,
        "refunded_people": sold.refunded_people,
    }


def _unit(deal: Deal, given: int | None) -> int:
    unit = deal.settle_price_minor if given is None else given
    return deal.face_price_minor if unit is None else unit


def _touched(services: Services, params: VoidDeal) -> tuple[Deal, Honour | None, Touched]:
    ledger = services.ledger
    deal, honour = ledger.write(
        lambda tx: (actions.get_deal(tx, params.deal_id), actions.read_honour(tx, params.terms))
    )
    return deal, honour, preview_void(ledger, deal, honour, ledger.clock())


def _understood(
    deal: Deal, terms: VoidRequest, honour: Honour | None, touched: Touched
) -> dict[str, Any]:
    """Return the terms as they were understood, and what they mean for the vouchers left."""
    return {
        "honour": msgspec.to_builtins(honour),
        "cost_bearer": terms.cost_bearer.value,
        "settlement_unit_minor": _unit(deal, terms.settlement_unit_minor),
        "currency": deal.currency,
        "would_admit": touched.honoured,
        "would_refuse": touched.refused,
    }


def _preview(services: Services, params: VoidDeal) -> dict[str, Any]:
    deal, honour, touched = _touched(services, params)
    counted = {
        name: getattr(touched, name)
        for name in ("vouchers", "people", "paid_minor", "arrived", "admitted_people", "inside")
    } | {"refunded_people": touched.refunded_people}
    return {
        "deal_id": params.deal_id,
        "status": _status(services, deal.deal_no),
        "void_version": None,
        "preview": counted | {"buyers": len(touched.buyers)},
        **_understood(deal, params.terms, honour, touched),
    }


def _status(services: Services, deal_no: int) -> str:
    catalogue = services.ledger.catalogue
    if deal_no in catalogue.voids:
        return "voided"
    return "held" if deal_no in catalogue.holds else "active"


COMMANDS: dict[str, Command[Any]] = {
    "deal list": Command(Nothing, list_deals),
    "deal show": Command(Named, show_deal),
    "deal hold": Command(Hold, hold_deal),
    "deal release": Command(Reasoned, release_deal),
    "deal void": Command(VoidDeal, void_deal),
    "deal restore": Command(Reasoned, restore_deal),
}
