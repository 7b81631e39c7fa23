"""Put deals and vouchers of a feed into the ledger, in slices that let scans go first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from msgspec import Struct

from admission.calendar import to_ms
from admission.deals import Deal
from admission.errors import LedgerRefused
from admission.keys import CodeKey
from gate_server.ledger.catalogue import write_deal
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.merge import VoucherWriter
from gate_server.ledger.prepared import (
    Imported,
    PreparedDeal,
    PreparedVoucher,
    Rejection,
    digest,
)
from gate_server.ledger.session import Session

# While somebody waits, a slice ends at once, but not before it has got somewhere.
LEAST_S: Final = 0.005
# While nobody does, it goes on: each commit writes every page of five indices that its rows
# touched, so a few long ones cost half of many short ones. Whoever comes then waits for the rows
# of one look and the commit, less than the 20 ms of DESIGN section 7 in all but the longest.
MOST_S: Final = 0.05
_ROWS_A_LOOK = 64
_DEALS_A_SLICE = 200
_MOST_DEALS = (1 << 24) - 1


class Batch(Struct, frozen=True):
    """Prepared vouchers of one source.

    Attributes:
        source: where they came from, for the audit: `file` or a feed's name.
        platform: whose vouchers alone they may be; None: of whatever platform their deals are.
        sealed: sealed account names by buyer; what the ledger has already is not replaced.
    """

    rows: list[PreparedVoucher]
    sealed: dict[bytes, bytes]
    source: str
    by: str
    platform: str | None = None


def import_vouchers(ledger: Ledger, batch: Batch, code_keys: tuple[CodeKey, ...]) -> Imported:
    """Put vouchers into the ledger; each slice is on disk before the next is begun.

    A voucher that is there already changes only by a newer row with other content, so the same
    rows again change nothing.

    Args:
        code_keys: every key that an order's number may be hashed with.

    Raises:
        LedgerUnavailable: the slices before are in; the same rows may be sent again.
    """
    imported, start = Imported(), 0
    while start < len(batch.rows):
        work = partial(_slice, ledger, batch, code_keys, start)
        taken, part = ledger.write(work, patient=True)
        imported.add(part)
        start += taken
    return imported


def _slice(
    ledger: Ledger, batch: Batch, code_keys: tuple[CodeKey, ...], start: int, tx: Session
) -> tuple[int, Imported]:
    """Take as many rows as fit in a slice; return their number and what became of them."""
    begun = time.monotonic()
    writer = VoucherWriter(tx, batch.sealed, batch.platform, code_keys)
    position = start
    while position < len(batch.rows):
        writer.put(batch.rows[position : position + _ROWS_A_LOOK])
        position = min(position + _ROWS_A_LOOK, len(batch.rows))
        worked_s = time.monotonic() - begun
        if worked_s > MOST_S or (worked_s > LEAST_S and ledger.crowded):
            break
    writer.sales.write(tx.db)
    if writer.written:
        _audit(tx, batch.source, batch.by, "vouchers", writer.written)
    return position - start, writer.imported


def _audit(
    tx: Session,
    source: str,
    by: str,
    kind: str,
    rows: Sequence[PreparedVoucher | PreparedDeal],
) -> None:
    deal_ids = {row.deal.deal_id if isinstance(row, PreparedDeal) else row.deal_id for row in rows}
    known = {deal.platform for each in deal_ids if (deal := tx.catalogue.deal(each)) is not None}
    platforms = known | {row.deal.platform for row in rows if isinstance(row, PreparedDeal)}
    fields = {
        "source": source,
        "platforms": sorted(platforms),
        "by": by,
        "kind": kind,
        "count": len(rows),
        "hash": digest(rows),
    }
    tx.record_event("feed_batch", fields)


def import_deals(
    ledger: Ledger, rows: list[PreparedDeal], *, source: str, by: str, platform: str | None = None
) -> Imported:
    """Put deals into the ledger; a deal keeps its number, and holds and voids stay as they are.

    Args:
        platform: whose deals alone they may be; None: of whatever platform they say.
    """
    imported = Imported()
    for start in range(0, len(rows), _DEALS_A_SLICE):
        some = rows[start : start + _DEALS_A_SLICE]
        imported.add(
            ledger.write(lambda tx: _put_deals(tx, some, source, by, platform), alone=True)  # noqa: B023
        )
    return imported


def _put_deals(
    tx: Session, rows: list[PreparedDeal], source: str, by: str, platform: str | None
) -> Imported:
    imported, written = Imported(), []
    known = {deal.deal_id: deal for deal in tx.catalogue.deals.values()}
    for row in rows:
        before = known.get(row.deal.deal_id)
        problem = _whose(row.deal, before, platform)
        if problem is not None:
            imported.rejected.append(Rejection(row.line, "platform", problem))
            continue
        after = _merged(row.deal, before)
        if before is not None and after == before:
            imported.unchanged += 1
            continue
        content = before is None or replace(after, updated_at=before.updated_at) != before
        known[after.deal_id] = after if before is not None else _insert(tx, after)
        if before is None:
            imported.added += 1
        elif content:
            _update(tx, after, tx.next_revision())
            imported.changed += 1
        else:
            _touch(tx, after)
            imported.unchanged += 1
        tx.touched.add("deals")
        if content:
            written.append(row)
    if written:
        _audit(tx, source, by, "deals", written)
    return imported


def _whose(deal: Deal, before: Deal | None, platform: str | None) -> str | None:
    if platform is not None and deal.platform != platform:
        return f"must be {platform}: a platform sends its own deals only"
    if before is not None and before.platform != deal.platform:
        return f"deal {deal.deal_id} is another platform's; a deal's id is unique"
    return None


def _merged(deal: Deal, before: Deal | None) -> Deal:
    """Return the deal as it should stand: what is older than the ledger's changes nothing."""
    if before is None:
        return deal
    if _updated_ms(deal) < _updated_ms(before):
        return before
    return replace(deal, deal_no=before.deal_no)


def _insert(tx: Session, deal: Deal) -> Deal:
    columns = _columns(deal) | {"revision": tx.next_revision()}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    sql = f"INSERT INTO deals ({names}) VALUES ({marks})"  # noqa: S608 - names of ours
    deal_no = tx.db.execute(sql, tuple(columns.values())).lastrowid
    if deal_no is None or deal_no > _MOST_DEALS:
        raise LedgerRefused("a ledger holds at most 16,777,215 deals; begin a new one")
    return replace(deal, deal_no=deal_no)


def _update(tx: Session, deal: Deal, revision: int) -> None:
    columns = _columns(deal) | {"revision": revision}
    changes = ", ".join(f"{name} = ?" for name in columns)
    sql = f"UPDATE deals SET {changes} WHERE deal_no = ?"  # noqa: S608 - names of ours
    tx.db.execute(sql, (*columns.values(), deal.deal_no))


def _touch(tx: Session, deal: Deal) -> None:
    sql = "UPDATE deals SET updated_at = ? WHERE deal_no = ?"
    tx.db.execute(sql, (_updated_ms(deal), deal.deal_no))


def _columns(deal: Deal) -> dict[str, object]:
    times = ("sale_from", "sale_until", "valid_from", "valid_until", "updated_at")
    plain = (
        "deal_id", "platform", "title", "product", "face_price_minor", "sale_price_minor",
        "settle_price_minor", "currency", "quota", "early_minutes", "late_minutes",
    )  # fmt: skip
    found: dict[str, object] = {name: getattr(deal, name) for name in plain}
    for name in times:
        at = getattr(deal, name)
        found[name] = None if at is None else to_ms(at)
    found |= {"category": deal.category.value, "reentry": deal.reentry.value}
    return found | write_deal(deal)


def _updated_ms(deal: Deal) -> int:
    return 0 if deal.updated_at is None else to_ms(deal.updated_at)
