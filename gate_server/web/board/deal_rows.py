"""What the pages of deals show: how each deal stands, what is wrong with it, what is left of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from admission.deals import Deal
from admission.findings import FindingKind, FindingState
from admission.messages import Messages, Sentence
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.wire_figures import DealFigure
from admission.wire_findings import FindingAnswer
from admission.wire_staff import DealAnswer
from gate_server.figures import Days, make_deal_figures
from gate_server.web.board.pages import Visit
from gate_server.web.board.reading import answer_of
from gate_server.web.deals import deals
from gate_server.web.findings import findings
from gate_server.web.stats import today

_ORDER: Final = {"held": 0, "voided": 2, "active": 3}


@dataclass(frozen=True, slots=True)
class DealLine:
    """One deal in a list.

    Attributes:
        today: persons who came in on it today.
        found: open findings about it.
        over: nobody can come on it any more.
    """

    deal: DealAnswer
    today: int
    found: list[FindingAnswer]
    over: bool

    @property
    def wrong(self) -> bool:
        """Whether somebody should look at it: it is on hold, voided, or something was found."""
        return self.deal.status == "held" or bool(self.found) or self._is_voided_now

    @property
    def odd(self) -> list[FindingAnswer]:
        """What was found about the deal itself, first that for which it is held."""
        found = [each for each in self.found if each.kind is not FindingKind.BUYER_HOARD]
        return sorted(found, key=lambda each: not each.holds)

    @property
    def hoards(self) -> int:
        """Accounts that bought very many; about each, and not about the deal, somebody decides."""
        return len(self.found) - len(self.odd)

    @property
    def rank(self) -> tuple[int, int, str]:
        """Where it stands: what waits for a decision first, then where most people come."""
        waits = 1 if self.found and self.deal.status != "held" else _ORDER[self.deal.status]
        return waits, -self.today, self.deal.deal_id

    @property
    def _is_voided_now(self) -> bool:
        return self.deal.status == "voided" and not self.over


@dataclass(frozen=True, slots=True)
class Stopped:
    """A reason for which somebody was not let in at once, and for how many scans."""

    name: Sentence
    outcome: Outcome
    scans: int


@dataclass(frozen=True, slots=True)
class Today:
    """What was scanned of a deal in the running venue day."""

    persons: int
    scans: int
    stopped: list[Stopped]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that a deal may come to, and what is left; of people honoured, else of vouchers.

    Attributes:
        honoured: the limit is of a void's terms; else it is the platform's quota.
    """

    most: int
    left: int
    honoured: bool


def list_lines(visit: Visit) -> list[DealLine]:
    """Return the deals that an account may see, in the order in which people should look."""
    found, told = list_open(visit), answer_of(visit, deals, "list_deals").deals
    return sorted((make_line(visit, deal, found) for deal in told), key=lambda line: line.rank)


def make_line(visit: Visit, deal: DealAnswer, found: Iterable[FindingAnswer]) -> DealLine:
    """Return a deal as a list shows it.

    Args:
        found: open findings, of other deals too.
    """
    services = visit.services
    counted, numbers = today(services, visit.now).deals, services.ledger.catalogue.deal_nos
    return DealLine(
        deal,
        counted.get(numbers[deal.deal_id], 0),
        [each for each in found if each.deal_id == deal.deal_id],
        is_over(visit, deal),
    )


def list_open(visit: Visit) -> list[FindingAnswer]:
    """Return what was found and nobody has decided yet."""
    told = answer_of(visit, findings, "list_all").findings
    return [each for each in told if each.state is FindingState.OPEN]


def is_over(visit: Visit, deal: DealAnswer) -> bool:
    """Say whether a deal's last day has passed, what closures made of it too."""
    closures = get_deal(visit, deal.deal_id).closures
    return visit.now > max([deal.valid_until, *(each.extend_until for each in closures)])


def get_deal(visit: Visit, deal_id: str) -> Deal:
    """Return a deal that an account was shown already."""
    catalogue = visit.services.ledger.catalogue
    return catalogue.deals[catalogue.deal_nos[deal_id]]


def scanned_today(visit: Visit, deal: Deal) -> Today:
    """Return what was scanned of a deal today, by reason."""
    ledger = visit.services.ledger
    day = ledger.venue.day_of(visit.now)
    made = make_deal_figures(ledger, Days(day, day), platform=deal.platform)
    return _today((each for each in made.deals if each.deal_id == deal.deal_id), visit)


def _today(figures: Iterable[DealFigure], visit: Visit) -> Today:
    rows = list(figures)
    reasons: dict[str, int] = {}
    for row in rows:
        for reason, scans in row.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + scans
    messages = visit.services.answers.messages
    return Today(
        persons=sum(row.persons for row in rows),
        scans=sum(row.scans for row in rows),
        stopped=[_stopped(*each, messages) for each in sorted(reasons.items(), key=_most_first)],
    )


def _most_first(each: tuple[str, int]) -> tuple[int, str]:
    return -each[1], each[0]


def _stopped(name: str, scans: int, messages: Messages) -> Stopped:
    reason = Reason(name)
    return Stopped(messages.short(reason), OUTCOMES[reason], scans)


def find_ceiling(visit: Visit, deal: DealAnswer) -> Ceiling | None:
    """Return what limits a deal and what is left of it; None: nothing limits it."""
    known, honour = get_deal(visit, deal.deal_id), None if deal.void is None else deal.void.honour
    if honour is not None and honour.max_people is not None:
        left = honour.max_people - people_honoured(visit, deal)
        return Ceiling(honour.max_people, max(0, left), honoured=True)
    if known.quota is None or deal.void is not None:
        return None
    return Ceiling(known.quota, max(0, known.quota - deal.vouchers), honoured=False)


def people_honoured(visit: Visit, deal: DealAnswer) -> int:
    """Return how many people were let in under the deal's voids."""
    catalogue = visit.services.ledger.catalogue
    return catalogue.honoured.get(catalogue.deal_nos[deal.deal_id], 0)
