"""What blocked buyers say to their blocks, and what supervisors decided about it. All audited."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from admission.blocks import AppealOutcome
from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from gate_server.ledger.catalogue import instant
from gate_server.ledger.session import Session


@dataclass(frozen=True, slots=True)
class Appeal:
    """What was said to a block; without an outcome nobody has decided about it.

    Attributes:
        note: in the buyer's own words; None: erased since.
    """

    made_at: datetime
    made_by: str
    note: str | None
    outcome: AppealOutcome | None
    ended_at: datetime | None
    ended_by: str | None
    answer: str | None


def appeal_block(tx: Session, block_id: int, *, note: str, by: str, now: datetime) -> None:
    """Note what a blocked buyer says; the block stands until a supervisor lifts it.

    Raises:
        NotFound: no such block.
        LedgerConflict: `lifted-already`: there is nothing to appeal against.
    """
    _check_standing(tx, block_id)
    # Their own words may name somebody.
    appeal_id = tx.record_event("appeal", {"block_id": block_id, "by": by}, personal={"note": note})
    tx.db.execute(
        "INSERT INTO block_appeals (appeal_id, block_id, made_at, made_by) VALUES (?, ?, ?, ?)",
        (appeal_id, block_id, to_ms(now), by),
    )


def uphold_block(tx: Session, block_id: int, *, reason: str, by: str, now: datetime) -> None:
    """Decide that a block stands in spite of what was said to it.

    Raises:
        NotFound: no such block.
        LedgerConflict: `lifted-already`; `not-appealed`: no appeal waits for an answer.
    """
    _check_standing(tx, block_id)
    if end_appeals(tx, block_id, AppealOutcome.UPHELD, reason, by=by, now=now) == 0:
        raise LedgerConflict("not-appealed", f"no appeal against block {block_id} is open")
    tx.record_event("appeal_upheld", {"block_id": block_id, "by": by, "reason": reason})


def end_appeals(
    tx: Session, block_id: int, outcome: AppealOutcome, answer: str, *, by: str, now: datetime
) -> int:
    """Answer every open appeal against a block; return how many there were."""
    return tx.db.execute(
        "UPDATE block_appeals SET outcome = ?, answer = ?, ended_at = ?, ended_by = ?"
        " WHERE block_id = ? AND outcome IS NULL",
        (outcome.value, answer, to_ms(now), by, block_id),
    ).rowcount


def list_appeals(db: sqlite3.Connection) -> dict[int, list[Appeal]]:
    """Return all appeals by their blocks, the oldest first."""
    found: dict[int, list[Appeal]] = defaultdict(list)
    rows = db.execute(
        "SELECT block_id, made_at, made_by, p.value, outcome, ended_at, ended_by, answer"
        " FROM block_appeals a LEFT JOIN audit_personal p"
        " ON p.revision = a.appeal_id AND p.field = 'note' ORDER BY appeal_id"
    )
    for block_id, made_at, made_by, note, outcome, ended_at, ended_by, answer in rows:
        ended = None if outcome is None else AppealOutcome(outcome)
        appeal = Appeal(from_ms(made_at), made_by, note, ended, instant(ended_at), ended_by, answer)
        found[block_id].append(appeal)
    return found


def _check_standing(tx: Session, block_id: int) -> None:
    row = tx.db.execute("SELECT lifted_at FROM blocks WHERE revision = ?", (block_id,)).fetchone()
    if row is None:
        raise NotFound(f"no block {block_id}")
    if row[0] is not None:
        raise LedgerConflict("lifted-already", f"block {block_id} was lifted before")
