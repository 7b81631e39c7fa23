"""What the gate server says to those who check it: replays, signed heads, conduct."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from admission.conduct import Act, PersonKind
from admission.replay import Agreement, Changed, Doubt
from admission.verdicts import Outcome, Reason
from admission.wire_base import Answer, Text

Hex32 = Annotated[str, Meta(description="32 bytes, 64 hex digits")]
Hex64 = Annotated[str, Meta(description="64 bytes, 128 hex digits")]


class ReplayedVerdict(Answer, frozen=True):
    """What of a verdict is compared."""

    outcome: Outcome
    reason: Reason
    admitted: int
    remaining: int
    void_version: int | None
    tickets: int
    arrived_at: datetime | None


class ReplayDoubt(Answer, frozen=True):
    """Something that the scan was decided on and that is not known any more."""

    doubt: Doubt
    message: Text


class LaterChange(Answer, frozen=True):
    """What was done to the scan after it was answered; its answer stands, the record moved on."""

    revision: int
    kind: Changed
    at: datetime
    people: int


class ReplayAnswer(Answer, frozen=True):
    """An old scan, decided again as of its revision.

    Attributes:
        uploaded_later: scans of the same voucher that were made before it and came in after it.
    """

    scan_id: str
    device_id: str
    gate_id: str
    decided_at: datetime
    rules_version: int
    agreement: Agreement
    message: Text
    answered: ReplayedVerdict
    again: ReplayedVerdict
    doubts: list[ReplayDoubt]
    changed_since: list[LaterChange]
    uploaded_later: int


class SignedHead(Answer, frozen=True):
    """The head of the audit chain at one revision, signed.

    Attributes:
        signed_at_ms: the same as it is signed, milliseconds since 1970.
        signature: Ed25519 over what docs/evidence.md says.
        public_key: of the key that signed it.
    """

    revision: int
    audit_head: Hex32
    epoch: str
    day: date
    signed_at: datetime
    signed_at_ms: int
    key_id: int
    signature: Hex64
    public_key: Hex32


class HeadsAnswer(Answer, frozen=True):
    """Signed heads, the oldest first; ask on with the last one's revision."""

    heads: list[SignedHead]


class ConductAlarm(Answer, frozen=True):
    """More of one kind within an hour, by one person, than is usual here; a reason to ask.

    Attributes:
        who: an account, an operator's number, or a device where nobody had signed in.
        usual: the venue's own median of such an hour.
    """

    act: Act
    who: str
    kind: PersonKind
    hour_from: datetime
    acts: int
    people: int
    usual: float
    message: Text


class ConductHour(Answer, frozen=True):
    """What one person did within one hour."""

    act: Act
    who: str
    kind: PersonKind
    hour_from: datetime
    acts: int
    people: int


class ConductAnswer(Answer, frozen=True):
    """Overrides, annulments and strikes of a venue day, by person and hour."""

    day: date
    alarms: list[ConductAlarm]
    hours: list[ConductHour]
