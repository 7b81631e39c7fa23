"""Scans under way: noted before they are sent, until somebody has seen what came of them."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from admission.calendar import to_ms
from scanner_client.journal_store import Store
from scanner_client.owner import alive, this_process
from scanner_client.seal import Seal

# A code that is shown again so soon after the scanner died is the same visitor.
UNFINISHED_FOR = timedelta(minutes=2)


class Intents:
    """Notes that outlive a killed process, but need not outlive a power cut."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal
        self._process = this_process()

    def begin(self, scan: bytes, nonce: str, now: datetime) -> str:
        """Note a scan before it is sent; return the nonce to send it under.

        It is that of an unfinished scan where there is one: sent by a process that was killed
        before anybody saw what came of it, or given up without a verdict.

        Args:
            scan: what tells this scan from others: code, mode, direction, party.
        """
        tag, since = self._seal.tag(scan), to_ms(now - UNFINISHED_FOR)

        def change(db: sqlite3.Connection) -> str:
            db.execute("DELETE FROM intents WHERE at < ?", (since,))
            sql = "SELECT nonce, owner FROM intents WHERE tag = ? ORDER BY at"
            for found, owner in db.execute(sql, (tag,)).fetchall():
                if owner != self._process and not alive(owner):
                    take = "UPDATE intents SET owner = ? WHERE nonce = ?"
                    db.execute(take, (self._process, found))
                    return str(found)
            values = (nonce, tag, to_ms(now), self._process)
            db.execute("INSERT INTO intents (nonce, tag, at, owner) VALUES (?, ?, ?, ?)", values)
            return nonce

        return self._store.write(change, durable=False)

    def end(self, nonce: str, *, shown: bool = True) -> None:
        """Note that staff saw what came of a scan; if not, it may be taken up again."""
        sql = "DELETE FROM intents WHERE nonce = ?"
        if not shown:
            sql = "UPDATE intents SET owner = '' WHERE nonce = ?"
        self._store.write(lambda db: db.execute(sql, (nonce,)), durable=False)
