"""List what scanners showed, as the ledger has it, for whoever compares it with what they saw."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_SHOWN = """
SELECT device_id, nonce, COALESCE(shown_reason, reason), COALESCE(shown_people, people), overridden
FROM scans ORDER BY scan_id
"""


@dataclass(frozen=True, slots=True)
class ShownScan:
    """A recorded scan with the verdict that was shown, whatever the server had decided.

    Attributes:
        overridden: people whom a supervisor let in on it later.
    """

    device_id: str
    nonce: str
    reason: str
    people: int
    overridden: int


def list_shown(db: sqlite3.Connection) -> Iterator[ShownScan]:
    """Yield every recorded scan, in the order in which it was recorded."""
    for row in db.execute(_SHOWN):
        yield ShownScan(*row)
