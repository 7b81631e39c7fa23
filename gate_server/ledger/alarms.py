"""Alarms in the ledger: each change on record and in the audit; at most one of a name stands."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from admission.alarms import Alarm, AlarmKind, Sign
from admission.calendar import to_ms
from admission.errors import LedgerConflict
from gate_server.ledger.alarm_rows import get_alarm
from gate_server.ledger.session import Session

_RAISE: Final = """
INSERT INTO alarms
    (kind, subject, severity, raised_at, rose_at, seen_at, figure, worst, bar, usual)
VALUES (:kind, :subject, :severity, :now, :now, :now, :figure, :figure, :bar, :usual)
ON CONFLICT DO NOTHING RETURNING alarm_id
"""
_SEE: Final = """
UPDATE alarms SET figure = :figure, bar = :bar, usual = :usual, seen_at = :now,
    worst = IIF(:lower, MIN(worst, :figure), MAX(worst, :figure))
WHERE alarm_id = :alarm_id AND cleared_at IS NULL
"""
_ROSE: Final = """
UPDATE alarms SET severity = ?, rose_at = ?, acknowledged_at = NULL, acknowledged_by = NULL,
    note = NULL WHERE alarm_id = ?
"""


def raise_alarm(tx: Session, sign: Sign, *, now: datetime) -> Alarm | None:
    """Record that an alarm begins; None where one of that name stands already."""
    assert sign.severity is not None  # noqa: S101 - beyond its bar
    fields = {
        "kind": sign.kind.value,
        "subject": sign.subject,
        "severity": sign.severity.value,
        "figure": sign.figure,
        "bar": sign.bar,
        "usual": sign.usual,
    }
    row = tx.db.execute(_RAISE, fields | {"now": to_ms(now)}).fetchone()
    if row is None:
        return None
    tx.record_event("alarm_raised", {"alarm_id": row[0], **fields})
    tx.touched.add("incidents")
    return get_alarm(tx.db, row[0])


def change_severity(tx: Session, alarm: Alarm, sign: Sign, *, now: datetime) -> Alarm:
    """Record that an alarm is more severe, and so wants to be acknowledged anew, or less."""
    reached = sign.severity if _rises(alarm, sign) else sign.keeps
    assert reached is not None  # noqa: S101 - one that rises is beyond a bar
    fields = {"alarm_id": alarm.alarm_id, "severity": reached.value, "figure": sign.figure}
    tx.record_event("alarm_changed", fields)
    note_figure(tx, alarm, sign, now=now)
    if _rises(alarm, sign):
        tx.db.execute(_ROSE, (reached.value, to_ms(now), alarm.alarm_id))
    else:
        sql = "UPDATE alarms SET severity = ? WHERE alarm_id = ?"
        tx.db.execute(sql, (reached.value, alarm.alarm_id))
    return get_alarm(tx.db, alarm.alarm_id)


def note_figure(tx: Session, alarm: Alarm, sign: Sign, *, now: datetime) -> None:
    """Keep the newest figure of an alarm; the audit has those at which it changed."""
    fields = {"figure": sign.figure, "bar": sign.bar, "usual": sign.usual, "now": to_ms(now)}
    lower = alarm.kind is AlarmKind.DISK
    tx.db.execute(_SEE, fields | {"lower": lower, "alarm_id": alarm.alarm_id})
    tx.touched.add("incidents")


def clear_alarm(tx: Session, alarm: Alarm, *, now: datetime) -> None:
    """Record that an alarm is over."""
    sql = "UPDATE alarms SET cleared_at = ? WHERE alarm_id = ? AND cleared_at IS NULL"
    if tx.db.execute(sql, (to_ms(now), alarm.alarm_id)).rowcount:
        tx.record_event("alarm_cleared", {"alarm_id": alarm.alarm_id})
        tx.touched.add("incidents")


def acknowledge_alarm(
    tx: Session, alarm_id: int, note: str | None, *, by: str, now: datetime
) -> Alarm:
    """Note that somebody sees to an alarm.

    Raises:
        NotFound: there is no such alarm.
        LedgerConflict: `alarm-cleared`: it is over.
    """
    if not get_alarm(tx.db, alarm_id).stands:
        raise LedgerConflict("alarm-cleared", f"alarm {alarm_id} is over")
    fields = {"alarm_id": alarm_id, "by": by}
    personal = {} if note is None else {"note": note}
    tx.record_event("alarm_acknowledged", fields, personal=personal)
    tx.db.execute(
        "UPDATE alarms SET acknowledged_at = ?, acknowledged_by = ?, note = ? WHERE alarm_id = ?",
        (to_ms(now), by, note, alarm_id),
    )
    tx.touched.add("incidents")
    return get_alarm(tx.db, alarm_id)


def _rises(alarm: Alarm, sign: Sign) -> bool:
    return sign.severity is not None and sign.severity.rank > alarm.severity.rank
