"""What redemptions added to the ledger: what each platform was told, and what it is yet to be."""

REDEMPTIONS = """
-- One row a platform whose feed reports. revision: changes up to it were looked at. offered: what
-- the platform says; NULL: nobody has asked. partial, lists: what it can do. problem: why the last
-- try failed; '' after a success.
CREATE TABLE redemption_places (
    platform TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    offered INTEGER,
    partial INTEGER NOT NULL DEFAULT 1,
    lists INTEGER NOT NULL DEFAULT 0,
    tried_at INTEGER,
    done_at INTEGER,
    problem TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- people: that the platform has confirmed.
CREATE TABLE redeemed (
    voucher_id INTEGER PRIMARY KEY REFERENCES vouchers,
    people INTEGER NOT NULL DEFAULT 0,
    next_deed INTEGER NOT NULL DEFAULT 1
) STRICT;

-- device_id, nonce: the scan that it tells of, made at `at`. doubtful: it was sent once and what
-- became of it is not known.
CREATE TABLE deeds (
    deed_id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    voucher_id INTEGER NOT NULL REFERENCES vouchers,
    platform TEXT NOT NULL,
    number INTEGER NOT NULL,
    deed TEXT NOT NULL,
    people INTEGER NOT NULL,
    device_id TEXT,
    nonce TEXT,
    gate_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    tries INTEGER NOT NULL DEFAULT 0,
    doubtful INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL,
    sent_at INTEGER,
    ended_at INTEGER,
    problem TEXT NOT NULL DEFAULT '',
    UNIQUE (voucher_id, number)
) STRICT;
CREATE INDEX deeds_key ON deeds (key);
CREATE UNIQUE INDEX deeds_open ON deeds (voucher_id) WHERE state NOT IN ('done', 'dropped');
CREATE INDEX deeds_due ON deeds (platform, state, next_try_at)
    WHERE state NOT IN ('done', 'dropped');
"""
