"""Read who overrode, annulled and struck, and when; from the audit, which nobody can change."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.conduct import Act, Done, Person

_PAGE: Final = 1000
_KINDS: Final = (Act.OVERRIDE, Act.ANNUL, Act.STRIKE)
"""Those that are kinds of the audit."""
_ACTS: Final = """
SELECT a.revision, a.body, p.value, s.operator FROM audit a
LEFT JOIN audit_personal p ON p.revision = a.revision AND p.field = 'operator'
LEFT JOIN scans s ON s.scan_id = a.body ->> 'scan_id'
WHERE a.body IS NOT NULL AND a.kind = ? AND a.revision < ? ORDER BY a.revision DESC LIMIT ?
"""
_NEWEST: Final = """
SELECT MAX(revision) FROM audit
WHERE body IS NOT NULL AND kind IN ('override', 'annul', 'strike')
"""


class _Body(msgspec.Struct):
    """An event: `at` when it was recorded, `done_at` when it was done."""

    at: int
    by: str
    people: int = 1
    done_at: int | None = None


def list_done(
    db: sqlite3.Connection, first: datetime, last: datetime, *, devices: Collection[str]
) -> list[Done]:
    """Return what was done between two instants, both included.

    Args:
        devices: names of devices; whoever else did something is an account.
    """
    found = []
    for act in _KINDS:
        for body, operator, presented_by in _newest_first(db, act, to_ms(first)):
            at = body.at if body.done_at is None else body.done_at
            if not to_ms(first) <= at <= to_ms(last):
                continue
            by = _person(body.by, operator, devices)
            found.append(Done(act, by, from_ms(at), body.people))
            if act is Act.OVERRIDE and operator is not None and operator == presented_by:
                found.append(Done(Act.OVERRIDE_OWN, by, from_ms(at), body.people))
    return found


def newest_act(db: sqlite3.Connection) -> int:
    """Return the revision of the newest override, annulment or strike; 0: there is none."""
    return int(db.execute(_NEWEST).fetchone()[0] or 0)


def was_told(db: sqlite3.Connection, subject: str) -> bool:
    """Say whether an incident of that subject was opened, closed since or not."""
    return (
        db.execute("SELECT 1 FROM incidents WHERE subject = ?", (subject,)).fetchone() is not None
    )


def _newest_first(
    db: sqlite3.Connection, act: Act, first_ms: int
) -> Iterator[tuple[_Body, str | None, str | None]]:
    before = 1 << 62
    while page := db.execute(_ACTS, (act.value, before, _PAGE)).fetchall():
        for _, text, operator, presented_by in page:
            body = msgspec.json.decode(text, type=_Body)
            if body.at < first_ms:
                return  # the server's clock never goes back
            yield body, operator, presented_by
        before = page[-1][0]


def _person(by: str, operator: str | None, devices: Collection[str]) -> Person:
    if operator is not None:
        return Person("operator", operator)
    return Person("device" if by in devices else "account", by)
