"""What of incidents and of the on-duty list is known at any moment, without asking the ledger."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DutyWatch:
    """Counts, as of the last commit.

    Attributes:
        unanswered: open incidents that nobody has acknowledged.
        contacts: those on the duty list; `failing` of them did not take their last message.
        failures: messages in a row that were not taken, over all contacts.
        requests: requests to platforms that are still to be sent; `heads` signed heads.
    """

    open_incidents: int = 0
    unanswered: int = 0
    contacts: int = 0
    failing: int = 0
    failures: int = 0
    requests: int = 0
    heads: int = 0

    @property
    def needs_feeder(self) -> bool:
        """Whether somebody may have to be told something over the network."""
        return bool(self.contacts or self.requests or self.heads)


def read_watch(db: sqlite3.Connection) -> DutyWatch:
    """Read the counts."""
    row = db.execute(
        "SELECT (SELECT COUNT(*) FROM incidents WHERE closed_at IS NULL),"
        " (SELECT COUNT(*) FROM incidents WHERE closed_at IS NULL AND acknowledged_at IS NULL),"
        " (SELECT COUNT(*) FROM duty_contacts WHERE removed_at IS NULL),"
        " (SELECT COUNT(*) FROM duty_contacts WHERE removed_at IS NULL AND failures > 0),"
        " (SELECT COALESCE(SUM(failures), 0) FROM duty_contacts WHERE removed_at IS NULL),"
        " (SELECT COUNT(*) FROM stop_sales WHERE next_at IS NOT NULL),"
        " (SELECT COUNT(*) FROM head_sends WHERE next_at IS NOT NULL)"
    ).fetchone()
    return DutyWatch(*row)
