"""Measure the look at sales: the sale of 2015, a year of honest deals, and faults held out.

All of it goes through a real ledger, in small parts, at the sales' own times. Run it as
`python benchmarks/bench_anomalies.py [--part sale|year|faults] [--tuning]`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from admission.calendar import from_ms, to_ms
from admission.findings import Policy
from admission.verdicts import Reason
from benchmarks.sales import THE_NIGHT, THE_NIGHTS_VOUCHERS, Sale, World, the_night_of_2015
from benchmarks.sales_faults import HELD_OUT_SEEDS, TUNING_SEEDS, variants
from benchmarks.sales_feed import FedVenue, visit_time
from benchmarks.sales_year import DEALS, honest_year

MOST_S: Final = 60.0
AFTER: Final = 100
MOST_WARNINGS: Final = 5
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class SaleResult:
    """How the sale of 2015 went.

    Attributes:
        late_s: feed time from the hundredth absurd sale's arrival to the hold.
        absurd_before: absurd vouchers that were in when it was held.
        earlier: honest vouchers sold before; `earlier_held` of them are on hold at the gate.
        absurd_held: absurd vouchers that are.
    """

    late_s: float
    absurd_before: int
    earlier: int
    earlier_held: int
    later: int
    later_held: int
    absurd: int
    absurd_held: int
    findings: dict[str, int]
    incidents: int


def the_sale(directory: Path, *, absurd: int, honest: int) -> SaleResult:
    """Feed the sale of 2015: an hour at a time before the night, ten seconds at a time in it."""
    world = the_night_of_2015(absurd=absurd, honest=honest)
    deal_id, fault = world.faults[0].deal_id, world.faults[0]
    venue = FedVenue(directory, capacity=world.capacity)
    near, seen = to_ms(THE_NIGHT) - 7_200_000, {"at": 0}

    def note() -> bool:
        if not seen["at"] and venue.hold(deal_id) is not None:
            seen["at"] = to_ms(venue.now)
        return False

    venue.feed(world, lambda at_ms: HOUR_S if at_ms < near else 10.0, until=note)
    arrived = sorted(sale.at_ms for sale in world.sales if sale.code in fault.codes)
    before = [sale for sale in world.sales if sale.sold_ms < fault.from_ms]
    later = [
        sale
        for sale in world.sales
        if sale.sold_ms >= fault.from_ms and sale.code not in fault.codes
    ]
    at = visit_time(1, venue.now)
    said = [_said(venue, some, at) for some in (before, later)]
    absurd_said = venue.verdicts(fault.codes, at)
    found = venue.findings()
    result = SaleResult(
        late_s=(seen["at"] - arrived[AFTER - 1]) / 1000 if seen["at"] else float("inf"),
        absurd_before=sum(1 for each in arrived if each <= seen["at"]),
        earlier=said[0].total(),
        earlier_held=said[0][Reason.DEAL_HELD],
        later=said[1].total(),
        later_held=said[1][Reason.DEAL_HELD],
        absurd=absurd_said.total(),
        absurd_held=absurd_said[Reason.DEAL_HELD],
        findings={each.finding.kind.value: each.finding.size for each in found},
        incidents=len({each.incident_id for each in found if each.incident_id is not None}),
    )
    venue.close()
    return result


def _said(venue: FedVenue, sales: list[Sale], at: datetime) -> Counter[Reason]:
    return venue.verdicts(sorted({sale.code for sale in sales}), at)


@dataclass(slots=True)
class YearResult:
    """How a year of honest deals went."""

    deals: int
    rows: int
    holds: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def the_year(
    directory: Path, *, seed: int = 365, deals: int = DEALS, hours: float = 6.0
) -> YearResult:
    """Feed a year of honest deals, some hours at a time, at a venue that is large enough."""
    world = honest_year(seed, deals=deals)
    venue = FedVenue(directory, capacity=world.capacity)
    venue.feed(world, lambda _: hours * HOUR_S)
    result = YearResult(len({row.deal.deal_id for row in world.deals}), len(world.sales))
    for each in venue.findings():
        told = f"{each.finding.kind} {venue.deal_id(each)} {dict(each.finding.measure)}"
        (result.holds if each.policy is Policy.HOLD else result.warnings).append(told)
    venue.close()
    return result


@dataclass(slots=True)
class Score:
    """What was found in sixty worlds with one fault each.

    Attributes:
        right, wrong, missed: findings that a label asks for, that none does, and labels unfound.
        true_as_well: findings that follow from a fault, and are neither right nor wrong.
        earlier_held: honest vouchers sold before their deal's fault that a hold covers.
    """

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    true_as_well: int = 0
    earlier: int = 0
    earlier_held: int = 0

    @property
    def precision(self) -> float:
        """The share of findings that are right."""
        return self.right / max(1, self.right + len(self.wrong))

    @property
    def recall(self) -> float:
        """The share of faults that were found."""
        return self.right / max(1, self.right + len(self.missed))

    def add(self, world: World, venue: FedVenue) -> None:
        """Count one world."""
        (fault,) = world.faults
        found = {(venue.deal_id(each), each.finding.kind.value) for each in venue.findings()}
        asked = (fault.deal_id, fault.kind)
        also = {(fault.deal_id, kind) for kind in fault.also}
        self.right += asked in found
        if asked not in found:
            self.missed.append(f"{fault.kind}: {fault.name}, {len(fault.codes)} vouchers")
        wrong = found - also - {asked}
        self.wrong += [f"{kind} on {deal_id} ({fault.name})" for deal_id, kind in sorted(wrong)]
        self.true_as_well += len(found & also)
        self._add_held(world, venue)

    def _add_held(self, world: World, venue: FedVenue) -> None:
        (fault,) = world.faults
        for sale in world.sales:
            if sale.status != "valid" or sale.code in fault.codes:
                continue
            if sale.deal_id == fault.deal_id and sale.sold_ms >= fault.from_ms:
                continue
            hold = venue.hold(sale.deal_id)
            self.earlier += 1
            self.earlier_held += hold is not None and hold.scope.covers(
                sold_at=from_ms(sale.sold_ms), price_minor=sale.price_minor, admits=sale.admits
            )


def the_faults(directory: Path, seed: int, *, every: int = 1, hours: float = 1.0) -> Score:
    """Feed sixty faulty worlds, an hour at a time; each has a ledger of its own."""
    score = Score()
    for number, world in enumerate(variants(seed, every=every)):
        venue = FedVenue(directory / f"{seed}-{number}")
        venue.feed(world, lambda _: hours * HOUR_S)
        score.add(world, venue)
        venue.close()
    return score


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("sale", "year", "faults"))
    parser.add_argument("--tuning", action="store_true", help="the seeds that may be tuned on")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="bench-anomalies-") as name:
        for part, run in (("sale", print_sale), ("year", print_year)):
            if options.part in (None, part):
                begin = time.perf_counter()
                good = run(Path(name)) and good
                print(f"  ({time.perf_counter() - begin:.0f} s)")
        if options.part in (None, "faults"):
            for seed in TUNING_SEEDS if options.tuning else HELD_OUT_SEEDS:
                print_faults(Path(name), seed)
    return 0 if good else 1


def print_sale(directory: Path) -> bool:
    """Print how the sale of 2015 went; say whether it went as it must."""
    result = the_sale(directory / "sale", absurd=THE_NIGHTS_VOUCHERS, honest=6_000)
    print(
        f"2015: held {result.late_s:.1f} s after the {AFTER}th absurd sale was in (at most"
        f" {MOST_S:.0f}), when {result.absurd_before} were; {result.earlier_held} of"
        f" {result.earlier} honest earlier vouchers are held, {result.later_held} of"
        f" {result.later} honest later ones, {result.absurd_held} of {result.absurd} absurd ones;"
        f" {result.incidents} incident; {result.findings}"
    )
    good = result.late_s <= MOST_S and result.earlier_held == 0
    return good and result.absurd_held == result.absurd


def print_year(directory: Path) -> bool:
    """Print how the honest year went; say whether it went as it must."""
    result = the_year(directory / "year")
    print(f"year: {result.deals} deals, {result.rows} rows: {len(result.holds)} holds (0),")
    print(f"  {len(result.warnings)} warnings (at most {MOST_WARNINGS})")
    for told in (*result.holds, *result.warnings):
        print(f"  {told}")
    return not result.holds and len(result.warnings) <= MOST_WARNINGS


def print_faults(directory: Path, seed: int) -> None:
    """Print precision and recall of one seed."""
    begin = time.perf_counter()
    score = the_faults(directory, seed)
    print(
        f"faults, seed {seed}: precision {score.precision:.3f}, recall {score.recall:.3f}"
        f" ({score.right} right, {len(score.wrong)} wrong, {len(score.missed)} missed,"
        f" {score.true_as_well} true as well); {score.earlier_held} of {score.earlier} honest"
        f" earlier vouchers held ({time.perf_counter() - begin:.0f} s)"
    )
    for told in (*score.wrong, *score.missed):
        print(f"  {told}")


if __name__ == "__main__":
    sys.exit(main())
