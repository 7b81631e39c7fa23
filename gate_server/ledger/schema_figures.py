"""What figures over days added to the ledger: quarters of gates, their peaks, reasons by deal."""

from gate_server.ledger import flow, peaks

_STOPPED = ", ".join(f"'{reason}'" for reason in flow.STOPPED)

FIGURES = f"""
-- The per-minute counters by quarters of an hour since 1970: months of them are read at once.
-- summed_until: the first quarter that is not summed up yet; its minutes are read instead.
CREATE TABLE gate_quarters (
    quarter INTEGER NOT NULL,
    gate_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    scans INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    people INTEGER NOT NULL,
    persons INTEGER NOT NULL,
    PRIMARY KEY (quarter, gate_id, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO gate_quarters {flow.RECOUNT};
ALTER TABLE venue ADD COLUMN summed_until INTEGER NOT NULL DEFAULT 0;
UPDATE venue SET summed_until = (SELECT COALESCE(MAX(quarter) + 1, 0) FROM gate_quarters);

-- Why scans of a deal were refused, referred or asked to wait, by hours since 1970.
CREATE TABLE deal_reasons (
    hour INTEGER NOT NULL,
    deal_no INTEGER NOT NULL,
    reason TEXT NOT NULL,
    scans INTEGER NOT NULL,
    PRIMARY KEY (hour, deal_no, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO deal_reasons SELECT s.scan_at / 3600000, v.deal_no, s.reason, COUNT(*)
    FROM scans s JOIN vouchers v ON v.voucher_id = s.voucher_id
    WHERE s.reason IN ({_STOPPED}) GROUP BY 1, 2, 3;

-- day: days since 1970, UTC. minute_at, hour_from: minutes since 1970 with which the peak begins.
CREATE TABLE gate_peaks (
    gate_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    minute_people INTEGER NOT NULL,
    minute_at INTEGER NOT NULL,
    hour_people INTEGER NOT NULL,
    hour_from INTEGER NOT NULL,
    PRIMARY KEY (gate_id, day)
) STRICT, WITHOUT ROWID;
INSERT INTO gate_peaks {peaks.RECOUNT};
-- Minutes in which people came in, or were taken back, since the peaks were looked at.
CREATE TABLE stale_minutes (
    gate_id TEXT NOT NULL,
    minute INTEGER NOT NULL,
    PRIMARY KEY (gate_id, minute)
) STRICT, WITHOUT ROWID;

-- What was done, in order, without the scans between: for the search in the audit.
CREATE INDEX audit_bodies ON audit (revision) WHERE body IS NOT NULL;
-- When a deal was scanned; its columns never change, so that counting a scan does not touch it.
CREATE INDEX deal_counters_deal ON deal_counters (deal_no, hour);
"""  # noqa: S608 - names of ours
