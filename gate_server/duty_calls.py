"""Whom to call now about what, and what came of it; requests to platforms go the same way.

The server decides and records; the feeder only carries messages. What is handed to it is noted as
begun first, so that a kill repeats a message at most once, under the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec

from admission.duty import (
    RETRY_AFTER,
    STOP_SALE_AFTER,
    asked_since,
    next_ring,
    retry_at,
)
from admission.errors import LedgerRefused
from admission.incidents import EntryKind, Incident
from gate_server.alarm_calls import begin_alarm_calls, settle_alarm_call
from gate_server.duty_forms import Message, Outcome, Told
from gate_server.duty_list import make_message, note_contact
from gate_server.head_sends import begin_heads, settle_head
from gate_server.keyring import Keyring
from gate_server.ledger import duty, feeds, stop_sales
from gate_server.ledger.alarm_calls import due_alarm_calls, find_alarm_call
from gate_server.ledger.duty import Contact, DutyCall, Form
from gate_server.ledger.head_sends import due_heads, find_send
from gate_server.ledger.incident_records import list_ringing
from gate_server.ledger.incidents import get_incident, write_entry
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import StopSale
from gate_server.settings import Settings, read_incident_words

LEASE: Final = timedelta(seconds=30)
"""How long a message that was handed out is left to whoever has it; a try takes 10 s at most."""
BY: Final = "duty list"


@dataclass(frozen=True, slots=True)
class DutyCalls:
    """The calls about the incidents of an open ledger.

    Attributes:
        settings: the venue's name, and when it opens.
    """

    ledger: Ledger
    keys: Keyring
    settings: Settings

    def due(self, sender: str) -> list[Message]:
        """Return what is to be sent now, one message a receiver; each is noted as begun.

        Whoever takes them says with `settle` what came of each; what nobody speaks of is handed out
        again after LEASE, or at once to another sender: the one before was killed.

        Args:
            sender: a name of its own for each life of whoever sends.
        """
        now = self.ledger.clock()
        waiting = self.ledger.read(
            lambda db: bool(
                duty.due_calls(db, now, sender)
                or stop_sales.due_requests(db, now, sender)
                or due_heads(db, now, sender)
                or due_alarm_calls(db, now, sender)
            )
        )
        if not (waiting or self._to_ring(self.ledger.read(list_ringing), now)):
            return []
        # Urgent: a full disk is no reason to call nobody.
        return self.ledger.write(lambda tx: self._begin(tx, sender, now), alone=True, urgent=True)

    def _to_ring(
        self, ringing: Sequence[tuple[Incident, datetime | None]], now: datetime
    ) -> list[Incident]:
        """Return the incidents that the list is to be called about now; none without a list."""
        if not self.ledger.catalogue.duty.contacts:
            return []
        venue, opens_at = self.ledger.venue, self.settings.duty.opens
        due = (
            (incident, next_ring(incident, rung_at, now, venue=venue, opens_at=opens_at))
            for incident, rung_at in ringing
        )
        return [incident for incident, at in due if at is not None and at <= now]

    def _begin(self, tx: Session, sender: str, now: datetime) -> list[Message]:
        contacts = {each.contact_id: each for each in duty.list_contacts(tx.db)}
        for incident in self._to_ring(list_ringing(tx.db), now) if contacts else ():
            self._ring(tx, incident, list(contacts.values()), now)
        messages, until = [], now + LEASE
        for call in duty.due_calls(tx.db, now, sender):
            duty.begin_call(tx, call, sender, until=until, now=now)
            messages.append(self._address(tx, call, contacts[call.contact_id], now))
        for request in stop_sales.due_requests(tx.db, now, sender):
            stop_sales.begin_request(tx, request.request_id, sender, until=until)
            messages.append(self._address_request(tx, request, now))
        secret_of = partial(self._feed_secret, tx, now=now)
        named = (tx, self.keys, self.settings.name, sender)
        heads = begin_heads(*named, secret_of=secret_of, until=until, now=now)
        alarms = begin_alarm_calls(tx, self.keys, sender, until=until, now=now)
        return [message for message in messages if message is not None] + heads + alarms

    def _ring(
        self, tx: Session, incident: Incident, contacts: list[Contact], now: datetime
    ) -> None:
        last, rung_at = duty.last_ring(tx.db, incident.incident_id)
        told = self._told(tx, incident, last + 1, now)
        text = msgspec.json.encode(told).decode()
        duty.record_ring(tx, incident.incident_id, last + 1, text, contacts, now=now)
        venue, opens_at = self.ledger.venue, self.settings.duty.opens
        asked_at = asked_since(incident, now, venue=venue, opens_at=opens_at)
        # Each further one would only hide what people did; the detail counts them.
        if rung_at is None or rung_at < asked_at:
            names = ", ".join(contact.name for contact in contacts)
            refs: dict[str, str | int] = {"ring": last + 1, "contacts": names}
            write_entry(tx, incident.incident_id, EntryKind.CALLED, refs=refs, by=BY, now=now)

    def _told(self, tx: Session, incident: Incident, ring: int, now: datetime) -> Told:
        catalogue = tx.catalogue
        deal = None if incident.deal_no is None else catalogue.deals.get(incident.deal_no)
        gate = None if incident.gate_id is None else catalogue.gates.get(incident.gate_id)
        words = read_incident_words(self.ledger.venue).call(
            incident, deal, ring=ring, gate=None if gate is None else gate.name
        )
        return Told(
            type="incident.opened" if ring == 1 else "incident.waiting",
            at=now,
            title_zh=f"{self.settings.name}：{incident.title_zh}",
            title_en=f"{self.settings.name}: {incident.title_en}",
            zh=words.zh,
            en=words.en,
            data={
                "incident_id": incident.incident_id,
                "kind": incident.kind,
                "ring": ring,
                "opened_at": incident.opened_at,
                "deal_id": None if deal is None else deal.deal_id,
                "platform": incident.platform,
                "gate_id": incident.gate_id,
                "device_id": incident.device_id,
                "figures": _built(incident.figures),
            },
        )

    def _address(
        self, tx: Session, call: DutyCall, contact: Contact, now: datetime
    ) -> Message | None:
        told = msgspec.json.decode(call.told, type=Told)
        try:
            return make_message(self.keys, call.call_id, contact, told)
        except LedgerRefused as error:
            # Somebody else's message must still go out.
            _settle_call(tx, call, Outcome(message_id=call.call_id, problem=str(error)), now)
            return None

    def _address_request(self, tx: Session, request: StopSale, now: datetime) -> Message | None:
        feed = None if request.feed_id is None else tx.catalogue.feeds.get(request.feed_id)
        url = None if feed is None else feed.config.get(stop_sales.NOTIFY)
        if feed is None or not isinstance(url, str):
            stop_sales.leave_to_people(tx, request, "the feed that had the address is gone")
            return None
        try:
            secret = self._feed_secret(tx, feed.feed_id, now)
        except LedgerRefused as error:
            outcome = Outcome(message_id=request.request_id, problem=str(error))
            _settle_request(tx, request, outcome, now)
            return None
        deal = tx.catalogue.deals[request.deal_no]
        first_zh, _, zh = request.text.zh.partition("\n")
        first_en, _, en = request.text.en.partition("\n")
        told = Told(
            type="stop_sale",
            at=request.written_at,
            title_zh=first_zh,
            title_en=first_en,
            zh=zh,
            en=en,
            data={
                "incident_id": request.incident_id,
                "deal_id": deal.deal_id,
                "venue": self.settings.name,
                "figures": _built(request.figures),
            },
        )
        return Message(
            message_id=request.request_id, form=Form.STANDARD, url=url, secret=secret, told=told
        )

    def _feed_secret(self, tx: Session, feed_id: int, now: datetime) -> str:
        """Return the secrets of a push that count now, with a space between."""
        found = [
            self.keys.unseal(each.sealed, about=feeds.about_secret(feed_id, each.number)).decode()
            for each in feeds.list_secrets(tx.db, feed_id, now)
            if each.kind is feeds.SecretKind.WEBHOOK
        ]
        if not found:
            raise LedgerRefused("the feed has no secret to sign with; rotate it")
        return " ".join(found)

    # --- what came of it -------------------------------------------------------------------------

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Record what came of messages; one that nobody knows any more is nothing."""
        now = self.ledger.clock()

        def record(tx: Session) -> None:
            for outcome in outcomes:
                call = duty.find_call(tx.db, outcome.message_id)
                request = stop_sales.find_request(tx.db, outcome.message_id)
                if call is not None:
                    _settle_call(tx, call, outcome, now)
                elif request is not None:
                    _settle_request(tx, request, outcome, now)
                elif (head := find_send(tx.db, outcome.message_id)) is not None:
                    settle_head(tx, head, outcome.problem, after=_asked_for(outcome), now=now)
                elif (alarm := find_alarm_call(tx.db, outcome.message_id)) is not None:
                    after = _asked_for(outcome)
                    settle_alarm_call(tx, alarm, outcome.problem, after=after, now=now)

        if outcomes:
            self.ledger.write(record, alone=True, urgent=True)


def _settle_call(tx: Session, call: DutyCall, outcome: Outcome, now: datetime) -> None:
    fields = {"call_id": call.call_id, "incident_id": call.incident_id, "ring": call.ring}
    tx.record_event("duty_call", fields | {"problem": outcome.problem})
    if outcome.problem is None:
        duty.end_call(tx, call, None, next_at=None, now=now)
    else:
        after = _asked_for(outcome)
        tries = duty.find_call(tx.db, call.call_id)
        count = call.tries if tries is None else tries.tries
        next_at = retry_at(count, now, RETRY_AFTER, after=after)
        duty.end_call(tx, call, outcome.problem, next_at=next_at, now=now)
        if count == 1 and get_incident(tx.db, call.incident_id).open:
            _note_failure(tx, call, outcome.problem, now)
    note_contact(tx, call.contact_id, outcome.problem, outcome.retry_after_s, now)


def _note_failure(tx: Session, call: DutyCall, problem: str, now: datetime) -> None:
    """Tell of a contact that begins to fail; that it goes on is told by its own figures."""
    contact = next(
        (each for each in duty.list_contacts(tx.db) if each.contact_id == call.contact_id), None
    )
    if contact is not None and contact.failures == 0:
        refs = {"contact": contact.name, "problem": problem}
        write_entry(tx, call.incident_id, EntryKind.CALL_FAILED, refs=refs, by=BY, now=now)


def _settle_request(tx: Session, request: StopSale, outcome: Outcome, now: datetime) -> None:
    incident_id = request.incident_id
    refs: dict[str, str | int] = {"request_id": request.request_id}
    if outcome.problem is None:
        stop_sales.note_taken(tx, request, now=now)
        write_entry(tx, incident_id, EntryKind.STOP_SALE_TAKEN, refs=refs, by=BY, now=now)
        return
    current = stop_sales.find_request(tx.db, request.request_id)
    tries = min(request.tries if current is None else current.tries, len(STOP_SALE_AFTER))
    next_at = retry_at(tries, now, STOP_SALE_AFTER, after=_asked_for(outcome))
    assert next_at is not None  # noqa: S101 - its last step is repeated
    stop_sales.note_untaken(tx, request, outcome.problem, next_at=next_at)
    if request.problem is None:
        refs["problem"] = outcome.problem
        write_entry(tx, incident_id, EntryKind.STOP_SALE_FAILED, refs=refs, by=BY, now=now)


def _asked_for(outcome: Outcome) -> timedelta | None:
    return None if outcome.retry_after_s is None else timedelta(seconds=outcome.retry_after_s)


def _built(figures: Any) -> Any:
    return msgspec.to_builtins(figures)
