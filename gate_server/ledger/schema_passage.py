"""What turnstiles added to the ledger: who passed, who was moved, what lanes report of them."""

PASSAGE = """
-- turned: people whom the turnstile counted through; NULL where none watched, so that all count.
-- moved: people who came in by another lane instead.
ALTER TABLE scans ADD COLUMN turned INTEGER;
ALTER TABLE scans ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
-- report_id is the revision that the report took.
CREATE TABLE reports (
    report_id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    gate_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    people INTEGER,
    detail TEXT,
    UNIQUE (device_id, nonce)
) STRICT;
CREATE INDEX reports_device ON reports (device_id, report_id);
"""
