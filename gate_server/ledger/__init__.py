"""The gate server's durable record: vouchers, scans and everything done about them."""
