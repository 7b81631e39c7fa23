"""What devices, staff and the gate server say to each other about who stands at a lane."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from admission.operators import OperatorRole
from admission.wire_base import Answer, Request

CountKind: TypeAlias = Literal["free_child", "concession", "staff", "vip", "walk_in", "manual"]
"""What kind of people come in, or go out, without a voucher."""

Operator = Annotated[str, Meta(max_length=40, description="number of who stands at the lane")]
Signer = Annotated[str, Meta(min_length=1, max_length=40)]


class SignInRequest(Request, frozen=True):
    """Say who stands at this device: `badge`, or `operator` and `pin`."""

    badge: Annotated[str, Meta(max_length=64)] | None = None
    operator: Signer | None = None
    pin: Annotated[str, Meta(max_length=16)] | None = None


class SignedIn(Answer, frozen=True):
    """Who stands at this device now; the name is masked."""

    operator: str
    name: str
    role: OperatorRole
    since: datetime


class SignedOut(Answer, frozen=True):
    """Who stood at this device, and until when; null where nobody did."""

    operator: str | None
    until: datetime


class OfflineShift(Request, frozen=True):
    """Who stood at a device that could not ask: on the scanner's word.

    Attributes:
        operator: a number, or what the scanner calls the owner of a badge.
        until: absent while it goes on.
    """

    operator: Signer
    since: datetime
    until: datetime | None = None


class ShiftsRequest(Request, frozen=True):
    """The sign-ins and sign-outs that the server has not heard of, the oldest first."""

    shifts: Annotated[list[OfflineShift], Meta(max_length=200)]


class ShiftsAnswer(Answer, frozen=True):
    """How many were taken, and who stands at this device now as the server has it."""

    taken: int
    operator: str | None


# --- the hand-over sheet -------------------------------------------------------------------------


class ShiftAnswer(Answer, frozen=True):
    """A time that somebody stood at a device.

    Attributes:
        until: null while it goes on.
        verified: the server saw a badge or a PIN; else a scanner said so that could not ask.
        disabled: the operator is no longer one.
    """

    since: datetime
    until: datetime | None
    ended_by: str | None
    verified: bool
    disabled: bool


class SheetRow(Answer, frozen=True):
    """What one operator did at one lane on one venue day.

    Attributes:
        operator: null for what was done while nobody had signed in.
        first_at, last_at: quarters of an hour with anything in them.
        scans: presentations by outcome; `reasons` by reason.
        people_in, people_out: as recorded, those taken back are off; `counted` is part of it.
        counted: people without a voucher let in, by kind; `counted_out` those who left.
        taken_back: people who were let in or counted, and did not pass here after all: annulled,
            or come in by another lane.
        faults, tickets: reports by kind; {} where none was made.
    """

    operator: str | None
    name: str | None
    role: OperatorRole | None
    gate_id: str
    gate_name: str
    device_id: str
    device_name: str | None
    shifts: list[ShiftAnswer]
    first_at: datetime | None
    last_at: datetime | None
    scans: dict[str, int]
    reasons: dict[str, int]
    people_in: int
    people_out: int
    counted: dict[str, int]
    counted_out: dict[str, int]
    overrides: int
    overridden_people: int
    annulments: int
    taken_back: int
    offline_scans: int
    conflicts_open: int
    faults: dict[str, int]
    tickets: dict[str, int]


class HandoverAnswer(Answer, frozen=True):
    """A hand-over sheet 交接班: one row for each operator and lane.

    Attributes:
        counted_by_hand: people that whoever hands over counted coming in; null: not said.
        difference: those less the people that are recorded as let in.
    """

    day: date
    made_at: datetime
    operator: str | None
    gate_id: str | None
    rows: list[SheetRow]
    people_in: int
    people_out: int
    counted_by_hand: int | None
    difference: int | None
