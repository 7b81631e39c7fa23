"""What log-ins in a browser added to the ledger."""

ACCOUNTS = """
-- A browser's session carries the number that it began with: another one ends every session.
ALTER TABLE users ADD COLUMN session_no INTEGER NOT NULL DEFAULT 1;
"""
