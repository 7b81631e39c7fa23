"""What broadcasts added to the ledger: the messages, and which device has shown which."""

NOTICES = """
-- gates: JSON, empty: all. nonce: the maker's own, so that a lost answer is asked for again.
CREATE TABLE broadcasts (
    revision INTEGER PRIMARY KEY,
    broadcast_id TEXT NOT NULL UNIQUE,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    priority TEXT NOT NULL,
    gates TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    nonce TEXT,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    end_reason TEXT,
    UNIQUE (made_by, nonce)
) STRICT;
CREATE INDEX broadcasts_expires ON broadcasts (expires_at);

-- gate_id: where the device stood then.
CREATE TABLE broadcast_seen (
    broadcast_id TEXT NOT NULL REFERENCES broadcasts (broadcast_id),
    device_id TEXT NOT NULL REFERENCES devices,
    gate_id TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (broadcast_id, device_id)
) STRICT, WITHOUT ROWID;
"""
