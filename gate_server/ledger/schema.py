"""The ledger's tables, made and migrated by sqlite-utils. All instants are milliseconds, UTC."""

from __future__ import annotations

import sqlite3

import sqlite_utils
from sqlite_utils.migrations import Migrations

from gate_server.ledger.schema_evidence import EVIDENCE
from gate_server.ledger.schema_feeds import FEEDS
from gate_server.ledger.schema_notices import NOTICES
from gate_server.ledger.schema_outage import OUTAGE
from gate_server.ledger.schema_passage import PASSAGE
from gate_server.ledger.schema_people import PEOPLE
from gate_server.ledger.schema_tickets import TICKETS

APPLICATION_ID = 0x47484C31
"""`GHL1` in the file's header: a file without it is not a ledger of ours."""

migrations = Migrations("gatehouse")

_TABLES = """
CREATE TABLE venue (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    committed_at INTEGER NOT NULL,
    audit_head BLOB NOT NULL,
    emergency INTEGER NOT NULL DEFAULT 0,
    next_device INTEGER NOT NULL DEFAULT 1,
    next_voucher_number INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE gates (
    gate_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    area TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open',
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE devices (
    device_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    gate_id TEXT NOT NULL REFERENCES gates,
    profile TEXT NOT NULL,
    party_default TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    enrolled_at INTEGER NOT NULL,
    revoked_at INTEGER,
    suspended_at INTEGER,
    seen_at INTEGER,
    offset_ms INTEGER,
    heartbeat TEXT,
    next_arrival INTEGER NOT NULL DEFAULT 1,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE enrolments (
    code_hash BLOB PRIMARY KEY,
    gate_id TEXT NOT NULL REFERENCES gates,
    name TEXT NOT NULL,
    profile TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    used_at INTEGER,
    nonce TEXT,
    device_id TEXT REFERENCES devices
) STRICT;

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    platform TEXT,
    password_hash TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    must_change INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE feeds (
    feed_id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    kind TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    accepted_at INTEGER
) STRICT;

CREATE TABLE deals (
    deal_no INTEGER PRIMARY KEY,
    deal_id TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    title TEXT NOT NULL,
    product TEXT NOT NULL,
    category TEXT NOT NULL,
    rights TEXT NOT NULL,
    face_price_minor INTEGER NOT NULL,
    sale_price_minor INTEGER,
    settle_price_minor INTEGER,
    currency TEXT NOT NULL,
    quota INTEGER,
    sale_from INTEGER,
    sale_until INTEGER,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    weekdays TEXT NOT NULL,
    not_on TEXT NOT NULL,
    hours TEXT NOT NULL,
    early_minutes INTEGER NOT NULL,
    late_minutes INTEGER NOT NULL,
    gates TEXT NOT NULL,
    reentry TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    next_void_version INTEGER NOT NULL DEFAULT 1,
    honoured_people INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE voids (
    revision INTEGER PRIMARY KEY,
    deal_no INTEGER NOT NULL REFERENCES deals,
    version INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    restored INTEGER NOT NULL,
    reason TEXT NOT NULL,
    arrived_from INTEGER,
    arrived_by INTEGER,
    admit_until INTEGER,
    max_people INTEGER,
    cost_bearer TEXT NOT NULL,
    settlement_unit_minor INTEGER,
    statuses_since INTEGER NOT NULL,
    notice TEXT,
    remedy TEXT,
    UNIQUE (deal_no, version)
) STRICT;

CREATE TABLE holds (
    revision INTEGER PRIMARY KEY,
    deal_no INTEGER NOT NULL REFERENCES deals,
    since INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    sold_from INTEGER,
    sold_until INTEGER,
    price_at_most_minor INTEGER,
    at_gate TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;

CREATE TABLE buyers (
    buyer_no INTEGER PRIMARY KEY,
    buyer BLOB NOT NULL UNIQUE,
    sealed BLOB
) STRICT;

CREATE TABLE blocks (
    revision INTEGER PRIMARY KEY,
    buyer_no INTEGER NOT NULL REFERENCES buyers,
    platform TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    lifted_at INTEGER,
    lifted_by TEXT
) STRICT;

CREATE TABLE vouchers (
    voucher_id INTEGER PRIMARY KEY,
    credential_key BLOB NOT NULL,
    platform TEXT NOT NULL,
    deal_no INTEGER NOT NULL REFERENCES deals,
    tail TEXT NOT NULL,
    admits INTEGER NOT NULL,
    price_paid_minor INTEGER,
    valid_from INTEGER,
    valid_until INTEGER,
    status TEXT NOT NULL,
    status_at INTEGER,
    sold_at INTEGER,
    updated_at INTEGER NOT NULL,
    buyer_no INTEGER,
    voucher_ref TEXT,
    order_ref TEXT,
    phone BLOB,
    phone_last4 TEXT,
    sealed_code BLOB,
    parent_id INTEGER REFERENCES vouchers,
    more_keys INTEGER NOT NULL DEFAULT 0,
    refund_listed_at INTEGER,
    revision INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX vouchers_key ON vouchers (credential_key, platform);
CREATE INDEX vouchers_deal ON vouchers (deal_no);
CREATE INDEX vouchers_revision ON vouchers (revision);
CREATE INDEX vouchers_phone ON vouchers (phone) WHERE phone IS NOT NULL;
CREATE INDEX vouchers_last4 ON vouchers (phone_last4) WHERE phone_last4 IS NOT NULL;
CREATE INDEX vouchers_parent ON vouchers (parent_id) WHERE parent_id IS NOT NULL;

-- A voucher's own code stands in its row; here is what else finds it: orders, slips, more codes.
CREATE TABLE credentials (
    key BLOB NOT NULL,
    voucher_id INTEGER NOT NULL REFERENCES vouchers,
    kind TEXT NOT NULL,
    PRIMARY KEY (key, voucher_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_more ON credentials (voucher_id) WHERE kind <> 'order';

-- What was recorded never changes; what was done to it later stands in the last columns, and in
-- the audit. scan_id is the revision that the scan took.
CREATE TABLE scans (
    scan_id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    gate_id TEXT NOT NULL,
    area TEXT NOT NULL,
    credential_key BLOB,
    tail TEXT,
    voucher_id INTEGER,
    mode TEXT NOT NULL,
    direction TEXT NOT NULL,
    party INTEGER,
    scanned_at INTEGER,
    received_at INTEGER NOT NULL,
    scan_at INTEGER NOT NULL,
    staffed INTEGER NOT NULL,
    offline INTEGER NOT NULL,
    operator TEXT,
    reason TEXT NOT NULL,
    people INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    void_version INTEGER,
    rules_version INTEGER NOT NULL,
    arrival_number TEXT,
    detail TEXT NOT NULL,
    salt BLOB,
    personal BLOB,
    annulled INTEGER NOT NULL DEFAULT 0,
    annuls INTEGER NOT NULL DEFAULT 0,
    annulled_at INTEGER,
    overridden INTEGER NOT NULL DEFAULT 0,
    overridden_at INTEGER,
    overridden_by TEXT,
    cost_bearer TEXT,
    struck_at INTEGER
) STRICT;
CREATE UNIQUE INDEX scans_nonce ON scans (device_id, nonce);
CREATE INDEX scans_key ON scans (credential_key) WHERE credential_key IS NOT NULL;

CREATE TABLE counts (
    count_id INTEGER PRIMARY KEY,
    counted_by TEXT NOT NULL,
    nonce TEXT NOT NULL,
    gate_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    people INTEGER NOT NULL,
    direction TEXT NOT NULL,
    counted_at INTEGER NOT NULL,
    annulled INTEGER NOT NULL DEFAULT 0,
    annulled_at INTEGER,
    UNIQUE (counted_by, nonce)
) STRICT;

-- `body` is null for a scan: what is chained is its row.
CREATE TABLE audit (
    revision INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    body TEXT,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE audit_personal (
    -- The group's chained rows are written last, so this is looked at by the commit.
    revision INTEGER NOT NULL REFERENCES audit DEFERRABLE INITIALLY DEFERRED,
    field TEXT NOT NULL,
    salt BLOB NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (revision, field)
) STRICT, WITHOUT ROWID;

-- entered: people through the gate; people: new to its area today; persons: new to the venue.
CREATE TABLE counters (
    minute INTEGER NOT NULL,
    gate_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    scans INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    people INTEGER NOT NULL,
    persons INTEGER NOT NULL,
    inside INTEGER NOT NULL,
    PRIMARY KEY (minute, gate_id, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE deal_counters (
    hour INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    scans INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    persons INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    referred INTEGER NOT NULL,
    PRIMARY KEY (hour, deal_no)
) STRICT, WITHOUT ROWID;
"""


@migrations(name="001_tables")
def _make_tables(db: sqlite_utils.Database) -> None:
    _execute(db, _TABLES)


@migrations(name="002_outage")
def _outage(db: sqlite_utils.Database) -> None:
    _execute(db, OUTAGE)


@migrations(name="003_tickets")
def _tickets(db: sqlite_utils.Database) -> None:
    _execute(db, TICKETS)


@migrations(name="004_passage")
def _passage(db: sqlite_utils.Database) -> None:
    _execute(db, PASSAGE)


@migrations(name="005_people")
def _people(db: sqlite_utils.Database) -> None:
    _execute(db, PEOPLE)


@migrations(name="006_notices")
def _notices(db: sqlite_utils.Database) -> None:
    _execute(db, NOTICES)


@migrations(name="007_feeds")
def _feeds(db: sqlite_utils.Database) -> None:
    _execute(db, FEEDS)


@migrations(name="013_evidence")
def _evidence(db: sqlite_utils.Database) -> None:
    _execute(db, EVIDENCE)


def _execute(db: sqlite_utils.Database, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a ledger's tables up to this version; each step is one transaction."""
    migrations.apply(sqlite_utils.Database(connection))


def unknown(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that a newer version has taken."""
    steps = {step.name for step in migrations._migrations}
    applied = migrations.applied(sqlite_utils.Database(connection))
    return [step.name for step in applied if step.name not in steps]


def pending(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that a ledger still lacks."""
    return [step.name for step in migrations.pending(sqlite_utils.Database(connection))]
