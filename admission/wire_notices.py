"""What lanes are told: broadcasts and who saw them, lanes that work, why it is busy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from admission.broadcasts import Priority
from admission.scans import GateState, Profile
from admission.wire_base import Answer, Ident, Line, Nonce, Request, Text

MOST_SEEN = 100

Gates = Annotated[list[Ident], Meta(min_length=1, max_length=500)]
Profiles = Annotated[list[Profile], Meta(min_length=1, max_length=4)]
Values = Annotated[dict[Ident, Line], Meta(max_length=40)]
SeenIds = Annotated[list[Ident], Meta(max_length=MOST_SEEN)]

# --- broadcasts --------------------------------------------------------------------------------


class BroadcastRequest(Request, frozen=True):
    """Tell devices something: in own words, or by a template with its values.

    Attributes:
        template: its key, as `GET /broadcasts/templates` lists it; `values`: its fields by name. A
            text may be given apart in both languages, as `place.zh` and `place.en`.
        loudspeaker: what is said over the loudspeaker; default the template's own words.
        gates: whose devices; left out: all.
        profiles: only devices of these; `["kiosk"]` are the kiosks.
        priority: default the template's, else `normal`.
        expires_at: default the end of the venue day, at least an hour from now.
        nonce: makes a lost answer safe to ask again.
        incident_id: the incident that it is about, whose timeline tells of it.
    """

    message: Text | None = None
    template: Ident | None = None
    values: Values | None = None
    loudspeaker: Text | None = None
    gates: Gates | None = None
    profiles: Profiles | None = None
    priority: Priority | None = None
    expires_at: datetime | None = None
    nonce: Nonce | None = None
    incident_id: Ident | None = None


class EndRequest(Request, frozen=True):
    """Take a broadcast back."""

    reason: Line


class BroadcastEvent(Answer, frozen=True, omit_defaults=True):
    """A broadcast as devices are told it, by heartbeat and on the event stream.

    Attributes:
        ended_at: it is not shown any more; only the event stream tells so.
    """

    broadcast_id: str
    message: Text
    made_at: datetime
    expires_at: datetime
    priority: Priority = Priority.NORMAL
    ended_at: datetime | None = None


class BroadcastsTold(Answer, frozen=True):
    """Broadcasts in force for the asking device, seen or not, the most urgent first."""

    broadcasts: list[BroadcastEvent]


class BroadcastAnswer(Answer, frozen=True):
    """A broadcast as supervisors see it.

    Attributes:
        gates: empty: all; `profiles`: empty: any.
        template: the key of what it was worded by.
        loudspeaker: what is said over the loudspeaker (广播词).
        seen: devices that have shown it; `unseen`: devices that it is for and that have not.
    """

    broadcast_id: str
    message: Text
    gates: list[str]
    priority: Priority
    state: Literal["in_force", "expired", "ended"]
    made_at: datetime
    made_by: str
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    seen: int
    unseen: int
    profiles: list[Profile]
    template: str | None
    loudspeaker: Text | None


class SeenBy(Answer, frozen=True):
    """A device that has shown a broadcast; the gate is where it stood then."""

    device_id: str
    name: str
    gate_id: str
    gate_name: str
    seen_at: datetime


class NotSeenBy(Answer, frozen=True):
    """A device that a broadcast is for and that has not shown it."""

    device_id: str
    name: str
    gate_id: str
    gate_name: str
    last_seen_at: datetime | None


class BroadcastDetail(BroadcastAnswer, frozen=True):
    """A broadcast with every device that has seen it, and every one that has not.

    Attributes:
        warnings: of one that was sent just now, what may be mistyped; it was sent all the same.
    """

    seen_by: list[SeenBy]
    not_seen_by: list[NotSeenBy]
    warnings: list[Text] = []


class BroadcastsAnswer(Answer, frozen=True):
    """Those in force, then the latest others."""

    broadcasts: list[BroadcastAnswer]


class SeenAnswer(Answer, frozen=True):
    """Since when a broadcast counts as seen by the asking device."""

    broadcast_id: str
    seen_at: datetime


# --- lanes -------------------------------------------------------------------------------------


class LaneAnswer(Answer, frozen=True):
    """A gate as whoever looks for another way in wants to know it.

    Attributes:
        working: it is open, and a scanner that lets people in was heard of just now.
        scanners: those.
        last_minute_people: people let in within the last whole minute.
        same_area: it leads where the asking device's gate does.
    """

    gate_id: str
    name: str
    area: str
    state: GateState
    working: bool
    scanners: int
    last_minute_people: int
    same_area: bool


class LanesAnswer(Answer, frozen=True):
    """All gates, those of the asking device's area first."""

    lanes: list[LaneAnswer]


# --- why ---------------------------------------------------------------------------------------


class WhyTerms(Answer, frozen=True):
    """Whom a void's terms still let in."""

    arrived_from: datetime
    arrived_by: datetime
    admit_until: datetime
    max_people: int | None
    cost_bearer: str


class Said(Answer, frozen=True):
    """What staff may say, in both languages; a void's notice makes it long."""

    zh: str
    en: str


class WhyCard(Answer, frozen=True):
    """A deal that explains why it is busy, and what to say.

    Attributes:
        since: when it was voided first, or held; of a busy one, since when its scans are counted.
        sold: vouchers; `people_sold`: those that they admit.
        used: people let in so far.
        still_to_come_today: people at most, by what was sold and not used.
        share_of_scans: of the latest scans, those of the hour, from 0 to 1.
        refused: its scans that were refused today.
        terms: of a void that honours anybody.
    """

    deal_id: str
    title: str
    state: Literal["voided", "held", "busy"]
    since: datetime
    sold: int
    people_sold: int
    used: int
    still_to_come_today: int
    share_of_scans: float
    refused: int
    terms: WhyTerms | None
    say: Said


class WhyAnswer(Answer, frozen=True):
    """Why it is busy; no card: nothing stands out."""

    cards: list[WhyCard]
