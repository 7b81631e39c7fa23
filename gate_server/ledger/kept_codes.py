"""Keep the codes of vouchers whose platform redeems by code: sealed, and no longer than needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gate_server.ledger.feeds import Feed, FeedKind
from gate_server.ledger.session import Session

_KEEP: Final = "UPDATE vouchers SET sealed_code = ? WHERE voucher_id = ? AND sealed_code IS NULL"
_KEY: Final = "SELECT credential_key FROM vouchers WHERE voucher_id = ? AND sealed_code IS NULL"


def about_code(credential_key: bytes) -> str:
    """Return what a voucher's code is sealed with, so that it cannot be moved."""
    return f"code {credential_key.hex()}"


def platforms_by_code(feeds: Mapping[int, Feed]) -> frozenset[str]:
    """Return the platforms that redeem by code, so that their vouchers' codes are kept."""
    return frozenset(
        feed.platform
        for feed in feeds.values()
        if feed.kind is FeedKind.OCTO or feed.config.get("keep_codes")
    )


def keep_new_codes(
    tx: Session, sealed: Mapping[bytes, bytes], added: Iterable[tuple[bytes, int]]
) -> None:
    """Keep the codes of new vouchers, given as key and number."""
    rows = [(sealed[key], voucher_id) for key, voucher_id in added if key in sealed]
    if rows:
        tx.db.executemany(_KEEP, rows)


def keep_code(
    tx: Session, sealed: Mapping[bytes, bytes], keys: Sequence[bytes], voucher_id: int
) -> None:
    """Keep the code of a voucher that is there, unless it is kept already.

    Args:
        keys: every hash of the code; what is sealed belongs to the one that finds the voucher.
    """
    if not any(key in sealed for key in keys):
        return
    row = tx.db.execute(_KEY, (voucher_id,)).fetchone()
    if row is not None and row[0] in sealed:
        tx.db.execute(_KEEP, (sealed[row[0]], voucher_id))
