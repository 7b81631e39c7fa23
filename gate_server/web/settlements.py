"""Settlements over HTTP: who owes whom how much for a deal, as figures or as a table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from admission.deals import Deal
from admission.errors import Fault, InvalidInput, NotFound
from admission.wire_settlement import SettlementAnswer, read_moment
from gate_server.ledger.settlements import Settlement, open_settlement
from gate_server.settlement_tables import csv_parts, row_cells
from gate_server.web.callers import PARTNERS, SUPERVISORS, Role
from gate_server.web.operations import Call, Noun, Parameter, Reply

settlements = Noun("settlements")

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Final = ("json", "csv", "xlsx")
_BLOCK: Final = 1 << 16


def choice(name: str, values: tuple[str, ...]) -> Parameter:
    """Declare a parameter that is one of some words, the first by default."""
    return Parameter(name, {"type": "string", "enum": list(values), "default": values[0]})


def read_choice(call: Call, name: str, values: tuple[str, ...]) -> str:
    """Return which of some words a parameter is."""
    value = call.query.get(name, values[0])
    if value not in values:
        raise InvalidInput(name, f"is one of {', '.join(values)}", Fault.CHOICE)
    return value


def own_deal(call: Call) -> Deal:
    """Return the deal of the path; another platform's is not there for a partner."""
    deal_id = call.args["deal_id"]
    deal, caller = call.services.ledger.catalogue.deal(deal_id), call.caller
    if deal is None or (caller.kind is Role.PARTNER and deal.platform != caller.platform):
        raise NotFound(f"no deal {deal_id}")
    return deal


@settlements.operation(
    "GET",
    "/deals/<deal_id>/settlement",
    who=SUPERVISORS | PARTNERS,
    answer=SettlementAnswer,
    query=(
        choice("format", FORMATS),
        Parameter("as_of", {"type": "string", "format": "date-time"}),
    ),
    other_types=(CSV, XLSX),
)
def show_settlement(call: Call) -> SettlementAnswer | Reply:
    """Settle a deal from what is on record: who owes whom how much.

    As JSON the figures; as `csv` or `xlsx` a row a voucher with its evidence. `as_of` is the moment
    to settle at, by default now.
    """
    deal, wanted = own_deal(call), read_choice(call, "format", FORMATS)
    made = open_settlement(call.services.ledger, deal.deal_id, as_of=_as_of(call))
    if wanted == "json":
        return made.finish().answer
    name = f"settlement-{deal.deal_id}.{wanted}"
    if wanted == "csv":
        parts = csv_parts(row_cells(row, made.basis) for row in made.rows())
        return download(parts, CSV, name)
    return download(_book_parts(made), XLSX, name)


def download(parts: Iterator[bytes], content_type: str, name: str) -> Reply:
    """Return a file to be kept."""
    kept = ("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name, safe='')}")
    return Reply(parts, content_type=content_type, headers=[kept])


def _book_parts(made: Settlement) -> Iterator[bytes]:
    # It takes half a second to load, and nobody else here needs it.
    from gate_server.settlement_books import write_book

    rows = (row_cells(row, made.basis) for row in made.summed())
    return book_parts(lambda path: write_book(path, rows, lambda: made.answer))


def book_parts(write: Callable[[Path], object]) -> Iterator[bytes]:
    """Return the bytes of a workbook that is written into a file of no name."""
    with tempfile.TemporaryDirectory(prefix="gatehouse-book-") as name:
        path = Path(name) / "book.xlsx"
        write(path)
        file = path.open("rb")  # the last that holds it, once the directory is gone
    return _blocks(file)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block


def _as_of(call: Call) -> datetime | None:
    text = call.query.get("as_of")
    return None if text is None else read_moment("as_of", text)
