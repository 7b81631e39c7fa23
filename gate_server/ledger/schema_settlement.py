"""What settlements added to the ledger: confirmed overrides, lists, statements and signatures."""

SETTLEMENT = """
CREATE INDEX scans_borne ON scans (scan_id) WHERE cost_bearer = 'platform';
CREATE TABLE override_confirmations (
    scan_id INTEGER PRIMARY KEY REFERENCES scans,
    confirmed_at INTEGER NOT NULL,
    confirmed_by TEXT NOT NULL
) STRICT;

-- list_id: the revision that it took. finished_at: null while it is being made, slice by slice.
CREATE TABLE settlement_lists (
    list_id INTEGER PRIMARY KEY,
    deal_no INTEGER NOT NULL REFERENCES deals,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    void_version INTEGER,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    finished_at INTEGER,
    entries INTEGER NOT NULL DEFAULT 0,
    amount_minor INTEGER NOT NULL DEFAULT 0,
    UNIQUE (deal_no, number)
) STRICT;
-- subject: the number of a voucher, or of a buyer; it stands on one list of a kind and deal.
CREATE TABLE settlement_entries (
    deal_no INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    list_id INTEGER NOT NULL REFERENCES settlement_lists,
    amount_minor INTEGER,
    PRIMARY KEY (deal_no, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX settlement_entries_list ON settlement_entries (list_id, subject);

-- summary: JSON as it was signed. vouchers: CSV, gzip. hash: of both, as the audit has it.
CREATE TABLE statements (
    statement_id INTEGER PRIMARY KEY,
    deal_no INTEGER NOT NULL REFERENCES deals,
    version INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    summary BLOB NOT NULL,
    vouchers BLOB NOT NULL,
    hash TEXT NOT NULL,
    closed_at INTEGER,
    UNIQUE (deal_no, version)
) STRICT;
CREATE TABLE statement_signatures (
    statement_id INTEGER NOT NULL REFERENCES statements,
    name TEXT NOT NULL,
    partner INTEGER NOT NULL,
    signed_at INTEGER NOT NULL,
    PRIMARY KEY (statement_id, name)
) STRICT, WITHOUT ROWID;

-- content: JSON as it was when the month was closed; hash: of it, as the audit has it.
CREATE TABLE month_statements (
    platform TEXT NOT NULL,
    month TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    content BLOB NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (platform, month)
) STRICT, WITHOUT ROWID;
-- What a closed month was booked with, and what was booked on it later: `booked_in` is the month
-- whose statement says so.
CREATE TABLE month_bookings (
    platform TEXT NOT NULL,
    month TEXT NOT NULL,
    booked_in TEXT NOT NULL,
    deal_no INTEGER NOT NULL REFERENCES deals,
    people INTEGER NOT NULL,
    owed_minor INTEGER NOT NULL,
    PRIMARY KEY (platform, month, booked_in, deal_no)
) STRICT, WITHOUT ROWID;
"""
