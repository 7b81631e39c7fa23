"""Count what a change of one voucher's records changes, at the records that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admission.calendar import to_ms
from admission.history import History, Record, fold, share_of_first
from admission.uses import NO_SHARE, Share
from admission.verdicts import Reason
from gate_server.ledger.moving import settle_moves
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta


@dataclass(slots=True)
class Change:
    """One voucher before and after something was recorded or taken back.

    Attributes:
        records: all its recorded scans afterwards.
        deal_no: its deal; None for a code that nobody knows.
        apart: what some of the records came to before, when they were not this voucher's.
    """

    before: History
    after: History
    records: list[Record]
    deal_no: int | None
    apart: Sequence[History] = ()


def count_change(tx: Session, change: Change, delta: Delta) -> None:
    """Count `delta`, and what the change moves elsewhere.

    An earlier scan that arrives late, or an annulment, changes what other records stand for:
    their gates' counters follow, so that the sums are those of the fold in any order of arrival.
    """
    before, after = dict(change.before.shares), change.after.shares
    for history in change.apart:
        before |= history.shares
    for record in change.records:
        key = record.device_id, record.nonce
        old, new = before.get(key, NO_SHARE), after.get(key, NO_SHARE)
        if old != new:
            _count_share(tx, record, (old, new), delta, change.deal_no)
    tx.count(delta)
    earlier = (change.before, *change.apart)
    honoured = change.after.honoured() - sum(history.honoured() for history in earlier)
    if honoured and change.deal_no is not None:
        tx.count_honoured(change.deal_no, honoured)


def count_records(
    tx: Session, before: History, records: list[Record], deal_no: int | None, delta: Delta
) -> None:
    """Count a change of a voucher's records, and what they now say of who was moved.

    Args:
        before: what the records folded to before.
        records: all of them now, on record but for who was moved.
    """
    records = settle_moves(tx, records, before.terms, deal_no)
    after = fold(records, before.terms, tx.venue)
    count_change(tx, Change(before, after, records, deal_no), delta)


def count_first(tx: Session, record: Record, delta: Delta) -> None:
    """Count a voucher's first record: `count_change` without a fold on either side."""
    share = share_of_first(record)
    delta.people, delta.persons, delta.inside = share.people, share.persons, share.inside
    tx.count(delta)
    if share.honoured and delta.deal_no is not None:
        tx.count_honoured(delta.deal_no, share.honoured)


def _count_share(
    tx: Session, record: Record, shares: tuple[Share, Share], delta: Delta, deal_no: int | None
) -> None:
    old, new = shares
    people, persons = new.people - old.people, new.persons - old.persons
    inside = new.inside - old.inside
    at_ms = to_ms(record.passed_at)
    if (at_ms, record.gate_id) == (delta.at_ms, delta.gate_id):
        delta.people += people
        delta.persons += persons
        delta.inside += inside
        return
    reason = Reason.OVERRIDDEN if record.overridden else record.reason
    tx.count(
        Delta(
            at_ms,
            record.gate_id,
            reason.value,
            people=people,
            persons=persons,
            inside=inside,
            deal_no=deal_no,
        )
    )
