"""Practice codes: one for each reason, with a verdict made up for learning its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from admission.scans import Gate
from admission.verdicts import OUTCOMES, FirstUse, Outcome, Reason, Verdict

PRACTICE_PREFIX: Final = "PRACTICE-"
GATES: Final[Mapping[str, Gate]] = MappingProxyType(
    {
        "P1": Gate("P1", "练习口 1 Practice gate 1", "practice"),
        "P2": Gate("P2", "练习口 2 Practice gate 2", "practice-2"),
    }
)
"""Gates that the sentences may name."""

_PARTY: Final = 2
_SINCE: Final = timedelta(hours=2)


def practice_code(reason: Reason) -> str:
    """Return the text of a reason's practice code."""
    return f"{PRACTICE_PREFIX}{reason}"


def find_practice(code: str) -> Reason | None:
    """Return the reason that a normalised code is to practise; None for any other code."""
    name = code.removeprefix(PRACTICE_PREFIX)
    return _REASONS.get(name) if name != code else None


def practice_verdict(reason: Reason, now: datetime) -> Verdict:
    """Return a verdict that never was: real in all that its sentence says."""
    admits = OUTCOMES[reason] is Outcome.ADMIT
    earlier, later = now - _SINCE, now + _SINCE
    say: dict[str, object] = {
        "available": 1,
        "party": _PARTY,
        "vouchers": 3,
        "valid_from": later if reason is Reason.NOT_YET_VALID else earlier,
        "valid_until": earlier if reason is Reason.EXPIRED else later,
        "areas": ("practice-2",),
        "gates": ("P2",),
        "tickets": ("8K2F",),
        "hours": (time(16, 0), time(22, 0)),
    }
    return Verdict(
        reason,
        _PARTY if admits else 0,
        1 if reason is Reason.PARTY_TOO_LARGE else 0,
        say=say,
        first_use=FirstUse(earlier, "P1"),
    )


_REASONS = {reason.value: reason for reason in Reason}
