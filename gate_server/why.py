"""Why it is busy: one card for each deal that explains it, made once for all who ask."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from admission.deals import Deal
from admission.messages import Sentence
from admission.voids import Void
from admission.why import (
    Bar,
    find_busy,
    latest_and_usual,
    latest_from,
    matters_today,
    still_to_come,
)
from admission.why_words import WhyWords
from admission.wire_notices import Said, WhyCard, WhyTerms
from gate_server.ledger.catalogue import Mark, same_mark
from gate_server.ledger.deal_hours import DealHour, hour_of, list_hours
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.reports import DealBook, DealCounts
from gate_server.ledger.surges import list_up
from gate_server.ledger.void_versions import voided_since

# A card is as old as this at most, and what was sold as old as that: 200 devices ask each minute,
# and counting vouchers anew after each push of a platform would keep a core busy.
CARDS_FOR_S: Final = 5.0
SOLD_FOR_S: Final = 30.0
# Enough for the same hours of a day before a day of rest.
LOOK_BACK: Final = timedelta(hours=72)
YOUNG: Final = timedelta(minutes=20)
OUTSTANDING: Final = Bar(scans=30, share=0.25, times=2.0, hours=8)


class WhyBook:
    """The cards of a venue. A void, hold or restore shows at the next question.

    Args:
        deal_book: counts what was sold.
        words: what to say.
        monotonic: seconds that only go forward.
    """

    def __init__(
        self,
        ledger: Ledger,
        deal_book: DealBook,
        words: WhyWords,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._deal_book, self._words = ledger, deal_book, words
        self._monotonic = monotonic
        self._lock = Lock()
        self._mark: Mark = ()
        self._made_at_s = self._counted_at_s = float("-inf")
        self._cards: list[WhyCard] = []
        self._counts: dict[int, DealCounts] = {}

    def cards(self) -> list[WhyCard]:
        """Return the cards: voided deals, held ones, then those that many come with.

        While somebody makes them anew, the others get the last ones.
        """
        if not self._lock.acquire(blocking=not self._mark):
            return self._cards
        try:
            self._renew()
            return self._cards
        finally:
            self._lock.release()

    def _renew(self) -> None:
        mark, now_s = self._ledger.catalogue.mark(), self._monotonic()
        same = bool(self._mark) and same_mark(mark, self._mark)
        if not same or now_s - self._counted_at_s >= SOLD_FOR_S:
            self._counts, self._counted_at_s = self._deal_book.counts(), now_s
        if not same or now_s - self._made_at_s >= CARDS_FOR_S:
            self._cards, self._made_at_s = self._make(), now_s
        self._mark = mark

    def card_of(self, deal_no: int) -> WhyCard:
        """Return the card of one deal as it stands now, whether it stands out or not."""
        with self._lock:
            self._renew()
            page, catalogue = self._page(), self._ledger.catalogue
        deal = catalogue.deals[deal_no]
        if deal_no in catalogue.voids:
            return page.voided(deal, catalogue.voids[deal_no])
        return page.held(deal) if deal_no in catalogue.holds else page.busy(deal)

    def _page(self) -> _Page:
        ledger = self._ledger
        now = ledger.clock()
        rows = ledger.read(lambda db: list_hours(db, now - LOOK_BACK))
        return _Page(self._words, ledger, self._counts, rows, now)

    def _make(self) -> list[WhyCard]:
        ledger, catalogue = self._ledger, self._ledger.catalogue
        page, now = self._page(), ledger.clock()
        up = {each.deal_no: each.rose_at for each in ledger.read(list_up)}
        voided = [
            page.voided(catalogue.deals[number], void)
            for number, void in catalogue.voids.items()
            if page.latest[number] or matters_today(void, catalogue.deals[number], now)
        ]
        held = [page.held(catalogue.deals[number]) for number in catalogue.holds]
        told = catalogue.voids.keys() | catalogue.holds.keys()
        busy = [
            page.busy(catalogue.deals[number], up.get(number))
            for number in dict.fromkeys([*up, *find_busy(page.latest, page.usual, OUTSTANDING)])
            if number not in told and number in catalogue.deals
        ]
        return [*_largest_first(voided), *_largest_first(held), *busy]


class _Page:
    """What the cards of one moment are made of.

    Attributes:
        latest, usual: scans by deal, lately and before.
    """

    def __init__(
        self,
        words: WhyWords,
        ledger: Ledger,
        counts: dict[int, DealCounts],
        rows: Iterable[DealHour],
        now: datetime,
    ) -> None:
        self._words, self._ledger, self._counts, self._now = words, ledger, counts, now
        self._from = latest_from(now, YOUNG)
        today = hour_of(ledger.venue.day_bounds(ledger.venue.day_of(now))[0])
        hours: dict[int, dict[int, int]] = defaultdict(dict)
        self._refused: Counter[int] = Counter()
        for row in rows:
            hours[row.hour][row.deal_no] = row.scans
            if row.hour >= today:
                self._refused[row.deal_no] += row.refused
        self.latest, self.usual = latest_and_usual(hours, hour_of(self._from), OUTSTANDING.hours)

    def voided(self, deal: Deal, void: Void) -> WhyCard:
        """Return the card of a withdrawn deal."""
        honour, terms = void.honour, None
        if honour is not None:
            terms = WhyTerms(
                arrived_from=honour.arrived_from,
                arrived_by=honour.arrived_by,
                admit_until=honour.admit_until,
                max_people=honour.max_people,
                cost_bearer=void.cost_bearer.value,
            )
        say = self._words.voided(deal, void, self._now)
        since = self._ledger.read(lambda db: voided_since(db, deal.deal_no)) or void.committed_at
        return self._card(deal, say, state="voided", since=since, terms=terms)

    def held(self, deal: Deal) -> WhyCard:
        """Return the card of a deal on hold."""
        hold = self._ledger.catalogue.holds[deal.deal_no]
        say = self._words.held(deal.title, hold)
        return self._card(deal, say, state="held", since=hold.since, terms=None)

    def busy(self, deal: Deal, since: datetime | None = None) -> WhyCard:
        """Return the card of a deal that many come with.

        Args:
            since: when it began to surge; None: it only has many scans.
        """
        say = self._words.busy(deal.title, self._share(deal.deal_no))
        return self._card(deal, say, state="busy", since=since or self._from, terms=None)

    def _share(self, deal_no: int) -> float:
        return round(self.latest[deal_no] / max(1, self.latest.total()), 4)

    def _card(self, deal: Deal, say: Sentence, **fields: Any) -> WhyCard:
        counts = self._counts.get(deal.deal_no) or DealCounts()
        sold, used = counts.people_sold, counts.people_admitted
        return WhyCard(
            deal_id=deal.deal_id,
            title=deal.title,
            sold=counts.vouchers,
            people_sold=sold,
            used=used,
            still_to_come_today=still_to_come(
                deal, self._now, self._ledger.venue, sold=sold, used=used
            ),
            share_of_scans=self._share(deal.deal_no),
            refused=self._refused[deal.deal_no],
            say=Said(zh=say.zh, en=say.en),
            **fields,
        )


def _largest_first(cards: list[WhyCard]) -> list[WhyCard]:
    return sorted(cards, key=lambda card: (-card.share_of_scans, card.deal_id))
