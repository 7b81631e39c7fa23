"""Double admissions that scanners without a server let through: the table and plot of an outage.

    python benchmarks/sim_outage.py [--runs 100]

Writes the table into docs/outages.md between its markers, and docs/images/outage_double_use.svg.
Every presentation of a copied code is decided by the real rules, from what that very scanner knows:
the replica as it was at the cut, and its own scans since. The model, which the page states too:

- People arrive at each lane at 7.5 a minute, as on a peak day; all lanes are cut off.
- A given share of the codes is copied. Such a code is shown 2 to 6 times in all, its owner's
  included, each time at a random lane; the next showing comes 15 minutes later on average.
- Codes first shown before the cut are in every replica, so their copies are refused; those shown
  after the return are refused by the server. Each code lets in one person, once.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from admission.calendar import Venue
from admission.cases import Case, Facts, Found
from admission.deals import Deal
from admission.history import Record, Terms, fold
from admission.rules import decide
from admission.scans import Gate, Scan
from admission.verdicts import Outcome
from admission.vouchers import Voucher
from benchmarks.outage_plot import Curve, draw

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/outages.md"
PLOT = ROOT / "docs/images/outage_double_use.svg"
BEGIN, END = "<!-- sim_outage: begin -->", "<!-- sim_outage: end -->"

SEED = "outage-1"
RUNS = 100
SCANNERS = (5, 20, 40)
SHARES = (0.001, 0.01, 0.05)
MINUTES = (10, 30, 60, 240)
MAX_AGES_H = (0.25, 1.0, 12.0)
PLOTTED_SHARE = 0.01
PLOTTED_MINUTES = tuple(range(0, 241, 10))

ARRIVALS_A_MINUTE = 7.5
SHOWINGS = (2, 6)
NEXT_SHOWING_MINUTES = 15.0

CUT_AT = datetime(2015, 2, 12, 1, 0, tzinfo=UTC)
VENUE = Venue(ZoneInfo("Asia/Shanghai"))
GATE = Gate("G1", "South gate", "park")
DEAL = Deal(
    deal_id="DAY",
    platform="lvtu",
    title="One day",
    face_price_minor=26000,
    currency="CNY",
    valid_from=CUT_AT - timedelta(days=1),
    valid_until=CUT_AT + timedelta(days=1),
)
VOUCHER = Voucher(voucher_id=1, tail="8K2F")
TERMS = Terms.of(VOUCHER, DEAL)
STALE = Facts(stale=True)
SCAN = Scan()


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table: what varies, apart from how long the outage lasts."""

    scanners: int
    share: float
    max_age_h: float


@dataclass(frozen=True, slots=True)
class Counted:
    """What one outage came to, mean and 95th percentile over runs."""

    mean: float
    p95: float


class Lane:
    """One cut-off scanner: its replica holds every code, unused; beside it its own scans."""

    def __init__(self, name: str, max_age: timedelta) -> None:
        self.name = name
        self._max_age = max_age
        self._own: dict[int, list[Record]] = {}

    def check_in(self, code: int, at: datetime) -> bool:
        """Decide and remember; tell whether its holder was let in."""
        records = self._own.setdefault(code, [])
        if at - CUT_AT > self._max_age:
            case = Case(VENUE, GATE, SCAN, facts=STALE)
        else:
            found = Found(VOUCHER, DEAL, fold(records, TERMS, VENUE))
            case = Case(VENUE, GATE, SCAN, (found,))
        verdict = decide(case, at)
        if verdict.outcome is not Outcome.ADMIT:
            return False
        records.append(
            Record(
                device_id=self.name,
                nonce=f"{code}-{len(records)}",
                scan_at=at,
                gate_id=GATE.gate_id,
                area=GATE.area,
                reason=verdict.reason,
                people=verdict.people,
            )
        )
        return True


Shown = tuple[float, int, int]
"""Minute, code, lane."""


def showings(scanners: int, share: float, minutes: float, chance: random.Random) -> Iterator[Shown]:
    """Yield when each copied code is shown during an outage, and at which lane."""
    arrivals = round(ARRIVALS_A_MINUTE * scanners * minutes)
    copied = sum(chance.random() < share for _ in range(arrivals))
    for code in range(copied):
        minute = chance.uniform(0, minutes)
        for _ in range(chance.randint(*SHOWINGS)):
            yield minute, code, chance.randrange(scanners)
            minute += chance.expovariate(1 / NEXT_SHOWING_MINUTES)


def double_minutes(cell: Cell, run: int, minutes: float) -> list[float]:
    """Return the minute of each admission beyond a code's first, in one outage."""
    # The same visitors for every setting, so that its rows differ by the setting alone.
    chance = random.Random(f"{SEED}:{cell.scanners}:{cell.share}:{run}")
    max_age = timedelta(hours=cell.max_age_h)
    lanes = [Lane(f"D{number}", max_age) for number in range(cell.scanners)]
    shown = sorted(showings(cell.scanners, cell.share, minutes, chance))
    let_in: set[int] = set()
    doubles = []
    for minute, code, lane in shown:
        if minute > minutes:
            break
        if lanes[lane].check_in(code, CUT_AT + timedelta(minutes=minute)):
            if code in let_in:
                doubles.append(minute)
            let_in.add(code)
    return doubles


def simulate(cell: Cell, runs: int, minutes: Sequence[int] = MINUTES) -> dict[int, Counted]:
    """Return what outages of each length come to; each is the beginning of the longest one."""
    longest = max(minutes)
    outages = [double_minutes(cell, run, longest) for run in range(runs)]
    counted = {}
    for length in minutes:
        doubles = sorted(sum(minute <= length for minute in outage) for outage in outages)
        p95 = statistics.quantiles(doubles, n=20, method="inclusive")[-1]
        counted[length] = Counted(statistics.fmean(doubles), p95)
    return counted


def referred(cell: Cell, minutes: int) -> int:
    """Return the people whom an outage sends to a human because the replica is too old."""
    left = max(0.0, minutes - 60 * cell.max_age_h)
    return round(left * cell.scanners * ARRIVALS_A_MINUTE)


def row(cell: Cell, counted: Mapping[int, Counted]) -> str:
    """Return a line of the table."""
    cells = [f"{counted[length].mean:,.1f} ({counted[length].p95:,.0f})" for length in MINUTES]
    people = f"{referred(cell, MINUTES[-1]):,}"
    return (
        f"| {cell.scanners} | {cell.share:.1%} | {cell.max_age_h:g} | {' | '.join(cells)} "
        f"| {people} |"
    )


def table(counted: Mapping[Cell, Mapping[int, Counted]]) -> str:
    """Return the Markdown table."""
    lengths = " | ".join(f"{length} min" for length in MINUTES)
    head = (
        f"| scanners | copied | `replica_max_age_h` | {lengths} | referred in {MINUTES[-1]} min |"
    )
    lines = [head, "| --- " * (4 + len(MINUTES)) + "|"]
    return "\n".join([*lines, *(row(cell, each) for cell, each in counted.items())])


def cells() -> list[Cell]:
    """Return the lines of the table in order."""
    return [Cell(n, share, age) for n in SCANNERS for share in SHARES for age in MAX_AGES_H]


def plot(runs: int) -> str:
    """Return the plot as SVG."""
    curves = []
    for scanners in reversed(SCANNERS):
        for age in (MAX_AGES_H[-1], MAX_AGES_H[1]):
            cell = Cell(scanners, PLOTTED_SHARE, age)
            counted = simulate(cell, runs, PLOTTED_MINUTES)
            label = f"{scanners} scanners, limit {age:g} h"
            means = [each.mean for each in counted.values()]
            highs = [each.p95 for each in counted.values()]
            dashed = age != MAX_AGES_H[-1]
            curves.append(Curve(label, PLOTTED_MINUTES, means, highs, dashed))
    return draw(curves, f"Double admissions, {PLOTTED_SHARE:.0%} of codes copied")


def main(arguments: list[str]) -> None:
    """Simulate, write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args(arguments)
    made = table({cell: simulate(cell, given.runs) for cell in cells()})
    print(made)
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")
    PLOT.write_text(plot(given.runs), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
