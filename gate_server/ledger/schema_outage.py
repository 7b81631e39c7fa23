"""What outages added to the ledger: offline scans, their chains, conflicts, untrusted evidence."""

OUTAGE = """
-- shown_*: what a device had shown under this nonce, where the server had answered otherwise; it
-- counts. corrected: the revision of the latest change to the row.
ALTER TABLE scans ADD COLUMN corrected INTEGER;
ALTER TABLE scans ADD COLUMN shown_reason TEXT;
ALTER TABLE scans ADD COLUMN shown_people INTEGER;
ALTER TABLE scans ADD COLUMN shown_at INTEGER;
CREATE INDEX scans_corrected ON scans (corrected) WHERE corrected IS NOT NULL;
ALTER TABLE blocks ADD COLUMN lifted_revision INTEGER;
CREATE INDEX blocks_lifted ON blocks (lifted_revision) WHERE lifted_revision IS NOT NULL;
CREATE INDEX blocks_buyer ON blocks (buyer_no);
CREATE INDEX deals_revision ON deals (revision);
ALTER TABLE devices ADD COLUMN clear_at INTEGER;
ALTER TABLE devices ADD COLUMN boot_id TEXT;

-- What an offline scan's own record says of it. proven: its head follows from the line before it.
-- contact_at, bounded_at: the device's last contact before the scan, its first after it.
CREATE TABLE offline_scans (
    scan_id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    boot_id TEXT,
    seq INTEGER,
    head TEXT,
    proven INTEGER NOT NULL DEFAULT 0,
    claimed_at INTEGER NOT NULL,
    contact_at INTEGER,
    bounded_at INTEGER,
    replica_revision INTEGER
) STRICT;
CREATE INDEX offline_scans_seq ON offline_scans (device_id, seq);
CREATE TABLE journal_heads (
    device_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    head TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    offset_ms INTEGER,
    PRIMARY KEY (device_id, boot_id, seq, head)
) STRICT, WITHOUT ROWID;
-- The newest line of a device's own record that was taken.
CREATE TABLE journal_tips (
    device_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    head TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- subject names what a conflict is about, so that the same is never reported twice.
CREATE TABLE conflicts (
    conflict_id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    credential_key BLOB,
    voucher_id INTEGER,
    deal_no INTEGER,
    tail TEXT,
    device_id TEXT,
    scan_a INTEGER,
    scan_b INTEGER,
    opened_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    note TEXT,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX conflicts_voucher ON conflicts (voucher_id) WHERE voucher_id IS NOT NULL;
CREATE INDEX conflicts_key ON conflicts (credential_key) WHERE credential_key IS NOT NULL;

-- Lines of a revoked device, kept as they came and counted nowhere. Of a scan and its annulment
-- the nonce is one.
CREATE TABLE evidence (
    evidence_id INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    line TEXT NOT NULL,
    UNIQUE (device_id, nonce, line)
) STRICT;
"""
