"""Let the counters follow a voucher's new terms, by which the same scans mean something else."""

from __future__ import annotations

from admission.calendar import to_ms
from admission.history import Terms, fold
from admission.verdicts import Reason
from gate_server.ledger.changes import Change, count_change
from gate_server.ledger.moving import settle_moves
from gate_server.ledger.scans import find_voucher, records_of, terms_of
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta


def recount_voucher(tx: Session, voucher_id: int, old: Terms) -> None:
    """Count what changed by the terms that a voucher has now.

    Args:
        old: the terms by which its scans were counted so far.
    """
    voucher = find_voucher(tx, voucher_id)
    if voucher is None:
        return
    records = [record for record, _ in records_of(tx, voucher)]
    passed = next((record for record in records if record.passed), None)
    if passed is None:
        return
    before, deal_no = fold(records, old, tx.venue), voucher.deal.deal_no
    records = settle_moves(tx, records, terms_of(voucher), deal_no)
    after = fold(records, terms_of(voucher), tx.venue)
    reason = Reason.OVERRIDDEN if passed.overridden else passed.reason
    delta = Delta(to_ms(passed.passed_at), passed.gate_id, reason.value, deal_no=deal_no)
    count_change(tx, Change(before, after, records, deal_no), delta)
