"""What the guarding of evidence added to the ledger: signed heads on their way to platforms."""

GUARD = """
-- One row a head and feed that has an address; its id is that of the message. next_at: when it is
-- sent (again), null once it is done with. begun: whose try is under way, noted before it is made.
CREATE TABLE head_sends (
    message_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL REFERENCES signed_heads,
    feed_id INTEGER NOT NULL REFERENCES feeds,
    queued_at INTEGER NOT NULL,
    begun TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    taken_at INTEGER,
    problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX head_sends_waiting ON head_sends (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX head_sends_feed ON head_sends (feed_id, revision);
"""
