"""Join a scanner's own record of its scans with what a replica tells of the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from admission.history import Record


def join_records(known: Iterable[Record], own: Iterable[Record]) -> list[Record]:
    """Return every scan once: what is on record, and what only its own scanner knows yet.

    Args:
        known: as the replica tells them.
        own: as the scanner's journal has them.
    """
    joined = {(record.device_id, record.nonce): record for record in known}
    for record in own:
        name = record.device_id, record.nonce
        joined[name] = _join(joined[name], record) if name in joined else record
    return list(joined.values())


def _join(known: Record, own: Record) -> Record:
    """Return one scan of both: the time and corrections of the ledger, the verdict as shown.

    What was shown is what happened, also where the ledger has yet to hear of it; so is an
    annulment that only the scanner knows.
    """
    turned = own.turned if known.turned is None else max(known.turned, own.turned or 0)
    if known.turned is None and known.annuls:
        turned = None  # a supervisor said since what happened
    known = replace(known, reason=own.reason, people=own.people, turned=turned)
    if own.annuls <= known.annuls:
        return known
    return replace(known, annulled=own.annulled, annuls=own.annuls, annulled_at=own.annulled_at)
