"""Incidents: what supervisors handle, which kinds there are, and what each asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from admission.surges import SurgeCard


class IncidentKind(StrEnum):
    """What an incident is about; stored, so never renamed."""

    SALE_HELD = "sale_held"
    SURGE = "surge"
    ENROLMENT_USED_TWICE = "enrolment_used_twice"
    CONDUCT = "conduct"
    BLOCK_PROPOSED = "block_proposed"
    HELP = "help"
    CROWD = "crowd"
    EQUIPMENT = "equipment"
    OTHER = "other"

    @property
    def asks_for_decision(self) -> bool:
        """Whether its deal is on hold until a supervisor releases or voids it."""
        return self is IncidentKind.SALE_HELD

    @property
    def rings(self) -> bool:
        """Whether the on-duty list is called; who sees the others is at work already."""
        return self in _RING

    @property
    def rings_once(self) -> bool:
        """Whether one call is enough: nobody waits for the answer before visitors come."""
        return self is IncidentKind.BLOCK_PROPOSED


_RING = frozenset(
    {
        IncidentKind.SALE_HELD,
        IncidentKind.SURGE,
        IncidentKind.ENROLMENT_USED_TWICE,
        IncidentKind.CONDUCT,
        IncidentKind.BLOCK_PROPOSED,
        IncidentKind.HELP,
        IncidentKind.CROWD,
    }
)

OPENED_BY_PEOPLE = frozenset(
    {IncidentKind.HELP, IncidentKind.CROWD, IncidentKind.EQUIPMENT, IncidentKind.OTHER}
)
"""Kinds that a person may open; the others open by themselves."""


class EntryKind(StrEnum):
    """What an entry of a timeline tells; stored, so never renamed.

    From FOUND on nobody writes them: they are gathered from what the ledger has anyway.
    """

    OPENED = "opened"
    RAISED = "raised"
    EASED = "eased"
    FOLLOWED = "followed"
    NOTED = "noted"
    ACKNOWLEDGED = "acknowledged"
    CALLED = "called"
    CALL_FAILED = "call_failed"
    HELD = "held"
    RELEASED = "released"
    VOIDED = "voided"
    RESTORED = "restored"
    BROADCAST = "broadcast"
    STOP_SALE_WRITTEN = "stop_sale_written"
    STOP_SALE_TAKEN = "stop_sale_taken"
    STOP_SALE_FAILED = "stop_sale_failed"
    CLOSURE = "closure"
    CLOSED = "closed"
    FOUND = "found"
    GATE_STATE = "gate_state"
    EMERGENCY = "emergency"
    OVERRIDES = "overrides"
    CONFLICTS = "conflicts"
    RUNG = "rung"
    SHOWN = "shown"


class HoldDecision(StrEnum):
    """What a supervisor decided about the hold of an incident; stored, so never renamed."""

    RELEASED = "released"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was found in the sales of a deal; money in minor units of `currency`.

    Attributes:
        what_zh: what and how far off, one sentence; `what_en` the same in English.
        since: first sale that it is about; `until` the last so far.
        people: those that the vouchers admit.
        paid_minor: what was paid for all of them; `face_minor` what they are worth at face value.
        lowest_minor: lowest price a person; `face_price_minor` the deal's face price a person.
        quota: vouchers that the platform meant to sell; None: it did not say.
    """

    what_zh: str
    what_en: str
    since: datetime
    until: datetime
    vouchers: int
    people: int
    paid_minor: int
    face_minor: int
    currency: str
    lowest_minor: int | None = None
    face_price_minor: int | None = None
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIncident:
    """An incident as whoever notices it tells it.

    Attributes:
        subject: what it is about, `finding 17`; while one is open, the same opens no second.
        title_zh: one short line; `title_en` the same in English. No code, no account.
        figures: of what was sold, where that is what it is about; `surge` of what is scanned.
        note: what a person says about it.
        called_at: when somebody called at a device, where that was before.
        follows: a closed incident that this one goes on from.
        anew: it asks again for an answer where it is open and somebody has answered.
    """

    kind: IncidentKind
    subject: str
    title_zh: str
    title_en: str
    deal_no: int | None = None
    platform: str | None = None
    gate_id: str | None = None
    device_id: str | None = None
    figures: Figures | None = None
    surge: SurgeCard | None = None
    note: str = ""
    called_at: datetime | None = None
    follows: str | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident as it stands.

    Attributes:
        number: in the order in which they were opened.
        asked_at: since when somebody is asked to answer: its opening, or when it was raised again
            after a decision.
        acknowledged_at: the last time that somebody said to see to it.
        decided_at: when the hold of its deal ended; `decision` is how.
        surge: of a deal that surges, the card as of the last look.
        called_at: when somebody called at a device, where that was before its opening.
        follows: the closed incident that it goes on from.
    """

    incident_id: str
    number: int
    kind: IncidentKind
    subject: str
    title_zh: str
    title_en: str
    opened_at: datetime
    opened_by: str
    asked_at: datetime
    deal_no: int | None = None
    platform: str | None = None
    gate_id: str | None = None
    device_id: str | None = None
    figures: Figures | None = None
    surge: SurgeCard | None = None
    called_at: datetime | None = None
    follows: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    decided_at: datetime | None = None
    decision: HoldDecision | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    summary: str | None = None

    @property
    def open(self) -> bool:
        """Whether it is still being handled."""
        return self.closed_at is None

    @property
    def awaits_decision(self) -> bool:
        """Whether the hold of its deal still waits for a supervisor's release or void."""
        return self.kind.asks_for_decision and self.open and self.decided_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of an incident's timeline.

    Attributes:
        text: what somebody wrote, in their own words; "" where the kind says it all.
        refs: what it points to, by name: a void's version, a broadcast's id.
    """

    number: int
    kind: EntryKind
    at: datetime
    by: str
    text: str
    refs: dict[str, str | int]


def began_at(incident: Incident) -> datetime:
    """Return when what an incident is about began, as far as it is known."""
    known = [incident.opened_at]
    if incident.called_at is not None:
        known.append(incident.called_at)
    if incident.surge is not None:
        known.append(incident.surge.since)
    if incident.figures is not None:
        known.append(incident.figures.since)
    return min(known)
