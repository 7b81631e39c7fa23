"""Decide an old scan again, and say whether the answer would be the same; if not, why.

The caller rebuilds the case as it was before the scan was recorded, and names what it could not
rebuild. Nothing here claims more: an answer that differs where something is not known is neither
right nor wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from admission.cases import Case
from admission.history import Record
from admission.moves import decide_moving
from admission.verdicts import RULES_VERSION, FirstUse, Reason, Verdict


class Doubt(StrEnum):
    """What of an old scan's case is not known any more. Sent: add one, never rename one."""

    RULES_CHANGED = "rules_changed"
    STATES_NOT_KEPT = "states_not_kept"
    ERASED = "erased"
    QUOTA_NOT_KEPT = "quota_not_kept"
    CODE_NOT_KEPT = "code_not_kept"


class Agreement(StrEnum):
    """What comes of deciding again. Sent: add one, never rename one.

    `not_known`: another answer, but not all that it depended on is known. `by_device`: a scanner
    decided by itself, from its own replica; what it showed is what happened.
    """

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_KNOWN = "not_known"
    BY_DEVICE = "by_device"


class Changed(StrEnum):
    """What was done to a recorded scan later; the kinds of the audit."""

    ANNUL = "annul"
    PASSAGE = "passage"
    MOVE = "move"
    OVERRIDE = "override"
    STRIKE = "strike"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Correction:
    """One thing that was done to a recorded scan, as the audit has it.

    Attributes:
        revision: which it took; `at` when it was done.
        people: the scan's people in all that it is about (annulled, moved, let in, shown).
        reason: of `shown`: what the scanner had shown instead.
        unwatched: a supervisor said what happened, against what the turnstile counted.
    """

    revision: int
    kind: Changed
    at: datetime
    people: int = 0
    reason: Reason | None = None
    unwatched: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What a scan was answered, as far as it is compared."""

    reason: Reason
    people: int
    remaining: int
    void_version: int | None
    tickets: int = 0
    arrived_at: datetime | None = None
    first_use: FirstUse | None = None

    @classmethod
    def of(cls, verdict: Verdict) -> Answered:
        """Return what of a verdict is compared."""
        return cls(
            verdict.reason,
            verdict.people,
            verdict.remaining,
            verdict.void_version,
            verdict.tickets,
            verdict.arrived_at,
            verdict.first_use,
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """An old scan, decided again.

    Attributes:
        again: what the rules say now, by the case as it was.
        doubts: what of that case is not known.
    """

    agreement: Agreement
    answered: Answered
    again: Answered
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """One old scan with what was known before it.

    Attributes:
        records: of the one voucher found, its recorded scans as they stood before.
        at: scan time.
        by_device: a scanner decided it by itself.
        doubts: what the caller could not rebuild.
    """

    case: Case
    records: Sequence[Record]
    at: datetime
    device_id: str
    answered: Answered
    rules_version: int
    by_device: bool = False
    doubts: tuple[Doubt, ...] = ()


def replay(past: Past) -> Replay:
    """Decide an old scan again by the rules of today."""
    verdict = decide_moving(past.case, past.records, past.at, device_id=past.device_id)
    again, doubts = Answered.of(verdict), past.doubts
    if past.rules_version != RULES_VERSION:
        doubts = (*doubts, Doubt.RULES_CHANGED)
    return Replay(_agreement(past, again, doubts), past.answered, again, doubts)


def _agreement(past: Past, again: Answered, doubts: tuple[Doubt, ...]) -> Agreement:
    if past.by_device:
        return Agreement.BY_DEVICE
    if again == past.answered:
        return Agreement.AGREES
    return Agreement.NOT_KNOWN if doubts else Agreement.DIFFERS


def as_corrected(record: Record, corrections: Iterable[Correction]) -> Record:
    """Return a record as it stood after some corrections.

    Args:
        record: as it was recorded.
        corrections: of it, oldest first.
    """
    for each in corrections:
        record = _CHANGES[each.kind](record, each)
    return record


def _annul(record: Record, made: Correction) -> Record:
    turned = None if made.unwatched else record.turned
    annuls = record.annuls + 1
    return replace(record, annulled=made.people, annuls=annuls, annulled_at=made.at, turned=turned)


def _passage(record: Record, made: Correction) -> Record:
    return replace(record, turned=made.people)


def _move(record: Record, made: Correction) -> Record:
    return replace(record, moved=made.people)


def _override(record: Record, made: Correction) -> Record:
    return replace(record, overridden=made.people, overridden_at=made.at)


def _strike(record: Record, _: Correction) -> Record:
    return replace(record, struck=True)


def _shown(record: Record, made: Correction) -> Record:
    return replace(record, reason=made.reason or record.reason, people=made.people)


_CHANGES = {
    Changed.ANNUL: _annul,
    Changed.PASSAGE: _passage,
    Changed.MOVE: _move,
    Changed.OVERRIDE: _override,
    Changed.STRIKE: _strike,
    Changed.SHOWN: _shown,
}
