"""What the crowd added to the ledger: counts of queues, occupancy by hand, minutes of stamps."""

CROWD = """
-- count_id is the revision that the count took. gate_id: null where it is of the whole area.
CREATE TABLE queue_counts (
    count_id INTEGER PRIMARY KEY,
    area TEXT NOT NULL,
    gate_id TEXT,
    people INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL
) STRICT;
CREATE INDEX queue_counts_at ON queue_counts (counted_at);

-- change: what the entry, and all that came in later from before it, adds to the counters' sum.
CREATE TABLE occupancy_entries (
    revision INTEGER PRIMARY KEY,
    people INTEGER NOT NULL,
    change INTEGER NOT NULL,
    at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX occupancy_entries_at ON occupancy_entries (at);

-- stamped: people new at a queue's tail. met: people let in who had been; waited_ms: since, in all.
CREATE TABLE stamp_minutes (
    minute INTEGER NOT NULL,
    area TEXT NOT NULL,
    stamped INTEGER NOT NULL,
    met INTEGER NOT NULL,
    waited_ms INTEGER NOT NULL,
    PRIMARY KEY (minute, area)
) STRICT, WITHOUT ROWID;
"""
