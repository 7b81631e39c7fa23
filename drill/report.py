"""The after-action report of the drill's incident, as the venue's own command writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from drill.calls import DrillFailed
from gate_server.cli.incidents import incident

COMMAND: Final = "report"
WITHIN_S: Final = 300.0


def find_report(data: Path, incident_id: str, out: Path) -> str | None:
    """Have the report written into `out`, and return its text; None: this version writes none.

    Raises:
        DrillFailed: the command failed, or wrote no page.
    """
    if COMMAND not in incident.commands:
        return None
    asked = ["incident", COMMAND, incident_id, "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "gate_server", "--data", str(data), *asked],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
        start_new_session=True,
    )
    pages = sorted(out.glob("**/*.md"))
    if done.returncode or not pages:
        raise DrillFailed(f"gate-server incident {COMMAND} failed: {done.stderr.strip()}")
    return "\n".join(page.read_text("utf-8") for page in pages)
