"""Read the scans of the last minutes: who may still wait, and what a supervisor may correct."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

import msgspec

from admission.calendar import from_ms, to_ms
from admission.scans import Direction, Mode
from admission.verdicts import OUTCOMES, FirstUse, Outcome, Reason
from gate_server.ledger.lanes import passed
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Row

MOST_RECENT = 20_000


@dataclass(frozen=True, slots=True)
class RecentScan:
    """What of a recorded scan says whether somebody still waits.

    Attributes:
        about: the keys of what was presented: of its vouchers, and of the code itself.
        elsewhere: where the same code let people in minutes before.
        over: it was overridden, or its call was answered.
    """

    device_id: str
    nonce: str
    mode: Mode
    reason: Reason
    at: datetime
    about: frozenset[bytes] = frozenset()
    gate_id: str = ""
    direction: Direction = Direction.ENTRY
    elsewhere: FirstUse | None = None
    over: bool = False


def recent_scans(ledger: Ledger, since: datetime) -> list[RecentScan]:
    """Return the scans received since an instant, oldest first."""
    return ledger.read(lambda db: _recent_scans(db, to_ms(since)))


def _recent_scans(db: sqlite3.Connection, first_ms: int) -> list[RecentScan]:
    answered = answered_calls(db)
    rows = db.execute(
        "SELECT device_id, nonce, mode, reason, received_at, gate_id, direction, credential_key,"
        " detail, overridden, scan_id FROM scans"
        " WHERE scan_id > (SELECT revision FROM venue) - ? AND received_at >= ? ORDER BY scan_id",
        (MOST_RECENT, first_ms),
    ).fetchall()
    return [
        RecentScan(
            device_id,
            nonce,
            Mode(mode),
            Reason(reason),
            from_ms(at),
            _about(db, key, detail),
            gate_id=gate_id,
            direction=Direction(direction),
            elsewhere=_elsewhere(detail),
            over=bool(overridden) or scan_id in answered,
        )
        for device_id, nonce, mode, reason, at, gate_id, direction, key, detail, overridden, scan_id
        in rows
    ]  # fmt: skip


def answered_calls(db: sqlite3.Connection) -> set[int]:
    """Return the scans whose calls were answered lately though nobody was let in."""
    sql = (
        "SELECT json_extract(body, '$.scan_id') FROM audit"
        " WHERE revision > (SELECT revision FROM venue) - ? AND kind = 'call_answered'"
    )
    return {scan_id for (scan_id,) in db.execute(sql, (MOST_RECENT,))}


def _elsewhere(detail: str) -> FirstUse | None:
    said = msgspec.json.decode(detail).get("say", {})
    if "copied_at" not in said:
        return None
    return FirstUse(datetime.fromisoformat(said["copied_at"]), said["copied_gate"])


def _about(db: sqlite3.Connection, key: bytes | None, detail: str) -> frozenset[bytes]:
    keys = set() if key is None else {key}
    for voucher_id, _ in msgspec.json.decode(detail).get("several", ()):
        sql = "SELECT credential_key FROM vouchers WHERE voucher_id = ?"
        keys.update(found for (found,) in db.execute(sql, (voucher_id,)))
    return frozenset(keys)


@dataclass(frozen=True, slots=True)
class ListedScan:
    """A recent scan as a supervisor reads it; people are those it let in, by now."""

    device_id: str
    gate_id: str
    at: datetime
    mode: Mode
    direction: Direction
    reason: Reason
    people: int
    tail: str | None
    deal_id: str | None
    nonce: str

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason stands for."""
        return OUTCOMES[self.reason]


_LISTED = f"""
SELECT s.device_id, s.gate_id, s.scan_at, s.mode, s.direction, s.overridden,
    COALESCE(s.shown_reason, s.reason), {passed("s.")}, s.tail, d.deal_id, s.nonce
FROM scans s
LEFT JOIN vouchers v ON v.voucher_id = s.voucher_id
LEFT JOIN deals d ON d.deal_no = v.deal_no
WHERE s.scan_id > (SELECT revision FROM venue) - ? AND s.received_at >= ?
    AND s.device_id = COALESCE(?, s.device_id)
ORDER BY s.scan_id DESC
"""  # noqa: S608 - names of ours


def list_scans(
    ledger: Ledger, since: datetime, *, device_id: str | None = None
) -> list[ListedScan]:
    """Return the scans received since an instant as they stand now, the newest first."""
    values = (MOST_RECENT, to_ms(since), device_id)
    rows = ledger.read(lambda db: db.execute(_LISTED, values).fetchall())
    return [_listed(row) for row in rows]


def _listed(row: Row) -> ListedScan:
    device_id, gate_id, at, mode, direction, overridden, reason, people, *names = row
    return ListedScan(
        device_id,
        gate_id,
        from_ms(at),
        Mode(mode),
        Direction(direction),
        Reason.OVERRIDDEN if overridden else Reason(reason),
        people,
        *names,
    )
