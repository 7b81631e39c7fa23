"""Work out a workbook's formulas again: the few functions that a settlement's sheets use."""

from __future__ import annotations

import math
import re
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

_RANGE = re.compile(r"(\w+)!([A-Z]+)(\d+):([A-Z]+)(\d+)")
_CELL = re.compile(r"\b([A-Z]{1,2})(\d+)\b")


def recompute(book: Workbook) -> dict[str, dict[int, dict[str, Any]]]:
    """Return every cell's value by sheet, row and column; formulas that ask others come last."""
    values: dict[str, dict[int, dict[str, Any]]] = {}
    for name in reversed(book.sheetnames):
        sheet = values[name] = {}
        for row in book[name].iter_rows():
            for cell in row:
                column = get_column_letter(cell.column)
                value = cell.value
                if cell.data_type == "f":
                    value = evaluate(str(value)[1:], values, name)
                sheet.setdefault(cell.row, {})[column] = value
    return values


def evaluate(formula: str, values: dict[str, Any], sheet: str) -> Any:
    """Work out COUNT, COUNTIF, SUM over one range, IF of one equality, ROUNDUP, and products."""
    name, _, inside = formula.partition("(")
    if name in {"COUNT", "COUNTIF", "SUM"}:
        column = _column(inside, values)
        if name == "COUNTIF":
            wanted = re.search(r'"(.*)"', inside)
            assert wanted is not None
            return sum(value == wanted[1] for value in column)
        numbers = [value for value in column if isinstance(value, int | float)]
        return len(numbers) if name == "COUNT" else sum(numbers)
    if name == "IF":
        found = re.fullmatch(r'IF\((\w+)=(\w+),"(\w+)","(\w+)"\)', formula)
        assert found is not None
        one, two = (_cell(each, values[sheet]) for each in found.groups()[:2])
        return found[3] if one == two else found[4]
    if name == "ROUNDUP":
        expression = inside.removesuffix(",0)")
        return math.ceil(_arithmetic(expression, values[sheet]))
    return _arithmetic(formula, values[sheet])


def _column(text: str, values: dict[str, Any]) -> list[Any]:
    found = _RANGE.search(text)
    assert found is not None, text
    sheet, column, first, _, last = found.groups()
    rows = values[sheet]
    return [rows.get(row, {}).get(column) for row in range(int(first), int(last) + 1)]


def _cell(name: str, sheet: dict[int, dict[str, Any]]) -> Any:
    found = _CELL.fullmatch(name)
    assert found is not None
    return sheet[int(found[2])].get(found[1]) or 0


def _arithmetic(expression: str, sheet: dict[int, dict[str, Any]]) -> float:
    text = _CELL.sub(lambda found: str(_cell(found[0], sheet)), expression)
    total = 0.0
    for term in text.split("+"):
        product, divided, divisor = term.partition("/")
        part = math.prod(int(factor) for factor in product.split("*"))
        total += part / int(divisor) if divided else part
    return int(total) if total == int(total) else total
