"""What worded broadcasts added to the ledger: whom they are for, and what is said aloud."""

TEMPLATES = """
-- profiles: JSON, empty: devices of any. template: the key of what it was worded by. loud_zh and
-- loud_en: what is said over the loudspeaker.
ALTER TABLE broadcasts ADD COLUMN profiles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE broadcasts ADD COLUMN template TEXT;
ALTER TABLE broadcasts ADD COLUMN loud_zh TEXT;
ALTER TABLE broadcasts ADD COLUMN loud_en TEXT;

-- The slip of a refused visitor, and each time that it was printed. asked: the asker's own nonce,
-- so that a lost answer is no copy more.
CREATE TABLE refusal_slips (
    scan_id INTEGER PRIMARY KEY REFERENCES scans,
    key_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    day TEXT NOT NULL,
    people INTEGER NOT NULL,
    UNIQUE (key_id, number)
) STRICT;
CREATE TABLE refusal_copies (
    scan_id INTEGER NOT NULL REFERENCES refusal_slips,
    copy INTEGER NOT NULL,
    asked TEXT,
    printed_at INTEGER NOT NULL,
    printed_by TEXT NOT NULL,
    PRIMARY KEY (scan_id, copy),
    UNIQUE (scan_id, printed_by, asked)
) STRICT, WITHOUT ROWID;
"""
