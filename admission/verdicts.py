"""What a scan is answered with: outcomes, reasons, and the verdict that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

RULES_VERSION = 1
"""Stored with every verdict; raised whenever the same case would be decided otherwise."""


class Outcome(StrEnum):
    """What staff do: GO, STOP, CALL, WAIT."""

    ADMIT = "admit"
    REFUSE = "refuse"
    REFER = "refer"
    WAIT = "wait"


class Reason(StrEnum):
    """Why. Stored and sent: add one, never rename one."""

    EMERGENCY = "emergency"
    GATE_CLOSED = "gate_closed"
    MALFORMED_CODE = "malformed_code"
    NOT_A_TICKET = "not_a_ticket"
    BAD_SIGNATURE = "bad_signature"
    REFUSAL_SLIP = "refusal_slip"
    SLIP_NOT_HANDED_OUT = "slip_not_handed_out"
    SLIP_OTHER_DAY = "slip_other_day"
    SLIP_BOUND = "slip_bound"
    SLIP_ALONE = "slip_alone"
    QUEUE_OVER = "queue_over"
    BULK_ARRIVALS = "bulk_arrivals"
    UNKNOWN_CODE = "unknown_code"
    LEDGER_STALE = "ledger_stale"
    PROVISIONAL = "provisional"
    AMBIGUOUS_CODE = "ambiguous_code"
    SEVERAL_VOUCHERS = "several_vouchers"
    EXIT_RECORDED = "exit_recorded"
    NOT_INSIDE = "not_inside"
    REFUNDED_AFTER_ARRIVAL = "refunded_after_arrival"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    VOUCHER_BLOCKED = "voucher_blocked"
    EXCHANGED = "exchanged"
    TICKET_ANNULLED = "ticket_annulled"
    USED_UP = "used_up"
    ANNULLED_BEFORE = "annulled_before"
    DEAL_VOIDED = "deal_voided"
    BUYER_BLOCKED = "buyer_blocked"
    DEAL_HELD = "deal_held"
    WRONG_GATE = "wrong_gate"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OUTSIDE_HOURS = "outside_hours"
    ALREADY_INSIDE = "already_inside"
    PARTY_TOO_LARGE = "party_too_large"
    VENUE_FULL = "venue_full"
    HONOURED = "honoured"
    REENTERED = "reentered"
    ADMITTED = "admitted"
    OVERRIDDEN = "overridden"


_ADMIT = {
    Reason.PROVISIONAL,
    Reason.EXIT_RECORDED,
    Reason.HONOURED,
    Reason.REENTERED,
    Reason.ADMITTED,
    Reason.OVERRIDDEN,
}
_REFER = {
    Reason.QUEUE_OVER,
    Reason.BULK_ARRIVALS,
    Reason.LEDGER_STALE,
    Reason.AMBIGUOUS_CODE,
    Reason.SEVERAL_VOUCHERS,
    Reason.NOT_INSIDE,
    Reason.REFUNDED_AFTER_ARRIVAL,
    Reason.ANNULLED_BEFORE,
    Reason.BUYER_BLOCKED,
    Reason.DEAL_HELD,
    Reason.PARTY_TOO_LARGE,
}
_WAIT = {Reason.EMERGENCY, Reason.GATE_CLOSED, Reason.SLIP_ALONE, Reason.VENUE_FULL}


def _outcome_of(reason: Reason) -> Outcome:
    if reason in _ADMIT:
        return Outcome.ADMIT
    if reason in _REFER:
        return Outcome.REFER
    return Outcome.WAIT if reason in _WAIT else Outcome.REFUSE


OUTCOMES: Mapping[Reason, Outcome] = MappingProxyType({r: _outcome_of(r) for r in Reason})
"""Each reason has one outcome, so that the reason alone is stored."""

Say: TypeAlias = Mapping[str, object]
NOTHING_TO_SAY: Say = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FirstUse:
    """When and where a voucher first let people in."""

    at: datetime
    gate_id: str


@dataclass(slots=True)
class Verdict:
    """The answer to one scan. Not frozen only because it is made on the hot path; never changed.

    Attributes:
        people: persons let in by it, or out of it for an exit; 0 where nobody passed.
        remaining: persons that the voucher could still let in at this gate's area afterwards.
        say: what the sentence for staff needs beside the reason (`available`, `areas`, ...).
        void_version: the void in force on the deal when it was decided.
        marked: admitted although on hold, under `admit_and_mark`.
        tickets: to be printed at an exchange desk, one a person; nobody passes by that.
        arrived_at: the arrival that counts: inside the void's window, else of this venue day.
    """

    reason: Reason
    people: int = 0
    remaining: int = 0
    say: Say = field(default_factory=lambda: NOTHING_TO_SAY)
    void_version: int | None = None
    marked: bool = False
    arrived_at: datetime | None = None
    first_use: FirstUse | None = None
    tickets: int = 0

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason stands for."""
        return OUTCOMES[self.reason]

    @property
    def elsewhere(self) -> FirstUse | None:
        """Where the same code let people in minutes ago, at another gate: a human must see it."""
        at, gate_id = self.say.get("copied_at"), self.say.get("copied_gate")
        return FirstUse(at, str(gate_id)) if isinstance(at, datetime) else None
