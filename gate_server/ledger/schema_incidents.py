"""What incidents added to the ledger: timelines, who is called, requests to stop a sale."""

INCIDENTS = """
-- subject: what it is about; one is open at most. figures: JSON of admission.incidents.Figures.
-- asked_at: since when somebody is asked to answer. decision: how the hold of its deal ended.
CREATE TABLE incidents (
    revision INTEGER PRIMARY KEY,
    incident_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    title_zh TEXT NOT NULL,
    title_en TEXT NOT NULL,
    deal_no INTEGER REFERENCES deals,
    platform TEXT,
    gate_id TEXT,
    device_id TEXT,
    figures TEXT,
    opened_at INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    decided_at INTEGER,
    decision TEXT,
    closed_at INTEGER,
    closed_by TEXT,
    summary TEXT
) STRICT;
CREATE UNIQUE INDEX incidents_open ON incidents (subject) WHERE closed_at IS NULL;
CREATE INDEX incidents_deal ON incidents (deal_no) WHERE closed_at IS NULL;

-- text: a person's own words. refs: JSON, what it points to.
CREATE TABLE incident_entries (
    entry_id INTEGER PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    refs TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX incident_entries_of ON incident_entries (incident_id);

-- sealed: JSON of address and secret; shown: what of the address anybody may see. failures: in a
-- row. paused_until: until then whoever is called asked to be left alone.
CREATE TABLE duty_contacts (
    contact_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    form TEXT NOT NULL,
    shown TEXT NOT NULL,
    sealed BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    removed_at INTEGER,
    tried_at INTEGER,
    answered_at INTEGER,
    failed_at INTEGER,
    error TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    paused_until INTEGER
) STRICT;
CREATE UNIQUE INDEX duty_contacts_name ON duty_contacts (name) WHERE removed_at IS NULL;

-- told: JSON, what was said; the same to everybody, in every try.
CREATE TABLE duty_rings (
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    ring INTEGER NOT NULL,
    rung_at INTEGER NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (incident_id, ring)
) STRICT, WITHOUT ROWID;

-- One row a contact and ring; its id is that of the message. next_at: when it is tried (again),
-- null once it is done with. begun: whose try is under way, noted before it is made; while that
-- one lives nobody makes it again before next_at.
CREATE TABLE duty_calls (
    call_id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    ring INTEGER NOT NULL,
    contact_id INTEGER NOT NULL REFERENCES duty_contacts,
    state TEXT NOT NULL DEFAULT 'waiting',
    begun TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    done_at INTEGER,
    problem TEXT,
    UNIQUE (incident_id, ring, contact_id),
    FOREIGN KEY (incident_id, ring) REFERENCES duty_rings
) STRICT, WITHOUT ROWID;
CREATE INDEX duty_calls_waiting ON duty_calls (next_at) WHERE next_at IS NOT NULL;

-- What a platform is asked, with the figures of then; its id is that of the message.
CREATE TABLE stop_sales (
    request_id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incidents (incident_id),
    deal_no INTEGER NOT NULL REFERENCES deals,
    platform TEXT NOT NULL,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    figures TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    feed_id INTEGER REFERENCES feeds,
    begun TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    taken_at INTEGER,
    problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX stop_sales_incident ON stop_sales (incident_id);
CREATE INDEX stop_sales_waiting ON stop_sales (next_at) WHERE next_at IS NOT NULL;
"""
