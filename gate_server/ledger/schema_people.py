"""What operators added to the ledger: who they are, their shifts, and counters of each lane."""

from gate_server.ledger.lanes import RECOUNT

PEOPLE = f"""
-- badge_hash is keyed, pin_hash is argon2 over a keyed hash. badge_name is what a scanner that is
-- offline calls the badge's owner.
CREATE TABLE operators (
    operator TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    badge_hash BLOB NOT NULL UNIQUE,
    badge_name TEXT NOT NULL UNIQUE,
    pin_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- closes_at: the last instant of the venue day that it began in; nobody is on duty after it.
-- verified: by a badge or a PIN that the server saw; else on the scanner's word.
CREATE TABLE shifts (
    shift_id INTEGER PRIMARY KEY,
    operator TEXT NOT NULL,
    device_id TEXT NOT NULL,
    gate_id TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    until_at INTEGER,
    closes_at INTEGER NOT NULL,
    ended_by TEXT,
    verified INTEGER NOT NULL
) STRICT;
CREATE INDEX shifts_from ON shifts (from_at);
CREATE UNIQUE INDEX shifts_told ON shifts (device_id, operator, from_at);
CREATE UNIQUE INDEX shifts_running ON shifts (device_id) WHERE until_at IS NULL;

ALTER TABLE counts ADD COLUMN operator TEXT;
ALTER TABLE scans ADD COLUMN overridden_operator TEXT;
ALTER TABLE tickets ADD COLUMN operator TEXT;
ALTER TABLE reports ADD COLUMN operator TEXT;

-- entered, left_out: people who stayed in or out; taken_back: let in, but not so; already off.
CREATE TABLE lane_counters (
    quarter INTEGER NOT NULL,
    gate_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL,
    scans INTEGER NOT NULL,
    offline INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    overrides INTEGER NOT NULL,
    annuls INTEGER NOT NULL,
    taken_back INTEGER NOT NULL,
    PRIMARY KEY (quarter, gate_id, device_id, operator, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO lane_counters {RECOUNT};
"""
