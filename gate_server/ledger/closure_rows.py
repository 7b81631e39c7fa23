"""Read closures from the ledger: those in force for each deal, and every version there was."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from admission.calendar import from_ms
from admission.closures import in_order
from admission.deals import Closure

_COLUMNS: Final = (
    "c.closure_id, c.version, c.committed_at, c.closed_from, c.closed_until, c.extend_until,"
    " c.used_too, c.refunds_open, c.notice, c.restored"
)
_NEWEST: Final = (
    "c.version = (SELECT MAX(version) FROM closures WHERE closure_id = c.closure_id"
    " AND revision < ?1) AND NOT c.restored"
)
_IN_FORCE: Final = f"""
SELECT {_COLUMNS}, d.deal_no FROM closures c JOIN closure_deals d USING (revision) WHERE {_NEWEST}
"""  # noqa: S608 - names of ours, here and below
_OF_DEAL: Final = f"{_IN_FORCE} AND d.deal_no = ?2"
# A version that does not name the deal any more ends the closure for it.
_VERSIONS: Final = f"""
SELECT {_COLUMNS}, EXISTS (
    SELECT 1 FROM closure_deals WHERE deal_no = ?1 AND revision = c.revision)
FROM closures c WHERE c.committed_at <= ?2 AND c.closure_id IN (
    SELECT closure_id FROM closures JOIN closure_deals USING (revision) WHERE deal_no = ?1)
ORDER BY c.closure_id, c.version
"""  # noqa: S608
_ALL: Final = f"""
SELECT {_COLUMNS}, c.revision, c.made_by, c.reason, c.asked FROM closures c
WHERE ?1 IS NULL OR c.closure_id = ?1 ORDER BY c.closure_id DESC, c.version
"""  # noqa: S608
_DEALS: Final = """
SELECT d.deal_no FROM closure_deals d WHERE d.revision = ? ORDER BY d.deal_no
"""
LAST_REVISION: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ClosureVersion:
    """One version with what the rules do not ask of it.

    Attributes:
        asked: which deals it was asked to bind; `deal_nos` those that were.
    """

    closure: Closure
    made_by: str
    reason: str
    asked: dict[str, Any]
    deal_nos: tuple[int, ...]


def list_in_force(
    db: sqlite3.Connection, before: int = LAST_REVISION
) -> dict[int, tuple[Closure, ...]]:
    """Return the closures in force by the number of the deal that each binds."""
    found: dict[int, list[Closure]] = defaultdict(list)
    for row in db.execute(_IN_FORCE, (before,)):
        found[row[-1]].append(_read(row))
    return {deal_no: in_order(closures) for deal_no, closures in found.items()}


def closures_of(
    db: sqlite3.Connection, deal_no: int, before: int = LAST_REVISION
) -> tuple[Closure, ...]:
    """Return the closures that bind a deal: now, or before a revision."""
    return in_order(_read(row) for row in db.execute(_OF_DEAL, (before, deal_no)).fetchall())


def versions_of(
    db: sqlite3.Connection, deal_no: int, until_ms: int = LAST_REVISION
) -> tuple[Closure, ...]:
    """Return every version of whatever closed the venue for a deal, as each binds that deal."""
    rows = db.execute(_VERSIONS, (deal_no, until_ms)).fetchall()
    return tuple(_read(row, ended=not row[-1]) for row in rows)


def list_versions(
    db: sqlite3.Connection, closure_id: int | None = None
) -> list[list[ClosureVersion]]:
    """Return the versions of one closure or of all, the oldest version first, newest closure."""
    found: dict[int, list[ClosureVersion]] = defaultdict(list)
    for row in db.execute(_ALL, (closure_id,)).fetchall():
        revision, made_by, reason, asked = row[-4:]
        deals = tuple(each for (each,) in db.execute(_DEALS, (revision,)).fetchall())
        found[row[0]].append(
            ClosureVersion(_read(row), made_by, reason, msgspec.json.decode(asked), deals)
        )
    return list(found.values())


def _read(row: tuple[Any, ...], *, ended: bool = False) -> Closure:
    (closure_id, version, committed_at, closed_from, closed_until, extend_until, used_too, refunds,
     notice, restored) = row[:10]  # fmt: skip
    return Closure(
        closure_id=str(closure_id),
        version=version,
        committed_at=from_ms(committed_at),
        closed_from=from_ms(closed_from),
        closed_until=from_ms(closed_until),
        extend_until=from_ms(extend_until),
        used_too=bool(used_too),
        refunds_open=bool(refunds),
        notice=tuple(msgspec.json.decode(notice)) if notice else None,
        restored=bool(restored) or ended,
    )
