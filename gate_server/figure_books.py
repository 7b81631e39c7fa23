"""Write a table as a workbook of one sheet; the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from admission.errors import Fault, InvalidInput
from gate_server.settlement_books import MOST_ROWS, bold, save_book
from gate_server.settlement_tables import Cells

_WIDTHS: Final = {"from": 23, "gate": 18, "deal_id": 18, "title": 28}


def write_table(path: Path, title: str, header: Sequence[str], rows: Iterable[Cells]) -> None:
    """Write rows below their header.

    Raises:
        InvalidInput: more rows than a sheet has.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "C2"
    for place, name in enumerate(header, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _WIDTHS.get(name, 12)
    sheet.append([bold(sheet, name) for name in header])
    for number, cells in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise InvalidInput(
                "format",
                f"a sheet has at most {MOST_ROWS} rows; take csv",
                Fault.TOO_MANY,
                MOST_ROWS,
            )
        sheet.append(cells)
    save_book(book, path)
