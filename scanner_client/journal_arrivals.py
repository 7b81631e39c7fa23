"""What a scanner's own journal knows of arrivals: slips shown with vouchers, and how many came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from admission.arrival_rates import SPAN
from admission.calendar import to_ms
from scanner_client.journal_rows import COLUMNS, OwnScan
from scanner_client.journal_store import Store, one
from scanner_client.seal import Seal

_OF_SLIP = f"SELECT {COLUMNS} FROM entries WHERE slip_tag = ? AND kind = 'scan'"  # noqa: S608
_NEW = "SELECT COUNT(*) FROM entries WHERE new_arrival = 1 AND at > ? AND at <= ?"


class Arrivals:
    """The arrivals of one journal.

    Args:
        own: reads a row; None where it is damaged.
    """

    def __init__(
        self, store: Store, seal: Seal, own: Callable[[tuple[object, ...]], OwnScan | None]
    ) -> None:
        self._store = store
        self._seal = seal
        self._own = own

    def shown_with(self, slip: bytes) -> list[OwnScan]:
        """Return the scans that a slip was shown with, by its credential key."""
        tag = self._seal.tag(slip)
        rows = self._store.read(lambda db: db.execute(_OF_SLIP, (tag,)).fetchall())
        found = (self._own(row) for row in rows)
        return [each for each in found if each is not None]

    def within_minute(self, now: datetime) -> int:
        """Return how many new arrivals were seen here in the minute up to an instant."""
        bounds = to_ms(now - SPAN), to_ms(now)
        return self._store.read(lambda db: one(db, _NEW, *bounds))
