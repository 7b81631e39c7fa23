"""What feeds added to the ledger: where they stand, their secrets, rows set aside, pushes taken."""

FEEDS = """
-- config: JSON, what a source needs to know and anybody may see. cursor: the source's own, opaque.
-- accepted_at: the end of the last whole round of changes, or the last accepted push. failures: in
-- a row since then; error: why the last of them failed. rows_taken: rows that changed something.
ALTER TABLE feeds ADD COLUMN secondary INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN config TEXT NOT NULL DEFAULT '{}';
ALTER TABLE feeds ADD COLUMN cursor TEXT;
ALTER TABLE feeds ADD COLUMN added_at INTEGER;
ALTER TABLE feeds ADD COLUMN added_by TEXT;
ALTER TABLE feeds ADD COLUMN removed_at INTEGER;
ALTER TABLE feeds ADD COLUMN tried_at INTEGER;
ALTER TABLE feeds ADD COLUMN failed_at INTEGER;
ALTER TABLE feeds ADD COLUMN error TEXT;
ALTER TABLE feeds ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feeds ADD COLUMN rows_taken INTEGER NOT NULL DEFAULT 0;

-- sealed: with `about_secret`. retires_at: from then on it counts for nothing.
CREATE TABLE feed_secrets (
    feed_id INTEGER NOT NULL REFERENCES feeds,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    retires_at INTEGER,
    PRIMARY KEY (feed_id, number)
) STRICT, WITHOUT ROWID;

-- A row that cannot be taken yet is tried again. subject: keyed hash of the code that it is about,
-- or a deal's id, so that the same again takes its place. sealed: the row itself, for it may hold a
-- code and an account; empty where it cannot be tried again from here. awaits: the deal it needs.
-- variant: of a row that needs a deal the keyed hash of all of it, since each such row counts once
-- the deal is there; of others empty, for there the newest is enough.
CREATE TABLE set_aside (
    row_id INTEGER PRIMARY KEY,
    feed_id INTEGER NOT NULL REFERENCES feeds,
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    variant BLOB NOT NULL,
    place TEXT NOT NULL,
    field TEXT NOT NULL,
    problem TEXT NOT NULL,
    sealed BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 1,
    updated_at INTEGER NOT NULL,
    awaits TEXT,
    UNIQUE (feed_id, kind, subject, variant)
) STRICT;

-- One row a push, for 30 days: the same id is answered as it was answered first.
CREATE TABLE pushes (
    feed_id INTEGER NOT NULL REFERENCES feeds,
    webhook_id TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (feed_id, webhook_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX pushes_received ON pushes (received_at);

-- filled: known from a secondary feed alone; the platform's authority overwrites it.
ALTER TABLE vouchers ADD COLUMN filled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deals ADD COLUMN filled INTEGER NOT NULL DEFAULT 0;
"""
