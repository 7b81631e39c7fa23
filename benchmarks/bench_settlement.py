"""Settle a voided deal of 206,865 vouchers: figures, table, workbook, refund list.

Printed are seconds of processor time, for machines differ in what else they do, and how much the
process grew. Run it as `python benchmarks/bench_settlement.py [--vouchers N] [--book]`.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from admission.voids import CostBearer
from admission.wire_settlement import ListKind
from admission.wire_staff import VoidRequest
from benchmarks.seed import seed
from gate_server.ledger import actions
from gate_server.ledger.ledger import Ledger, OpenDirectory
from gate_server.ledger.settlement_lists import make_list
from gate_server.ledger.settlements import Settlement, make_settlement
from gate_server.settings import read_settings
from gate_server.settlement_tables import csv_parts, row_cells

VOUCHERS = 206_865
MOST_MIB = 64
T = TypeVar("T")


def main() -> int:
    """Measure and print; 1 if the figures do not balance, or memory grows with the vouchers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=VOUCHERS)
    parser.add_argument("--book", action="store_true", help="the workbook too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-settlement-") as name:
        directory = Path(name) / "var"
        # In a process of its own, so that this one's memory is the settlement's.
        seeding = get_context("spawn").Process(target=make, args=(directory, asked.vouchers))
        seeding.start()
        seeding.join()
        with OpenDirectory(directory, read_settings(directory).venue) as ledger:
            return measure(ledger, Path(name), book=asked.book)


def make(directory: Path, vouchers: int) -> None:
    """Make the venue."""
    seed(directory, vouchers=vouchers, devices_wanted=1)


def measure(ledger: Ledger, work: Path, *, book: bool) -> int:
    """Void the deal, settle it, and say what each part costs."""
    terms = VoidRequest(reason="limit failed", honour=None, cost_bearer=CostBearer.PLATFORM)
    ledger.write(
        lambda tx: actions.void_deal(tx, "BENCH", terms, by="bench", now=tx.clock()), alone=True
    )
    before = grown_mib()
    made = timed("figures", lambda: make_settlement(ledger, "BENCH"))
    timed("table (CSV)", lambda: write_table(made, work / "s.csv"))
    more = grown_mib() - before
    print(f"memory: {more:.0f} MiB more, at most {MOST_MIB}")
    if book:
        timed("workbook (XLSX)", lambda: write_workbook(made, work / "s.xlsx"))
    listed = timed("refund list", lambda: make_list(ledger, "BENCH", ListKind.REFUNDS, by="bench"))
    print(f"balanced: {made.answer.balanced}; {listed.entries} vouchers listed")
    return int(not made.answer.balanced or more > MOST_MIB)


def timed(name: str, work: Callable[[], T]) -> T:
    """Do something and print what it cost."""
    wall, processor = time.monotonic(), time.process_time()
    value = work()
    print(
        f"{name:16} {time.process_time() - processor:6.1f} s of processor,"
        f" {time.monotonic() - wall:6.1f} s"
    )
    return value


def grown_mib() -> float:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_table(made: Settlement, path: Path) -> None:
    """Write the rows as CSV."""
    with path.open("wb") as file:
        file.writelines(csv_parts(row_cells(row, made.basis) for row in made.rows()))


def write_workbook(made: Settlement, path: Path) -> None:
    """Write the rows as a workbook."""
    from gate_server.settlement_books import write_book

    rows = (row_cells(row, made.basis) for row in made.summed())
    write_book(path, rows, lambda: made.answer)


if __name__ == "__main__":
    raise SystemExit(main())
