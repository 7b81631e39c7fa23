"""Erase accounts that nothing leads to any more, operators who left, and one person on request."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from gate_server.ledger import sales
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.purge import ENDED, OPEN_REFUND, SLICE, SPAN, UNNEEDED, Asked, unlink_order
from gate_server.ledger.retention import Why, read_kept
from gate_server.ledger.session import Session

# Accounts that stay: of vouchers that are not due. What is due has none any more after a purge.
_USED: Final = f"""
SELECT DISTINCT v.buyer_no FROM vouchers v JOIN deals d USING (deal_no)
WHERE v.voucher_id > :last AND v.voucher_id <= :until AND v.buyer_no IS NOT NULL
    AND NOT ({ENDED} < :buyers AND {UNNEEDED})
"""  # noqa: S608 - names of ours
_ACCOUNTS: Final = """
SELECT b.buyer_no FROM buyers b WHERE b.buyer_no > ? AND b.buyer_no <= ? AND (b.sealed IS NOT NULL
    OR b.buyer_no < (SELECT MAX(buyer_no) FROM buyers)
        AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.buyer_no = b.buyer_no))
"""
# A row that came or changed since the vouchers were walked may lead to it again.
_FREE: Final = """
SELECT b.buyer_no, EXISTS (SELECT 1 FROM blocks k WHERE k.buyer_no = b.buyer_no) FROM buyers b
WHERE b.buyer_no IN (SELECT value FROM json_each(:ids))
    AND NOT EXISTS (SELECT 1 FROM vouchers v WHERE v.revision > :mark AND v.buyer_no = b.buyer_no)
    AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.buyer_no = b.buyer_no
        AND COALESCE(k.lifted_at, k.expires_at, :buyers) >= :buyers)
"""
_FORGET_NEWEST: Final = """
UPDATE buyers SET buyer = randomblob(16), sealed = NULL
WHERE buyer_no = (SELECT MAX(buyer_no) FROM buyers)
    AND buyer_no IN (SELECT value FROM json_each(?))
"""
_FORGET: Final = """
DELETE FROM buyers WHERE buyer_no < (SELECT MAX(buyer_no) FROM buyers)
    AND buyer_no IN (SELECT value FROM json_each(?))
"""
_LEFT: Final = "disabled_at < ? AND name <> operator"
_HIS: Final = """
SELECT v.voucher_id FROM vouchers v
WHERE v.voucher_id > ? AND v.voucher_id <= ? AND (v.phone = ? OR v.buyer_no = ?)
"""
_ROWS: Final = f"""
SELECT v.voucher_id, v.deal_no, v.order_ref, {ENDED} < :now, {OPEN_REFUND} FROM vouchers v
JOIN deals d USING (deal_no) WHERE v.voucher_id IN (SELECT value FROM json_each(:ids))
"""  # noqa: S608
_NEEDED: Final = """
SELECT EXISTS (SELECT 1 FROM blocks WHERE buyer_no = ?1),
    EXISTS (SELECT 1 FROM vouchers WHERE revision > ?2 AND buyer_no = ?1)
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data is to be erased: keyed hashes of a phone, of a platform's account."""

    phone: bytes | None = None
    buyer: bytes | None = None


@dataclass(slots=True)
class Erased:
    """What was erased of one person, and what had to stay.

    Attributes:
        kept: vouchers by deal number and reason.
    """

    vouchers: int = 0
    accounts: int = 0
    lookups: int = 0
    kept: Counter[tuple[int, Why]] = field(default_factory=Counter)


def find_accounts(ledger: Ledger, asked: Asked) -> list[int]:
    """Return the accounts that no voucher leads to, once what is due has gone."""
    kept = ledger.read(read_kept)
    if kept.everything:
        return []
    used: set[int] = set()
    newest = ledger.read(partial(_highest, "voucher_id", "vouchers"))
    for last in range(0, newest, SPAN):
        given = asked.params(kept) | {"last": last, "until": last + SPAN}
        used.update(ledger.read(lambda db: [row[0] for row in db.execute(_USED, given)]))  # noqa: B023
    found: list[int] = []
    for last in range(0, ledger.read(partial(_highest, "buyer_no", "buyers")), SPAN):
        bounds = (last, last + SPAN)
        page = ledger.read(lambda db: db.execute(_ACCOUNTS, bounds).fetchall())  # noqa: B023
        found += [row[0] for row in page if row[0] not in used]
    return found


def erase_accounts(ledger: Ledger, asked: Asked) -> int:
    """Erase the accounts that no voucher leads to any more."""
    mark = ledger.revision
    return sum(
        ledger.write(partial(_erase_accounts, asked, mark, some), patient=True)
        for some in _slices(find_accounts(ledger, asked))
    )


def _erase_accounts(asked: Asked, mark: int, ids: list[int], tx: Session) -> int:
    given = {"ids": msgspec.json.encode(ids).decode(), "mark": mark, "buyers": asked.cuts.buyers}
    free = [] if read_kept(tx.db).everything else tx.db.execute(_FREE, given).fetchall()
    # An account that was blocked once keeps its hash, so that the block stays on record.
    unsealed = [(number,) for number, blocked in free if blocked]
    tx.db.executemany("UPDATE buyers SET sealed = NULL WHERE buyer_no = ?", unsealed)
    _forget(tx, [number for number, blocked in free if not blocked])
    if free:
        tx.record_event("purge", {"what": "accounts", "rows": len(free), "by": asked.by})
    return len(free)


def _forget(tx: Session, numbers: list[int]) -> None:
    """Forget accounts. The highest number stays taken: scanners know buyers by number alone."""
    given = (msgspec.json.encode(numbers).decode(),)
    tx.db.execute(_FORGET_NEWEST, given)
    tx.db.execute(_FORGET, given)


def count_left(ledger: Ledger, asked: Asked) -> int:
    """Count the operators who left so long ago that their names are erased."""
    cut = (min(asked.cuts.operators, _floor(ledger)),)
    sql = f"SELECT COUNT(*) FROM operators WHERE {_LEFT}"  # noqa: S608 - names of ours
    return int(ledger.read(lambda db: db.execute(sql, cut).fetchone()[0]))


def erase_left(ledger: Ledger, asked: Asked) -> int:
    """Erase the names of operators who left, and what their PINs were checked with."""
    return ledger.write(partial(_erase_left, asked), alone=True)


def _erase_left(asked: Asked, tx: Session) -> int:
    kept = read_kept(tx.db)
    cut = 0 if kept.everything else min(asked.cuts.operators, kept.floor_ms)
    # Who handed out slips: few rows, and the audit has the number as a personal field.
    handed = "UPDATE slip_handouts SET operator = NULL WHERE operator NOT NULL AND made_at < ?"
    tx.db.execute(handed, (cut,))
    sql = f"UPDATE operators SET name = operator, pin_hash = '' WHERE {_LEFT}"  # noqa: S608
    gone = tx.db.execute(sql, (cut,)).rowcount
    if gone:
        tx.record_event("purge", {"what": "operators", "rows": gone, "by": asked.by})
        tx.touched.add("operators")
    return gone


def _floor(ledger: Ledger) -> int:
    kept = ledger.read(read_kept)
    return 0 if kept.everything else kept.floor_ms


# --- one person's request ------------------------------------------------------------------------


def erase_person(ledger: Ledger, person: Person, asked: Asked, *, dry_run: bool) -> Erased:
    """Erase what leads to one person; what is still needed stays, and is told.

    Of a voucher that is still valid the phone goes; by its order and its account it stays usable.
    """
    erased, mark = Erased(), ledger.revision
    sql = "SELECT buyer_no FROM buyers WHERE buyer = ?"
    row = ledger.read(lambda db: db.execute(sql, (person.buyer,)).fetchone())
    buyer_no = None if row is None else row[0]
    newest = ledger.read(partial(_highest, "voucher_id", "vouchers"))
    for last in range(0, newest, SPAN):
        given = (last, last + SPAN, person.phone, buyer_no)
        page = ledger.read(lambda db: [row[0] for row in db.execute(_HIS, given)])  # noqa: B023
        for ids in _slices(page):
            work = partial(_erase_vouchers, ids, asked, erased, dry_run=dry_run)
            ledger.write(work, patient=True)
    ledger.write(partial(_erase_rest, person, buyer_no, asked, erased, mark=mark, dry_run=dry_run))
    return erased


def _erase_vouchers(
    ids: list[int], asked: Asked, erased: Erased, tx: Session, *, dry_run: bool
) -> None:
    kept = read_kept(tx.db)
    given = {"ids": msgspec.json.encode(ids).decode(), "now": asked.now_ms}
    for voucher_id, deal_no, order_ref, ended, asked_back in tx.db.execute(_ROWS, given).fetchall():
        why = Why.LEGAL_HOLD if kept.everything else kept.deals.get(deal_no)
        if why is None and asked_back:
            why = Why.OPEN_REFUND
        if why is None and not ended:
            why = Why.STILL_VALID
        if why is not None:
            erased.kept[deal_no, why] += 1
        if why not in {None, Why.STILL_VALID}:
            continue
        erased.vouchers += 1
        if not dry_run:
            _erase_voucher(tx, voucher_id, order_ref, asked, whole=why is None)


def _erase_voucher(
    tx: Session, voucher_id: int, order_ref: str | None, asked: Asked, *, whole: bool
) -> None:
    phone = "UPDATE vouchers SET phone = NULL, phone_last4 = NULL, erased_at = ?"
    if not whole:
        tx.db.execute(f"{phone} WHERE voucher_id = ?", (asked.now_ms, voucher_id))
        return
    if order_ref is not None:
        unlink_order(tx, order_ref, voucher_id, asked.code_keys)
    rest = "order_ref = NULL, buyer_no = NULL, sealed_code = NULL WHERE voucher_id = ?"
    with sales.recounted(tx.db, voucher_id):
        tx.db.execute(f"{phone}, {rest}", (asked.now_ms, voucher_id))
    tx.db.execute("UPDATE voucher_states SET buyer_no = NULL WHERE voucher_id = ?", (voucher_id,))


def _erase_rest(
    person: Person,
    buyer_no: int | None,
    asked: Asked,
    erased: Erased,
    tx: Session,
    *,
    mark: int,
    dry_run: bool,
) -> None:
    """Erase the account itself and look-ups by the phone; put the request on record."""
    if read_kept(tx.db).everything:
        return
    asked_for = "field = 'asked' AND value = ?"
    phone = None if person.phone is None else person.phone.hex()
    sql = f"SELECT COUNT(*) FROM audit_personal WHERE {asked_for}"  # noqa: S608
    erased.lookups = tx.db.execute(sql, (phone,)).fetchone()[0]
    blocked, used = tx.db.execute(_NEEDED, (buyer_no, mark)).fetchone()
    if blocked:
        erased.kept[0, Why.BLOCKED] = 0
    erased.accounts = int(buyer_no is not None and not used and not erased.kept)
    if dry_run:
        return
    tx.db.execute(f"DELETE FROM audit_personal WHERE {asked_for}", (phone,))  # noqa: S608
    if erased.accounts and buyer_no is not None:
        _forget(tx, [buyer_no])
    fields = {"vouchers": erased.vouchers, "accounts": erased.accounts, "by": asked.by}
    tx.record_event("erase", fields | {"lookups": erased.lookups})


def _highest(key: str, table: str, db: sqlite3.Connection) -> int:
    sql = f"SELECT COALESCE(MAX({key}), 0) FROM {table}"  # noqa: S608 - names of ours
    return int(db.execute(sql).fetchone()[0])


def _slices(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + SLICE] for start in range(0, len(ids), SLICE))
