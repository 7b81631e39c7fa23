"""Operators and their shifts as the ledger has them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime

from admission.calendar import from_ms
from admission.operators import OperatorRole


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who stands at lanes.

    Attributes:
        operator: the number that scans carry.
        badge_name: what a scanner that is offline calls the badge's owner.
    """

    operator: str
    name: str
    role: OperatorRole
    badge_hash: bytes = field(repr=False)
    badge_name: str
    pin_hash: str = field(repr=False)
    created_at: datetime
    disabled: bool


@dataclass(frozen=True, slots=True)
class Shift:
    """A time that somebody stands at a device.

    Attributes:
        closes_at: the last instant of its venue day; nobody is on duty after it.
        verified: by a badge or a PIN that the server saw.
    """

    shift_id: int
    operator: str
    device_id: str
    gate_id: str
    from_at: datetime
    until_at: datetime | None
    closes_at: datetime
    ended_by: str | None
    verified: bool


SHIFT_COLUMNS = (
    "shift_id, operator, device_id, gate_id, from_at, until_at, closes_at, ended_by, verified"
)


def list_operators(db: sqlite3.Connection) -> list[Operator]:
    """Return all operators, those who were disabled too."""
    rows = db.execute(
        "SELECT operator, name, role, badge_hash, badge_name, pin_hash, created_at, disabled_at"
        " FROM operators ORDER BY operator"
    )
    return [
        Operator(
            number,
            name,
            OperatorRole(role),
            badge,
            badge_name,
            pin,
            from_ms(at),
            ended is not None,
        )
        for number, name, role, badge, badge_name, pin, at, ended in rows
    ]


def list_running(db: sqlite3.Connection) -> list[Shift]:
    """Return the shifts that nobody has ended; their day may be over."""
    sql = f"SELECT {SHIFT_COLUMNS} FROM shifts WHERE until_at IS NULL"  # noqa: S608 - ours
    return [read_shift(row) for row in db.execute(sql)]


def read_shift(row: tuple[object, ...]) -> Shift:
    """Make a shift of the columns of SHIFT_COLUMNS."""
    shift_id, operator, device_id, gate_id, from_at, until_at, closes_at, ended_by, verified = row
    return Shift(
        shift_id,  # type: ignore[arg-type]
        str(operator),
        str(device_id),
        str(gate_id),
        from_ms(from_at),  # type: ignore[arg-type]
        None if until_at is None else from_ms(until_at),  # type: ignore[arg-type]
        from_ms(closes_at),  # type: ignore[arg-type]
        None if ended_by is None else str(ended_by),
        verified=bool(verified),
    )
