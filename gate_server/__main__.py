"""`python -m gate_server` is `gate-server`."""

from __future__ import annotations

from gate_server.cli import main

if __name__ == "__main__":
    main()
