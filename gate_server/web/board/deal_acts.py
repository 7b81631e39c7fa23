"""Acts on deals: hold them, release them, and close what was found about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from admission.deals import AtGate, Deal, HoldScope
from admission.findings import FindingState
from admission.wire_findings import ScopeAnswer
from admission.wire_staff import DealAnswer, HoldRequest
from gate_server.breath import Breath
from gate_server.findings import list_findings
from gate_server.ledger.scopes import count_scope
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare
from gate_server.web.board.deal_rows import scanned_today
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext, ngettext, say
from gate_server.web.board.pages import Visit
from gate_server.web.board.reading import answer_of
from gate_server.web.board.terms import (
    currency_of,
    deal_of,
    read_terms,
    tell_devices,
    tell_vouchers,
    typed,
    typed_money,
)
from gate_server.web.deals import deals
from gate_server.web.findings import findings

AT_GATE: Final = (
    (AtGate.REFER.value, lazy_gettext("a supervisor is called to each")),
    (AtGate.ADMIT_AND_MARK.value, lazy_gettext("they are let in, and their scans marked")),
)


# --- hold and release ----------------------------------------------------------------------------


def _bound(name: str) -> Callable[[Visit, Subject], str]:
    """Make the first value of a field: as the hold in force has it, else as was found."""

    def value(visit: Visit, subject: Subject) -> str:
        deal = deal_of(visit, subject)
        scope = _known_scope(visit, deal)
        bound = None if scope is None else getattr(scope, name)
        if name == "price_at_most_minor":
            return typed_money(bound, deal.currency)
        return typed(bound, visit.services.ledger.venue)

    return value


def _known_scope(visit: Visit, deal: Deal) -> HoldScope | ScopeAnswer | None:
    ledger = visit.services.ledger
    held = ledger.catalogue.holds.get(deal.deal_no)
    if held is not None:
        return held.scope
    found = [
        each
        for each in list_findings(ledger, platform=deal.platform)
        if (each.deal_id, each.state) == (deal.deal_id, FindingState.OPEN) and each.scope
    ]
    return max(found, key=lambda each: each.people).scope if found else None


def _tell_hold(visit: Visit, subject: Subject, body: Body) -> list[str]:
    deal, asked = deal_of(visit, subject), read_terms(HoldRequest, body)
    given = asked.scope
    scope = HoldScope()
    if given is not None:
        scope = HoldScope(given.sold_from, given.sold_until, given.price_at_most_minor)
    marked = asked.at_gate is AtGate.ADMIT_AND_MARK
    return [
        _tell_scope(visit, deal, scope),
        gettext("At the gates they are let in as before; their scans are marked.")
        if marked
        else gettext("At the gates a supervisor is called to each of them. Nobody is refused."),
        _tell_today(visit, deal),
        tell_devices(visit),
    ]


def _tell_scope(visit: Visit, deal: Deal, scope: HoldScope) -> str:
    found = count_scope(visit.services.ledger, deal.deal_no, scope, pause=Breath().take)
    return gettext("In scope: %(what)s.", what=tell_vouchers(found.vouchers, found.people))


def _tell_today(visit: Visit, deal: Deal) -> str:
    today = scanned_today(visit, deal)
    return ngettext(
        "%(num)d person came in on this deal today.",
        "%(num)d people came in on this deal today.",
        today.persons,
    )


def _tell_release(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    deal = deal_of(visit, subject)
    hold = visit.services.ledger.catalogue.holds.get(deal.deal_no)
    if hold is None:
        return [gettext("This deal is not on hold any more.")]
    return [
        _tell_scope(visit, deal, hold.scope),
        gettext("They are let in again as they were sold."),
        _tell_today(visit, deal),
        tell_devices(visit),
    ]


def _said_status(_visit: Visit, _subject: Subject, result: DealAnswer) -> str:
    if result.status == "held":
        return gettext("%(deal)s is on hold.", deal=result.title)
    return gettext("%(deal)s is let in again.", deal=result.title)


# --- what was found ------------------------------------------------------------------------------


def _tell_finding(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = answer_of(visit, findings, "show_one", {"finding_id": subject["finding_id"]})
    return [
        say(found.say),
        gettext("Nothing is held for it, and closing it changes nothing at the gates."),
        gettext("If it doubles, it comes up again."),
    ]


def _reason(*usual: Lazy) -> Field:
    return Field("reason", lazy_gettext("Reason"), longest=500, suggestions=usual)


_who, _run = by_call(deals, "hold")
declare(
    Act(
        "deal-hold",
        lazy_gettext("Put on hold"),
        _who,
        _run,
        fields=(
            _reason(
                lazy_gettext("The price is being checked with the platform"),
                lazy_gettext("The number sold is being checked with the platform"),
            ),
            Field("at_gate", lazy_gettext("At the gate"), Kind.CHOICE, choices=AT_GATE),
            Field(
                "scope.sold_from",
                lazy_gettext("Sold from"),
                Kind.TIME,
                value=_bound("sold_from"),
                needed=False,
            ),
            Field(
                "scope.sold_until",
                lazy_gettext("Sold until"),
                Kind.TIME,
                value=_bound("sold_until"),
                needed=False,
                hint=lazy_gettext("Both empty: whenever it was sold."),
            ),
            Field(
                "scope.price_at_most_minor",
                lazy_gettext("Price a person at most"),
                Kind.MONEY,
                currency=currency_of,
                value=_bound("price_at_most_minor"),
                needed=False,
                hint=lazy_gettext("Empty: at any price."),
            ),
        ),
        subject=("deal_id",),
        tells=_tell_hold,
        preview=True,
        said=_said_status,
    )
)
_who, _run = by_call(deals, "release")
declare(
    Act(
        "deal-release",
        lazy_gettext("Release the hold"),
        _who,
        _run,
        fields=(
            _reason(
                lazy_gettext("The platform has confirmed the price"),
                lazy_gettext("The platform has confirmed the number sold"),
            ),
        ),
        subject=("deal_id",),
        tells=_tell_release,
        password=True,
        said=_said_status,
    )
)
_who, _run = by_call(findings, "close_one")
declare(
    Act(
        "finding-close",
        lazy_gettext("Close the finding"),
        _who,
        _run,
        fields=(Field("note", lazy_gettext("What it was"), longest=500),),
        subject=("finding_id",),
        tells=_tell_finding,
    )
)
