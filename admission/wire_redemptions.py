"""How a platform stands that is told who came in."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from admission.wire_base import Answer


class RedemptionsAnswer(Answer, frozen=True):
    """What a platform was told of who came in, and what it is yet to be.

    Attributes:
        state: `unknown`: nobody has asked yet what it takes; `reconcile`: it takes none, so that
            they are compared by hand.
        waiting: deeds on their way; the oldest has waited for `oldest_s`.
        poison: deeds that a human must look at.
        whole: it redeems whole vouchers only.
        done_at: when it last answered; `problem` is why it does not now.
    """

    state: Literal["unknown", "reported", "reconcile"]
    waiting: int
    oldest_s: float
    poison: int
    whole: bool
    done_at: datetime | None
    problem: str
