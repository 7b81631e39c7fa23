"""A partner's own page, made for a phone: its deals, its bill so far, what it must confirm."""

from __future__ import annotations

from dataclasses import dataclass

from admission.wire_settlement import OverrideAnswer
from admission.wire_staff import DealAnswer
from gate_server.web.board.deal_rows import (
    Ceiling,
    DealLine,
    find_ceiling,
    list_lines,
    people_honoured,
)
from gate_server.web.board.languages import lazy_gettext
from gate_server.web.board.pages import Section, Shown, Visit, show
from gate_server.web.board.reading import answer_of
from gate_server.web.board.rows import STATES
from gate_server.web.callers import Role
from gate_server.web.settlement_lists import lists

partner = Section("partner")


@dataclass(frozen=True, slots=True)
class OwnDeal:
    """A deal as its platform sees it.

    Attributes:
        honoured: people let in under its void.
        ceiling: None where nothing limits it.
        overrides: that the platform is to bear, and nobody has confirmed.
    """

    line: DealLine
    honoured: int
    ceiling: Ceiling | None
    overrides: list[OverrideAnswer]

    @property
    def deal(self) -> DealAnswer:
        """The deal itself."""
        return self.line.deal


@partner.page("/partner", who=frozenset({Role.PARTNER}), title=lazy_gettext("Our deals"))
def show_partner(visit: Visit) -> Shown:
    """Show a platform's deals to its partner, those first that something is wrong with."""
    own = [_own(visit, line) for line in list_lines(visit)]
    day = visit.services.ledger.venue.day_of(visit.now)
    return show(
        "partner.html",
        now=[each for each in own if not each.line.over],
        over=[each for each in own if each.line.over],
        confirm=[(each.deal, override) for each in own for override in each.overrides],
        month=f"{day:%Y-%m}",
        platform=visit.caller.platform,
        states=STATES,
    )


def _own(visit: Visit, line: DealLine) -> OwnDeal:
    deal = line.deal
    told = answer_of(visit, lists, "show_overrides", {"deal_id": deal.deal_id}).overrides
    return OwnDeal(
        line,
        people_honoured(visit, deal),
        find_ceiling(visit, deal),
        [each for each in told if each.confirmed_at is None and each.people],
    )
