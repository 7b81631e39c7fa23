"""Who is on the duty list: added with their sealed addresses, tried, taken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from admission.broadcasts import checked_text
from admission.duty import MOST_PAUSE
from gate_server.duty_forms import Message, Told, check_address
from gate_server.keyring import Keyring
from gate_server.ledger import duty
from gate_server.ledger.duty import Contact, Form
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.settings import Settings, read_incident_words

_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class DutyList:
    """The on-duty list of an open ledger.

    Attributes:
        settings: the venue's name, and when it opens.
    """

    ledger: Ledger
    keys: Keyring
    settings: Settings

    def add(self, name: str, form: Form, url: str, secret: str | None, *, by: str) -> Contact:
        """Put somebody on the list; address and secret are sealed.

        Raises:
            InvalidInput: the address cannot be called, or its secret has the wrong form.
            LedgerConflict: `contact-exists`.
        """
        told = checked_text("name", name)[:_LONGEST_NAME]
        shown, now = check_address(form, url, secret), self.ledger.clock()
        plain = msgspec.json.encode({"url": url, "secret": secret})

        def put(tx: Session) -> Contact:
            about = duty.about_contact(duty.next_contact(tx.db))
            sealed = self.keys.seal(plain, about=about, now=now)
            duty.add_contact(tx, told, form, shown, sealed, by=by, now=now)
            return duty.get_contact(tx.db, told)

        return self.ledger.write(put, alone=True)

    def remove(self, name: str, *, by: str) -> None:
        """Take somebody off the list.

        Raises:
            NotFound: nobody by that name is on it.
        """
        now = self.ledger.clock()
        self.ledger.write(lambda tx: duty.remove_contact(tx, name, by=by, now=now), alone=True)

    def contacts(self) -> Sequence[Contact]:
        """Return who is on the list."""
        return self.ledger.read(duty.list_contacts)

    def test_message(self, name: str) -> Message:
        """Return a message that tries whether somebody can be called.

        Raises:
            NotFound: nobody by that name is on the list.
            LedgerRefused: the sealed address was damaged.
        """
        contact = self.ledger.read(lambda db: duty.get_contact(db, name))
        now, words = self.ledger.clock(), read_incident_words(self.ledger.venue).test_call()
        told = Told(
            type="duty.test",
            at=now,
            title_zh=f"{self.settings.name}：值班呼叫测试",
            title_en=f"{self.settings.name}: test of the on-duty list",
            zh=words.zh,
            en=words.en,
            data={},
        )
        return make_message(self.keys, f"msg_test_{now:%Y%m%dT%H%M%S%f}", contact, told)

    def note_test(self, name: str, problem: str | None) -> None:
        """Keep what came of a test."""
        now = self.ledger.clock()

        def note(tx: Session) -> None:
            contact = duty.get_contact(tx.db, name)
            note_contact(tx, contact.contact_id, problem, None, now)

        self.ledger.write(note, alone=True)


def make_message(keys: Keyring, message_id: str, contact: Contact, told: Told) -> Message:
    """Address a message to a contact.

    Raises:
        LedgerRefused: its sealed address was damaged.
    """
    plain = keys.unseal(contact.sealed, about=duty.about_contact(contact.contact_id))
    where: dict[str, Any] = msgspec.json.decode(plain)
    return Message(
        message_id=message_id,
        form=contact.form,
        url=where["url"],
        secret=where["secret"],
        told=told,
    )


def note_contact(
    tx: Session, contact_id: int, problem: str | None, retry_after_s: float | None, now: datetime
) -> None:
    """Keep whether a contact has taken its last message, and how long it asks to be left alone."""
    if problem is None:
        duty.note_answered(tx, contact_id, now=now)
        return
    paused_until = None
    if retry_after_s is not None:
        paused_until = now + min(timedelta(seconds=retry_after_s), MOST_PAUSE)
    duty.note_unanswered(tx, contact_id, problem, paused_until=paused_until, now=now)
