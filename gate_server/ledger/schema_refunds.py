"""What refunds on request added to the ledger: who asked, what was decided, and who is locked."""

REFUNDS = """
-- One row a request, for ever: the same id is answered as it was answered first. content: keyed
-- hash of what was asked. asked: people; null: all whom the voucher stood for. people: locked by
-- it. evidence: JSON, the scans that spoke against it. A request that was withdrawn before it came
-- has its row too, with no content.
CREATE TABLE refund_requests (
    platform TEXT NOT NULL,
    request_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    content BLOB,
    voucher_id INTEGER REFERENCES vouchers,
    voucher_ref TEXT,
    tail TEXT,
    asked INTEGER,
    reason TEXT NOT NULL,
    people INTEGER NOT NULL,
    refundable INTEGER NOT NULL,
    evidence TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    withdrawn_at INTEGER,
    PRIMARY KEY (platform, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_requests_revision ON refund_requests (revision);

-- people: locked, of those sold. The rest is what the platform itself says of the voucher; its row
-- in `vouchers` is what comes of both.
CREATE TABLE refund_locks (
    voucher_id INTEGER PRIMARY KEY REFERENCES vouchers,
    people INTEGER NOT NULL,
    sold INTEGER NOT NULL,
    locked_at INTEGER NOT NULL,
    admits INTEGER NOT NULL,
    price_paid_minor INTEGER,
    status TEXT NOT NULL,
    status_at INTEGER
) STRICT;

CREATE INDEX vouchers_ref ON vouchers (voucher_ref) WHERE voucher_ref IS NOT NULL;
"""
