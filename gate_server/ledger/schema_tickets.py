"""What the exchange desk added to the ledger: tickets, and the slips of arrivals."""

TICKETS = """
-- exchanged: people on living tickets; null: never exchanged. dead: a ticket that lets nobody in.
ALTER TABLE vouchers ADD COLUMN exchanged INTEGER;
ALTER TABLE vouchers ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;

-- A ticket is a voucher with a parent; here is how it came about, and what its token states, so
-- that the same text can be made again. scan_id: the exchange that its row of tickets began with.
CREATE TABLE tickets (
    voucher_id INTEGER PRIMARY KEY REFERENCES vouchers,
    ticket TEXT NOT NULL UNIQUE,
    parent_id INTEGER NOT NULL REFERENCES vouchers,
    scan_id INTEGER NOT NULL REFERENCES scans,
    place INTEGER NOT NULL,
    row_of INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    dead_at INTEGER,
    dead_by TEXT,
    replaced_by INTEGER REFERENCES vouchers
) STRICT;
CREATE INDEX tickets_parent ON tickets (parent_id);
CREATE INDEX tickets_scan ON tickets (scan_id);

-- The token of an arrival's slip; which vouchers it finds stands among the credentials.
CREATE TABLE slips (
    scan_id INTEGER PRIMARY KEY REFERENCES scans,
    key_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    admits INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
"""
