"""What the look at sales added to the ledger: counters of what was sold, findings, wider holds."""

from gate_server.ledger.sales import RECOUNTS

SALES = f"""
-- What counts is sold and neither cancelled nor refunded; tickets are their voucher's. -1: the
-- platform did not say. first_at, last_at: when such a voucher was first and last sold, ever.
CREATE TABLE sale_prices (
    deal_no INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,
    admits INTEGER NOT NULL,
    vouchers INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    PRIMARY KEY (deal_no, price_minor, admits)
) STRICT, WITHOUT ROWID;
CREATE TABLE sale_hours (
    deal_no INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    vouchers INTEGER NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (deal_no, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX sale_hours_hour ON sale_hours (hour);
CREATE TABLE sale_buyers (
    deal_no INTEGER NOT NULL,
    buyer_no INTEGER NOT NULL,
    week INTEGER NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (deal_no, buyer_no, week)
) STRICT, WITHOUT ROWID;
-- Quarters of an hour since 1970, for every zone's days begin at one; -1: the deal's own bound.
CREATE TABLE sale_windows (
    deal_no INTEGER NOT NULL,
    from_quarter INTEGER NOT NULL,
    until_quarter INTEGER NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (deal_no, from_quarter, until_quarter)
) STRICT, WITHOUT ROWID;
-- The lowest price that a platform ever declared for a deal and can have meant.
CREATE TABLE told_prices (
    deal_no INTEGER PRIMARY KEY,
    lowest_minor INTEGER NOT NULL
) STRICT;
-- What the codes of a deal look like, from all deliveries; no code can be read from it.
CREATE TABLE code_shapes (
    deal_no INTEGER PRIMARY KEY,
    codes INTEGER NOT NULL,
    space REAL NOT NULL
) STRICT;
INSERT INTO sale_prices {RECOUNTS["sale_prices"]};
INSERT INTO sale_hours {RECOUNTS["sale_hours"]};
INSERT INTO sale_buyers {RECOUNTS["sale_buyers"]};
INSERT INTO sale_windows {RECOUNTS["sale_windows"]};
-- Finds the sale by which a deal passed its quota.
CREATE INDEX vouchers_sold ON vouchers (deal_no, sold_at)
    WHERE sold_at IS NOT NULL AND parent_id IS NULL;

-- One row a kind, deal and subject. decided: its size when a human decided about it.
CREATE TABLE findings (
    finding_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    deal_no INTEGER REFERENCES deals,
    subject TEXT NOT NULL,
    policy TEXT NOT NULL,
    state TEXT NOT NULL,
    found_at INTEGER NOT NULL,
    grown_at INTEGER NOT NULL,
    since INTEGER,
    until INTEGER,
    vouchers INTEGER NOT NULL,
    people INTEGER NOT NULL,
    paid_minor INTEGER NOT NULL,
    face_minor INTEGER NOT NULL,
    measure TEXT NOT NULL,
    scope TEXT,
    told INTEGER NOT NULL,
    decided INTEGER,
    decided_at INTEGER,
    decided_by TEXT,
    incident_id TEXT
) STRICT;
CREATE UNIQUE INDEX findings_subject ON findings (kind, COALESCE(deal_no, 0), subject);
CREATE INDEX findings_deal ON findings (deal_no);

ALTER TABLE holds ADD COLUMN any_price_from INTEGER;
"""
