"""Commands about deals: list, hold, release, void, restore."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from admission.deals import AtGate, HoldScope
from admission.wire_staff import VoidRequest
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing, checked_text
from gate_server.ledger import actions
from gate_server.ledger.conflicts import reconcile_deal
from gate_server.ledger.reports import DealBook, preview_void


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
    return {"deal_id": params.deal_id, "status": "voided", "void_version": version}


def list_deals(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all deals with what was sold and who came."""
    ledger, found = services.ledger, []
    counts = DealBook(ledger).counts()
    for deal in ledger.catalogue.deals.values():
        sold = counts[deal.deal_no]
        found.append(
            {
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
            }
        )
    return found


def _preview(services: Services, params: VoidDeal) -> dict[str, Any]:
    ledger = services.ledger
    deal, honour = ledger.write(
        lambda tx: (actions.get_deal(tx, params.deal_id), actions.read_honour(tx, params.terms))
    )
    touched = preview_void(ledger, deal, honour, ledger.clock())
    counted = {
        name: getattr(touched, name)
        for name in ("vouchers", "people", "paid_minor", "arrived", "admitted_people", "inside")
    }
    return {
        "deal_id": params.deal_id,
        "status": _status(services, deal.deal_no),
        "void_version": None,
        "preview": counted | {"buyers": len(touched.buyers)},
    }


def _status(services: Services, deal_no: int) -> str:
    catalogue = services.ledger.catalogue
    if deal_no in catalogue.voids:
        return "voided"
    return "held" if deal_no in catalogue.holds else "active"


COMMANDS: dict[str, Command[Any]] = {
    "deal list": Command(Nothing, list_deals),
    "deal hold": Command(Hold, hold_deal),
    "deal release": Command(Reasoned, release_deal),
    "deal void": Command(VoidDeal, void_deal),
    "deal restore": Command(Reasoned, restore_deal),
}
