"""What people see of redemptions: the deeds of a platform, and trying poisoned ones again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from admission.calendar import from_ms, to_ms
from admission.errors import NotFound
from admission.redemptions import OPEN, POISON, DeedState, retried
from gate_server.ledger.redemption_places import is_partial
from gate_server.ledger.redemptions import find_owed, follow
from gate_server.ledger.scans import find_voucher
from gate_server.ledger.session import Session

MOST: Final = 1000
_LIST: Final = """
SELECT d.key, v.voucher_ref, v.tail, d.deed, d.people, d.state, d.tries, d.problem, d.gate_id,
    d.device_id, d.nonce, d.at, d.made_at, d.next_try_at
FROM deeds d JOIN vouchers v USING (voucher_id)
WHERE d.platform = ? AND d.state IN ({}) ORDER BY d.deed_id DESC LIMIT ?
"""
_NAMES: Final = (
    *("key", "voucher_ref", "tail", "deed", "people", "state", "tries", "problem", "gate_id"),
    *("device_id", "nonce", "at", "made_at", "next_try_at"),
)
_UNEQUAL: Final = """
SELECT r.voucher_id, r.people, COALESCE(d.people, 0) FROM redeemed r LEFT JOIN (
    SELECT voucher_id, SUM(IIF(deed = 'redeem', people, -people)) AS people
    FROM deeds WHERE state = 'done' GROUP BY 1) d USING (voucher_id)
WHERE r.people <> COALESCE(d.people, 0) LIMIT 100
"""
_POISONED: Final = """
SELECT key, voucher_id FROM deeds
WHERE platform = ? AND state IN ('refused', 'exhausted') AND state NOT IN ('done', 'dropped')
ORDER BY deed_id
"""


def states_of(name: str | None) -> list[DeedState]:
    """Return the states that people mean: one, `poison`, or with None all that are not over."""
    if name is None:
        return sorted(OPEN)
    return sorted(POISON) if name == "poison" else [DeedState(name)]


def list_deeds(
    db: sqlite3.Connection, platform: str, states: list[DeedState]
) -> list[dict[str, Any]]:
    """Return a platform's deeds in some states, the newest first; never a code."""
    marks = ", ".join("?" * len(states))
    rows = db.execute(_LIST.format(marks), (platform, *states, MOST))
    return [_shown(dict(zip(_NAMES, row, strict=True))) for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    times = ("at", "made_at", "next_try_at")
    return row | {name: from_ms(row[name]).isoformat(timespec="milliseconds") for name in times}


def find_poisoned(db: sqlite3.Connection, platform: str, key: str | None) -> list[int]:
    """Return the vouchers whose deed stands on the poison list: all, or that of one key.

    Raises:
        NotFound: no deed of this key is on the list.
    """
    rows = db.execute(_POISONED, (platform,)).fetchall()
    found = [voucher_id for each, voucher_id in rows if key in {None, each}]
    if key is not None and not found:
        raise NotFound(f"{platform} has no deed {key[:40]} on its poison list")
    return found


def retry_deeds(tx: Session, platform: str, voucher_ids: list[int], *, by: str) -> int:
    """Try the poisoned deeds of some vouchers again, under their own keys; return how many.

    A deed that is wanted no more, and was surely not carried out, is dropped instead.
    """
    partial, done = is_partial(tx, platform), 0
    for voucher_id in voucher_ids:
        done += _retry(tx, platform, voucher_id, partial=partial, now=tx.clock())
    tx.record_event("redemptions_retried", {"platform": platform, "deeds": done, "by": by})
    return done


def _retry(tx: Session, platform: str, voucher_id: int, *, partial: bool, now: datetime) -> int:
    row = find_voucher(tx, voucher_id)
    if row is None:
        return 0
    owed = find_owed(tx, row, partial=partial)
    stored = owed.deed
    if stored is None or stored.deed.state not in POISON:
        return 0
    after = retried(stored.deed, owed.need)
    state = DeedState.DROPPED if after is None else after.state
    tx.db.execute(
        "UPDATE deeds SET state = ?, tries = 0, next_try_at = ?, ended_at = ? WHERE deed_id = ?",
        (state.value, to_ms(now), None if after else to_ms(now), stored.deed_id),
    )
    if after is None:
        follow(tx, platform, voucher_id, partial=partial)
    return 1


def slices(voucher_ids: list[int], most: int = 200) -> Iterator[list[int]]:
    """Cut a list into parts that one transaction takes quickly."""
    for start in range(0, len(voucher_ids), most):
        yield voucher_ids[start : start + most]


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where what platforms have confirmed is not what their deeds add up to."""
    rows = db.execute(_UNEQUAL).fetchall()
    return [
        f"voucher {number}: {said} people are confirmed, not {done}" for number, said, done in rows
    ]
