"""What the gate server tells of days: gates and deals by day and hour, one gate's day, sales."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from admission.wire_base import Answer

By: TypeAlias = Literal["day", "hour"]
"""What figures are summed up by: venue days, or hours of the venue's clocks."""


class GateFigure(Answer, frozen=True):
    """One gate in one day or hour; a time in which nothing was scanned or counted has none.

    Attributes:
        from_at: its first instant.
        entered, left_out: people through the gate, those counted without a voucher too.
        people: persons new to the gate's area that day; `persons`: new to the venue.
        scans: presentations; `refused`, `referred` and `waited` are some of them.
        reasons: presentations that were not let in at once, by reason, the most first.
        counted: people without a voucher who came in, by kind.
    """

    day: date
    from_at: datetime
    gate_id: str
    name: str
    entered: int
    left_out: int
    people: int
    persons: int
    scans: int
    refused: int
    referred: int
    waited: int
    reasons: dict[str, int]
    counted: dict[str, int]


class GateFigures(Answer, frozen=True):
    """Gates by day or hour, the first day first."""

    first_day: date
    last_day: date
    by: By
    gates: list[GateFigure]


class DealFigure(Answer, frozen=True):
    """One deal in one day or hour; a time in which nobody presented it has none.

    Attributes:
        entered: people let in, each time; `persons`: those new to the venue that day.
        scans: presentations; `refused` and `referred` are some of them.
        reasons: presentations that were not let in at once, by reason, the most first.
    """

    day: date
    from_at: datetime
    deal_id: str
    platform: str
    title: str
    entered: int
    persons: int
    scans: int
    refused: int
    referred: int
    reasons: dict[str, int]


class DealFigures(Answer, frozen=True):
    """Deals by day or hour, the first day first; a partner's own only."""

    first_day: date
    last_day: date
    by: By
    deals: list[DealFigure]


class PeakAnswer(Answer, frozen=True):
    """Most people within a minute, or within 60 of them that begin at `from_at`."""

    from_at: datetime
    people: int


class GateDayAnswer(Answer, frozen=True):
    """One gate's venue day, minute by minute.

    Attributes:
        begins_at, ends_at: of the venue day.
        from_at: the first minute in which somebody came in; null: nobody did.
        per_minute: people who came in, each minute from then to the last one with somebody.
        best_minute, best_hour: of that day; `record_minute`, `record_hour` of all days.
        lanes: devices that let somebody in that day.
        ceiling_per_hour: the most people an hour that so many lanes are planned for; a guide to
            safe crowds, not a rate that this gate has shown.
        hours: the day's figures by hour.
    """

    gate_id: str
    name: str
    day: date
    begins_at: datetime
    ends_at: datetime
    entered: int
    left_out: int
    from_at: datetime | None
    per_minute: list[int]
    best_minute: PeakAnswer | None
    best_hour: PeakAnswer | None
    record_minute: PeakAnswer | None
    record_hour: PeakAnswer | None
    lanes: int
    ceiling_per_hour: int
    hours: list[GateFigure]


class SalesFigure(Answer, frozen=True):
    """What was sold of a deal in one day or hour.

    Attributes:
        vouchers: all that were ever sold then.
        standing: those of them that are neither cancelled nor refunded; `people` they admit.
    """

    day: date
    from_at: datetime
    vouchers: int
    standing: int
    people: int


class CurveAnswer(Answer, frozen=True):
    """A deal's sales over time, and what was scanned of it.

    Attributes:
        untimed: standing vouchers of which the platform did not say when they were sold.
        sold: times with a sale; `scanned`: times with a scan, both the first one first.
    """

    deal_id: str
    by: By
    untimed: int
    sold: list[SalesFigure]
    scanned: list[DealFigure]


class AuditedEvent(Answer, frozen=True):
    """Something that was done, as the audit chain has it.

    Attributes:
        event: what was done, as `void` or `gate_state`.
        by: who did it; null: the server by itself.
        fields: what the chain covers; without personal fields and what stands for a buyer.
        personal: personal fields by name; null: it was erased, or the caller may not see it.
    """

    revision: int
    at: datetime
    event: str
    by: str | None
    fields: dict[str, Any]
    personal: dict[str, str | None]


class AuditAnswer(Answer, frozen=True):
    """A page of what was done, the newest first.

    Attributes:
        before: what to ask for to go on, even where this page is short; null: there is no more.
    """

    audit: list[AuditedEvent]
    before: int | None
