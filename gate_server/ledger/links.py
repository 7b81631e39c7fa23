"""Link a voucher to all that finds it: its order, its further codes, scans that came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from admission.calendar import to_ms
from admission.history import History, Terms, fold
from admission.verdicts import Reason
from admission.vouchers import CredentialKind
from gate_server.ledger.buyers import select_in
from gate_server.ledger.changes import Change, count_change
from gate_server.ledger.conflicts import reconcile_voucher
from gate_server.ledger.moving import settle_moves
from gate_server.ledger.prepared import PreparedVoucher
from gate_server.ledger.scans import find_voucher, records_by_key, records_of, terms_of
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import Delta

LINK: Final = (
    "INSERT INTO credentials (key, voucher_id, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_MORE_KEYS: Final = "UPDATE vouchers SET more_keys = 1 WHERE voucher_id = ?"
_TOLD: Final = "UPDATE vouchers SET revision = ? WHERE voucher_id = ?"
_HELD: Final = """
SELECT 1 FROM vouchers WHERE credential_key = ?1 AND voucher_id <> ?2
UNION ALL
SELECT 1 FROM credentials WHERE key = ?1 AND voucher_id <> ?2 AND kind <> 'order' LIMIT 1
"""
_LINKED: Final = "SELECT key FROM credentials WHERE voucher_id = ? AND kind <> 'order'"
_SCANNED: Final = "SELECT DISTINCT credential_key FROM scans WHERE credential_key IN ({})"
_HOLDERS: Final = """
SELECT credential_key, voucher_id, platform FROM vouchers WHERE credential_key IN ({})
"""
_LINKED_HOLDERS: Final = """
SELECT c.key, v.voucher_id, v.platform FROM credentials c JOIN vouchers v USING (voucher_id)
WHERE c.key IN ({}) AND c.kind <> 'order'
"""

Link: TypeAlias = tuple[bytes, int, str]


def order_link(row: PreparedVoucher, voucher_id: int) -> Link | None:
    """Return what finds a voucher by its order; None where its own code does."""
    if not row.order_keys or row.order_keys[0] == row.key:
        return None
    return row.order_keys[0], voucher_id, CredentialKind.ORDER.value


def link_new(tx: Session, rows: Sequence[tuple[PreparedVoucher, int]]) -> None:
    """Link new vouchers to what finds them, and to the scans that were made before they came."""
    orders = [link for row, voucher_id in rows if (link := order_link(row, voucher_id))]
    tx.db.executemany(LINK, orders)
    for row, voucher_id in rows:
        if row.more:
            _link(tx, voucher_id, (hashes[0] for hashes in row.more if hashes[0] != row.key))
    scanned = _scanned(tx, [key for row, _ in rows for key in row.every_key])
    for row, voucher_id in rows if scanned else ():
        found = [key for key in row.every_key if key in scanned]
        _link(tx, voucher_id, (key for key in found if key != row.key))
        _take_scans(tx, voucher_id, found, None)


def link_more(tx: Session, row: PreparedVoucher, voucher_id: int) -> bool:
    """Link a voucher that is there to codes that newly find it; say whether there are any."""
    own = find_voucher(tx, voucher_id)
    if own is None:
        return False
    known = {key for (key,) in tx.db.execute(_LINKED, (voucher_id,))} | {own.credential_key}
    fresh = [hashes for hashes in row.more if known.isdisjoint(hashes)]
    if not fresh:
        return False
    before = fold([each for each, _ in records_of(tx, own)], terms_of(own), tx.venue)
    scanned = _scanned(tx, [key for hashes in fresh for key in hashes])
    found = [key for hashes in fresh for key in hashes if key in scanned]
    _link(tx, voucher_id, [*(hashes[0] for hashes in fresh), *found])
    tx.db.execute(_TOLD, (tx.next_revision(), voucher_id))
    _take_scans(tx, voucher_id, found, before)
    return True


def holders(tx: Session, rows: Sequence[PreparedVoucher]) -> dict[bytes, set[tuple[int, str]]]:
    """Return by key which vouchers, of which platforms, are found by the codes of new rows.

    Those whose own code a row's own is, its writer knows from looking for the row itself.
    """
    found: dict[bytes, set[tuple[int, str]]] = {}
    more = [key for row in rows for hashes in row.more for key in hashes]
    own = [key for row in rows for key in row.keys]
    for sql, keys in ((_HOLDERS, more), (_LINKED_HOLDERS, own + more)):
        for key, voucher_id, platform in select_in(tx, sql, keys):
            found.setdefault(key, set()).add((voucher_id, platform))
    return found


def recount(
    tx: Session, voucher_id: int, before: History | Terms, apart: Sequence[History] = ()
) -> None:
    """Let the counters follow where the same scans mean something else than before.

    Args:
        before: what the voucher's scans came to, or the terms that they were counted by.
        apart: what scans came to that were not the voucher's until now.
    """
    voucher = find_voucher(tx, voucher_id)
    if voucher is None:
        return
    records = [record for record, _ in records_of(tx, voucher)]
    passed = next((record for record in records if record.passed), None)
    if passed is None:
        return
    was = fold(records, before, tx.venue) if isinstance(before, Terms) else before
    terms, deal_no = terms_of(voucher), voucher.deal.deal_no
    records = settle_moves(tx, records, terms, deal_no)
    after = fold(records, terms, tx.venue)
    reason = Reason.OVERRIDDEN if passed.overridden else passed.reason
    delta = Delta(to_ms(passed.passed_at), passed.gate_id, reason.value, deal_no=deal_no)
    count_change(tx, Change(was, after, records, deal_no, apart), delta)


def _link(tx: Session, voucher_id: int, keys: Iterable[bytes]) -> None:
    links = [(key, voucher_id, CredentialKind.QR.value) for key in keys]
    if links:
        tx.db.executemany(LINK, links)
        tx.db.execute(_MORE_KEYS, (voucher_id,))


def _scanned(tx: Session, keys: list[bytes]) -> set[bytes]:
    return {key for (key,) in select_in(tx, _SCANNED, keys)}


def _take_scans(tx: Session, voucher_id: int, keys: list[bytes], own: History | None) -> None:
    """Make scans that came before their voucher its history: they link by key.

    Where another platform's voucher has the code too, they count as that one's.
    """
    if not keys:
        return
    if not any(tx.db.execute(_HELD, (key, voucher_id)).fetchone() for key in keys):
        by_key = [records_by_key(tx.db, key, None) for key in keys]
        apart = [fold([each for each, _ in records], Terms(), tx.venue) for records in by_key]
        recount(tx, voucher_id, own or History(Terms()), apart)
    reconcile_voucher(tx, voucher_id, now=tx.clock())
