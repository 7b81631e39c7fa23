"""The page of closures, and its acts: close the venue for a time, other terms, end it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from admission.wire_terms import ClosureAnswer, ClosureCounts, ClosureTerms
from gate_server.web.board import counted
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare, why
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, money, ngettext, say
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show
from gate_server.web.board.reading import answer_of
from gate_server.web.board.terms import tell_devices, tell_vouchers, typed
from gate_server.web.closures import closures as calls

LONGER: Final = timedelta(days=30)
"""For so long vouchers are offered to be good after a closed day."""

closures = Section("closures")


@closures.page("/closures", who=READERS, title=lazy_gettext("Closures"), seldom=True)
def show_closures(visit: Visit) -> Shown:
    """Show all closures with their versions, those in force first."""
    found = answer_of(visit, calls, "list_closures").closures
    return show(
        "closures.html",
        in_force=[each for each in found if each.status == "in_force"],
        ended=[each for each in found if each.status != "in_force"],
        leads=visit.may(LEADERS),
    )


# --- what the fields begin with ------------------------------------------------------------------


def _terms(visit: Visit, subject: Subject) -> ClosureTerms | None:
    """Return the terms in force of the closure that an act is about; None: of a new one."""
    number = subject.get("closure_id")
    if number is None:
        return None
    answer: ClosureAnswer = answer_of(visit, calls, "show_closure", {"closure_id": number})
    return answer.terms


def _began(name: str, usual: Callable[[Visit], str]) -> Callable[[Visit, Subject], str]:
    """Make the first value of a time of a closure: as it is in force."""

    def value(visit: Visit, subject: Subject) -> str:
        terms = _terms(visit, subject)
        if terms is None:
            return usual(visit)
        return typed(getattr(terms, name), visit.services.ledger.venue)

    return value


def _bounds(visit: Visit) -> tuple[datetime, datetime]:
    venue = visit.services.ledger.venue
    return venue.day_bounds(venue.day_of(visit.now))


def _this_day(place: int) -> Callable[[Visit], str]:
    return lambda visit: typed(_bounds(visit)[place], visit.services.ledger.venue)


def _later(visit: Visit) -> str:
    venue = visit.services.ledger.venue
    day = venue.day_of(visit.now) + LONGER
    return typed(venue.day_bounds(day)[1], venue)


def _chosen(visit: Visit, subject: Subject) -> Any:
    terms = _terms(visit, subject)
    return [] if terms is None else terms.deals


def _marked(name: str) -> Callable[[Visit, Subject], str]:
    def value(visit: Visit, subject: Subject) -> str:
        terms = _terms(visit, subject)
        return "1" if terms is not None and getattr(terms, name) else ""

    return value


def _written(language: str) -> Callable[[Visit, Subject], str]:
    def value(visit: Visit, subject: Subject) -> str:
        terms = _terms(visit, subject)
        notice = None if terms is None else terms.notice
        return "" if notice is None else str(getattr(notice, language))

    return value


def _areas(visit: Visit) -> list[Choice]:
    gates = visit.services.ledger.catalogue.gates.values()
    return [(area, area) for area in sorted({gate.area for gate in gates})]


def _gates(visit: Visit) -> list[Choice]:
    gates = visit.services.ledger.catalogue.gates.values()
    return [(gate.gate_id, f"{gate.name} ({gate.gate_id})") for gate in gates]


def _platforms(visit: Visit) -> list[Choice]:
    deals = visit.services.ledger.catalogue.deals.values()
    return [(each, each) for each in sorted({deal.platform for deal in deals})]


def _deals(visit: Visit) -> list[Choice]:
    """Return all deals, those first that people can come on for longest."""
    found = visit.services.ledger.catalogue.deals.values()
    newest = sorted(found, key=lambda deal: (deal.valid_until, deal.deal_id), reverse=True)
    return [(deal.deal_id, f"{deal.title} ({deal.deal_id})") for deal in newest]


# --- what it comes to ----------------------------------------------------------------------------


def _tell(visit: Visit, subject: Subject, body: Body) -> list[str]:
    view = "amend_closure" if subject else "declare_closure"
    answer = answer_of(visit, calls, view, subject, body=body, query={"preview": "true"})
    return [
        *(say(each) for each in answer.warnings),
        gettext("Bound: %(deals)s.", deals=counted.deals(len(answer.terms.deals))),
        *_tell_counts(answer.preview.after),
        *_tell_before(answer.preview.before),
        tell_devices(visit),
    ]


def _tell_restore(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    answer = answer_of(
        visit,
        calls,
        "restore_closure",
        subject,
        body={"reason": "preview"},
        query={"preview": "true"},
    )
    return [
        gettext("What the closure gave is taken back:"),
        *_tell_counts(answer.preview.before or ClosureCounts()),
        gettext("Who came in by it stays so."),
        tell_devices(visit),
    ]


def _tell_counts(seen: ClosureCounts) -> Iterator[str]:
    yield gettext(
        "%(what)s of %(buyers)s, who paid %(paid)s.",
        what=tell_vouchers(seen.vouchers, seen.people),
        buyers=counted.buyers(seen.buyers),
        paid=_sums(seen.paid_minor),
    )
    yield ngettext(
        "%(vouchers)s voucher is good for longer.",
        "%(vouchers)s vouchers are good for longer.",
        seen.extended,
        vouchers=f"{seen.extended:,}",
    )
    yield ngettext(
        "%(used)s person came in on a closed day; %(again)s may come once more.",
        "%(used)s people came in on a closed day; %(again)s of them may come once more.",
        seen.used_people,
        used=f"{seen.used_people:,}",
        again=f"{seen.new_rights:,}",
    )
    yield gettext("Inside now on these deals: %(people)s.", people=counted.people(seen.inside))


def _tell_before(seen: ClosureCounts | None) -> Iterator[str]:
    if seen is not None:
        yield gettext(
            "Under the terms in force: good for longer %(vouchers)s, once more in %(again)s.",
            vouchers=counted.vouchers(seen.extended),
            again=counted.people(seen.new_rights),
        )


def _sums(paid: dict[str, int]) -> str:
    return " + ".join(money(minor, currency) for currency, minor in sorted(paid.items())) or "0"


def _said(_visit: Visit, _subject: Subject, result: ClosureAnswer) -> str:
    if result.status == "restored":
        return gettext("The closure has ended.")
    return gettext("The closure is in force.")


_PLACES: Final = (
    Field("all_deals", lazy_gettext("All deals that are good then"), Kind.CHECK),
    Field("areas", lazy_gettext("Or those of these areas"), Kind.MANY, choices=_areas),
    Field("gates", lazy_gettext("Or those of these gates"), Kind.MANY, choices=_gates),
    Field("platforms", lazy_gettext("Or those of these platforms"), Kind.MANY, choices=_platforms),
)


_TIMES: Final = (
    why(
        lazy_gettext("weather"),
        lazy_gettext("repair of the equipment"),
        lazy_gettext("order of the authorities"),
    ),
    Field(
        "closed_from",
        lazy_gettext("Closed from"),
        Kind.TIME,
        value=_began("closed_from", _this_day(0)),
    ),
    Field(
        "closed_until",
        lazy_gettext("Closed until"),
        Kind.TIME,
        value=_began("closed_until", _this_day(1)),
        whole=True,
    ),
    Field(
        "extend_until",
        lazy_gettext("Vouchers are good until"),
        Kind.TIME,
        value=_began("extend_until", _later),
        whole=True,
    ),
)
_GIVEN: Final = (
    Field("deals", lazy_gettext("These deals"), Kind.MANY, choices=_deals, value=_chosen),
    Field(
        "used_too",
        lazy_gettext("Who was in already may come once more"),
        Kind.CHECK,
        value=_marked("used_too"),
    ),
    Field(
        "refunds_open",
        lazy_gettext("Who asks the platform may have a refund"),
        Kind.CHECK,
        value=_marked("refunds_open"),
    ),
    Field(
        "notice.zh",
        lazy_gettext("What visitors read, Chinese"),
        Kind.TEXT,
        value=_written("zh"),
        needed=False,
        folded=True,
        longest=500,
    ),
    Field(
        "notice.en",
        lazy_gettext("What visitors read, English"),
        Kind.TEXT,
        value=_written("en"),
        needed=False,
        folded=True,
        longest=500,
        hint=lazy_gettext("Both empty: the standard sentences."),
    ),
)

_who, _run = by_call(calls, "declare_closure")
declare(
    Act(
        "closure",
        lazy_gettext("Close for a time"),
        _who,
        _run,
        fields=(*_TIMES, *_PLACES, *_GIVEN),
        tells=_tell,
        preview=True,
        grave=True,
        said=_said,
    )
)
_who, _run = by_call(calls, "amend_closure")
declare(
    Act(
        "closure-amend",
        lazy_gettext("Other terms of the closure"),
        _who,
        _run,
        fields=(*_TIMES, *_GIVEN),
        subject=("closure_id",),
        tells=_tell,
        preview=True,
        grave=True,
        said=_said,
    )
)
_who, _run = by_call(calls, "restore_closure")
declare(
    Act(
        "closure-restore",
        lazy_gettext("End the closure"),
        _who,
        _run,
        fields=(
            why(lazy_gettext("the closure is not needed any more"), lazy_gettext("it was wrong")),
        ),
        subject=("closure_id",),
        tells=_tell_restore,
        password=True,
        grave=True,
        said=_said,
    )
)
