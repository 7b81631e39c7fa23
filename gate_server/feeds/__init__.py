"""What keeps the ledger in step with the platforms: one file a source, one contract for all."""
