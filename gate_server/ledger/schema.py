"""The steps by which a ledger's tables came to be. All instants are milliseconds, UTC."""

from __future__ import annotations

import sqlite3
from typing import Final

from gate_server.ledger.schema_accounts import ACCOUNTS
from gate_server.ledger.schema_alarms import ALARMS
from gate_server.ledger.schema_arrivals import ARRIVALS
from gate_server.ledger.schema_buyers import BUYERS
from gate_server.ledger.schema_crowd import CROWD
from gate_server.ledger.schema_evidence import EVIDENCE
from gate_server.ledger.schema_feeds import FEEDS
from gate_server.ledger.schema_figures import FIGURES
from gate_server.ledger.schema_first import TABLES
from gate_server.ledger.schema_guard import GUARD
from gate_server.ledger.schema_incidents import INCIDENTS
from gate_server.ledger.schema_notices import NOTICES
from gate_server.ledger.schema_outage import OUTAGE
from gate_server.ledger.schema_passage import PASSAGE
from gate_server.ledger.schema_people import PEOPLE
from gate_server.ledger.schema_redemptions import REDEMPTIONS
from gate_server.ledger.schema_refunds import REFUNDS
from gate_server.ledger.schema_sales import SALES
from gate_server.ledger.schema_settlement import SETTLEMENT
from gate_server.ledger.schema_surges import SURGES
from gate_server.ledger.schema_templates import TEMPLATES
from gate_server.ledger.schema_terms import TERMS
from gate_server.ledger.schema_tickets import TICKETS

APPLICATION_ID = 0x47484C31
"""`GHL1` in the file's header: a file without it is not a ledger of ours."""

STEPS: Final[dict[str, str]] = {
    "001_tables": TABLES,
    "002_outage": OUTAGE,
    "003_tickets": TICKETS,
    "004_passage": PASSAGE,
    "005_people": PEOPLE,
    "006_notices": NOTICES,
    "007_feeds": FEEDS,
    "008_sales": SALES,
    "009_incidents": INCIDENTS,
    "010_redemptions": REDEMPTIONS,
    "011_refunds": REFUNDS,
    "012_settlement": SETTLEMENT,
    "013_evidence": EVIDENCE,
    "014_terms": TERMS,
    "015_arrivals": ARRIVALS,
    "016_buyers": BUYERS,
    "017_templates": TEMPLATES,
    "018_surges": SURGES,
    "019_guard": GUARD,
    "020_crowd": CROWD,
    "021_alarms": ALARMS,
    "022_figures": FIGURES,
    "023_accounts": ACCOUNTS,
}
"""Each step's statements, by its name, in their order; `migrations.migrate` takes them."""


def taken(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that a ledger has taken, in their order."""
    known = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    if connection.execute(known).fetchone() is None:
        return []
    rows = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY rowid")
    return [name for (name,) in rows]


def unknown(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that a newer version has taken."""
    return [name for name in taken(connection) if name not in STEPS]


def pending(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that a ledger still lacks."""
    there = set(taken(connection))
    return [name for name in STEPS if name not in there]
