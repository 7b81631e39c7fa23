"""Close a deal's accounts: a statement that two sides signed, and every list that it asks for made.

From then on nobody needs its buyers; `retention` keeps them until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from admission.wire_settlement import ListKind
from gate_server.ledger.retention import mark_settled
from gate_server.ledger.session import Session

_NEWEST: Final = """
SELECT summary, closed_at FROM statements WHERE deal_no = ? ORDER BY version DESC LIMIT 1
"""
_LISTED: Final = """
SELECT kind, SUM(amount_minor) FROM settlement_lists
WHERE deal_no = ? AND finished_at IS NOT NULL GROUP BY kind
"""
_ASKED_FOR: Final[Mapping[ListKind, str]] = MappingProxyType(
    {
        ListKind.REFUNDS: "refunds",
        ListKind.COMPENSATION: "compensation",
        ListKind.REVERSE: "refunds_to_reverse",
    }
)
"""What of a statement's amounts the platform needs a list for: whom to pay, or whom to ask."""


class _Summary(msgspec.Struct):
    amounts_minor: dict[str, int]


def close_accounts(tx: Session, deal: tuple[int, str], *, by: str, now: datetime) -> bool:
    """Put on record that a deal's accounts are closed, if they are; say whether.

    Args:
        deal: the ledger's number for it, and its id.
    """
    deal_no, deal_id = deal
    newest = tx.db.execute(_NEWEST, (deal_no,)).fetchone()
    if newest is None or newest[1] is None:
        return False
    asked = msgspec.json.decode(newest[0], type=_Summary).amounts_minor
    listed = dict(tx.db.execute(_LISTED, (deal_no,)).fetchall())
    if any(listed.get(kind.value, 0) < asked[name] for kind, name in _ASKED_FOR.items()):
        return False
    mark_settled(tx, deal_id, by=by, now=now)
    return True
