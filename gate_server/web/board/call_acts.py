"""Acts about scans: answer a call, override a refusal, take back who did not pass a dead lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from admission.corrections import find_no_override, people_by_default
from admission.errors import NotFound
from admission.verdicts import Reason
from admission.voids import CostBearer
from gate_server.ledger.called import Called, list_called
from gate_server.ledger.recent import ListedScan, RecentScan, list_scans
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare
from gate_server.web.board.call_rows import say_called
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext, ngettext, say
from gate_server.web.board.pages import Visit
from gate_server.web.scans import scans
from gate_server.web.stats import make_stats

ANNUL_BACK: Final = timedelta(minutes=30)
MOST_OFFERED: Final = 30


def _tell_let_in(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    called = _called_now(visit, subject)
    told = _tell_call(visit, called)
    return told if called is None else [*told, *_tell_people(visit, called)]


def _tell_turned_away(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    waiting = len(visit.services.calls.waiting(visit.now))
    return [
        *_tell_call(visit, _called_now(visit, subject)),
        gettext("Nobody is let in; presented again, the code calls anew."),
        gettext("The lane is told at once."),
        ngettext("%(num)d other call waits.", "%(num)d other calls wait.", max(0, waiting - 1)),
    ]


def _tell_override(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    called = _called(visit, subject)
    if called is None:
        raise NotFound(f"{subject['device_id']} has no scan {subject['nonce'][:40]}")
    if find_no_override(called.record, visit.now) is not None:
        return [*_tell_scan(visit, called), gettext("Nobody can be let in on this scan any more.")]
    return [*_tell_scan(visit, called), *_tell_people(visit, called)]


def _tell_call(visit: Visit, called: Called | None) -> list[str]:
    if called is None:
        return [gettext("This call does not wait any more: it was answered, or is too old.")]
    minutes = max(0, int((visit.now - called.record.scan_at).total_seconds() // 60))
    waits = ngettext("Waits for %(num)d minute.", "Waits for %(num)d minutes.", minutes)
    return [*_tell_scan(visit, called), waits]


def _tell_scan(visit: Visit, called: Called) -> list[str]:
    services, record = visit.services, called.record
    gate = services.ledger.catalogue.gates.get(record.gate_id)
    reason = services.answers.messages.short(record.reason)
    behind = say_called(called)
    return [
        f"{record.gate_id if gate is None else gate.name}: {say(reason)}",
        *([behind] if behind else []),
    ]


def _tell_people(visit: Visit, called: Called) -> list[str]:
    only = called.left if called.vouchers == 1 else None
    number = people_by_default(called.record, only)
    people = ngettext(
        "Unless you enter another number, %(num)d person is let in.",
        "Unless you enter another number, %(num)d people are let in.",
        number,
    )
    beyond = 0 if only is None else max(0, number - only)
    more = ngettext(
        "That is %(num)d more than the voucher has left.",
        "That are %(num)d more than the voucher has left.",
        beyond,
    )
    inside = ngettext(
        "%(num)d person is inside; who is let in counts too.",
        "%(num)d people are inside; who is let in counts too.",
        make_stats(visit.services).inside,
    )
    return [people, *([more] if beyond else []), inside, gettext("The lane is told at once.")]


def _called_now(visit: Visit, subject: Subject) -> Called | None:
    """Return what stands behind a call; None where it does not wait any more."""
    return None if _waiting(visit, subject) is None else _called(visit, subject)


def _called(visit: Visit, subject: Subject) -> Called | None:
    scan = subject["device_id"], subject["nonce"]
    return list_called(visit.services.ledger, [scan])[0]


def _waiting(visit: Visit, subject: Subject) -> RecentScan | None:
    name = subject["device_id"], subject["nonce"]
    waiting = visit.services.calls.waiting(visit.now)
    return next((each for each in waiting if (each.device_id, each.nonce) == name), None)


def _why_let_in(visit: Visit, subject: Subject) -> str:
    """Return the reason that is usual for what the lane said, so that nobody has to choose it."""
    called = _called(visit, subject)
    usual = _ORDER_SEEN if called is None else _USUAL.get(called.record.reason, _ORDER_SEEN)
    return str(usual)


def _why_not(_visit: Visit, _subject: Subject) -> str:
    return str(_TO_HELP_DESK)


def _with_device(subject: Subject, body: Body) -> Body:
    return {"device_id": subject["device_id"], **body}


def _said_let_in(_visit: Visit, _subject: Subject, result: Any) -> str:
    return ngettext("%(num)d person let in.", "%(num)d people let in.", result.admitted)


def _said_turned_away(_visit: Visit, _subject: Subject, _result: Any) -> str:
    return gettext("Answered; nobody was let in.")


_PARTY = Field(
    "party",
    lazy_gettext("People"),
    Kind.NUMBER,
    needed=False,
    hint=lazy_gettext("Empty: as told above."),
)
_BEARER = Field(
    "cost_bearer",
    lazy_gettext("Who bears the cost"),
    Kind.CHOICE,
    choices=(
        (CostBearer.VENUE.value, lazy_gettext("the venue")),
        (CostBearer.PLATFORM.value, lazy_gettext("the platform, which must confirm it")),
    ),
    value=CostBearer.VENUE.value,
    needed=False,
)
_ORDER_SEEN: Final = lazy_gettext("order seen on the phone")
_DID_NOT_TURN: Final = lazy_gettext("turnstile did not turn before")
_IN_PARTS: Final = lazy_gettext("group came in parts")
_IN_TIME: Final = lazy_gettext("was here before the cut-off")
_USUAL: Final[Mapping[Reason, Lazy]] = {
    Reason.ANNULLED_BEFORE: _DID_NOT_TURN,
    Reason.DEAL_VOIDED: _IN_TIME,
    Reason.EXPIRED: _IN_TIME,
    Reason.OUTSIDE_HOURS: _IN_TIME,
    Reason.PARTY_TOO_LARGE: _IN_PARTS,
    Reason.QUEUE_OVER: _IN_TIME,
    Reason.USED_UP: _DID_NOT_TURN,
}
_LET_IN: Final = (
    Field(
        "reason",
        lazy_gettext("Reason"),
        value=_why_let_in,
        longest=500,
        suggestions=(
            _ORDER_SEEN,
            _DID_NOT_TURN,
            _IN_PARTS,
            _IN_TIME,
            lazy_gettext("our own mistake"),
        ),
    ),
    _PARTY,
    _BEARER,
)
_who, _run = by_call(scans, "override")
declare(
    *(
        Act(
            name,
            title,
            _who,
            _run,
            fields=_LET_IN,
            subject=("nonce", "device_id"),
            tells=tells,
            shape=_with_device,
            button=lazy_gettext("Let in"),
            said=_said_let_in,
        )
        for name, title, tells in (
            ("call-admit", lazy_gettext("Let in"), _tell_let_in),
            ("scan-override", lazy_gettext("Let in all the same"), _tell_override),
        )
    )
)
_TO_HELP_DESK: Final = lazy_gettext("sent to the help desk")
_who, _run = by_call(scans, "turn_away")
declare(
    Act(
        "call-close",
        lazy_gettext("Do not let in"),
        _who,
        _run,
        fields=(
            Field(
                "reason",
                lazy_gettext("Reason"),
                value=_why_not,
                longest=500,
                suggestions=(
                    _TO_HELP_DESK,
                    lazy_gettext("goes to the platform for a refund"),
                    lazy_gettext("ticket of another day"),
                    lazy_gettext("has gone away"),
                ),
            ),
        ),
        subject=("nonce", "device_id"),
        tells=_tell_turned_away,
        shape=_with_device,
        said=_said_turned_away,
    )
)


def _recent(visit: Visit, device_id: str) -> list[ListedScan]:
    """Return the lane's latest scans that let somebody in, the newest first."""
    found = list_scans(visit.services.ledger, visit.now - ANNUL_BACK, device_id=device_id)
    return [scan for scan in found if scan.people][:MOST_OFFERED]


def _offered(visit: Visit) -> Sequence[Choice]:
    device_id = visit.form.get("device_id") or visit.query.get("device_id", "")
    return [(scan.nonce, _words_of(visit, scan)) for scan in _recent(visit, device_id)]


def _words_of(visit: Visit, scan: ListedScan) -> str:
    local = scan.at.astimezone(visit.services.ledger.venue.zone)
    people = ngettext("%(num)d person", "%(num)d people", scan.people)
    return f"{local:%H:%M:%S} · {people}" + ("" if scan.tail is None else f" · …{scan.tail}")


def _tell_annul(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = _recent(visit, subject["device_id"])
    people = sum(scan.people for scan in found)
    return [
        ngettext(
            "This lane let in %(num)d person lately.",
            "This lane let in %(num)d people lately.",
            people,
        ),
        gettext("Who is taken back counts as outside, and the voucher is good again."),
        gettext("What the scanner has not uploaded yet is not listed here."),
    ]


_who, _annul = by_call(scans, "annul")


def _run_annul(visit: Visit, subject: Subject, body: Body) -> Any:
    nonce = body.pop("nonce")
    return _annul(visit, {**subject, "nonce": nonce}, {**body, "device_id": subject["device_id"]})


def _said_annulled(_visit: Visit, _subject: Subject, result: Any) -> str:
    return ngettext(
        "Taken back; %(num)d person of this scan stays in.",
        "Taken back; %(num)d people of this scan stay in.",
        result.admitted,
    )


declare(
    Act(
        "scan-annul",
        lazy_gettext("Take back who did not pass"),
        _who,
        _run_annul,
        fields=(
            Field("nonce", lazy_gettext("Which scan"), Kind.CHOICE, choices=_offered),
            Field(
                "people",
                lazy_gettext("People who did not pass"),
                Kind.NUMBER,
                needed=False,
                hint=lazy_gettext("Empty: everybody of this scan."),
            ),
            Field(
                "reason",
                lazy_gettext("Reason"),
                longest=500,
                suggestions=(
                    lazy_gettext("the lane died"),
                    lazy_gettext("turnstile did not turn"),
                    lazy_gettext("went away again"),
                ),
            ),
        ),
        subject=("device_id",),
        tells=_tell_annul,
        said=_said_annulled,
    )
)
