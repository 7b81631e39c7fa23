"""The long day with outages: more scanners and scans than the tests have time for.

    python benchmarks/bench_outage.py [--scanners 12] [--scans 20000] [--days 3] [--seed 1]

Each day is played by real processes with three outages (`tests/e2e/outage_play.py`). Then the
ledger is held against what was shown: equal, every double use reported and none invented.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e.outage import a_venue
from tests.e2e.outage_play import play, rows_of


def main(arguments: list[str]) -> None:
    """Play the days, each on a venue of its own; the first that does not fit ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scanners", type=int, default=12)
    parser.add_argument("--scans", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    codes = [f"LONG-{number:07}-TICKET" for number in range(given.scans)]
    print("| seed | scans | offline | let in twice | slowest verdict ms | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for day in range(given.days):
        seed, began = given.seed + day, time.perf_counter()
        with (
            tempfile.TemporaryDirectory(prefix="gatehouse-", ignore_cleanup_errors=True) as folder,
            a_venue(Path(folder), codes) as venue,
        ):
            lanes = [venue.lane() for _ in range(given.scanners)]
            played = play(venue, lanes, rows_of(lanes, codes, given.scans, seed))
        seconds = time.perf_counter() - began
        print(
            f"| {seed} | {played.scans:,} | {played.offline:,} | {played.doubles:,} "
            f"| {played.slowest_s * 1000:.0f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
