"""Acts about a deal from where it shows that people come on it: hold it, release it."""

from __future__ import annotations

from admission.deals import AtGate
from admission.errors import NotFound
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.pages import Visit
from gate_server.web.deals import deals


def _tell(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    services = visit.services
    deal = services.ledger.catalogue.deal(subject["deal_id"])
    if deal is None:
        raise NotFound(f"no deal {subject['deal_id']}")
    counts = services.deal_book.counts()[deal.deal_no]
    today = dict(services.ledger.tallies.today.deals).get(deal.deal_no, 0)
    return [
        deal.title,
        gettext(
            "%(sold)d people sold, %(admitted)d admitted so far.",
            sold=counts.people_sold,
            admitted=counts.people_admitted,
        ),
        ngettext("%(num)d person came on it today.", "%(num)d people came on it today.", today),
    ]


_who, _run = by_call(deals, "hold")
declare(
    Act(
        "deal-hold",
        lazy_gettext("Put a deal on hold"),
        _who,
        _run,
        fields=(
            Field(
                "reason",
                lazy_gettext("Reason"),
                longest=500,
                suggestions=(
                    lazy_gettext("price looks wrong"),
                    lazy_gettext("far more sold than agreed"),
                    lazy_gettext("codes seem to be copied"),
                    lazy_gettext("the platform asked for it"),
                ),
            ),
            Field(
                "at_gate",
                lazy_gettext("At the gate"),
                Kind.CHOICE,
                choices=(
                    (AtGate.REFER.value, lazy_gettext("refer each to a human")),
                    (AtGate.ADMIT_AND_MARK.value, lazy_gettext("let in, and mark it")),
                ),
                value=AtGate.REFER.value,
            ),
        ),
        subject=("deal_id",),
        tells=_tell,
        button=lazy_gettext("Hold all of this deal"),
    )
)
_who, _run = by_call(deals, "release")
declare(
    Act(
        "deal-release",
        lazy_gettext("Release a deal"),
        _who,
        _run,
        fields=(
            Field(
                "reason",
                lazy_gettext("Reason"),
                longest=500,
                suggestions=(
                    lazy_gettext("price confirmed by the platform"),
                    lazy_gettext("quantity confirmed by the platform"),
                ),
            ),
        ),
        subject=("deal_id",),
        tells=_tell,
        button=lazy_gettext("Release it"),
        # From the hold on everybody stood aside; a slip of the finger must not let them in.
        password=True,
    )
)
