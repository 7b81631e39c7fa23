"""Put alarms into messages to the duty list, and keep what came of them.

The feeder carries them with the calls about incidents, signed and retried like those.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from admission.alarms import Alarm
from admission.duty import STOP_SALE_AFTER, retry_at
from admission.errors import LedgerRefused
from admission.messages import Sentence
from gate_server.alarm_words import AlarmView, read_alarm_words, view_alarm
from gate_server.duty_forms import Message, Told
from gate_server.duty_list import make_message, note_contact
from gate_server.keyring import Keyring
from gate_server.ledger.alarm_calls import (
    AlarmCall,
    begin_alarm_call,
    due_alarm_calls,
    end_alarm_call,
    queue_over,
    queue_raised,
)
from gate_server.ledger.alarm_rows import get_alarm
from gate_server.ledger.duty import list_contacts
from gate_server.ledger.session import Session

MOST_TRIES = 40
"""After so many, some six hours, a message is given up: the board has the alarm."""


def tell_raised(tx: Session, alarm: Alarm, venue_name: str, *, now: datetime) -> None:
    """Have the duty list told of an alarm that begins, or has become more severe."""
    told = _told(tx, alarm, venue_name, over=False, now=now)
    queue_raised(tx, alarm.alarm_id, told, now=now)


def tell_over(tx: Session, alarm: Alarm, venue_name: str, *, now: datetime) -> None:
    """Have those who were told of an alarm know that it is over."""
    queue_over(tx, alarm.alarm_id, _told(tx, alarm, venue_name, over=True, now=now), now=now)


def begin_alarm_calls(
    tx: Session, keys: Keyring, sender: str, *, until: datetime, now: datetime
) -> list[Message]:
    """Return the messages about alarms that are to be sent now, each noted as begun."""
    messages = []
    contacts = {contact.contact_id: contact for contact in list_contacts(tx.db)}
    for call in due_alarm_calls(tx.db, now, sender):
        begin_alarm_call(tx, call, sender, until=until, now=now)
        told = msgspec.json.decode(call.told, type=Told)
        try:
            message = make_message(keys, call.call_id, contacts[call.contact_id], told)
        except LedgerRefused as error:
            # Somebody else's message must still go out.
            settle_alarm_call(tx, call, str(error), now=now)
            continue
        messages.append(message)
    return messages


def settle_alarm_call(
    tx: Session,
    call: AlarmCall,
    problem: str | None,
    *,
    after: timedelta | None = None,
    now: datetime,
) -> None:
    """Keep what came of a message about an alarm; one that was not taken is sent again.

    Args:
        after: how long the contact asks to be left alone.
    """
    fields = {"call_id": call.call_id, "alarm_id": call.alarm_id, "problem": problem}
    tx.record_event("alarm_call", fields)
    tries = max(1, min(call.tries, len(STOP_SALE_AFTER)))
    next_at = None
    # Nobody is told that an alarm was raised after they were told that it is over.
    late = not call.over and not get_alarm(tx.db, call.alarm_id).stands
    if problem is not None and call.tries < MOST_TRIES and not late:
        next_at = retry_at(tries, now, STOP_SALE_AFTER, after=after)
    end_alarm_call(tx, call, problem, next_at=next_at, now=now)
    retry_after_s = None if after is None else after.total_seconds()
    note_contact(tx, call.contact_id, problem, retry_after_s, now)


def _told(tx: Session, alarm: Alarm, venue_name: str, *, over: bool, now: datetime) -> str:
    view = view_alarm(alarm, tx.catalogue)
    words = read_alarm_words()
    title = words.title(alarm.kind, alarm.subject, view.where, cleared=over)
    lines = Sentence(
        f"{view.says.zh}\n请处理：{view.to_do.zh}", f"{view.says.en}\nWhat to do: {view.to_do.en}"
    )
    if over:
        lines = words.over(alarm.raised_at.astimezone(tx.venue.zone).strftime("%m-%d %H:%M"))
    told = Told(
        type="alarm.cleared" if over else "alarm.raised",
        at=now,
        title_zh=f"{venue_name}：{title.zh}",
        title_en=f"{venue_name}: {title.en}",
        zh=lines.zh,
        en=lines.en,
        data=_data(view) | {"cleared_at": now if over else None},
    )
    return msgspec.json.encode(told).decode()


def _data(view: AlarmView) -> dict[str, object]:
    return {
        "alarm_id": view.alarm_id,
        "kind": view.kind,
        "subject": view.subject,
        "severity": view.severity,
        "since": view.since,
        "figure": view.figure,
        "bar": view.bar,
        "usual": view.usual,
    }
