"""Put deals and vouchers of a feed into the ledger, in slices that let scans go first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from admission.calendar import to_ms
from admission.code_space import CodeShape
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

# While scans come, a slice is over at once: whoever comes meanwhile waits for its rest and its
# commit, which writes every page of six indices that its rows touched.
LEAST_S: Final = 0.002
_ROWS_A_LOOK = 16
# While nobody does, it goes on: a few long ones cost half of many short ones. The first who comes
# then waits for the rows of one look and the commit.
MOST_S: Final = 0.05
_ROWS_A_LONG_LOOK = 64
_DEALS_A_SLICE = 200
_MOST_DEALS = (1 << 24) - 1

_FILLED: Final = "SELECT deal_id FROM deals WHERE filled"
_FILL: Final = "UPDATE deals SET filled = ? WHERE deal_id = ?"

Finish: TypeAlias = Callable[[Session, Imported], None]
"""Done in the transaction of the last rows, given what became of all of them."""


class Batch(Struct, frozen=True):
    """Prepared vouchers of one source.

    Attributes:
        source: where they came from, for the audit: `file` or a feed's name.
        platform: whose vouchers alone they may be; None: of whatever platform their deals are.
        sealed: sealed account names by buyer; what the ledger has already is not replaced.
        secondary: they fill gaps of the platform's authority and overwrite nothing of it.
        shapes: what the codes of each deal look like.
    """

    rows: list[PreparedVoucher]
    sealed: dict[bytes, bytes]
    source: str
    by: str
    platform: str | None = None
    secondary: bool = False
    shapes: dict[str, CodeShape] = msgspec.field(default_factory=dict)


def import_vouchers(
    ledger: Ledger, batch: Batch, code_keys: tuple[CodeKey, ...], *, finish: Finish | None = None
) -> Imported:
    """Put vouchers into the ledger; each slice is on disk before the next is begun.

    A voucher that is there already changes only by a newer row with other content, so the same
    rows again change nothing.

    Args:
        code_keys: every key that an order's number may be hashed with.

    Raises:
        LedgerUnavailable: the slices before are in; the same rows may be sent again.
    """
    work, imported, start = _Work(ledger, batch, code_keys, finish), Imported(), 0
    while start < len(batch.rows) or (not start and finish is not None):
        taken, part = ledger.write(partial(_slice, work, start, imported), patient=True)
        imported.add(part)
        start += taken
        if not taken:
            break
    return imported


@dataclass(frozen=True, slots=True)
class _Work:
    """What every slice of a batch takes."""

    ledger: Ledger
    batch: Batch
    code_keys: tuple[CodeKey, ...]
    finish: Finish | None


def _slice(work: _Work, start: int, before: Imported, tx: Session) -> tuple[int, Imported]:
    """Take as many rows as fit in a slice; return their number and what became of them.

    Args:
        before: what became of the rows before `start`.
    """
    begun, batch = time.monotonic(), work.batch
    writer = VoucherWriter(
        tx, batch.sealed, batch.platform, work.code_keys, secondary=batch.secondary
    )
    position, lively = start, work.ledger.lively
    most_s, rows = (LEAST_S, _ROWS_A_LOOK) if lively else (MOST_S, _ROWS_A_LONG_LOOK)
    while position < len(batch.rows):
        writer.put(batch.rows[position : position + rows])
        position = min(position + rows, len(batch.rows))
        if time.monotonic() - begun > most_s or (not lively and work.ledger.crowded):
            break
    writer.sales.write(tx.db)
    if tx.watch is not None:
        tx.watch.look(tx, writer, batch.shapes, last=position == len(batch.rows))
    if writer.written:
        _audit(tx, batch.source, batch.by, "vouchers", writer.written)
    if work.finish is not None and position == len(batch.rows):
        work.finish(tx, before.joined(writer.imported))
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
    ledger: Ledger,
    rows: list[PreparedDeal],
    *,
    source: str,
    by: str,
    platform: str | None = None,
    secondary: bool = False,
    finish: Finish | None = None,
) -> Imported:
    """Put deals into the ledger; a deal keeps its number, and holds and voids stay as they are.

    Args:
        platform: whose deals alone they may be; None: of whatever platform they say.
        secondary: they fill gaps, and change only what filled one before.
    """
    imported = Imported()
    for start in range(0, max(len(rows), int(finish is not None)), _DEALS_A_SLICE):
        some = rows[start : start + _DEALS_A_SLICE]
        last = finish if start + _DEALS_A_SLICE >= len(rows) else None

        def work(tx: Session) -> Imported:
            part = _put_deals(tx, some, source, by, platform, secondary=secondary)  # noqa: B023
            if last is not None:  # noqa: B023
                last(tx, imported.joined(part))  # noqa: B023
            return part

        imported.add(ledger.write(work, alone=True))
    return imported


def _put_deals(
    tx: Session,
    rows: list[PreparedDeal],
    source: str,
    by: str,
    platform: str | None,
    *,
    secondary: bool = False,
) -> Imported:
    imported, written = Imported(), []
    filled = {deal_id for (deal_id,) in tx.db.execute(_FILLED)}
    known = {deal.deal_id: deal for deal in tx.catalogue.deals.values()}
    for row in rows:
        before = known.get(row.deal.deal_id)
        problem = _whose(row.deal, before, platform)
        if problem is not None:
            imported.rejected.append(Rejection(row.line, "platform", problem))
            continue
        gap = row.deal.deal_id in filled
        after = _merged(row.deal, before, secondary=secondary, gap=gap)
        if before is not None and after == before and gap <= secondary:
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
        _mark(tx, filled, after.deal_id, secondary=secondary)
        if content:
            written.append(row)
            _look(tx, before, known[after.deal_id])
    if written:
        _audit(tx, source, by, "deals", written)
    return imported


def _look(tx: Session, before: Deal | None, after: Deal) -> None:
    if tx.watch is not None:
        tx.watch.deal_written(tx, before, after)


def _mark(tx: Session, filled: set[str], deal_id: str, *, secondary: bool) -> None:
    """Note whether a deal is known from a feed that fills gaps alone."""
    tx.touched.add("deals")
    tx.db.execute(_FILL, (int(secondary), deal_id))
    filled.discard(deal_id)
    if secondary:
        filled.add(deal_id)


def _whose(deal: Deal, before: Deal | None, platform: str | None) -> str | None:
    if platform is not None and deal.platform != platform:
        return f"must be {platform}: a platform sends its own deals only"
    if before is not None and before.platform != deal.platform:
        return f"deal {deal.deal_id} is another platform's; a deal's id is unique"
    return None


def _merged(deal: Deal, before: Deal | None, *, secondary: bool, gap: bool) -> Deal:
    """Return the deal as it should stand: what is older than the ledger's changes nothing.

    Args:
        secondary: it comes from a feed that fills gaps.
        gap: the ledger's is from such a feed.
    """
    if before is None:
        return deal
    if secondary and not gap:
        return before
    after = replace(deal, deal_no=before.deal_no, closures=before.closures)
    if gap > secondary or _updated_ms(deal) > _updated_ms(before):
        return after
    if _updated_ms(deal) < _updated_ms(before):
        return before
    # Of two at one instant the same one wins, in any order of arrival.
    return max(before, after, key=lambda each: repr(sorted(_columns(each).items())))


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
