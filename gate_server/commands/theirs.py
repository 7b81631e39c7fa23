"""Compare a platform's own file of a month with what is on record, voucher by voucher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from admission.errors import FeedRejected
from admission.row_values import Row, needed, whole
from admission.settlement_months import Difference, Ref, Used, compare, sum_up
from gate_server.commands.services import Caller
from gate_server.feeds.files import RowFile

COLUMNS: Final = ("deal_id", "voucher_ref", "order_ref", "people", "amount_minor")
NEEDS: Final = ("deal_id", "people", "amount_minor")


def find_theirs(caller: Caller, path: Path, asked: dict[str, Any]) -> list[Difference]:
    """Return where a platform's file differs from our record of a month.

    Its rows name vouchers, or where they do not, orders.

    Args:
        asked: platform, month and moment of the statement.

    Raises:
        FeedRejected: the file, or a row of it, cannot be read.
    """
    rows = list(_read(path))
    by_order = not any(row.get("voucher_ref") for row in rows)
    theirs = sum_up((_ref(row, by_order=by_order), _used(row)) for row in rows)
    ours = sum_up(
        ((deal_id, str((order_ref if by_order else voucher_ref) or "")), Used(people, amount))
        for deal_id, voucher_ref, order_ref, people, amount in _ours(caller, asked)
    )
    return list(compare(ours, theirs))


def _read(path: Path) -> Iterator[Row]:
    for line, row in RowFile(path, COLUMNS, NEEDS):
        if isinstance(row, FeedRejected):
            raise FeedRejected(row.field, f"{row.problem} (line {line})")
        yield row


def _ref(row: Row, *, by_order: bool) -> Ref:
    return needed(row, "deal_id"), needed(row, "order_ref" if by_order else "voucher_ref")


def _used(row: Row) -> Used:
    people, amount = whole(row, "people"), whole(row, "amount_minor")
    return Used(people or 0, amount or 0)


def _ours(caller: Caller, asked: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    at: dict[str, Any] = {"deal": 0, "after": -1}
    while at["deal"] is not None:
        page = caller.call("statement page", asked | at)
        yield from map(tuple, page["rows"])
        at = {"deal": page["deal"], "after": page["after"]}
