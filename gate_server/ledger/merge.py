"""Write prepared vouchers in one transaction: new ones, changed ones, and what links to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from admission.codes import normalise
from admission.deals import Deal
from admission.history import Terms
from admission.keys import CodeKey, code_hash
from admission.vouchers import CredentialKind, Status
from gate_server.ledger.buyers import BuyerWriter, select_in
from gate_server.ledger.conflicts import reconcile_voucher
from gate_server.ledger.new_terms import recount_voucher
from gate_server.ledger.prepared import Imported, PreparedVoucher, Rejection
from gate_server.ledger.refund_locks import Locks
from gate_server.ledger.scans import find_voucher, terms_of
from gate_server.ledger.session import Session

_CONTENT = (
    "deal_no, admits, price_paid_minor, valid_from, valid_until, status, status_at, sold_at,"
    " buyer_no, voucher_ref, order_ref, phone, phone_last4"
)
_FIND: Final = f"""
SELECT credential_key, platform, voucher_id, updated_at, {_CONTENT} FROM vouchers
WHERE credential_key IN ({{}})
"""  # noqa: S608 - names of ours
_INSERT: Final = f"""
INSERT INTO vouchers (voucher_id, credential_key, platform, tail, updated_at, revision, {_CONTENT})
VALUES ({", ".join("?" * 19)})
"""  # noqa: S608
_UPDATE: Final = f"""
UPDATE vouchers SET updated_at = ?, revision = ?,
    ({_CONTENT}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE voucher_id = ?
"""  # noqa: S608
_TICKETS: Final = "SELECT voucher_id FROM vouchers WHERE parent_id = ?"
_LEAD: Final = "UPDATE vouchers SET deal_no = ?, buyer_no = ?, revision = ? WHERE voucher_id = ?"
_TOUCH: Final = "UPDATE vouchers SET updated_at = ? WHERE voucher_id = ?"
_MORE_KEYS: Final = "UPDATE vouchers SET more_keys = 1 WHERE voucher_id = ?"
_SAME_CODE: Final = "SELECT 1 FROM vouchers WHERE credential_key = ? AND voucher_id <> ? LIMIT 1"
_SCANNED: Final = "SELECT DISTINCT credential_key FROM scans WHERE credential_key IN ({})"
_LINK: Final = (
    "INSERT INTO credentials (key, voucher_id, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_UNLINK: Final = "DELETE FROM credentials WHERE key = ? AND voucher_id = ? AND kind = 'order'"
# At one and the same instant the later state of a voucher's life wins, in any order of arrival.
_RANKS: Final = {Status.VALID: 0, Status.BLOCKED: 1, Status.CANCELLED: 2, Status.REFUNDED: 3}

T = TypeVar("T")
_Stored: TypeAlias = "tuple[int, int, _Content]"
"""Number, time and content of a voucher that is there."""


class _Content(NamedTuple):
    """The columns of a voucher that a platform may change."""

    deal_no: int
    admits: int
    price_paid_minor: int | None
    valid_from: int | None
    valid_until: int | None
    status: str
    status_at: int | None
    sold_at: int | None
    buyer_no: int | None
    voucher_ref: str | None
    order_ref: str | None
    phone: bytes | None
    phone_last4: str | None


_WAS_SCANNED = """
SELECT 1 FROM vouchers v WHERE v.voucher_id = ?
  AND (v.more_keys OR EXISTS (SELECT 1 FROM scans s WHERE s.credential_key = v.credential_key))
"""


class VoucherWriter:
    """Writes prepared vouchers in one transaction, many rows with each statement.

    Args:
        sealed: sealed account names by buyer.
        platform: whose vouchers alone they may be; None: of whatever platform their deals are.
        code_keys: every key that an order's number may be hashed with.
    """

    def __init__(
        self,
        tx: Session,
        sealed: dict[bytes, bytes],
        platform: str | None,
        code_keys: tuple[CodeKey, ...],
    ) -> None:
        self._tx = tx
        self._platform = platform
        self._code_keys = code_keys
        self._buyers = BuyerWriter(tx, sealed)
        newest = tx.db.execute("SELECT MAX(voucher_id) FROM vouchers").fetchone()[0]
        self._next_id = (newest or 0) + 1
        self._new: list[tuple[Any, ...]] = []
        self._linked: list[tuple[PreparedVoucher, int]] = []
        self.imported = Imported()
        self.written: list[PreparedVoucher] = []

    def put(self, rows: Sequence[PreparedVoucher]) -> None:
        """Insert or update vouchers, and say of each that was not taken why."""
        for some in _apart(rows):
            self._put(some)

    def _put(self, rows: Sequence[PreparedVoucher]) -> None:
        taken = [(row, deal) for row in rows if (deal := self._deal_of(row)) is not None]
        found = self._find([row for row, _ in taken])
        self._buyers.find(row.buyer for row, _ in taken if row.buyer is not None)
        changed = []
        for row, deal in taken:
            keys = (row.key, *row.other_keys)
            there = next((at for key in keys if (at := found.get((key, deal.platform)))), None)
            if there is None:
                self._add(row, deal)
            else:
                changed.append((row, deal, there))
        self._write_new()
        locks = Locks(self._tx, [there[0] for _, _, there in changed])
        for row, deal, (voucher_id, updated_at, before) in changed:
            told = self._merged(row, deal, locks.told(voucher_id, before), updated_at)
            self._change(row, voucher_id, updated_at, before, locks.keep(voucher_id, told))

    def _deal_of(self, row: PreparedVoucher) -> Deal | None:
        deal = self._tx.catalogue.deal(row.deal_id)
        if deal is None:
            problem = f"no deal {row.deal_id}; import the deals first"
        elif self._platform is not None and deal.platform != self._platform:
            problem = f"deal {row.deal_id} is another platform's"
        else:
            return deal
        self.imported.rejected.append(Rejection(row.line, "deal_id", problem))
        return None

    def _find(self, rows: list[PreparedVoucher]) -> dict[tuple[bytes, str], _Stored]:
        keys = [key for row in rows for key in (row.key, *row.other_keys)]
        return {
            (key, platform): (voucher_id, updated_at, _Content(*content))
            for key, platform, voucher_id, updated_at, *content in select_in(self._tx, _FIND, keys)
        }

    def _add(self, row: PreparedVoucher, deal: Deal) -> None:
        tx, voucher_id = self._tx, self._next_id
        self._next_id += 1
        self._new.append(
            (
                voucher_id,
                row.key,
                deal.platform,
                row.tail,
                row.updated_at,
                tx.next_revision(),
                deal.deal_no,
                row.admits or 1,
                row.price_paid_minor,
                row.valid_from,
                row.valid_until,
                row.status or Status.VALID.value,
                row.updated_at if row.status_at is None else row.status_at,
                row.sold_at,
                self._buyers.number(row.buyer),
                row.voucher_ref,
                row.order_ref,
                row.phone,
                row.phone_last4,
            )
        )
        self._linked.append((row, voucher_id))
        self.imported.added += 1
        self.written.append(row)

    def _write_new(self) -> None:
        db, linked = self._tx.db, self._linked
        if not linked:
            return
        db.executemany(_INSERT, self._new)
        orders = [link for row, voucher_id in linked if (link := _order_link(row, voucher_id))]
        db.executemany(_LINK, orders)
        keys = [key for row, _ in linked for key in (row.key, *row.other_keys)]
        scanned = {key for (key,) in select_in(self._tx, _SCANNED, keys)}
        if scanned:
            for row, voucher_id in linked:
                self._link_scans(row, voucher_id, scanned)
        self._new, self._linked = [], []

    def _merged(
        self, row: PreparedVoucher, deal: Deal, before: _Content, updated_at: int
    ) -> _Content:
        """Return the columns as they should stand; what a row does not say stays."""
        if row.updated_at < updated_at:
            return before
        status = row.status or before.status
        if row.updated_at == updated_at and _RANKS[Status(status)] < _RANKS[Status(before.status)]:
            return before
        status_at = row.status_at
        if status_at is None:
            status_at = before.status_at if status == before.status else row.updated_at
        return _Content(
            deal.deal_no,
            row.admits or before.admits,
            _said(row.price_paid_minor, before.price_paid_minor),
            _said(row.valid_from, before.valid_from),
            _said(row.valid_until, before.valid_until),
            status,
            status_at,
            _said(row.sold_at, before.sold_at),
            _said(self._buyers.number(row.buyer), before.buyer_no),
            _said(row.voucher_ref, before.voucher_ref),
            _said(row.order_ref, before.order_ref),
            _said(row.phone, before.phone),
            _said(row.phone_last4, before.phone_last4),
        )

    def _change(
        self,
        row: PreparedVoucher,
        voucher_id: int,
        updated_at: int,
        before: _Content,
        after: _Content,
    ) -> None:
        tx = self._tx
        if after == before:
            self.imported.unchanged += 1
            if row.updated_at > updated_at:
                tx.db.execute(_TOUCH, (row.updated_at, voucher_id))
            return
        terms = (before.deal_no, before.admits) != (after.deal_no, after.admits)
        old = terms_of(find_voucher(tx, voucher_id)) if terms else None
        values = (row.updated_at, tx.next_revision(), *after, voucher_id)
        tx.db.execute(_UPDATE, values)
        if before.order_ref != after.order_ref:
            self._unlink_order(before.order_ref, voucher_id)
            tx.db.executemany(_LINK, filter(None, [_order_link(row, voucher_id)]))
        if old is not None:
            recount_voucher(tx, voucher_id, old)
        if (before.deal_no, before.buyer_no) != (after.deal_no, after.buyer_no):
            self._lead_tickets(voucher_id, after, old)
        if terms or (before.status, before.status_at) != (after.status, after.status_at):
            self._reconcile(voucher_id)
        self.imported.changed += 1
        self.written.append(row)

    def _lead_tickets(self, voucher_id: int, after: _Content, old: Terms | None) -> None:
        """Let the tickets that a voucher was exchanged for be of its deal and buyer."""
        tx = self._tx
        for (ticket,) in tx.db.execute(_TICKETS, (voucher_id,)).fetchall():
            values = (after.deal_no, after.buyer_no, tx.next_revision(), ticket)
            tx.db.execute(_LEAD, values)
            if old is not None:
                recount_voucher(tx, ticket, replace(old, admits=1, exchanged=0))

    def _unlink_order(self, order_ref: str | None, voucher_id: int) -> None:
        if order_ref is not None:
            code = normalise(order_ref)
            gone = [(code_hash(code, key), voucher_id) for key in self._code_keys]
            self._tx.db.executemany(_UNLINK, gone)

    def _link_scans(self, row: PreparedVoucher, voucher_id: int, scanned: set[bytes]) -> None:
        """Make scans that came before their voucher its history: they link by key."""
        tx = self._tx
        more = [key for key in row.other_keys if key in scanned]
        for key in more:
            tx.db.execute(_LINK, (key, voucher_id, CredentialKind.QR.value))
            tx.db.execute(_MORE_KEYS, (voucher_id,))
        if not more and row.key not in scanned:
            return
        if tx.db.execute(_SAME_CODE, (row.key, voucher_id)).fetchone() is None:
            # Else they count as the other platform's voucher's.
            recount_voucher(tx, voucher_id, Terms())
        reconcile_voucher(tx, voucher_id, now=tx.clock())

    def _reconcile(self, voucher_id: int) -> None:
        """Look for conflicts where the voucher was scanned already."""
        tx = self._tx
        if tx.db.execute(_WAS_SCANNED, (voucher_id,)).fetchone() is not None:
            reconcile_voucher(tx, voucher_id, now=tx.clock())


def _apart(rows: Sequence[PreparedVoucher]) -> Iterator[Sequence[PreparedVoucher]]:
    """Cut rows so that no code stands twice in a part: the second must see the first."""
    seen: set[bytes] = set()
    start = 0
    for index, row in enumerate(rows):
        if row.key in seen:
            yield rows[start:index]
            start, seen = index, set()
        seen.add(row.key)
    if start < len(rows):
        yield rows[start:]


def _order_link(row: PreparedVoucher, voucher_id: int) -> tuple[bytes, int, str] | None:
    if not row.order_keys or row.order_keys[0] == row.key:
        return None
    return row.order_keys[0], voucher_id, CredentialKind.ORDER.value


def _said(new: T | None, old: T | None) -> T | None:
    return old if new is None else new
