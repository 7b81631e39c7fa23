"""What evidence added to the ledger: signed heads, former states, what was purged, legal holds."""

EVIDENCE = """
-- What was done, by kind: a scan has no body, so that its commit never touches this.
CREATE INDEX audit_events ON audit (kind, revision) WHERE body IS NOT NULL;

-- The head of the chain at a row of it, signed with its time and the ledger's epoch.
CREATE TABLE signed_heads (
    revision INTEGER PRIMARY KEY,
    audit_head BLOB NOT NULL,
    epoch TEXT NOT NULL,
    day TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- What a row held before the revision `until_revision`, so that an old scan can be decided again.
-- Of a voucher only where it was scanned or exchanged by then: nothing else was decided on it.
CREATE TABLE voucher_states (
    voucher_id INTEGER NOT NULL,
    until_revision INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    admits INTEGER NOT NULL,
    price_paid_minor INTEGER,
    valid_from INTEGER,
    valid_until INTEGER,
    status TEXT NOT NULL,
    status_at INTEGER,
    sold_at INTEGER,
    refund_listed_at INTEGER,
    buyer_no INTEGER,
    exchanged INTEGER,
    dead INTEGER NOT NULL,
    PRIMARY KEY (voucher_id, until_revision)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER vouchers_former AFTER UPDATE OF revision ON vouchers
WHEN OLD.revision <> NEW.revision AND (OLD.parent_id IS NOT NULL OR NEW.exchanged IS NOT NULL
    OR EXISTS (SELECT 1 FROM scans WHERE credential_key = OLD.credential_key))
BEGIN INSERT OR IGNORE INTO voucher_states VALUES (OLD.voucher_id, NEW.revision, OLD.deal_no,
    OLD.admits, OLD.price_paid_minor, OLD.valid_from, OLD.valid_until, OLD.status, OLD.status_at,
    OLD.sold_at, OLD.refund_listed_at, OLD.buyer_no, OLD.exchanged, OLD.dead); END;

CREATE TABLE deal_states (
    deal_no INTEGER NOT NULL, deal_id TEXT NOT NULL, platform TEXT NOT NULL, title TEXT NOT NULL,
    product TEXT NOT NULL, category TEXT NOT NULL, rights TEXT NOT NULL,
    face_price_minor INTEGER NOT NULL, sale_price_minor INTEGER, settle_price_minor INTEGER,
    currency TEXT NOT NULL, quota INTEGER, sale_from INTEGER, sale_until INTEGER,
    valid_from INTEGER NOT NULL, valid_until INTEGER NOT NULL, weekdays TEXT NOT NULL,
    not_on TEXT NOT NULL, hours TEXT NOT NULL, early_minutes INTEGER NOT NULL,
    late_minutes INTEGER NOT NULL, gates TEXT NOT NULL, reentry TEXT NOT NULL,
    updated_at INTEGER NOT NULL, until_revision INTEGER NOT NULL,
    PRIMARY KEY (deal_no, until_revision)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER deals_former AFTER UPDATE OF rights ON deals
BEGIN INSERT OR IGNORE INTO deal_states VALUES (OLD.deal_no, OLD.deal_id, OLD.platform, OLD.title,
    OLD.product, OLD.category, OLD.rights, OLD.face_price_minor, OLD.sale_price_minor,
    OLD.settle_price_minor, OLD.currency, OLD.quota, OLD.sale_from, OLD.sale_until, OLD.valid_from,
    OLD.valid_until, OLD.weekdays, OLD.not_on, OLD.hours, OLD.early_minutes, OLD.late_minutes,
    OLD.gates, OLD.reentry, OLD.updated_at, NEW.revision); END;

-- states_since: the revision from which former states are kept.
ALTER TABLE venue ADD COLUMN states_since INTEGER NOT NULL DEFAULT 0;
UPDATE venue SET states_since = revision;

-- A legal hold keeps data from the purge. subject: an incident, a deal, a request, in words of
-- those who set it. deal_no: null: everything is kept.
CREATE TABLE legal_holds (
    revision INTEGER PRIMARY KEY,
    subject TEXT NOT NULL,
    deal_no INTEGER REFERENCES deals,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;
-- erased_at: when something that led to its buyer was erased.
ALTER TABLE vouchers ADD COLUMN erased_at INTEGER;
-- Accounts of a voided deal that are closed; a void that came later opens them again.
CREATE TABLE settled_deals (
    deal_no INTEGER PRIMARY KEY REFERENCES deals,
    revision INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    made_by TEXT NOT NULL
) STRICT;
"""
