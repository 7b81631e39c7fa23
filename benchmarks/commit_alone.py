"""The gate server with a commit for every scan, to see what group commit is worth."""

from __future__ import annotations

from gate_server.cli import main
from gate_server.ledger import writer

if __name__ == "__main__":
    # The worker is forked from this process, so it inherits the change.
    writer.MOST_IN_GROUP = 1
    main()
