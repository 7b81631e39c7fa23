"""Tell of a venue day who overrode, annulled and struck, and which hours stand out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from admission.calendar import Venue
from admission.conduct import Act, Alarm, Done, Hour, by_hour, find_alarms
from admission.errors import Fault, InvalidInput
from admission.wire_evidence import ConductAlarm, ConductAnswer, ConductHour
from gate_server.evidence_words import EvidenceWords
from gate_server.ledger.conduct import list_done
from gate_server.ledger.ledger import Ledger

LOOK_BACK: Final = timedelta(days=28)


def read_day(text: str | None) -> date | None:
    """Read a venue day as it was asked for; None: today.

    Raises:
        InvalidInput: it is no day.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput(
            "day", "give a day as 2026-05-01", Fault.UNREADABLE, text or ""
        ) from error


def make_conduct(ledger: Ledger, day: date | None, words: EvidenceWords) -> ConductAnswer:
    """Return a venue day's overrides, annulments and strikes by person and hour, with alarms.

    What is usual is the venue's own, of the four weeks before that day.
    """
    asked = day or ledger.venue.day_of(ledger.clock())
    hours = hours_of(ledger, asked)
    alarms = find_alarms(hours, hours_before(ledger, asked))
    return ConductAnswer(
        day=asked,
        alarms=[_alarm(alarm, words) for alarm in alarms],
        hours=[_hour(hour) for hour in hours],
    )


def hours_of(ledger: Ledger, day: date) -> list[Hour]:
    """Return what was done on a venue day, by person and clock hour."""
    first, last = ledger.venue.day_bounds(day)
    return _hours_between(ledger, first, last)


def hours_before(ledger: Ledger, day: date) -> list[Hour]:
    """Return the hours of the four weeks before a venue day, which say what is usual here."""
    first, _ = ledger.venue.day_bounds(day)
    return _hours_between(ledger, first - LOOK_BACK, first - timedelta(milliseconds=1))


def _hours_between(ledger: Ledger, first: datetime, last: datetime) -> list[Hour]:
    devices = ledger.catalogue.devices
    done = ledger.read(lambda db: list_done(db, first, last, devices=devices))
    return by_hour(_at_venue(each, ledger.venue) for each in done)


def _at_venue(done: Done, venue: Venue) -> Done:
    at: datetime = done.at.astimezone(venue.zone)
    return replace(done, at=at)


def _hour(hour: Hour) -> ConductHour:
    return ConductHour(
        act=hour.act,
        who=hour.by.name,
        kind=hour.by.kind,
        hour_from=hour.hour_from,
        acts=hour.acts,
        people=hour.people,
    )


def _alarm(alarm: Alarm, words: EvidenceWords) -> ConductAlarm:
    hour = alarm.hour
    said = {"who": hour.by.name, "acts": hour.acts, "people": hour.people}
    return ConductAlarm(
        act=hour.act,
        who=hour.by.name,
        kind=hour.by.kind,
        hour_from=hour.hour_from,
        acts=hour.acts,
        people=hour.people,
        usual=alarm.usual,
        message=words.text(Act(hour.act), usual=f"{alarm.usual:g}", **said),
    )
