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
_ACTS: Final = """
SELECT a.revision, a.body, p.value FROM audit a
LEFT JOIN audit_personal p ON p.revision = a.revision AND p.field = 'operator'
WHERE a.body IS NOT NULL AND a.kind = ? AND a.revision < ? ORDER BY a.revision DESC LIMIT ?
"""


class _Body(msgspec.Struct):
    at: int
    by: str
    people: int = 1


def list_done(
    db: sqlite3.Connection, first: datetime, last: datetime, *, devices: Collection[str]
) -> list[Done]:
    """Return what was done between two instants, both included.

    Args:
        devices: names of devices; whoever else did something is an account.
    """
    found = []
    for act in Act:
        for body, operator in _newest_first(db, act, to_ms(first)):
            if body.at <= to_ms(last):
                by = _person(body.by, operator, devices)
                found.append(Done(act, by, from_ms(body.at), body.people))
    return found


def _newest_first(
    db: sqlite3.Connection, act: Act, first_ms: int
) -> Iterator[tuple[_Body, str | None]]:
    before = 1 << 62
    while page := db.execute(_ACTS, (act.value, before, _PAGE)).fetchall():
        for _, text, operator in page:
            body = msgspec.json.decode(text, type=_Body)
            if body.at < first_ms:
                return  # the server's clock never goes back
            yield body, operator
        before = page[-1][0]


def _person(by: str, operator: str | None, devices: Collection[str]) -> Person:
    if operator is not None:
        return Person("operator", operator)
    return Person("device" if by in devices else "account", by)
