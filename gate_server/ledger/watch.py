"""Look at what is sold as it is written, in the same transaction: record, hold, call somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Final

from admission.anomalies import find_anomalies
from admission.anomaly_bars import Bars
from admission.anomaly_changes import find_changes
from admission.anomaly_codes import find_guessable, find_running, find_twice
from admission.anomaly_days import find_full_days
from admission.anomaly_prices import told_price
from admission.code_space import CodeShape
from admission.deals import AtGate, Deal, HoldScope
from admission.finding_words import FindingWords
from admission.findings import Finding, FindingKind, Policy, contains, join_scopes
from admission.incidents import Figures, IncidentKind, NewIncident
from gate_server.ledger import actions
from gate_server.ledger.block_proposals import call_about
from gate_server.ledger.catalogue import instant
from gate_server.ledger.findings import (
    WATCH,
    Noted,
    Recorded,
    list_of_deal,
    note_incident_of,
    record_finding,
)
from gate_server.ledger.incidents import find_open, open_incident, renew_figures
from gate_server.ledger.merge import VoucherWriter
from gate_server.ledger.sales import Touched
from gate_server.ledger.session import Session
from gate_server.ledger.sold import join_shape, newest_tails, read_sales, read_windows, tell_price

_MOST_REASON: Final = 500
_HOLD: Final = (
    "SELECT made_by, reason, at_gate, sold_from, sold_until, price_at_most_minor, any_price_from"
    " FROM holds WHERE deal_no = ? AND ended_at IS NULL"
)
_DEAL_OF: Final = "SELECT deal_no FROM vouchers WHERE voucher_id = ?"
_TWICE: Final = "SELECT vouchers FROM findings WHERE kind = ? AND deal_no = ? AND subject = ''"


class Watch:
    """Looks at sales for one venue.

    Args:
        bars: from where on something is odd, and what is done about it.
    """

    def __init__(self, bars: Bars, words: FindingWords) -> None:
        self._bars, self._words = bars, words

    def look(
        self, tx: Session, writer: VoucherWriter, shapes: Mapping[str, CodeShape], *, last: bool
    ) -> None:
        """Look at the deals whose vouchers were just written.

        Args:
            shapes: what the codes of each deal look like.
            last: nothing more of the same delivery follows, so days are looked at too.
        """
        twice = self._twice(tx, writer.twice)
        for deal_no, touched in sorted(writer.sales.touched.items()):
            deal = tx.catalogue.deals[deal_no]
            self._look_at(tx, deal, touched, shapes.get(deal.deal_id), twice.pop(deal_no, 0))
        for deal_no, vouchers in sorted(twice.items()):
            self._look_at(tx, tx.catalogue.deals[deal_no], None, None, vouchers)
        if last and writer.sales.touched:
            self._look_at_days(tx)

    def _look_at(
        self,
        tx: Session,
        deal: Deal,
        touched: Touched | None,
        shape: CodeShape | None,
        twice: int,
    ) -> None:
        sales = read_sales(tx, deal, touched, self._bars)
        found = [] if touched is None else find_anomalies(sales, self._bars)
        more = [find_twice(sales, twice)]
        if shape is not None:
            more.append(find_guessable(sales, join_shape(tx, deal, shape), self._bars))
        if touched is not None:
            more.append(find_running(sales, newest_tails(tx, deal), self._bars))
        found += [each for each in more if each is not None]
        self._act(tx, deal, found)

    def deal_written(self, tx: Session, before: Deal | None, after: Deal) -> None:
        """Look at a deal that a platform told of: what it declares, and what it changed.

        Args:
            after: with its number; `before` as it stood.
        """
        for deal in (before, after):
            told = None if deal is None else told_price(deal, self._bars)
            if told is not None:
                tell_price(tx, after, told)
        if before is not None:
            sales = read_sales(tx, after, None, self._bars)
            self._act(tx, after, find_changes(before, sales, self._bars, tx.clock()))

    def _twice(self, tx: Session, voucher_ids: Iterable[int]) -> Counter[int]:
        """Return how many vouchers of each deal have a code that two platforms hold, ever."""
        found: Counter[int] = Counter()
        for voucher_id in set(voucher_ids):
            found[tx.db.execute(_DEAL_OF, (voucher_id,)).fetchone()[0]] += 1
        for deal_no in found:
            values = FindingKind.CODE_TWICE.value, deal_no
            row = tx.db.execute(_TWICE, values).fetchone()
            found[deal_no] += 0 if row is None else row[0]
        return found

    def _look_at_days(self, tx: Session) -> None:
        kind = FindingKind.DAY_OVER_CAPACITY
        if self._bars.day_capacity == 0 or self._bars.policy(kind) is Policy.OFF:
            return
        now = tx.clock()
        for finding in find_full_days(read_windows(tx, now), tx.venue, self._bars, now):
            self._record(tx, None, finding)

    def _record(self, tx: Session, deal: Deal | None, finding: Finding) -> Noted:
        return record_finding(
            tx,
            None if deal is None else deal.deal_no,
            finding,
            self._bars.policy(finding.kind),
            rehold_factor=self._bars.rehold_factor,
            now=tx.clock(),
        )

    def _act(self, tx: Session, deal: Deal, found: Iterable[Finding]) -> None:
        """Record what was found, and hold what must be; a voided deal is decided already."""
        wanted = [each for each in found if self._bars.policy(each.kind) is not Policy.OFF]
        noted = [self._record(tx, deal, finding) for finding in wanted]
        hoards = [each for each in noted if each.recorded.finding.kind is FindingKind.BUYER_HOARD]
        if any(each.tell for each in hoards):
            call_about(tx, deal, self._words, factor=self._bars.rehold_factor)
        holding = [each for each in noted if each.recorded.holds]
        if not holding or deal.deal_no in tx.catalogue.voids:
            return
        found = [each.recorded.finding for each in holding]
        scopes = [each.scope for each in found if each.scope is not None]
        self._hold(tx, deal, reduce(join_scopes, scopes), found[0])
        if any(each.tell for each in holding):
            self._call(tx, deal)
        elif any(each.grown for each in holding):
            self._renew(tx, deal)

    def _hold(self, tx: Session, deal: Deal, scope: HoldScope, finding: Finding) -> None:
        """Hold at least this scope; what is held already stays so, by whomever."""
        said = self._words.sentence(finding, deal)
        reason, at_gate = f"{said.zh} {said.en}"[:_MOST_REASON], AtGate.REFER
        row = tx.db.execute(_HOLD, (deal.deal_no,)).fetchone()
        if row is not None:
            made_by, before, gate, sold_from, sold_until, price, any_from = row
            held = HoldScope(instant(sold_from), instant(sold_until), price, instant(any_from))
            if contains(held, scope):
                return
            scope, at_gate = join_scopes(held, scope), AtGate(gate)
            reason = reason if made_by == WATCH else before
        actions.hold_deal(
            tx,
            deal.deal_id,
            reason=reason,
            scope=scope,
            at_gate=at_gate,
            by=WATCH,
            now=tx.clock(),
        )

    def _call(self, tx: Session, deal: Deal) -> None:
        """Open the incident of a held deal, or tell the open one what is known now."""
        holding = [each for each in list_of_deal(tx.db, deal.deal_no) if each.holds]
        now, title = tx.clock(), self._words.held(deal)
        incident = NewIncident(
            kind=IncidentKind.SALE_HELD,
            subject=_subject(deal),
            title_zh=title.zh,
            title_en=title.en,
            deal_no=deal.deal_no,
            platform=deal.platform,
            figures=self._figures(tx, deal, holding),
        )
        incident_id = open_incident(tx, incident, by=WATCH, now=now)
        for each in holding:
            note_incident_of(tx, each.finding_id, incident_id)

    def _renew(self, tx: Session, deal: Deal) -> None:
        """Let the open incident of a held deal have the figures of now; nobody is called for it."""
        incident = find_open(tx.db, _subject(deal))
        if incident is not None:
            holding = [each for each in list_of_deal(tx.db, deal.deal_no) if each.holds]
            renew_figures(tx, incident.incident_id, self._figures(tx, deal, holding))

    def _figures(self, tx: Session, deal: Deal, holding: list[Recorded]) -> Figures:
        """Return the figures of the first thing that was found, and the sentences of all."""
        said = [self._words.sentence(each.finding, deal) for each in holding]
        first, now = holding[0].finding, tx.clock()
        lowest = first.measure.get("lowest_minor")
        return Figures(
            what_zh="".join(each.zh for each in said),
            what_en=" ".join(each.en for each in said),
            since=first.since or now,
            until=first.until or now,
            vouchers=first.vouchers,
            people=first.people,
            paid_minor=first.paid_minor,
            face_minor=first.face_minor,
            currency=deal.currency,
            lowest_minor=lowest if isinstance(lowest, int) else None,
            face_price_minor=deal.face_price_minor,
            quota=deal.quota,
        )


def _subject(deal: Deal) -> str:
    return f"sale {deal.deal_id}"
