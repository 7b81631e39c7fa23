"""The gate server: answers scans from the ledger, records them, and counts people per gate."""

__version__ = "0.1.0"
