"""Build journals and their lines in few words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from admission.journal_chain import next_head
from admission.replica_columns import key_text
from admission.scans import Direction
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.wire_outage import OfflineAnnul, OfflineScan, OfflineVerdict
from scanner_client.journal import Journal
from scanner_client.journal_rows import Draft, Owner, signed
from scanner_client.seal import load_seal

NOW = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)
OWNER = Owner("d-1", "epoch-1", "boot-1")


def open_journal(directory: Path, owner: Owner = OWNER, alarm: Any = print) -> Journal:
    return Journal(directory, load_seal(directory, alarm), owner, alarm)


def a_key(number: int) -> bytes:
    """Return a credential key: of a code, under code key 1."""
    return b"\x01" + number.to_bytes(16, "big")


def a_draft(number: int = 1, reason: Reason = Reason.ADMITTED, **changes: Any) -> Draft:
    """A scan of code `number` at 09:00, by default one person let in offline."""
    outcome = OUTCOMES[reason]
    values = {
        "scanned_at": NOW,
        "nonce": f"nonce-{number:06}",
        "verdict": OfflineVerdict(
            outcome=outcome,
            reason=reason,
            admitted=changes.pop("people", 1 if outcome is Outcome.ADMIT else 0),
        ),
        "code_key": key_text(a_key(number)),
        "tail": "8K2F",
        "gate_id": "G1",
    }
    names = OfflineScan.__struct_fields__
    values |= {name: changes.pop(name) for name in [*changes] if name in names}
    line = OfflineScan(**values)
    inside = signed(line, line.verdict.admitted)
    return Draft(line=line, gate_id="G1", area="park", inside=inside, **changes)


def an_annul(nonce: str, people: int = 1) -> OfflineAnnul:
    return OfflineAnnul(annul=nonce, reason="did not pass", people=people, scanned_at=NOW)


def later(minutes: float = 1) -> datetime:
    return NOW + timedelta(minutes=minutes)


EXIT = Direction.EXIT


def lines(journal: Journal, most: int = 10_000) -> list[Any]:
    """Return what waits, read."""
    return [
        msgspec.json.decode(
            line.body, type=OfflineAnnul if b'"annul"' in line.body else OfflineScan
        )
        for line in journal.waiting(most)
    ]


def check_chain(found: Any, head: str) -> None:
    """Every head follows from the one before it, and no place is missing or taken twice."""
    first = found[0].seq if found else 1
    assert [line.seq for line in found] == [*range(first, first + len(found))]
    for line in found:
        assert line.head == next_head(head, line)
        head = line.head
