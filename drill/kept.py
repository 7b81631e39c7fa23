"""Keep what a drill has seen beside its ledger, so that its invariants can be checked once more."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from admission.errors import InvalidInput
from drill.checks import Evidence
from drill.evening import Accounts
from drill.fold import Played, fold
from drill.lanes import Shown
from drill.record import read_record
from drill.sales import Sales
from drill.story import Sizes
from gate_server.key_files import write_durably

FILE: Final = "drill.json"


class Seen(Struct, frozen=True):
    """What was seen from outside, and what the drill found."""

    scale: float
    begun_at: datetime
    shown: list[Shown]
    refunded: set[str]
    overridden: dict[str, int]
    blocked: set[str]
    tickets: dict[str, list[str]]
    arrived_by: datetime
    doubles: set[tuple[str, str]]
    inside: int
    accounts: Accounts
    broadcast: dict[str, Any]
    incident: dict[str, Any]
    found: dict[str, Any]
    report: str | None = None

    def played(self) -> Played:
        """Return what was played; what was sold is made again from its numbers."""
        sales = Sales(Sizes.of(self.scale), self.begun_at)
        sold = [*sales.all_flash(), *sales.all_honest()]
        return Played(
            shown=self.shown,
            vouchers={each.code: each for each in sold},
            refunded=self.refunded,
            overridden=self.overridden,
            blocked=self.blocked,
            tickets=self.tickets,
            arrived_by=self.arrived_by,
        )


def keep(root: Path, seen: Seen) -> None:
    """Write what was seen into the directory of a drill; it holds the drill's codes."""
    write_durably(root / FILE, msgspec.json.encode(seen), replace=True)


def read_kept(root: Path) -> Seen:
    """Read what a drill has seen.

    Raises:
        InvalidInput: no drill was kept there.
    """
    try:
        return msgspec.json.decode((root / FILE).read_bytes(), type=Seen)
    except OSError as error:
        raise InvalidInput("--again", f"no drill was kept in {root}") from error
    except msgspec.MsgspecError as error:
        raise InvalidInput("--again", f"{root / FILE} is of another version: {error}") from error


def gather(seen: Seen, data: Path) -> Evidence:
    """Return the evidence: what was seen, beside what the ledger holds now."""
    record, played = read_record(data), seen.played()
    return Evidence(
        played=played,
        holders=fold(played),
        recorded=record.recorded,
        counters=record.counters,
        chain=record.chain,
        doubles=seen.doubles,
        inside=seen.inside,
        accounts=seen.accounts,
        broadcast=seen.broadcast,
        incident=seen.incident,
        report=seen.report,
    )
