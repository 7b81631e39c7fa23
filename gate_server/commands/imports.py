"""Commands that take rows of deals and vouchers, prepared by the process that read them."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.code_space import CodeShape
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.prepared import Imported, PreparedDeal, PreparedVoucher

SOURCE = "file"


class Deals(Params, frozen=True):
    """Deals as read."""

    rows: list[PreparedDeal]


class Vouchers(Params, frozen=True):
    """Vouchers as prepared, with the sealed names of buyers in them, and how their codes look."""

    rows: list[PreparedVoucher]
    sealed: dict[bytes, bytes]
    shapes: dict[str, CodeShape] = msgspec.field(default_factory=dict)


def deal_platforms(services: Services, _: Nothing) -> dict[str, str]:
    """Return the platform of each deal."""
    return {deal.deal_id: deal.platform for deal in services.ledger.catalogue.deals.values()}


def put_deals(services: Services, params: Deals) -> dict[str, Any]:
    """Put deals into the ledger."""
    imported = import_deals(services.ledger, params.rows, source=SOURCE, by=services.by)
    return _answer(imported)


def put_vouchers(services: Services, params: Vouchers) -> dict[str, Any]:
    """Put vouchers into the ledger, in slices."""
    batch = Batch(params.rows, params.sealed, SOURCE, services.by, shapes=params.shapes)
    return _answer(import_vouchers(services.ledger, batch, services.keys.code_keys))


def _answer(imported: Imported) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.to_builtins(imported)
    return answer


COMMANDS: dict[str, Command[Any]] = {
    "import platforms": Command(Nothing, deal_platforms),
    "import deals": Command(Deals, put_deals),
    "import vouchers": Command(Vouchers, put_vouchers),
}
