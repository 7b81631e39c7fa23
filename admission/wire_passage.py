"""What a lane says of its turnstile: who passed, and what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from admission.wire_base import Answer, Line, Nonce, People, Request


class ReportKind(StrEnum):
    """What a lane reports of its turnstile. Stored and sent: add one, never rename one."""

    JAMMED = "jammed"
    FORCED = "forced"
    HELD_OPEN = "held_open"
    LATE_PASSAGE = "late_passage"
    BARRIER_LOST = "barrier_lost"
    UNKNOWN_PASSAGE = "unknown_passage"
    CLEARED = "cleared"


FAULTS = frozenset(
    {ReportKind.JAMMED, ReportKind.FORCED, ReportKind.HELD_OPEN, ReportKind.BARRIER_LOST}
)
"""What lasts until the lane reports `cleared`, or another of these; the rest are single events."""


class PassageRequest(Request, frozen=True):
    """People of one scan whom the turnstile has counted through so far, all of them."""

    people: People


class PassageAnswer(Answer, frozen=True):
    """What is known of a scan's people.

    Attributes:
        turned: None where nothing is: no turnstile watched, or a supervisor said what happened.
        admitted: people of the scan who count as passed.
    """

    nonce: str
    turned: int | None
    admitted: int
    ledger_revision: int


class ReportRequest(Request, frozen=True):
    """Something that staff or the technician should know of a turnstile; the nonce names it."""

    nonce: Nonce
    kind: ReportKind
    at: datetime
    people: Annotated[int, Meta(ge=1, le=999)] | None = None
    detail: Line | None = None


class ReportAnswer(Answer, frozen=True):
    """A report as it was kept."""

    nonce: str
    kind: ReportKind
    replayed: bool


class FaultAnswer(Answer, frozen=True):
    """What is wrong with a device's turnstile since `at`, by its own word."""

    kind: ReportKind
    at: datetime
    people: int | None
    detail: str | None
