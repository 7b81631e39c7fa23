"""Findings over HTTP: what is odd in what was sold, and how a supervisor closes one."""

from __future__ import annotations

from datetime import datetime

from admission.findings import FindingKind, FindingState, Policy
from admission.wire_base import Answer, Line, Request, Text


class ScopeAnswer(Answer, frozen=True):
    """Which vouchers a hold for a finding covers; null does not bound.

    Attributes:
        any_price_from: what was sold from then on too, whatever its price.
    """

    sold_from: datetime | None
    sold_until: datetime | None
    price_at_most_minor: int | None
    any_price_from: datetime | None


class FindingAnswer(Answer, frozen=True):
    """One thing that is odd in what was sold.

    Attributes:
        subject: what of the deal it is about, where it may have several: a day, a field.
        holds: whether its deal is to be on hold for it until a supervisor decides.
        since: the first sale that it is about.
        paid_minor: what was paid for its vouchers; `face_minor` what they are worth.
        measure: how far off it is; the names depend on `kind`.
        scope: null where nothing is to be held.
    """

    finding_id: int
    kind: FindingKind
    deal_id: str | None
    platform: str | None
    subject: str
    policy: Policy
    state: FindingState
    holds: bool
    say: Text
    found_at: datetime
    grown_at: datetime
    since: datetime | None
    until: datetime | None
    vouchers: int
    people: int
    paid_minor: int
    face_minor: int
    currency: str | None
    measure: dict[str, int | float | str]
    scope: ScopeAnswer | None
    decided_at: datetime | None
    decided_by: str | None
    incident_id: str | None


class FindingsAnswer(Answer, frozen=True):
    """Findings, open ones first; at most 200."""

    findings: list[FindingAnswer]


class FindingClose(Request, frozen=True):
    """What was found out about a finding; it stays on record."""

    note: Line
