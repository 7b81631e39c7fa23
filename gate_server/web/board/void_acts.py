"""Acts of voids: withdraw a deal, change the terms, restore it; each told in numbers before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from admission.deals import Deal
from admission.notices import notice_to_say
from admission.remedies import Refund
from admission.voids import CostBearer, Honour, Void
from admission.wire_staff import Preview, VoidAnswer, VoidRequest
from admission.wire_terms import VoidMoney
from gate_server.deal_terms import unit_minor
from gate_server.ledger.void_previews import plan_void
from gate_server.web.board import counted
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare, why
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, money, ngettext, say
from gate_server.web.board.pages import Visit
from gate_server.web.board.reading import answer_of
from gate_server.web.board.terms import (
    currency_of,
    cut_off,
    deal_of,
    read_terms,
    tell_devices,
    tell_vouchers,
    typed,
    typed_money,
)
from gate_server.web.deals import deals

ARRIVED: Final = "arrived"
WHO: Final = (
    (ARRIVED, lazy_gettext("who has arrived by the cut-off")),
    ("nobody", lazy_gettext("nobody")),
)
BEARERS: Final = (
    (CostBearer.PLATFORM.value, lazy_gettext("the platform")),
    (CostBearer.VENUE.value, lazy_gettext("the venue")),
)
REFUNDS: Final = (
    (Refund.PRICE_PAID.value, lazy_gettext("the price paid")),
    (Refund.NONE.value, lazy_gettext("nothing by this void")),
)


# --- what the fields begin with ------------------------------------------------------------------


def _in_force(visit: Visit, deal: Deal) -> Void | None:
    return visit.services.ledger.catalogue.voids.get(deal.deal_no)


def _honour(find: Callable[[Honour], datetime | None]) -> Callable[[Visit, Subject], str]:
    """Make the first value of one of the honour terms: as they are in force."""

    def value(visit: Visit, subject: Subject) -> str:
        void, venue = _in_force(visit, deal_of(visit, subject)), visit.services.ledger.venue
        if void is None or void.honour is None:
            return ""
        honour, usual = void.honour, Honour.of(void.honour.arrived_by, venue)
        # What follows from the cut-off stays open, so that it follows another one, too.
        at = find(honour)
        return "" if at == find(usual) else typed(at, venue)

    return value


def _cut_off(visit: Visit, subject: Subject) -> str:
    void, venue = _in_force(visit, deal_of(visit, subject)), visit.services.ledger.venue
    if void is not None and void.honour is not None:
        return typed(void.honour.arrived_by, venue)
    return typed(cut_off(visit.now, venue), venue)


def _who_is_honoured(visit: Visit, subject: Subject) -> str:
    void = _in_force(visit, deal_of(visit, subject))
    return "nobody" if void is not None and void.honour is None else ARRIVED


def _most_people(visit: Visit, subject: Subject) -> str:
    void = _in_force(visit, deal_of(visit, subject))
    most = None if void is None or void.honour is None else void.honour.max_people
    return "" if most is None else str(most)


def _bearer(visit: Visit, subject: Subject) -> str:
    void = _in_force(visit, deal_of(visit, subject))
    return CostBearer.PLATFORM.value if void is None else void.cost_bearer.value


def _unit(visit: Visit, subject: Subject) -> str:
    deal = deal_of(visit, subject)
    void = _in_force(visit, deal)
    unit = unit_minor(deal, None if void is None else void.settlement_unit_minor)
    return typed_money(unit, deal.currency)


def _refund(visit: Visit, subject: Subject) -> str:
    void = _in_force(visit, deal_of(visit, subject))
    return (
        Refund.PRICE_PAID.value if void is None or void.remedy is None else void.remedy.refund.value
    )


def _compensation(visit: Visit, subject: Subject) -> str:
    deal = deal_of(visit, subject)
    void = _in_force(visit, deal)
    known = None if void is None else void.remedy
    return typed_money(0 if known is None else known.compensation_per_buyer_minor, deal.currency)


def _written(place: int) -> Callable[[Visit, Subject], str]:
    def value(visit: Visit, subject: Subject) -> str:
        void = _in_force(visit, deal_of(visit, subject))
        return "" if void is None or void.notice is None else void.notice[place]

    return value


# --- what the call gets --------------------------------------------------------------------------


def _terms(_subject: Subject, body: Body) -> Body:
    """Return the call's body; terms that honour nobody have no cut-off."""
    shaped = dict(body)
    if shaped.pop("who") != ARRIVED:
        shaped["honour"] = None
    return shaped


# --- what it comes to ----------------------------------------------------------------------------


def _tell_void(visit: Visit, subject: Subject, body: Body) -> list[str]:
    deal, query = deal_of(visit, subject), {"preview": "true"}
    answer = answer_of(visit, deals, "void", {"deal_id": deal.deal_id}, body=body, query=query)
    told = [say(each) for each in answer.warnings]
    told += _tell_preview(answer.preview, deal)
    terms = read_terms(VoidRequest, body)
    return [*told, *_tell_notice(visit, deal, terms), tell_devices(visit)]


def _tell_restore(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    deal, query = deal_of(visit, subject), {"preview": "true"}
    body = {"reason": "preview"}
    answer = answer_of(visit, deals, "restore", {"deal_id": deal.deal_id}, body=body, query=query)
    return [
        *_tell_preview(answer.preview, deal),
        gettext("Who was let in or refused stays so; the record is kept."),
        tell_devices(visit),
    ]


def _tell_preview(seen: Preview, deal: Deal) -> Iterator[str]:
    money_of = _in(deal)
    yield gettext(
        "%(what)s of %(buyers)s, who paid %(paid)s.",
        what=tell_vouchers(seen.vouchers, seen.people),
        buyers=counted.buyers(seen.buyers),
        paid=money_of(seen.paid_minor),
    )
    yield ngettext(
        "From now on: %(admit)s voucher is let in (arrived in time: %(arrived)s),"
        " %(refuse)s refused; used up before: %(used)s.",
        "From now on: %(admit)s vouchers are let in (arrived in time: %(arrived)s),"
        " %(refuse)s refused; used up before: %(used)s.",
        seen.would_admit,
        admit=f"{seen.would_admit:,}",
        arrived=f"{seen.arrived:,}",
        refuse=f"{seen.would_refuse:,}",
        used=f"{seen.vouchers - seen.would_admit - seen.would_refuse:,}",
    )
    yield ngettext(
        "%(admitted)s person came in already, %(inside)s inside now; who is in stays.",
        "%(admitted)s people came in already, %(inside)s inside now; who is in stays.",
        seen.admitted_people,
        admitted=f"{seen.admitted_people:,}",
        inside=f"{seen.inside:,}",
    )
    if seen.before is not None:
        yield ngettext(
            "Against the terms in force: %(more)s voucher more is let in, %(less)s fewer.",
            "Against the terms in force: %(more)s vouchers more are let in, %(less)s fewer.",
            seen.newly_covered,
            more=f"{seen.newly_covered:,}",
            less=f"{seen.no_longer_covered:,}",
        )
    if seen.money is not None:
        yield from _tell_money(seen.money, seen.before, money_of)


def _tell_money(
    after: VoidMoney, before: VoidMoney | None, money_of: Callable[[int], str]
) -> Iterator[str]:
    yield gettext(
        "Refunds: %(vouchers)s, %(amount)s.",
        vouchers=counted.vouchers(after.refund_vouchers),
        amount=money_of(after.refunds_minor),
    ) + _was(before, "refunds_minor", money_of)
    if after.compensation_minor or after.buyers_withheld:
        yield gettext(
            "Compensation: %(buyers)s, %(amount)s; withheld from %(withheld)s.",
            buyers=counted.buyers(after.buyers_compensated),
            amount=money_of(after.compensation_minor),
            withheld=f"{after.buyers_withheld:,}",
        ) + _was(before, "compensation_minor", money_of)
    yield gettext(
        "Owed to the venue so far: %(amount)s; at most %(more)s more for who has arrived:"
        " %(people)s.",
        amount=money_of(after.owed_minor),
        more=money_of(after.waiting_minor),
        people=counted.people(after.waiting_people),
    ) + _was(before, "owed_minor", money_of)
    if after.to_come_people:
        yield gettext(
            "At worst, until the cut-off: %(people)s more to let in, %(amount)s more owed.",
            people=counted.people(after.to_come_people),
            amount=money_of(after.to_come_minor),
        )


def _was(before: VoidMoney | None, name: str, money_of: Callable[[int], str]) -> str:
    if before is None:
        return ""
    return " " + gettext("Until now: %(amount)s.", amount=money_of(getattr(before, name)))


def _in(deal: Deal) -> Callable[[int], str]:
    return lambda minor: money(minor, deal.currency)


def _tell_notice(visit: Visit, deal: Deal, terms: VoidRequest) -> Iterator[str]:
    """Tell what every refusal will say, word for word, in both languages."""
    void = plan_void(visit.services.ledger, deal, terms, visit.now)
    words = visit.services.answers.messages.notices
    found = words.find_notice(notice_to_say(void, deal, visit.now))
    if found is not None:
        yield gettext("Visitors who are refused read:") + f" {found.zh} / {found.en}"


def _said_void(_visit: Visit, _subject: Subject, result: VoidAnswer) -> str:
    if result.status == "active":
        return gettext("Restored: the deal is let in again as it was sold.")
    return gettext("Voided: version %(version)s is in force.", version=result.void_version)


_FIELDS: Final = (
    Field(
        "reason",
        lazy_gettext("Reason"),
        longest=500,
        suggestions=(
            lazy_gettext("The platform has withdrawn the offer"),
            lazy_gettext("Sold at a wrong price"),
            lazy_gettext("Sold beyond the quota"),
        ),
    ),
    Field("who", lazy_gettext("Still let in"), Kind.CHOICE, WHO, _who_is_honoured),
    Field("honour.arrived_by", lazy_gettext("Cut-off: arrived by"), Kind.TIME, (), _cut_off),
    Field("cost_bearer", lazy_gettext("Who pays for them"), Kind.CHOICE, BEARERS, _bearer),
    Field(
        "settlement_unit_minor",
        lazy_gettext("Amount a person"),
        Kind.MONEY,
        value=_unit,
        currency=currency_of,
    ),
    Field("remedy.refund", lazy_gettext("All others get back"), Kind.CHOICE, REFUNDS, _refund),
    Field(
        "remedy.compensation_per_buyer_minor",
        lazy_gettext("Compensation a buyer"),
        Kind.MONEY,
        value=_compensation,
        currency=currency_of,
    ),
    Field(
        "honour.max_people",
        lazy_gettext("Most people"),
        Kind.NUMBER,
        (),
        _most_people,
        needed=False,
        folded=True,
        hint=lazy_gettext("Empty: no limit."),
    ),
    Field(
        "honour.admit_until",
        lazy_gettext("Let in until"),
        Kind.TIME,
        (),
        _honour(lambda honour: honour.admit_until),
        needed=False,
        whole=True,
        folded=True,
        hint=lazy_gettext("Empty: the end of the day of the cut-off."),
    ),
    Field(
        "honour.arrived_from",
        lazy_gettext("Arrived at the earliest"),
        Kind.TIME,
        (),
        _honour(lambda honour: honour.arrived_from),
        needed=False,
        folded=True,
        hint=lazy_gettext("Empty: the beginning of the day of the cut-off."),
    ),
    Field(
        "notice.zh",
        lazy_gettext("What refused visitors read, Chinese"),
        Kind.TEXT,
        (),
        _written(0),
        needed=False,
        folded=True,
        longest=500,
    ),
    Field(
        "notice.en",
        lazy_gettext("What refused visitors read, English"),
        Kind.TEXT,
        (),
        _written(1),
        needed=False,
        folded=True,
        longest=500,
        hint=lazy_gettext("Both empty: made of the terms above; the next step shows it."),
    ),
)

_who, _run = by_call(deals, "void")
declare(
    *(
        Act(
            name,
            title,
            _who,
            _run,
            fields=_FIELDS,
            subject=("deal_id",),
            tells=_tell_void,
            shape=_terms,
            button=button,
            preview=True,
            password=True,
            grave=True,
            said=_said_void,
        )
        for name, title, button in (
            ("deal-void", lazy_gettext("Void the deal"), lazy_gettext("Void it now")),
            (
                "deal-amend",
                lazy_gettext("Other terms of the void"),
                lazy_gettext("Put these terms in force"),
            ),
        )
    )
)
_who, _run = by_call(deals, "restore")
declare(
    Act(
        "deal-restore",
        lazy_gettext("Restore the deal"),
        _who,
        _run,
        fields=(
            why(
                lazy_gettext("The platform has taken its withdrawal back"),
                lazy_gettext("Voided by mistake"),
            ),
        ),
        subject=("deal_id",),
        tells=_tell_restore,
        password=True,
        grave=True,
        said=_said_void,
    )
)
