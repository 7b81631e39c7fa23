"""The slip of a refused visitor: which scans have one, and what it proves. It admits nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from admission.errors import LedgerConflict
from admission.history import Record
from admission.scans import Direction
from admission.tokens import Purpose, Token
from admission.verdicts import OUTCOMES, Outcome, Reason, Say

_PROVES_NOTHING = frozenset(
    {Reason.MALFORMED_CODE, Reason.NOT_A_TICKET, Reason.REFUSAL_SLIP, Reason.SEVERAL_VOUCHERS}
)
"""Of a code that is none nothing was kept; of a slip there is no slip; a list is no answer yet."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a refusal slip proves, by its signature and, where the ledger is at hand, by its record.

    Attributes:
        number: as it stands on the paper, `R1-57`.
        day: the venue day on which its holder came; `people` that stood there.
        came_at, gate_id, tail, reason: of the refused scan; None where only the signature is known.
    """

    number: str
    day: date
    people: int
    came_at: datetime | None = None
    gate_id: str | None = None
    tail: str | None = None
    reason: Reason | None = None


def number_of(key_id: int, number: int) -> str:
    """Return what people call a refusal slip: the identity of its token."""
    return f"R{key_id}-{number}"


def read_proof(token: Token | None) -> Proof | None:
    """Return what a good token alone proves, where it is that of a refusal slip."""
    if token is None or token.purpose is not Purpose.REFUSAL:
        return None
    number = number_of(token.key_id, token.voucher_number)
    return Proof(number, token.first_day, token.admits)


def check_refused(record: Record) -> None:
    """Allow a slip to be given for a recorded scan.

    Raises:
        LedgerConflict: `not-an-entry`, `admitted-already` or `not-refused`.
    """
    if record.direction is Direction.EXIT:
        raise LedgerConflict("not-an-entry", "who leaves needs no proof of having come")
    if record.overridden or OUTCOMES[record.reason] is Outcome.ADMIT:
        raise LedgerConflict("admitted-already", "this scan let people in; it was no refusal")
    if record.reason in _PROVES_NOTHING:
        raise LedgerConflict("not-refused", "this scan says nothing of a voucher; scan its code")


def proof_to_say(proof: Proof) -> Say:
    """Return what the sentence about a slip names."""
    say: dict[str, object] = {"slip": proof.number, "slip_day": proof.day.isoformat()}
    if proof.came_at is not None and proof.reason is not None:
        say["slip_at"] = proof.came_at
        say["slip_gate"] = proof.gate_id or ""
        say["slip_tail"] = proof.tail or "-"
        say["slip_reason"] = proof.reason.value
    return say
