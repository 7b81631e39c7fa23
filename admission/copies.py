"""Find one code shown twice, at two gates, by what cannot be the same people: for a human to see.

Who was let in cannot stand before another gate minutes later without having come out. Whoever shows
the code there has a copy of it, or the first one had; which of the two is the buyer, the phone that
it was bought with may tell (`POST /vouchers/verify`). It changes no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from admission.history import Record
from admission.scans import Direction, Mode
from admission.verdicts import Reason, Verdict

COPIED_WITHIN = timedelta(minutes=10)
"""How long after an admission the same people cannot be out and before another gate again."""

CHECKED_WITHIN = timedelta(minutes=30)
"""How long after a refusal an answer about the buyer's phone is about whom it refused."""

_USED = frozenset({Reason.USED_UP, Reason.ALREADY_INSIDE})
_PRESENTS = frozenset({Mode.ADMIT, Mode.ARRIVE, Mode.CHECK})


def find_copied(records: Sequence[Record], later: Record) -> Record | None:
    """Return the admission that a refused presentation was the second of; None: of none.

    The latest one elsewhere counts. It is an ordinary second presentation at a gate that let people
    of the same voucher in, after an exit, or more than ten minutes after.
    """
    if not _refused(later):
        return None
    near = [
        each
        for each in _admissions(records, later)
        if later.scan_at - each.passed_at <= COPIED_WITHIN
    ]
    ordinary = any(
        each.gate_id == later.gate_id or each.device_id == later.device_id for each in near
    )
    if ordinary or not near:
        return None
    first = max(near, key=_order)
    left = (
        each.direction is Direction.EXIT
        and each.passed > 0
        and first.passed_at <= each.scan_at <= later.scan_at
        for each in records
    )
    return None if any(left) else first


def find_copies(
    records: Sequence[Record], verified: Sequence[datetime] = ()
) -> Iterator[tuple[Record, Record]]:
    """Yield each admission with the presentation that showed the same code elsewhere.

    Each device counts once for each admission: the same visitor often tries again.

    Args:
        verified: when somebody knew the buyer's phone. Who was refused before, within half an hour,
            is the buyer then, however long after the admission and at whatever gate.
    """
    told: set[tuple[str, str, str]] = set()
    for later in sorted((each for each in records if _refused(each)), key=_order):
        first = find_copied(records, later)
        if first is None and any(
            timedelta() <= at - later.scan_at <= CHECKED_WITHIN for at in verified
        ):
            first = max(_admissions(records, later), key=_order, default=None)
        name = None if first is None else (first.device_id, first.nonce, later.device_id)
        if first is not None and name is not None and name not in told:
            told.add(name)
            yield first, later


def mark_copied(verdict: Verdict, records: Sequence[Record], later: Record) -> Verdict:
    """Return a verdict that tells staff of the other place, where its code was shown there first.

    Args:
        records: what is on record of the one voucher found.
        later: this presentation; its reason is the verdict's.
    """
    if verdict.reason not in _USED:
        return verdict
    first = find_copied(records, replace(later, reason=verdict.reason))
    if first is None:
        return verdict
    say = {**verdict.say, "copied_at": first.passed_at, "copied_gate": first.gate_id}
    return replace(verdict, say=say)


def _refused(record: Record) -> bool:
    return (
        record.reason in _USED
        and record.mode in _PRESENTS
        and record.direction is Direction.ENTRY
        and not record.people
    )


def _admissions(records: Sequence[Record], later: Record) -> list[Record]:
    """Return who was let into the same area by then; an override of this very one is none."""
    return [
        each
        for each in records
        if each.direction is Direction.ENTRY
        and each.passed > 0
        and each.area == later.area
        and each.passed_at <= later.scan_at
        and (each.device_id, each.nonce) != (later.device_id, later.nonce)
    ]


def _order(record: Record) -> tuple[datetime, str, str]:
    return record.passed_at, record.device_id, record.nonce
