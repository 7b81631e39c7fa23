"""Watch each deal's counters: a surge opens an incident by itself, and tells every scanner."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Final

from admission.broadcasts import LONGEST_TEXT, Broadcast, default_expiry
from admission.errors import LedgerConflict, LedgerError
from admission.incidents import EntryKind, IncidentKind, NewIncident
from admission.surges import NO_SCANS, Look, Measure, Surge, SurgeCard, Usual, next_steps
from admission.voids import Honour
from admission.wire_notices import WhyCard
from gate_server.ledger.broadcasts import end_broadcast, new_broadcast_id, record_broadcast
from gate_server.ledger.incidents import get_incident, open_incident, write_entry
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.ledger.surges import (
    WATCH,
    Up,
    list_up,
    note_fallen,
    note_told,
    note_up,
    read_look,
    read_usual,
    refresh_card,
)
from gate_server.settings import Settings, read_incident_words
from gate_server.why import WhyBook

LOOK_EVERY_S: Final = 10.0
REFRESH_EVERY: Final = timedelta(seconds=60)
# What is usual changes with the hours; reading eight days of counters each time is not needed.
USUAL_FOR_S: Final = 300.0

log = logging.getLogger("gatehouse.surges")


class SurgeWatch:
    """Looks at the counters while a server runs; never at the scans.

    Args:
        why: makes the card.
        monotonic: seconds that only go forward.
    """

    def __init__(
        self,
        ledger: Ledger,
        why: WhyBook,
        settings: Settings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._why, self._bars = ledger, why, settings.surges
        self._words = read_incident_words(ledger.venue)
        self._monotonic = monotonic
        self._usual, self._usual_at_s = Usual(), float("-inf")
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="surge-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when no look is under way."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except LedgerError as error:
                # A full disk, for one: the next look finds the same, as long as it is so.
                log.warning("surges were not looked at: %s", error)
            if self._stopped.wait(LOOK_EVERY_S):
                return

    def look(self) -> list[str]:
        """Look once; return the ids of incidents that deals rose to.

        Raises:
            LedgerError: nothing could be read or written; the next look makes up for it.
        """
        ledger, now = self._ledger, self._ledger.clock()
        now_s = self._monotonic()
        if now_s - self._usual_at_s >= USUAL_FOR_S:
            self._usual = ledger.read(lambda db: read_usual(db, now, self._bars))
            self._usual_at_s = now_s
        found = ledger.read(lambda db: read_look(db, now, self._usual))
        up = {each.deal_no: each for each in ledger.read(list_up)}
        steps = next_steps(frozenset(up), found, self._bars)
        for deal_no in steps.fell:
            self._fall(up.pop(deal_no))
        for each in up.values():
            self._refresh(each, found)
        return [self._rise(surge) for surge in steps.rose]

    def _rise(self, surge: Surge) -> str:
        deal = self._ledger.catalogue.deals[surge.deal_no]
        title, card = self._words.surge(surge, deal), self._why.card_of(surge.deal_no)
        incident = NewIncident(
            kind=IncidentKind.SURGE,
            subject=f"surge {deal.deal_id}",
            title_zh=title.zh,
            title_en=title.en,
            deal_no=deal.deal_no,
            platform=deal.platform,
            surge=_card(surge, card),
            anew=True,
        )

        def record(tx: Session) -> str:
            now = tx.clock()
            incident_id = open_incident(tx, incident, by=WATCH, now=now)
            broadcast_id = _tell(tx, incident_id, card)
            note_up(tx, deal.deal_no, incident_id, broadcast_id, since=surge.since, now=now)
            return incident_id

        # Urgent: a full disk is no reason to tell nobody.
        incident_id = self._ledger.write(record, alone=True, urgent=True)
        log.warning("deal %s surges (%s): incident %s", deal.deal_id, surge.measure, incident_id)
        return incident_id

    def _fall(self, up: Up) -> None:
        self._ledger.write(lambda tx: note_fallen(tx, up, now=tx.clock()), alone=True, urgent=True)

    def _refresh(self, up: Up, look: Look) -> None:
        ledger, card = self._ledger, self._why.card_of(up.deal_no)
        told = ledger.read(lambda db: get_incident(db, up.incident_id)).surge
        assert told is not None  # noqa: S101 - it was opened with one
        anew = (told.state, told.honour) != (card.state, _honour(card))
        if anew or ledger.clock() - up.refreshed_at >= REFRESH_EVERY:
            ledger.write(
                lambda tx: _refresh(tx, up, _risen(told, up, look, card), card, anew=anew),
                alone=True,
                patient=not anew,
            )


def _refresh(tx: Session, up: Up, told: SurgeCard, card: WhyCard, *, anew: bool) -> None:
    """Write the card of now; where other terms are in force, tell scanners anew."""
    if anew:
        if up.broadcast_id is not None:
            reason = "other terms are in force"
            end_broadcast(tx, up.broadcast_id, reason=reason, by=WATCH, now=tx.clock())
        note_told(tx, up.deal_no, _tell(tx, up.incident_id, card))
    refresh_card(tx, up, told, now=tx.clock())


def _risen(rose: SurgeCard, up: Up, look: Look, card: WhyCard) -> SurgeCard:
    """Return the card of a deal that goes on to surge, with the figures of now."""
    own = look.latest.get(up.deal_no, NO_SCANS)
    count = own.of(rose.measure)
    whole = sum(each.scans for each in look.latest.values())
    of = whole if rose.measure is Measure.SCANS else own.scans
    surge = Surge(
        up.deal_no, rose.measure, up.rose_at, count, round(count / max(1, of), 4), rose.before
    )
    return _card(surge, card)


def _tell(tx: Session, incident_id: str, card: WhyCard) -> str | None:
    """Tell every scanner what to say; return the broadcast's id, None where no more may be."""
    now = tx.clock()
    broadcast = Broadcast(
        broadcast_id=new_broadcast_id(),
        zh=card.say.zh[:LONGEST_TEXT],
        en=card.say.en[:LONGEST_TEXT],
        made_at=now,
        expires_at=default_expiry(now, tx.venue),
    )
    try:
        record_broadcast(tx, broadcast, nonce=None, by=WATCH)
    except LedgerConflict as error:
        log.warning("a surge could not be told to scanners: %s", error)
        return None
    refs = {"broadcast_id": broadcast.broadcast_id}
    kind = EntryKind.BROADCAST
    write_entry(tx, incident_id, kind, broadcast.zh, refs=refs, by=WATCH, now=now)
    return broadcast.broadcast_id


def _card(surge: Surge, card: WhyCard) -> SurgeCard:
    return SurgeCard(
        measure=surge.measure,
        since=surge.since,
        count=surge.count,
        share=surge.share,
        before=surge.before,
        sold=card.sold,
        people_sold=card.people_sold,
        used=card.used,
        still_to_come=card.still_to_come_today,
        refused=card.refused,
        share_of_scans=card.share_of_scans,
        state=card.state,
        state_since=card.since,
        say_zh=card.say.zh,
        say_en=card.say.en,
        honour=_honour(card),
        cost_bearer=None if card.terms is None else card.terms.cost_bearer,
    )


def _honour(card: WhyCard) -> Honour | None:
    terms = card.terms
    if terms is None:
        return None
    return Honour(terms.arrived_from, terms.arrived_by, terms.admit_until, terms.max_people)
