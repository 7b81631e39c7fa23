"""What supervisors send and are told about incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from admission.incidents import EntryKind, HoldDecision, IncidentKind
from admission.wire_base import Answer, Ident, Line, Nonce, Request
from admission.wire_notices import Said
from admission.wire_surges import SurgeAnswer

LONGEST_SUMMARY = 2000
Summary = Annotated[str, Meta(min_length=1, max_length=LONGEST_SUMMARY)]


class IncidentRequest(Request, frozen=True):
    """Open an incident.

    Attributes:
        kind: `help`, `crowd`, `equipment` or `other`; the others open by themselves.
        title: what it is, one line; it may be told to everybody on duty. A device sends none.
        note: more about it, for the timeline alone.
        nonce: makes a lost answer safe to ask again.
        called_at: when somebody called, where a device could not send it at once.
        follows: a closed incident that this one goes on from.
    """

    kind: IncidentKind
    title: Line | None = None
    note: Line | None = None
    gate_id: Ident | None = None
    deal_id: Ident | None = None
    nonce: Nonce | None = None
    called_at: datetime | None = None
    follows: Ident | None = None


class NoteRequest(Request, frozen=True):
    """Add to an incident's timeline."""

    note: Line


class CloseRequest(Request, frozen=True):
    """End an incident."""

    summary: Summary


class FiguresAnswer(Answer, frozen=True):
    """What was found in the sales of a deal; money in minor units of `currency`.

    Attributes:
        people: those that the vouchers admit.
        lowest_minor: lowest price paid a person; `face_price_minor` the deal's face price.
    """

    what: Said
    since: datetime
    until: datetime
    vouchers: int
    people: int
    paid_minor: int
    face_minor: int
    currency: str
    lowest_minor: int | None
    face_price_minor: int | None
    quota: int | None


class EntryAnswer(Answer, frozen=True):
    """One entry of a timeline.

    Attributes:
        says: what happened, in both languages; `text` is somebody's own words.
        refs: what it points to: a void's version, a broadcast's id.
    """

    at: datetime
    kind: EntryKind
    says: Said
    by: str
    text: str
    refs: dict[str, str | int]


class IncidentAnswer(Answer, frozen=True):
    """An incident.

    Attributes:
        number: where the next page goes on: `?before=` this one.
        awaits_decision: its deal is on hold until a supervisor releases or voids it.
        acknowledged_at: when somebody said last to see to it.
        surge: of a deal that surges; null: it is about something else.
        called_at: when somebody called at a lane, where the call came later; `follows`: the closed
            incident that it goes on from.
        timeline: what touched it, oldest first.
    """

    incident_id: str
    number: int
    kind: IncidentKind
    name: Said
    title: Said
    state: Literal["open", "closed"]
    opened_at: datetime
    opened_by: str
    deal_id: str | None
    platform: str | None
    gate_id: str | None
    device_id: str | None
    figures: FiguresAnswer | None
    awaits_decision: bool
    decision: HoldDecision | None
    decided_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None
    closed_by: str | None
    summary: str | None
    surge: SurgeAnswer | None
    called_at: datetime | None
    follows: str | None
    timeline: list[EntryAnswer]


class DutyCallAnswer(Answer, frozen=True):
    """The last call to one contact about an incident.

    Attributes:
        ring: how many calls it was the last of.
        problem: why it was not taken.
    """

    contact: str
    ring: int
    rung_at: datetime
    state: Literal["waiting", "taken", "failed", "dropped"]
    tries: int
    problem: str | None


class StopSaleAnswer(Answer, frozen=True):
    """The request to the platform to stop the sale.

    Attributes:
        state: `by_hand`: nobody told us where the platform takes requests, so a human sends the
            text; `dropped`: it is not sent any more.
    """

    request_id: str
    platform: str
    text: Said
    written_at: datetime
    state: Literal["waiting", "taken", "by_hand", "dropped"]
    tries: int
    taken_at: datetime | None
    problem: str | None


class IncidentDetail(IncidentAnswer, frozen=True):
    """An incident with the calls about it and the request to its platform.

    Attributes:
        next_ring_at: when the on-duty list is called next; null: not any more.
        nobody_called: somebody would be called now, and the duty list is empty.
    """

    calls: list[DutyCallAnswer]
    next_ring_at: datetime | None
    stop_sale: StopSaleAnswer | None
    nobody_called: bool = False


class IncidentsAnswer(Answer, frozen=True):
    """A page of incidents, the newest first.

    Attributes:
        next: ask again with `before` this for older ones; null: there are none.
    """

    incidents: list[IncidentAnswer]
    next: int | None
