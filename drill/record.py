"""Read the throw-away ledger when the server has ended, without the right to change it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admission.errors import LedgerRefused
from drill.checks import Recorded
from gate_server.ledger import recount
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.inspection import check_integrity, read_only, verify_chain
from gate_server.ledger.shown import list_shown
from gate_server.settings import read_settings


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger holds.

    Attributes:
        overridden: people let in by a supervisor.
        counters: where counters are not what the rows add up to; `chain`: what is wrong with it.
    """

    recorded: list[Recorded]
    overridden: int
    counters: list[str]
    chain: list[str]


def read_record(data: Path) -> Record:
    """Read every scan, add the counters up again, and walk the audit chain."""
    path = data / LEDGER
    with read_only(path) as db:
        rows = list(list_shown(db))
        counters = recount.differences(db, read_settings(data).venue)
        chain = _damage(db)
    found = verify_chain(path, {}).findings
    chain += [f"revision {each.revision}: {each.problem}" for each in found]
    recorded = [Recorded(row.device_id, row.nonce, row.reason, row.people) for row in rows]
    return Record(recorded, sum(row.overridden for row in rows), counters, chain)


def _damage(db: Any) -> list[str]:
    try:
        check_integrity(db)
    except LedgerRefused as error:
        return [str(error)]
    return []
