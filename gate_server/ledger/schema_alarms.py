"""What alarms added to the ledger: which there are, who was told, what was verified."""

ALARMS = """
-- subject: a gate, device, deal or platform; '' the venue, '*' many. seen_at: when its figure was
-- read last. acknowledged_*: forgotten when it becomes more severe. cleared_at: null: it stands.
CREATE TABLE alarms (
    alarm_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    rose_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    figure REAL NOT NULL,
    worst REAL NOT NULL,
    bar REAL NOT NULL,
    usual REAL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    note TEXT,
    cleared_at INTEGER
) STRICT;
-- At most one of a kind and subject stands, whatever was killed meanwhile.
CREATE UNIQUE INDEX alarms_standing ON alarms (kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarms_cleared ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;

-- One row a contact and telling; its id is that of the message. told: JSON, the same in every try.
-- over: it tells that the alarm is over. next_at, begun: as in duty_calls.
CREATE TABLE alarm_calls (
    call_id TEXT PRIMARY KEY,
    alarm_id INTEGER NOT NULL REFERENCES alarms,
    contact_id INTEGER NOT NULL REFERENCES duty_contacts,
    over INTEGER NOT NULL,
    told TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    begun TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    done_at INTEGER,
    problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_calls_waiting ON alarm_calls (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX alarm_calls_alarm ON alarm_calls (alarm_id);

-- How far the audit chain was verified as it grew; the first row is the tail at the first look.
CREATE TABLE audit_watch (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    head BLOB NOT NULL
) STRICT;
"""
