"""People without a voucher whom this scanner counted, kept as scans are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from admission.calendar import to_ms
from admission.scans import Direction
from admission.wire_outage import OfflineAnnul, OfflineCount
from scanner_client.journal_rows import Kept
from scanner_client.journal_store import Store

_FIND = "SELECT state, annulled, sealed FROM entries WHERE nonce = ? AND kind = 'count'"
_ANNUL = (
    "UPDATE entries SET annulled = ?, annuls = annuls + 1, annulled_at = ?"
    " WHERE nonce = ? AND kind = 'count'"
)


@dataclass(frozen=True, slots=True)
class OwnCount:
    """A count of this scanner as its own journal has it.

    Attributes:
        annulled: people taken back.
        state: `waiting`, `accepted`, `parked`, or `online` where the server took it at once.
    """

    line: OfflineCount
    annulled: int
    state: str


Line: TypeAlias = OfflineAnnul | OfflineCount
Chain: TypeAlias = Callable[[sqlite3.Connection, Line], Line]
Insert: TypeAlias = Callable[[sqlite3.Connection, Line, Kept, datetime, dict[str, object]], None]


class Counts:
    """The counts of one journal.

    Args:
        chain: gives a line its place; `insert` writes it; `unseal` reads what a row keeps.
    """

    def __init__(
        self,
        store: Store,
        chain: Chain,
        insert: Insert,
        unseal: Callable[[object], Kept | None],
    ) -> None:
        self._store = store
        self._chain = chain
        self._insert = insert
        self._unseal = unseal

    def _put(
        self, db: sqlite3.Connection, line: Line, now: datetime, *, chained: bool, inside: int
    ) -> None:
        line = self._chain(db, line) if chained else line
        kept = Kept(line=msgspec.Raw(msgspec.json.encode(line)))
        self._insert(db, line, kept, now, {"inside": inside})

    def append(self, line: OfflineCount, now: datetime, *, told: bool) -> None:
        """Record a count; `told`: the server itself has it."""
        inside = 0 if told else _signed(line, line.people)
        self._store.write(lambda db: self._put(db, line, now, chained=not told, inside=inside))

    def find(self, nonce: str) -> OwnCount | None:
        """Return the count of a nonce."""
        row = self._store.read(lambda db: db.execute(_FIND, (nonce,)).fetchone())
        kept = None if row is None else self._unseal(row[2])
        if kept is None:
            return None
        return OwnCount(msgspec.json.decode(kept.line, type=OfflineCount), row[1], row[0])

    def annul(self, own: OwnCount, line: OfflineAnnul, now: datetime, *, told: bool) -> None:
        """Record that people of a count were taken back; `people` is their number in all."""
        people = line.people or 0
        inside = 0 if told else _signed(own.line, own.annulled - people)

        def change(db: sqlite3.Connection) -> None:
            db.execute(_ANNUL, (people, to_ms(now), line.annul))
            self._put(db, line, now, chained=not told, inside=inside)

        self._store.write(change)


def _signed(line: OfflineCount, people: int) -> int:
    return -people if line.direction is Direction.EXIT else people
