"""Notes of who was let in by the turnstile, which outlive this process; and reports that wait."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from admission.calendar import to_ms
from admission.wire_passage import ReportRequest
from scanner_client.journal_store import Store
from scanner_client.owner import alive, this_process

KEEP = timedelta(days=3)
MOST_REPORTS = 10_000


class State(StrEnum):
    """How far an opening has come. Stored: add one, never rename one.

    `expired`: people who did not turn are to be given back; `unknown`: nobody saw who passed.
    """

    OPEN = "open"
    EXPIRED = "expired"
    DONE = "done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Note:
    """One opening as it was noted."""

    nonce: str
    people: int
    turned: int
    state: State


class Openings:
    """The notes in a scanner's journal, whose file and whose errors they share."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._process = this_process()

    def begin(self, nonce: str, people: int, now: datetime) -> bool:
        """Note, on disk, that the turnstile is about to be opened; False: it was before."""
        sql = "INSERT OR IGNORE INTO openings VALUES (?, ?, 0, ?, ?, ?)"
        values = (nonce, people, State.OPEN.value, to_ms(now), self._process)
        return self._store.write(lambda db: db.execute(sql, values).rowcount > 0)

    def turn(self, nonce: str, turned: int) -> None:
        """Note how many have turned by now."""
        sql = "UPDATE openings SET turned = ? WHERE nonce = ?"
        self._store.write(lambda db: db.execute(sql, (turned, nonce)), durable=False)

    def end(self, nonce: str, state: State) -> None:
        """Note how it ended; that people are to be given back is on disk when this returns."""
        sql = "UPDATE openings SET state = ? WHERE nonce = ?"
        durable = state is State.EXPIRED
        self._store.write(lambda db: db.execute(sql, (state.value, nonce)), durable=durable)

    def take_over(self, now: datetime) -> list[Note]:
        """Return, as this process's own, what one that lives no more has left unfinished."""

        def change(db: sqlite3.Connection) -> list[Note]:
            db.execute("DELETE FROM openings WHERE at < ?", (to_ms(now - KEEP),))
            rows = db.execute(
                "SELECT nonce, people, turned, state, owner FROM openings"
                " WHERE state IN ('open', 'expired') ORDER BY at"
            ).fetchall()
            left = [row for row in rows if row[4] != self._process and not alive(row[4])]
            take = "UPDATE openings SET owner = ? WHERE nonce = ?"
            db.executemany(take, [(self._process, row[0]) for row in left])
            return [Note(row[0], row[1], row[2], State(row[3])) for row in left]

        return self._store.write(change)

    # --- reports ---------------------------------------------------------------------------------

    def keep(self, report: ReportRequest) -> None:
        """Keep a report until the server has taken it; the oldest go where there are too many."""
        body = msgspec.json.encode(report)

        def change(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR IGNORE INTO reports VALUES (?, ?)", (report.nonce, body))
            db.execute(
                "DELETE FROM reports WHERE nonce IN"
                " (SELECT nonce FROM reports ORDER BY nonce DESC LIMIT -1 OFFSET ?)",
                (MOST_REPORTS,),
            )

        self._store.write(change)

    def waiting(self, most: int = 50) -> list[ReportRequest]:
        """Return the oldest reports that wait; their nonces sort by time."""
        sql = "SELECT body FROM reports ORDER BY nonce LIMIT ?"
        rows = self._store.read(lambda db: db.execute(sql, (most,)).fetchall())
        return [msgspec.json.decode(body, type=ReportRequest) for (body,) in rows]

    def drop(self, nonce: str) -> None:
        """Forget a report: the server has it, or will not have it."""
        sql = "DELETE FROM reports WHERE nonce = ?"
        self._store.write(lambda db: db.execute(sql, (nonce,)), durable=False)
