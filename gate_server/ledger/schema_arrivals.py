"""What attested arrivals added to the ledger: closed queues, numbered slips, new arrivals."""

ARRIVALS = """
-- Both stand in `detail`, which the audit chain covers; here they can be looked for.
ALTER TABLE scans ADD COLUMN attested_at INTEGER
    GENERATED ALWAYS AS (detail ->> '$.attested_at') VIRTUAL;
ALTER TABLE scans ADD COLUMN new_arrival INTEGER
    GENERATED ALWAYS AS (detail ->> '$.new_arrival') VIRTUAL;
CREATE INDEX scans_new_arrivals ON scans (device_id, scan_at) WHERE new_arrival = 1;

-- queue_id: `Q` and the revision. ends_at: the last instant at which a stamp may count as it.
CREATE TABLE queue_closings (
    revision INTEGER PRIMARY KEY,
    queue_id TEXT NOT NULL UNIQUE,
    closed_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    area TEXT NOT NULL,
    gate_id TEXT REFERENCES gates,
    reason TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    reopened_at INTEGER,
    reopened_by TEXT,
    reopen_reason TEXT
) STRICT;

-- Slips of one printing, by their numbers, which are their tokens' own.
CREATE TABLE slip_prints (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    printed_at INTEGER NOT NULL,
    printed_by TEXT NOT NULL
) STRICT;
CREATE TABLE slip_handouts (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    revision INTEGER NOT NULL UNIQUE,
    handed_at INTEGER NOT NULL,
    area TEXT NOT NULL,
    gate_id TEXT REFERENCES gates,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    operator TEXT
) STRICT;
"""
