"""Change operators and their shifts: add, disable, reset, sign in, sign out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from admission.calendar import from_ms, to_ms
from admission.errors import Forbidden, LedgerConflict, NotFound
from admission.operators import OperatorRole
from admission.scans import Device
from admission.wire_people import OfflineShift
from gate_server.ledger.operators import SHIFT_COLUMNS, Operator, Shift, read_shift
from gate_server.ledger.session import Session


class ShiftEnd(StrEnum):
    """What ended a shift; stored, so never renamed."""

    SIGN_OUT = "sign_out"
    SIGN_IN = "sign_in"
    DISABLED = "disabled"
    DAY_END = "day_end"


@dataclass(frozen=True, slots=True)
class NewSecrets:
    """What the ledger keeps of a badge and a PIN."""

    badge_hash: bytes = field(repr=False)
    badge_name: str = field(repr=False)
    pin_hash: str = field(repr=False)


def add_operator(
    tx: Session,
    operator: str,
    name: str,
    role: OperatorRole,
    made: NewSecrets,
    *,
    by: str,
    now: datetime,
) -> None:
    """Add somebody who stands at lanes.

    Raises:
        LedgerConflict: `operator-exists`.
    """
    if operator in tx.catalogue.operators:
        raise LedgerConflict("operator-exists", f"there is an operator {operator} already")
    fields = {"operator": operator, "role": role.value, "by": by}
    tx.record_event("operator", fields, personal={"name": name})
    tx.db.execute(
        "INSERT INTO operators (operator, name, role, badge_hash, badge_name, pin_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(operator, name, role.value),
            *(made.badge_hash, made.badge_name, made.pin_hash, to_ms(now)),
        ),
    )
    tx.touched.add("operators")


def disable_operator(tx: Session, operator: str, *, by: str, now: datetime) -> None:
    """End an operator's rights and shifts at once."""
    get_operator(tx, operator)
    tx.record_event("disable_operator", {"operator": operator, "by": by})
    sql = "UPDATE operators SET disabled_at = COALESCE(disabled_at, ?) WHERE operator = ?"
    tx.db.execute(sql, (to_ms(now), operator))
    for shift in _running(tx, "operator", operator):
        _end(tx, shift, now, ShiftEnd.DISABLED)
    tx.touched.add("operators")


def reset_operator(tx: Session, operator: str, made: NewSecrets, *, by: str) -> None:
    """Give an operator a new badge and a new PIN; a disabled one works again."""
    get_operator(tx, operator)
    tx.record_event("reset_operator", {"operator": operator, "by": by})
    tx.db.execute(
        "UPDATE operators SET badge_hash = ?, badge_name = ?, pin_hash = ?, disabled_at = NULL"
        " WHERE operator = ?",
        (made.badge_hash, made.badge_name, made.pin_hash, operator),
    )
    tx.touched.add("operators")


def get_operator(tx: Session, operator: str) -> Operator:
    """Return an operator.

    Raises:
        NotFound: there is none by this number.
    """
    found = tx.catalogue.operators.get(operator)
    if found is None:
        raise NotFound(f"no operator {operator}")
    return found


# --- shifts --------------------------------------------------------------------------------------


def sign_in(tx: Session, device: Device, operator: str, *, now: datetime) -> Shift:
    """Let somebody who has proven who they are stand at a device; whoever stood there has left.

    Raises:
        Forbidden: `sign-in-failed`, disabled meanwhile.
    """
    known = tx.catalogue.operators.get(operator)
    if known is None or known.disabled:
        raise Forbidden("this operator was disabled; ask a supervisor", slug="sign-in-failed")
    for running in _running(tx, "device_id", device.device_id):
        if running.operator == operator and now <= running.closes_at:
            return _verify(tx, running)
        _end(tx, running, now, ShiftEnd.SIGN_IN)
    return _begin(tx, device, operator, now, None, verified=True)


def sign_out(tx: Session, device: Device, *, now: datetime) -> Shift | None:
    """End who stands at a device; None where nobody does."""
    for running in _running(tx, "device_id", device.device_id):
        _end(tx, running, now, ShiftEnd.SIGN_OUT)
        return running if now <= running.closes_at else None
    return None


def record_shift(tx: Session, device: Device, told: OfflineShift, *, now: datetime) -> None:
    """Record a sign-in, a sign-out or both that a scanner could not ask about.

    Told again it changes nothing. Somebody whom nobody knows, or who was disabled, is recorded as
    told: it is what happened at the lane.
    """
    since = from_ms(to_ms(min(told.since, now)))
    until = None if told.until is None else max(since, min(told.until, now))
    operator = tx.catalogue.operator_named(told.operator)
    known = _find(tx, device.device_id, operator, since)
    if known is not None:
        if known.until_at is None and until is not None:
            _end(tx, known, until, ShiftEnd.SIGN_OUT)
        return
    for running in _running(tx, "device_id", device.device_id):
        if running.from_at <= since:
            _end(tx, running, since, ShiftEnd.SIGN_IN)
        elif until is None:
            until = running.from_at
    _begin(tx, device, operator, since, until, verified=False)


def _begin(
    tx: Session,
    device: Device,
    operator: str,
    since: datetime,
    until: datetime | None,
    *,
    verified: bool,
) -> Shift:
    fields = {"device_id": device.device_id, "gate_id": device.gate_id, "verified": verified}
    revision = tx.record_event("sign_in", fields, personal={"operator": operator})
    closes_at = tx.venue.day_bounds(tx.venue.day_of(since))[1]
    until = None if until is None else min(until, closes_at)
    ended_by = None if until is None else ShiftEnd.SIGN_OUT
    shift = Shift(
        revision,
        operator,
        device.device_id,
        device.gate_id,
        since,
        until,
        closes_at,
        ended_by,
        verified=verified,
    )
    tx.db.execute(
        f"INSERT INTO shifts ({SHIFT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            *(shift.shift_id, operator, shift.device_id, shift.gate_id, to_ms(since)),
            *(None if until is None else to_ms(until), to_ms(closes_at), ended_by, int(verified)),
        ),
    )
    tx.touched.add("shifts")
    return shift


def _end(tx: Session, shift: Shift, at: datetime, by: ShiftEnd) -> None:
    """End a shift; one whose day is over ended with it."""
    if at > shift.closes_at:
        at, by = shift.closes_at, ShiftEnd.DAY_END
    at = max(at, shift.from_at)
    fields = {"shift_id": shift.shift_id, "device_id": shift.device_id, "by": by.value}
    tx.record_event("sign_out", {**fields, "until": to_ms(at)})
    sql = "UPDATE shifts SET until_at = ?, ended_by = ? WHERE shift_id = ?"
    tx.db.execute(sql, (to_ms(at), by.value, shift.shift_id))
    tx.touched.add("shifts")


def _verify(tx: Session, shift: Shift) -> Shift:
    if not shift.verified:
        tx.record_event("sign_in_verified", {"shift_id": shift.shift_id})
        tx.db.execute("UPDATE shifts SET verified = 1 WHERE shift_id = ?", (shift.shift_id,))
        tx.touched.add("shifts")
    return shift


def _running(tx: Session, column: str, value: str) -> list[Shift]:
    """Return the running shifts of a device or an operator, as they are in this transaction."""
    sql = f"SELECT {SHIFT_COLUMNS} FROM shifts WHERE until_at IS NULL AND {column} = ?"  # noqa: S608
    return [read_shift(row) for row in tx.db.execute(sql, (value,)).fetchall()]


def _find(tx: Session, device_id: str, operator: str, since: datetime) -> Shift | None:
    sql = f"SELECT {SHIFT_COLUMNS} FROM shifts"  # noqa: S608 - names of ours
    where = " WHERE device_id = ? AND operator = ? AND from_at = ?"
    row = tx.db.execute(sql + where, (device_id, operator, to_ms(since))).fetchone()
    return None if row is None else read_shift(row)
