"""Search what was done in the audit, page by page; scans are no part of it, however many."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from admission.calendar import from_ms, to_ms

MOST_LISTED: Final = 200
_LOOKED_AT: Final = 20_000
"""Rows that one read looks at where most of them are not what is asked for."""

_ROWS: Final = "FROM audit WHERE body IS NOT NULL"
# Whatever an event names by a value of its own: a deal, a gate, a scan, a device, an account.
_ABOUT: Final = (
    "EXISTS (SELECT 1 FROM json_tree(body) WHERE atom IS NOT NULL"
    " AND key NOT IN ('at', 'by', 'reason', 'note') AND CAST(atom AS TEXT) = ?6)"
)
_SEARCH: Final = f"""
SELECT revision, kind, body FROM (
    SELECT revision, kind, body {_ROWS} {{of_kind}} AND revision >= ?2 AND revision < ?3
    ORDER BY revision DESC LIMIT ?4
) WHERE (?5 IS NULL OR body ->> 'by' = ?5) AND (?6 IS NULL OR {_ABOUT})
ORDER BY revision DESC LIMIT ?7
"""  # noqa: S608 - names of ours
_LOOKED: Final = f"""
SELECT MIN(revision), COUNT(*) FROM (
    SELECT revision {_ROWS} {{of_kind}} AND revision >= ?2 AND revision < ?3
    ORDER BY revision DESC LIMIT ?4
)
"""  # noqa: S608 - names of ours
_NEXT: Final = f"SELECT revision, body ->> 'at' {_ROWS} AND revision >= ? ORDER BY revision LIMIT 1"
_NEWEST: Final = f"SELECT COALESCE(MAX(revision), -1) {_ROWS}"
_PERSONAL: Final = "SELECT field, value FROM audit_personal WHERE revision = ? ORDER BY field"


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What is looked for; None: whatever it is.

    Attributes:
        since, until: instants, both included.
        event: what was done, as `void`.
        by: who did it.
        subject: the id of a deal, gate, device, scan or whatever else an event names.
        before: only revisions before this one.
    """

    since: datetime | None = None
    until: datetime | None = None
    event: str | None = None
    by: str | None = None
    subject: str | None = None
    before: int | None = None


class Event(NamedTuple):
    """An audited event; `personal` holds those fields whose salt and value still stand."""

    revision: int
    kind: str
    body: dict[str, Any]
    personal: dict[str, str]


def list_events(
    db: sqlite3.Connection, asked: AuditSearch, most: int = MOST_LISTED
) -> tuple[list[Event], int | None]:
    """Return some of what is looked for, the newest first, and before which revision to go on.

    A read looks at a bounded number of rows, so that it may find less than there is; it then
    still says where to go on.
    """
    first, end = _bounds(db, asked)
    of_kind = "AND kind = ?1" if asked.event is not None else "AND ?1 IS NULL"
    given = (asked.event, first, end, _LOOKED_AT)
    found = db.execute(
        _SEARCH.format(of_kind=of_kind), (*given, asked.by, asked.subject, most)
    ).fetchall()
    if len(found) == most:
        before = found[-1][0]
    else:
        last, looked_at = db.execute(_LOOKED.format(of_kind=of_kind), given).fetchone()
        before = last if looked_at == _LOOKED_AT else None
    return [_read(db, *row) for row in found], before


def _read(db: sqlite3.Connection, revision: int, kind: str, body: str) -> Event:
    fields: dict[str, Any] = msgspec.json.decode(body)
    return Event(revision, kind, fields, dict(db.execute(_PERSONAL, (revision,))))


def _bounds(db: sqlite3.Connection, asked: AuditSearch) -> tuple[int, int]:
    """Return the first revision that may be meant, and the one after the last."""
    first = 0 if asked.since is None else _first_at(db, to_ms(asked.since))
    end = (1 << 62) if asked.until is None else _first_at(db, to_ms(asked.until) + 1)
    return first, end if asked.before is None else min(end, asked.before)


def _first_at(db: sqlite3.Connection, at_ms: int) -> int:
    """Return the revision of the first event from an instant on, by halving.

    Events stand in the order of the server's clock, which never goes back within a run; where it
    was set back with `--accept-clock`, the order of the record counts.
    """
    low, high = 0, int(db.execute(_NEWEST).fetchone()[0]) + 1
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_NEXT, (middle,)).fetchone()
        if row is None or row[1] >= at_ms:
            high = middle
        else:
            low = row[0] + 1
    return low


def event_at(event: Event) -> datetime:
    """Return when something was recorded."""
    return from_ms(event.body["at"])
