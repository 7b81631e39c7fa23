"""Write a settlement as a workbook: sums by formulas over the rows, each beside our own figure.

The same rows give the same bytes: a workbook of ours has no dates of its own.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from admission.errors import Fault, InvalidInput
from admission.wire_guard import OnRequest
from admission.wire_settlement import SettlementAnswer
from gate_server.settlement_tables import AT, COLUMNS, Cells, Compensations, safe_text

MOST_ROWS: Final = 1_048_575
_ROWS: Final = "vouchers"
_SUMMARY: Final = "settlement"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CORE: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Gatehouse'
    "</dc:creator></cp:coreProperties>"
)
_WIDTHS: Final = {"voucher_ref": 18, "order_ref": 18, "class": 17, "scan_times": 31}
_SUMS: Final = {
    "owed_to_venue": "owed_minor",
    "disputed": "disputed_minor",
    "refunds": "refund_minor",
    "compensation": "compensation_minor",
    "refunds_to_reverse": "reverse_minor",
}


def write_book(path: Path, rows: Iterable[Cells], figures: Callable[[], SettlementAnswer]) -> None:
    """Write a workbook of a settlement's rows.

    Args:
        figures: what we state; asked for once all rows were taken.

    Raises:
        InvalidInput: more vouchers than a sheet has rows.
    """
    book = Workbook(write_only=True)
    summary, sheet = book.create_sheet(_SUMMARY), book.create_sheet(_ROWS)
    last = _write_rows(sheet, rows)
    _write_summary(summary, figures(), last)
    save_book(book, path)


def save_book(book: Workbook, path: Path) -> None:
    """Save a workbook so that the same cells give the same bytes."""
    loose = path.with_name(f".{path.name}.loose")
    try:
        book.save(loose)
        _fix(loose, path)
    finally:
        loose.unlink(missing_ok=True)


def _write_rows(sheet: Any, rows: Iterable[Cells]) -> int:
    """Write the vouchers and return the number of the last row."""
    sheet.freeze_panes = "B2"
    for name, width in _WIDTHS.items():
        sheet.column_dimensions[_letter(name)].width = width
    sheet.append([bold(sheet, name) for name in COLUMNS])
    compensations, number = Compensations(), 1
    for number, cells in enumerate(rows, 2):
        if number > MOST_ROWS + 1:
            raise InvalidInput(
                "format",
                f"a sheet has at most {MOST_ROWS} vouchers; take csv",
                Fault.TOO_MANY,
                MOST_ROWS,
            )
        sheet.append(_filled(_with_formulas(compensations.once(cells), number)))
    return number


def _write_summary(sheet: Any, settlement: SettlementAnswer, last: int) -> None:
    for name, width in (("A", 26), ("B", 18), ("C", 18), ("D", 12)):
        sheet.column_dimensions[name].width = width
    void = settlement.void_version
    head = [("deal", settlement.deal_id), ("currency", settlement.currency), ("void version", void)]
    for name, value in head:
        text = safe_text(value) if isinstance(value, str) else value
        sheet.append([bold(sheet, name), text])
    sheet.append([])
    sheet.append([bold(sheet, name) for name in ("", "from the rows", "stated", "agree")])
    for number, (name, formula, stated) in enumerate(_lines(settlement, last), 6):
        sheet.append([name, formula, stated, f'=IF(B{number}=C{number},"yes","NO")'])
    if isinstance(settlement.on_request, OnRequest):
        # They are in no row any more, so that there is nothing to add up.
        sheet.append([])
        sheet.append([bold(sheet, "given back on request")])
        for name, figure in msgspec.to_builtins(settlement.on_request).items():
            sheet.append([name.replace("_minor", " (minor)").replace("_", " "), None, figure])


def _lines(settlement: SettlementAnswer, last: int) -> Iterator[tuple[str, str, int]]:
    """Yield what each line of the summary is called, its formula, and the figure that we state."""
    counts: dict[str, int] = msgspec.to_builtins(settlement.counts)
    yield "vouchers sold", f"=COUNT({_range('voucher', last)})", counts.pop("sold")
    for name, stated in counts.items():
        yield f"vouchers {name}", f'=COUNTIF({_range("class", last)},"{name}")', stated
    people: dict[str, int] = msgspec.to_builtins(settlement.people)
    for name, stated in people.items():
        column = "used" if name == "used_before_void" else name
        yield f"people {name}", f"=SUM({_range(column, last)})", stated
    amounts: dict[str, int] = msgspec.to_builtins(settlement.amounts_minor)
    for name, stated in amounts.items():
        yield f"{name} (minor)", f"=SUM({_range(_SUMS[name], last)})", stated
    evidence: dict[str, int] = msgspec.to_builtins(settlement.evidence)
    for name, stated in evidence.items():
        yield f"evidence {name}", f'=COUNTIF({_range("evidence", last)},"{name}")', stated


def _range(name: str, last: int) -> str:
    letter = _letter(name)
    return f"{_ROWS}!{letter}2:{letter}{max(2, last)}"


def _letter(name: str) -> str:
    return str(get_column_letter(AT[name] + 1))


def _with_formulas(cells: Cells, number: int) -> Cells:
    """Return a row whose amounts are worked out in the sheet from its other cells."""
    for amount, how in (("owed_minor", "owed_for"), ("disputed_minor", "disputed_for")):
        if cells[AT[how]]:
            cells[AT[amount]] = f"={cells[AT[how]]}"
    if cells[AT["refund_minor"]]:
        price, left, admits = (
            f"{_letter(name)}{number}" for name in ("price_paid_minor", "left", "admits")
        )
        cells[AT["refund_minor"]] = f"=ROUNDUP({price}*{left}/{admits},0)"
    return cells


def _filled(cells: Cells) -> Cells:
    """Return a row without its noughts: most vouchers of a void were never scanned."""
    while cells and not cells[-1]:
        cells.pop()
    return [cell or None for cell in cells]


def bold(sheet: Any, text: str) -> Any:
    """Return a cell of a heading."""
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _fix(loose: Path, path: Path) -> None:
    """Pack a workbook anew, without the times at which it was written."""
    with (
        zipfile.ZipFile(loose) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in sorted(source.namelist()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            with packed.open(info, "w") as target:
                if name == "docProps/core.xml":
                    target.write(_CORE.encode())
                    continue
                with source.open(name) as part:
                    while block := part.read(1 << 20):
                        target.write(block)
