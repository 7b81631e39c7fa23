"""What surges and calls for help added to the ledger: counters of each deal, who is up, nonces."""

SURGES = """
-- Five minutes since 1970; exits are no scans of a crowd that comes.
CREATE TABLE deal_slots (
    slot INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    scans INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    referred INTEGER NOT NULL,
    PRIMARY KEY (slot, deal_no)
) STRICT, WITHOUT ROWID;

-- fell_at: null while the deal surges. refreshed_at: when its incident's card was written last.
CREATE TABLE surges (
    deal_no INTEGER PRIMARY KEY REFERENCES deals,
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    broadcast_id TEXT,
    rose_at INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL,
    fell_at INTEGER
) STRICT;

-- surge: JSON of admission.surges.SurgeCard. follows: the closed one that it goes on from.
-- called_at: when somebody called for help at a device, where that was before it was opened.
ALTER TABLE incidents ADD COLUMN surge TEXT;
ALTER TABLE incidents ADD COLUMN follows TEXT;
ALTER TABLE incidents ADD COLUMN called_at INTEGER;

-- A lost answer is asked for again, after the incident was closed too.
CREATE TABLE incident_nonces (
    made_by TEXT NOT NULL,
    nonce TEXT NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    PRIMARY KEY (made_by, nonce)
) STRICT, WITHOUT ROWID;

-- What touches an incident without being told to it: for timelines.
CREATE INDEX audit_deeds ON audit (revision) WHERE kind IN
    ('emergency', 'gate_state', 'hold', 'override', 'release', 'restore_deal', 'void');
CREATE INDEX conflicts_deal ON conflicts (deal_no, opened_at) WHERE deal_no IS NOT NULL;
"""
