"""Commands about personal data: purge what is old, erase one person, keep what the law asks for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from admission.errors import InvalidInput
from admission.keys import normalise_phone
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing, checked_text
from gate_server.ledger import retention
from gate_server.privacy import Purged, erase, purge

FEWEST_DIGITS = 7


class Purge(Params, frozen=True):
    """A purge by the settings; `dry_run`: only count."""

    dry_run: bool = False


class Erase(Params, frozen=True):
    """One person: a phone number, or an account with its platform."""

    phone: str | None = None
    platform: str | None = None
    buyer: str | None = None
    dry_run: bool = False


class Hold(Params, frozen=True):
    """A legal hold: what for, why, and on which deal; None: on everything."""

    subject: str
    reason: str
    deal_id: str | None = None


class EndHold(Params, frozen=True):
    """A legal hold that is no longer needed, and why."""

    hold_id: int
    reason: str


class Settled(Params, frozen=True):
    """A voided deal whose accounts are closed."""

    deal_id: str


def purge_old(services: Services, params: Purge) -> dict[str, Any]:
    """Erase what is older than the settings keep it."""
    given = services.ledger, services.keys, services.settings
    return _plain(purge(*given, by=services.by, dry_run=params.dry_run))


def erase_one(services: Services, params: Erase) -> dict[str, Any]:
    """Erase what leads to one person."""
    buyer = None
    if params.buyer is not None:
        if params.platform is None:
            raise InvalidInput("--platform", "say whose account it is")
        buyer = params.platform, params.buyer
    if (buyer is None) == (params.phone is None):
        raise InvalidInput("--phone", "give a phone number, or --platform and --buyer")
    if params.phone is not None and len(normalise_phone(params.phone)) < FEWEST_DIGITS:
        raise InvalidInput("--phone", f"give the whole number, at least {FEWEST_DIGITS} digits")
    given = services.ledger, services.keys, services.settings
    done = erase(*given, phone=params.phone, buyer=buyer, by=services.by, dry_run=params.dry_run)
    return _plain(done)


def hold(services: Services, params: Hold) -> dict[str, Any]:
    """Keep personal data from the purge."""
    subject = checked_text("subject", params.subject, 80)
    reason, ledger = checked_text("reason", params.reason, 500), services.ledger
    hold_id = ledger.write(
        lambda tx: retention.add_legal_hold(
            tx, subject, params.deal_id, reason=reason, by=services.by, now=ledger.clock()
        )
    )
    return {"hold_id": hold_id}


def end_hold(services: Services, params: EndHold) -> dict[str, Any]:
    """End a legal hold."""
    reason, ledger = checked_text("reason", params.reason, 500), services.ledger
    ledger.write(
        lambda tx: retention.end_legal_hold(
            tx, params.hold_id, reason=reason, by=services.by, now=ledger.clock()
        )
    )
    return {"hold_id": params.hold_id}


def list_holds(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List the legal holds in force."""
    found = services.ledger.read(retention.list_legal_holds)
    return [asdict(each) | {"since": each.since.isoformat()} for each in found]


def settled(services: Services, params: Settled) -> dict[str, Any]:
    """Put on record that a deal's accounts are closed."""
    ledger = services.ledger
    ledger.write(
        lambda tx: retention.mark_settled(tx, params.deal_id, by=services.by, now=ledger.clock())
    )
    return {"deal_id": params.deal_id}


def _plain(done: Purged) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(done)
    return plain


COMMANDS: dict[str, Command[Any]] = {
    "privacy purge": Command(Purge, purge_old),
    "privacy erase": Command(Erase, erase_one),
    "privacy hold": Command(Hold, hold),
    "privacy end-hold": Command(EndHold, end_hold),
    "privacy holds": Command(Nothing, list_holds),
    "privacy settled": Command(Settled, settled),
}
