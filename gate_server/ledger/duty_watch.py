"""What of incidents, alarms and the on-duty list is known without asking the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from admission.alarms import Alarm
from admission.calendar import from_ms
from gate_server.ledger.alarm_rows import list_standing


@dataclass(frozen=True, slots=True)
class HelpCall:
    """An open call for help from a lane."""

    incident_id: str
    called_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class DutyWatch:
    """Counts, as of the last commit.

    Attributes:
        unanswered: open incidents that nobody has acknowledged.
        contacts: those on the duty list; `failing` of them did not take their last message.
        failures: messages in a row that were not taken, over all contacts.
        requests: requests to platforms that are still to be sent; `heads` signed heads.
        help: open calls for help, by the device that waits.
        alarms: those that stand, the oldest first.
    """

    open_incidents: int = 0
    unanswered: int = 0
    contacts: int = 0
    failing: int = 0
    failures: int = 0
    requests: int = 0
    heads: int = 0
    help: Mapping[str, HelpCall] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()

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
    return replace(DutyWatch(*row), help=_help(db), alarms=list_standing(db))


def _help(db: sqlite3.Connection) -> dict[str, HelpCall]:
    rows = db.execute(
        "SELECT device_id, incident_id, COALESCE(called_at, opened_at), acknowledged_at,"
        " acknowledged_by FROM incidents WHERE kind = 'help' AND device_id IS NOT NULL"
        " AND closed_at IS NULL ORDER BY revision"
    )
    return {
        device_id: HelpCall(
            incident_id,
            from_ms(called_at),
            None if acknowledged_at is None else from_ms(acknowledged_at),
            acknowledged_by,
        )
        for device_id, incident_id, called_at, acknowledged_at, acknowledged_by in rows
    }
