"""Commands about settlements: the figures of a deal, and its rows page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.ledger.settlements import find_basis, make_settlement, settle_page
from gate_server.settlement_tables import row_cells

PAGE_ROWS: Final = 5_000


class Settle(Params, frozen=True):
    """A deal, and the moment to settle it at; None: now."""

    deal_id: str
    as_of: datetime | None = None


class SettlePage(Params, frozen=True):
    """The next rows of a settlement that `settle` has begun; the rest is as it told."""

    deal_id: str
    as_of: datetime
    newest: int
    honoured_people: int
    after: int = -1


def settle_deal(services: Services, params: Settle) -> dict[str, Any]:
    """Settle a deal, and tell what its rows are asked for with."""
    made = make_settlement(services.ledger, params.deal_id, as_of=params.as_of)
    return {
        "settlement": msgspec.to_builtins(made.answer),
        "unpriced": made.sums.unpriced,
        "page": {
            "deal_id": params.deal_id,
            "as_of": made.basis.as_of.isoformat(),
            "newest": made.newest,
            "honoured_people": made.basis.honoured_people,
        },
    }


def settle_rows(services: Services, params: SettlePage) -> dict[str, Any]:
    """Return the next rows, and after which voucher to go on; None: those were the last."""
    ledger = services.ledger
    basis = find_basis(ledger, params.deal_id, params.as_of)
    basis = replace(basis, honoured_people=params.honoured_people)
    rows = settle_page(ledger, basis, newest=params.newest, after=params.after, rows=PAGE_ROWS)
    last = rows[-1].sold.voucher.voucher_id if rows else None
    return {"rows": [row_cells(row, basis) for row in rows], "after": last}


COMMANDS: dict[str, Command[Any]] = {
    "settle": Command(Settle, settle_deal),
    "settle page": Command(SettlePage, settle_rows),
}
