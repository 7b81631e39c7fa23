"""Acts of settlements: lists, statements and their signatures, months, confirmed overrides."""

from __future__ import annotations

from typing import Any, Final

from admission.wire_settlement import (
    ListAnswer,
    ListKind,
    OverrideAnswer,
    SettlementAnswer,
    StatementAnswer,
)
from gate_server.web.board import counted
from gate_server.web.board.acts import Act, Body, Subject, by_call, by_command, declare
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, money, ngettext
from gate_server.web.board.pages import LEADERS, Visit
from gate_server.web.board.reading import answer_of
from gate_server.web.board.settlement import owed_in
from gate_server.web.board.terms import deal_of
from gate_server.web.months import months
from gate_server.web.settlement_lists import lists
from gate_server.web.statements import statements

KINDS: Final = (
    (ListKind.REFUNDS.value, lazy_gettext("refunds")),
    (ListKind.COMPENSATION.value, lazy_gettext("compensation")),
    (ListKind.REVERSE.value, lazy_gettext("refunds to reverse")),
    (ListKind.DISPUTED.value, lazy_gettext("in dispute")),
)


# --- lists ---------------------------------------------------------------------------------------


def _tell_list(visit: Visit, subject: Subject, body: Body) -> list[str]:
    deal, kind = deal_of(visit, subject), body["kind"]
    made = visit.services.bills.find(deal)
    on_lists = sum(
        each.entries
        for each in answer_of(visit, lists, "show_lists", {"deal_id": deal.deal_id}).lists
        if each.kind == kind
    )
    told = [
        gettext("Due in all: %(amount)s.", amount=money(_due(made, kind), deal.currency)),
        ngettext(
            "%(entries)s stands on a list already and is left out.",
            "%(entries)s stand on lists already and are left out.",
            on_lists,
            entries=f"{on_lists:,}",
        ),
    ]
    if kind == ListKind.REFUNDS.value:
        told.append(
            ngettext(
                "%(num)d voucher is due; on the list it is let in no more, whatever comes.",
                "%(num)d vouchers are due; on the list they are let in no more, whatever comes.",
                made.counts.refund_due,
            )
        )
    return told


def _due(made: SettlementAnswer, kind: str) -> int:
    amounts = made.amounts_minor
    return {
        ListKind.REFUNDS.value: amounts.refunds,
        ListKind.COMPENSATION.value: amounts.compensation,
        ListKind.REVERSE.value: amounts.refunds_to_reverse,
        ListKind.DISPUTED.value: amounts.disputed,
    }[kind]


def _said_list(visit: Visit, subject: Subject, result: ListAnswer) -> str:
    return ngettext(
        "List %(list)s: %(entries)s entry, %(amount)s.",
        "List %(list)s: %(entries)s entries, %(amount)s.",
        result.entries,
        list=result.number,
        entries=f"{result.entries:,}",
        amount=money(result.amount_minor, deal_of(visit, subject).currency),
    )


# --- statements ----------------------------------------------------------------------------------


def _tell_making(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    made = visit.services.bills.find(deal_of(visit, subject))
    return [
        *_tell_figures(made),
        gettext("It is kept as it is. Where nothing has changed, the newest statement stands."),
    ]


def _tell_figures(made: SettlementAnswer) -> list[str]:
    amounts = made.amounts_minor
    return [
        gettext(
            "%(sold)s sold; owed to the venue: %(owed)s, in dispute: %(disputed)s.",
            sold=counted.vouchers(made.counts.sold),
            owed=money(amounts.owed_to_venue, made.currency),
            disputed=money(amounts.disputed, made.currency),
        ),
        gettext(
            "Refunds: %(refunds)s, compensation: %(compensation)s.",
            refunds=money(amounts.refunds, made.currency),
            compensation=money(amounts.compensation, made.currency),
        ),
        gettext("The rows add up.")
        if made.balanced
        else gettext("The rows contradict each other: it cannot be made or signed."),
    ]


def _statement(visit: Visit, subject: Subject) -> StatementAnswer:
    found: StatementAnswer = answer_of(
        visit,
        statements,
        "show_one_statement",
        {"deal_id": subject["deal_id"], "version": subject["version"]},
    )
    return found


def _tell_signing(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = _statement(visit, subject)
    signed = ", ".join(each.name for each in found.signatures)
    return [
        *_tell_figures(found.settlement),
        gettext("Signed so far by: %(names)s.", names=signed or gettext("nobody")),
        gettext("What is signed, SHA-256: %(hash)s…", hash=subject["hash"][:16]),
        gettext("The venue's signature and a partner's close it."),
    ]


def _hash(subject: Subject, body: Body) -> Body:
    return {**body, "hash": subject["hash"]}


def _said_statement(_visit: Visit, _subject: Subject, result: StatementAnswer) -> str:
    if result.closed_at is not None:
        return gettext("Statement %(version)s is closed.", version=result.version)
    return ngettext(
        "Statement %(version)s: %(signatures)s signature.",
        "Statement %(version)s: %(signatures)s signatures.",
        len(result.signatures),
        version=result.version,
        signatures=len(result.signatures),
    )


# --- months, overrides ---------------------------------------------------------------------------


def _tell_month(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = answer_of(visit, months, "show_month", subject)
    return [
        gettext(
            "%(deals)s; owed to the venue: %(owed)s.",
            deals=counted.deals(len(found.deals)),
            owed=" + ".join(owed_in(found, visit.services.ledger)),
        ),
        gettext("What comes late goes into a later month, as a correction."),
    ]


def _tell_override(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    deal_id, scan_id = subject["deal_id"], subject["scan_id"]
    found: list[OverrideAnswer] = [
        each
        for each in answer_of(visit, lists, "show_overrides", {"deal_id": deal_id}).overrides
        if each.scan_id == scan_id
    ]
    return [
        told
        for each in found
        for told in (
            ngettext(
                "%(num)d person was let in by a supervisor.",
                "%(num)d people were let in by a supervisor.",
                each.people,
            ),
            gettext("Once confirmed, the platform owes the venue for them."),
        )
    ]


def _said_override(_visit: Visit, _subject: Subject, _result: Any) -> str:
    return gettext("Confirmed: the platform bears it.")


_who, _run = by_call(lists, "make_next_list")
declare(
    Act(
        "list-make",
        lazy_gettext("Make a list"),
        _who,
        _run,
        fields=(Field("kind", lazy_gettext("Of"), Kind.CHOICE, choices=KINDS),),
        subject=("deal_id",),
        tells=_tell_list,
        preview=True,
        said=_said_list,
    )
)
_who, _run = by_call(statements, "make_next_statement")
declare(
    Act(
        "statement-make",
        lazy_gettext("Make a statement"),
        _who,
        _run,
        subject=("deal_id",),
        tells=_tell_making,
        said=_said_statement,
    )
)
_who, _run = by_call(statements, "sign_one_statement")
declare(
    Act(
        "statement-sign",
        lazy_gettext("Sign the statement"),
        _who,
        _run,
        subject=("deal_id", "version", "hash"),
        tells=_tell_signing,
        shape=_hash,
        password=True,
        said=_said_statement,
    )
)
_who, _run = by_call(lists, "confirm")
declare(
    Act(
        "override-confirm",
        lazy_gettext("Confirm the override"),
        _who,
        _run,
        subject=("deal_id", "scan_id"),
        tells=_tell_override,
        said=_said_override,
    ),
    Act(
        "month-close",
        lazy_gettext("Close the month"),
        LEADERS,
        by_command("statement close"),
        subject=("platform", "month"),
        tells=_tell_month,
        password=True,
    ),
)
