"""Tell what was found in sales: the record of it, its deal and its sentence, as one answer."""

from __future__ import annotations

from functools import lru_cache

from admission.calendar import Venue
from admission.deals import HoldScope
from admission.finding_words import FindingWords
from admission.wire_base import Text
from admission.wire_findings import FindingAnswer, ScopeAnswer
from gate_server.ledger import findings
from gate_server.ledger.findings import Recorded
from gate_server.ledger.ledger import Ledger
from gate_server.settings import read_finding_words


def list_findings(ledger: Ledger, *, platform: str | None = None) -> list[FindingAnswer]:
    """Return the findings, open ones first.

    Args:
        platform: of its deals only; None: all.
    """
    found = [_tell(ledger, each) for each in ledger.read(findings.list_findings)]
    return [each for each in found if platform in (None, each.platform)]


def show_finding(ledger: Ledger, finding_id: int) -> FindingAnswer:
    """Return one finding.

    Raises:
        NotFound: there is none by that number.
    """
    return _tell(ledger, ledger.read(lambda db: findings.get_finding(db, finding_id)))


def close_finding(ledger: Ledger, finding_id: int, *, note: str, by: str) -> FindingAnswer:
    """Close a finding that holds nothing.

    Raises:
        NotFound: there is none by that number.
        LedgerConflict: `finding-held`, `closed-already`.
    """
    ledger.write(
        lambda tx: findings.close_finding(tx, finding_id, note=note, by=by, now=ledger.clock()),
        urgent=True,
    )
    return show_finding(ledger, finding_id)


def _tell(ledger: Ledger, recorded: Recorded) -> FindingAnswer:
    finding, deal_no = recorded.finding, recorded.deal_no
    deal = None if deal_no is None else ledger.catalogue.deals[deal_no]
    said = _words(ledger.venue).sentence(finding, deal)
    return FindingAnswer(
        finding_id=recorded.finding_id,
        kind=finding.kind,
        deal_id=None if deal is None else deal.deal_id,
        platform=None if deal is None else deal.platform,
        subject=finding.subject,
        policy=recorded.policy,
        state=recorded.state,
        holds=recorded.holds and deal_no not in ledger.catalogue.voids,
        say=Text(zh=said.zh, en=said.en),
        found_at=recorded.found_at,
        grown_at=recorded.grown_at,
        since=finding.since,
        until=finding.until,
        vouchers=finding.vouchers,
        people=finding.people,
        paid_minor=finding.paid_minor,
        face_minor=finding.face_minor,
        currency=None if deal is None else deal.currency,
        measure=dict(finding.measure),
        scope=None if finding.scope is None else _scope(finding.scope),
        decided_at=recorded.decided_at,
        decided_by=recorded.decided_by,
        incident_id=recorded.incident_id,
    )


def _scope(scope: HoldScope) -> ScopeAnswer:
    return ScopeAnswer(
        sold_from=scope.sold_from,
        sold_until=scope.sold_until,
        price_at_most_minor=scope.price_at_most_minor,
        any_price_from=scope.any_price_from,
    )


@lru_cache(maxsize=4)
def _words(venue: Venue) -> FindingWords:
    return read_finding_words(venue)
