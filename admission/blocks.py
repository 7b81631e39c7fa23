"""Blocks of buyers' accounts: where one came from, how it stands, when one is proposed again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from admission.findings import decides_again


class BlockOrigin(StrEnum):
    """On whose word an account is blocked; stored, so never renamed."""

    SUPERVISOR = "supervisor"
    FEED = "feed"
    FINDING = "finding"


class BlockState(StrEnum):
    """How a block, or the proposal of one, stands. Sent: add one, never rename one."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    LIFTED = "lifted"
    DECLINED = "declined"


class AppealOutcome(StrEnum):
    """What came of an appeal; stored, so never renamed."""

    LIFTED = "lifted"
    UPHELD = "upheld"


def state_of(expires_at: datetime | None, lifted_at: datetime | None, now: datetime) -> BlockState:
    """Return how a block stands: it includes its last instant, and nobody needs to end it then."""
    if lifted_at is not None:
        return BlockState.LIFTED
    if expires_at is not None and now > expires_at:
        return BlockState.EXPIRED
    return BlockState.IN_FORCE


def proposes(people: int, decided: int | None, factor: float, *, blocked: bool) -> bool:
    """Say whether a human is asked to block an account that bought very many vouchers.

    Args:
        people: those whom its vouchers let in, by all that was found about it.
        decided: as many as there were when a human decided about it last; None: nobody has.
        factor: so many times as large it must be, to be proposed again.
        blocked: the account is blocked already.
    """
    return people > 0 and not blocked and decides_again(people, decided, factor)
