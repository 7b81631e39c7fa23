"""Read what an evidence bundle holds: a deal's vouchers, its rows of the chain, and every link."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from admission.deals import Deal
from admission.errors import LedgerRefused
from gate_server.ledger import audit

_VOUCHERS: Final = """
SELECT voucher_id, voucher_ref, tail, parent_id, admits, price_paid_minor, valid_from, valid_until,
    status, status_at, sold_at, refund_listed_at, revision
FROM vouchers WHERE deal_no = ? AND voucher_id > ? ORDER BY voucher_id LIMIT 2000
"""
_NAMES: Final = (
    *("voucher_id", "ref_hash", "tail", "parent_id", "admits", "price_paid_minor", "valid_from"),
    *("valid_until", "status", "status_at", "sold_at", "refund_listed_at", "revision"),
)
# A scan that came before its voucher links to it by key. CROSS: the deal's vouchers come first.
_SCANS: Final = """
SELECT s.scan_id FROM vouchers v CROSS JOIN scans s ON s.credential_key = v.credential_key
WHERE v.deal_no = ?1 AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL)
UNION
SELECT s.scan_id FROM scans s JOIN vouchers v ON v.voucher_id = s.voucher_id
WHERE v.deal_no = ?1
"""
_REF: Final = b"gatehouse voucher ref\0"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain, and the row that it covers where that is the deal's.

    Attributes:
        digest: of the row's content; of an old link, the head after it.
        content: None where it is not the deal's.
    """

    revision: int
    kind: str
    digest: bytes
    old: bool
    content: str | None


def list_vouchers(db: sqlite3.Connection, deal: Deal) -> Iterator[dict[str, Any]]:
    """Yield a deal's vouchers as others may see them: masked, their number as a hash."""
    last = 0
    while page := db.execute(_VOUCHERS, (deal.deal_no, last)).fetchall():
        for number, ref, *rest in page:
            values = (number, ref_hash(deal.platform, ref), *rest)
            yield dict(zip(_NAMES, values, strict=True))
        last = page[-1][0]


def ref_hash(platform: str, voucher_ref: str | None) -> str | None:
    """Return the hash that a platform can make of its own number for a voucher, and find it by."""
    if voucher_ref is None:
        return None
    text = _REF + platform.encode() + b"\0" + voucher_ref.encode()
    return hashlib.sha256(text).hexdigest()


def scans_of_deal(db: sqlite3.Connection, deal: Deal) -> set[int]:
    """Return the numbers of a deal's scans."""
    return {row[0] for row in db.execute(_SCANS, (deal.deal_no,))}


def list_links(
    db: sqlite3.Connection, deal: Deal | None, scans: set[int], *, head: bytes, after: int = -1
) -> Iterator[tuple[Link, bytes]]:
    """Yield the chain's links after a revision, each with the head after it.

    Args:
        deal: whose rows are disclosed; None: no row is.
        scans: those whose rows are disclosed, with all that was done to them.
        head: of the chain at `after`.

    Raises:
        LedgerRefused: the chain is broken; nothing that is broken is handed out as evidence.
    """
    own = frozenset[str]() if deal is None else _deals_of(db, deal.platform)
    for revision, kind, content, stored in audit.chained_rows(db, after=after):
        if content is None:
            raise LedgerRefused(f"the chain is broken at {revision}; run `audit verify`")
        old = audit.chain(head, revision, kind, content) != stored
        if old and audit.first_chain(head, revision, kind, content) != stored:
            raise LedgerRefused(f"the chain is broken at {revision}; run `audit verify`")
        shown = deal is not None and _is_of(deal, own, scans, _Row(revision, kind, content))
        digest = stored if old else hashlib.sha256(content).digest()
        yield Link(revision, kind, digest, old, content.decode() if shown else None), stored
        head = stored


class _Row(NamedTuple):
    """One row that the chain covers."""

    revision: int
    kind: str
    content: bytes


def _deals_of(db: sqlite3.Connection, platform: str) -> frozenset[str]:
    rows = db.execute("SELECT deal_id FROM deals WHERE platform = ?", (platform,))
    return frozenset(deal_id for (deal_id,) in rows)


def _is_of(deal: Deal, own: frozenset[str], scans: set[int], row: _Row) -> bool:
    """Say whether a row is a deal's.

    Args:
        own: the ids of all deals of its platform.
    """
    if row.kind == "scan":
        return row.revision in scans
    body = msgspec.json.decode(row.content, type=dict[str, Any])
    if row.kind == "feed_batch":
        return bool(body.get("platforms") == [deal.platform])
    if row.kind == "closure":
        # One that binds deals of others names them, which is nobody else's business.
        return deal.deal_id in body["deals"] and own.issuperset(body["deals"])
    if row.kind == "export":
        return False  # each bundle holds its own
    return body.get("deal_id") == deal.deal_id or body.get("scan_id") in scans


def written_by_now(db: sqlite3.Connection) -> int:
    """Return the newest revision of the chain in this reading."""
    return int(db.execute("SELECT COALESCE(MAX(revision), 0) FROM audit").fetchone()[0])


def find_body(db: sqlite3.Connection, revision: int) -> str | None:
    """Return what stands in the chain for an event."""
    row = db.execute("SELECT body FROM audit WHERE revision = ?", (revision,)).fetchone()
    return None if row is None else str(row[0])
