"""What blocks and buyers added to the ledger: origins, appeals, decisions, checks of a phone."""

BUYERS = """
ALTER TABLE blocks ADD COLUMN origin TEXT NOT NULL DEFAULT 'supervisor';
ALTER TABLE blocks ADD COLUMN origin_id TEXT;
ALTER TABLE blocks ADD COLUMN lift_reason TEXT;

-- What the buyer says stands with the audit's personal fields, so that it goes with them. outcome:
-- null until a supervisor decides.
CREATE TABLE block_appeals (
    appeal_id INTEGER PRIMARY KEY,
    block_id INTEGER NOT NULL REFERENCES blocks (revision),
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    outcome TEXT,
    ended_at INTEGER,
    ended_by TEXT,
    answer TEXT
) STRICT;
CREATE INDEX block_appeals_of ON block_appeals (block_id);

-- What a human decided about an account that bought very many: people, by all that was found then.
-- block_id: null where it was declined. Why stands with the audit's personal fields, too.
CREATE TABLE block_decisions (
    decision_id INTEGER PRIMARY KEY,
    buyer_no INTEGER NOT NULL,
    finding_id INTEGER NOT NULL REFERENCES findings,
    people INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    decided_by TEXT NOT NULL,
    block_id INTEGER REFERENCES blocks (revision)
) STRICT;
CREATE INDEX block_decisions_buyer ON block_decisions (buyer_no);

-- One row a question whether a visitor knows the end of the buyer's phone; never the digits.
CREATE TABLE phone_checks (
    check_id INTEGER PRIMARY KEY,
    voucher_id INTEGER NOT NULL REFERENCES vouchers,
    checked_at INTEGER NOT NULL,
    checked_by TEXT NOT NULL,
    gate_id TEXT,
    matches INTEGER NOT NULL
) STRICT;
CREATE INDEX phone_checks_of ON phone_checks (voucher_id);
"""
