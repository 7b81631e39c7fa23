"""Verify the audit chain as it grows: each new link once, never the whole.

Where it has come to stands in the ledger, so that what was changed while no server ran is noticed
too, and a link that does not hold is found again after each start until it holds. What is behind is
for `audit verify`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gate_server.ledger.audit import chain, chained_rows
from gate_server.ledger.session import Session

_PLACE: Final = "SELECT revision, head FROM audit_watch"
_TIP: Final = "SELECT revision, audit_head FROM venue"
_KEEP: Final = """
INSERT INTO audit_watch (one, revision, head) VALUES (1, ?, ?)
ON CONFLICT (one) DO UPDATE SET revision = excluded.revision, head = excluded.head
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the chain holds.

    Attributes:
        broken_at: the revision of the first row that does not; None: all that was looked at does.
        whole: the chain's newest row was reached.
    """

    revision: int
    head: bytes
    broken_at: int | None = None
    whole: bool = True


def read_place(db: sqlite3.Connection) -> Verified:
    """Return where the verification has come to; the chain's end where it never began."""
    row = db.execute(_PLACE).fetchone() or db.execute(_TIP).fetchone()
    return Verified(*row)


def keep_place(tx: Session, found: Verified) -> None:
    """Note how far the chain holds; what is kept is no part of it."""
    tx.db.execute(_KEEP, (found.revision, found.head))


def verify_further(db: sqlite3.Connection, place: Verified, *, most: int) -> Verified:
    """Verify the rows behind a place, at most so many.

    The venue's head is read first: rows that are committed meanwhile are left to the next look.
    """
    tip, tip_head = db.execute(_TIP).fetchone()
    revision, head, rows = place.revision, place.head, 0
    for row, kind, content, stored in islice(chained_rows(db, after=revision), most):
        if row > tip:
            break
        if content is None or chain(head, row, kind, content) != stored:
            return Verified(revision, head, row, whole=False)
        revision, head, rows = row, stored, rows + 1
    whole = rows < most
    if whole and head != tip_head:
        # The newest rows are gone: the ledger's head is of one that is not there.
        return Verified(revision, head, tip, whole=False)
    return Verified(revision, head, whole=whole)
