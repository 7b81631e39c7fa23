"""Write prepared vouchers in one transaction: new ones, changed ones, and what links to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from admission.codes import normalise
from admission.deals import Deal
from admission.history import Terms
from admission.keys import CodeKey, code_hash
from admission.vouchers import Status
from gate_server.ledger.buyers import BuyerWriter, select_in
from gate_server.ledger.conflicts import reconcile_voucher
from gate_server.ledger.links import LINK, holders, link_more, link_new, order_link, recount
from gate_server.ledger.prepared import Imported, PreparedVoucher, Rejection
from gate_server.ledger.refund_locks import Locks
from gate_server.ledger.scans import find_voucher, terms_of
from gate_server.ledger.session import Session

_CONTENT = (
    "deal_no, admits, price_paid_minor, valid_from, valid_until, status, status_at, sold_at,"
    " buyer_no, voucher_ref, order_ref, phone, phone_last4"
)
_FIND: Final = f"""
SELECT credential_key, platform, voucher_id, updated_at, filled, {_CONTENT} FROM vouchers
WHERE credential_key IN ({{}})
"""  # noqa: S608 - names of ours
_FIND_LINKED: Final = f"""
SELECT c.key, v.platform, v.voucher_id, v.updated_at, v.filled, {_CONTENT}
FROM credentials c JOIN vouchers v USING (voucher_id) WHERE c.kind = 'qr' AND c.key IN ({{}})
"""  # noqa: S608
_INSERT: Final = f"""
INSERT INTO vouchers
    (voucher_id, credential_key, platform, tail, filled, updated_at, revision, {_CONTENT})
VALUES ({", ".join("?" * 20)})
"""  # noqa: S608
_UPDATE: Final = f"""
UPDATE vouchers SET filled = ?, updated_at = ?, revision = ?,
    ({_CONTENT}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE voucher_id = ?
"""  # noqa: S608
_TICKETS: Final = "SELECT voucher_id FROM vouchers WHERE parent_id = ?"
_LEAD: Final = "UPDATE vouchers SET deal_no = ?, buyer_no = ?, revision = ? WHERE voucher_id = ?"
_TOUCH: Final = "UPDATE vouchers SET updated_at = ? WHERE voucher_id = ?"
_UNLINK: Final = "DELETE FROM credentials WHERE key = ? AND voucher_id = ? AND kind = 'order'"
# At one and the same instant the later state of a voucher's life wins, in any order of arrival.
_RANKS: Final = {Status.VALID: 0, Status.BLOCKED: 1, Status.CANCELLED: 2, Status.REFUNDED: 3}


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


class _Stored(NamedTuple):
    """A voucher that is there; `filled`: known from a secondary feed alone."""

    voucher_id: int
    updated_at: int
    filled: bool
    content: _Content


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
        secondary: they fill gaps, and change only what filled one before.

    Attributes:
        written: the rows that changed something.
        twice: vouchers whose code two platforms hold, the newly written and the other.
    """

    def __init__(
        self,
        tx: Session,
        sealed: dict[bytes, bytes],
        platform: str | None,
        code_keys: tuple[CodeKey, ...],
        *,
        secondary: bool = False,
    ) -> None:
        self._tx = tx
        self._secondary = secondary
        self._platform = platform
        self._code_keys = code_keys
        self._buyers = BuyerWriter(tx, sealed)
        newest = tx.db.execute("SELECT MAX(voucher_id) FROM vouchers").fetchone()[0]
        self._next_id = (newest or 0) + 1
        self._new: list[tuple[Any, ...]] = []
        self._linked: list[tuple[PreparedVoucher, int]] = []
        self.imported = Imported()
        self.written: list[PreparedVoucher] = []
        self.twice: list[int] = []

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
            there = next((at for key in row.keys if (at := found.get((key, deal.platform)))), None)
            if there is None:
                self._add(row, deal)
            else:
                changed.append((row, deal, there))
        self._write_new(found)
        locks = Locks(self._tx, [there.voucher_id for _, _, there in changed])
        for row, deal, there in changed:
            self._change(row, deal, there, locks)

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
        """Return the vouchers that rows are about, by code and platform.

        By a further code too, where it leads to one alone: a platform that takes a voucher's own
        code back when it cancels still names it by the others.
        """
        found = self._stored(_FIND, [key for row in rows for key in row.keys])
        own = {key for key, _ in found}
        unknown = [key for row in rows if own.isdisjoint(row.keys) for key in row.keys]
        linked = self._stored(_FIND_LINKED, unknown)
        return {at: there[0] for at, there in (linked | found).items() if len(there) == 1}

    def _stored(self, sql: str, keys: list[bytes]) -> dict[tuple[bytes, str], list[_Stored]]:
        found: dict[tuple[bytes, str], list[_Stored]] = {}
        for key, platform, voucher_id, at, filled, *content in select_in(self._tx, sql, keys):
            stored = _Stored(voucher_id, at, bool(filled), _Content(*content))
            found.setdefault((key, platform), []).append(stored)
        return found

    def _add(self, row: PreparedVoucher, deal: Deal) -> None:
        tx, voucher_id = self._tx, self._next_id
        self._next_id += 1
        known = (voucher_id, row.key, deal.platform, row.tail, int(self._secondary), row.updated_at)
        self._new.append((*known, tx.next_revision(), *self._fresh(row, deal)))
        self._linked.append((row, voucher_id))
        self.imported.added += 1
        self.written.append(row)

    def _fresh(self, row: PreparedVoucher, deal: Deal) -> _Content:
        """Return the columns of a voucher of which nothing was known that counts."""
        status_at = row.updated_at if row.status_at is None else row.status_at
        return self._said(row, deal, row.admits or 1, row.status or Status.VALID.value, status_at)

    def _said(
        self,
        row: PreparedVoucher,
        deal: Deal,
        admits: int | None,
        status: str | None,
        status_at: int | None,
    ) -> _Content:
        """Return what a row says; None is what it does not."""
        return _Content(
            deal.deal_no,
            admits,  # type: ignore[arg-type]  # until it is merged
            row.price_paid_minor,
            row.valid_from,
            row.valid_until,
            status,  # type: ignore[arg-type]
            status_at,
            row.sold_at,
            self._buyers.number(row.buyer),
            row.voucher_ref,
            row.order_ref,
            row.phone,
            row.phone_last4,
        )

    def _write_new(self, found: dict[tuple[bytes, str], _Stored]) -> None:
        """Write the new vouchers, and note whose code another platform's has, too."""
        linked = self._linked
        if not linked:
            return
        self._tx.db.executemany(_INSERT, self._new)
        link_new(self._tx, linked)
        held = holders(self._tx, [row for row, _ in linked])
        for (key, platform), there in found.items():
            held.setdefault(key, set()).add((there.voucher_id, platform))
        for row, voucher_id in linked if held else ():
            deal = self._tx.catalogue.deal(row.deal_id)
            own = None if deal is None else deal.platform
            others = {each for key in row.every_key for each, of in held.get(key, ()) if of != own}
            self.twice += [voucher_id, *sorted(others)] if others else []
        self._new, self._linked = [], []

    def _change(self, row: PreparedVoucher, deal: Deal, there: _Stored, locks: Locks) -> None:
        if self._secondary and not there.filled:
            self.imported.unchanged += 1
            return
        taken_over = there.filled and not self._secondary
        told = there._replace(content=locks.told(there.voucher_id, there.content))
        said = self._fresh(row, deal) if taken_over else self._merged(row, deal, told)
        after = locks.keep(there.voucher_id, said)
        linked = bool(row.more) and link_more(self._tx, row, there.voucher_id)
        if after != there.content or taken_over:
            at = row.updated_at if taken_over else max(row.updated_at, there.updated_at)
            self._write(row, there, after, at)
        elif row.updated_at > there.updated_at:
            self._tx.db.execute(_TOUCH, (row.updated_at, there.voucher_id))
        if after == there.content and not taken_over and not linked:
            self.imported.unchanged += 1
            return
        self.imported.changed += 1
        self.written.append(row)

    def _merged(self, row: PreparedVoucher, deal: Deal, there: _Stored) -> _Content:
        """Return the columns as they should stand; what a row does not say stays."""
        before = there.content
        said = self._said(row, deal, row.admits, row.status, row.status_at)
        if row.updated_at < there.updated_at:
            # It overwrites nothing, and still tells what nobody has said.
            return _Content(*map(_first, before, said))
        if row.updated_at == there.updated_at:
            return self._joined(row, said, before)
        after = _Content(*map(_first, said, before))
        return after._replace(status_at=_status_at(row, after.status, before))

    def _joined(self, row: PreparedVoucher, said: _Content, before: _Content) -> _Content:
        """Return what two rows of one instant say together, the same whichever came first.

        The later state of a voucher's life wins, of all else the greater.
        """
        after = _Content(*map(_greater, said, before))
        deals = self._tx.catalogue.deals
        deal_no = max(said.deal_no, before.deal_no, key=lambda number: deals[number].deal_id)
        status = said.status or before.status
        if _RANKS[Status(status)] < _RANKS[Status(before.status)]:
            status, status_at = before.status, before.status_at
        elif status == before.status:
            status_at = after.status_at
        else:
            status_at = _status_at(row, status, before)
        buyer_no = self._buyers.greater(said.buyer_no, before.buyer_no)
        return after._replace(
            deal_no=deal_no, status=status, status_at=status_at, buyer_no=buyer_no
        )

    def _write(self, row: PreparedVoucher, there: _Stored, after: _Content, at: int) -> None:
        """Write a voucher's new columns, and let follow what hangs on them."""
        tx, voucher_id, before = self._tx, there.voucher_id, there.content
        terms = (before.deal_no, before.admits) != (after.deal_no, after.admits)
        old = terms_of(find_voucher(tx, voucher_id)) if terms else None
        tx.db.execute(_UPDATE, (int(self._secondary), at, tx.next_revision(), *after, voucher_id))
        if before.order_ref != after.order_ref:
            self._unlink_order(before.order_ref, voucher_id)
            tx.db.executemany(LINK, filter(None, [order_link(row, voucher_id)]))
        if old is not None:
            recount(tx, voucher_id, old)
        if (before.deal_no, before.buyer_no) != (after.deal_no, after.buyer_no):
            self._lead_tickets(voucher_id, after, old)
        if terms or (before.status, before.status_at) != (after.status, after.status_at):
            self._reconcile(voucher_id)

    def _lead_tickets(self, voucher_id: int, after: _Content, old: Terms | None) -> None:
        """Let the tickets that a voucher was exchanged for be of its deal and buyer."""
        tx = self._tx
        for (ticket,) in tx.db.execute(_TICKETS, (voucher_id,)).fetchall():
            values = (after.deal_no, after.buyer_no, tx.next_revision(), ticket)
            tx.db.execute(_LEAD, values)
            if old is not None:
                recount(tx, ticket, replace(old, admits=1, exchanged=0))

    def _unlink_order(self, order_ref: str | None, voucher_id: int) -> None:
        if order_ref is not None:
            code = normalise(order_ref)
            gone = [(code_hash(code, key), voucher_id) for key in self._code_keys]
            self._tx.db.executemany(_UNLINK, gone)

    def _reconcile(self, voucher_id: int) -> None:
        """Look for conflicts where the voucher was scanned already."""
        tx = self._tx
        if tx.db.execute(_WAS_SCANNED, (voucher_id,)).fetchone() is not None:
            reconcile_voucher(tx, voucher_id, now=tx.clock())


def _apart(rows: Sequence[PreparedVoucher]) -> Iterator[Sequence[PreparedVoucher]]:
    """Cut rows so that no code stands twice in a part: the second must see the first.

    A code that several rows have as a further one is no reason: it finds them all.
    """
    seen: set[bytes] = set()
    start = 0
    for index, row in enumerate(rows):
        if row.key in seen:
            yield rows[start:index]
            start, seen = index, set()
        seen.add(row.key)
        seen.update(hashes[0] for hashes in row.more)
    if start < len(rows):
        yield rows[start:]


def _status_at(row: PreparedVoucher, status: str, before: _Content) -> int | None:
    """Return since when a status is so; one that is told again is so since it was first told."""
    if row.status_at is not None:
        return row.status_at
    return before.status_at if status == before.status else row.updated_at


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _greater(one: Any, other: Any) -> Any:
    return _first(one, other) if one is None or other is None else max(one, other)
