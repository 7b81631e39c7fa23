"""What closures added to the ledger: their versions, and the deals that each binds."""

TERMS = """
-- closure_id: the revision of its first version. asked: JSON, which deals were asked for, in words
-- of those who asked; which that were is in closure_deals. notice: JSON, Chinese and English.
CREATE TABLE closures (
    revision INTEGER PRIMARY KEY,
    closure_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    restored INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closed_from INTEGER NOT NULL,
    closed_until INTEGER NOT NULL,
    extend_until INTEGER NOT NULL,
    used_too INTEGER NOT NULL,
    refunds_open INTEGER NOT NULL,
    notice TEXT,
    asked TEXT NOT NULL,
    UNIQUE (closure_id, version)
) STRICT;
CREATE TABLE closure_deals (
    deal_no INTEGER NOT NULL REFERENCES deals,
    revision INTEGER NOT NULL REFERENCES closures,
    PRIMARY KEY (deal_no, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX closure_deals_revision ON closure_deals (revision);
"""
