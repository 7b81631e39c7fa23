"""What a look at the crowd costs: 14 past days of 40 gates, 206,865 vouchers, many counts.

    python benchmarks/bench_crowd_view.py [--vouchers 206865]

In-process, on a real ledger file; the counters are filled in directly, as scans would have.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from admission.calendar import to_ms
from admission.wire_crowd import QueueCountRequest
from gate_server.counting import count_queue
from gate_server.crowd import PAST_DAYS, CrowdBook
from tests.server import Park

GATES, REASONS, OPEN_MINUTES = 40, ("admitted", "used_up", "counted:free_child"), 600
DEALS, WINDOWS, COUNTS = 200, 90, 60


def fill(park: Park, vouchers: int) -> None:
    """Fill in what past days and sales would have left."""
    chance = random.Random(1)
    today = to_ms(park.ledger.venue.day_bounds(park.ledger.venue.day_of(park.ledger.clock()))[0])
    db = sqlite3.connect(park.directory / "ledger.db")
    for day in range(PAST_DAYS + 1):
        first = today // 60_000 - day * 1440 + 480
        db.executemany(
            "INSERT OR REPLACE INTO counters VALUES (?, ?, ?, 4, 4, 2, 4, 4, 2)",
            (
                (first + minute, f"N{gate}", reason)
                for minute in range(OPEN_MINUTES)
                for gate in range(GATES)
                for reason in REASONS
                if chance.random() < 0.8
            ),
        )
    quarter = today // 900_000
    deals = [number for (number,) in db.execute("SELECT deal_no FROM deals")]
    db.executemany(
        "INSERT OR REPLACE INTO sale_windows VALUES (?, ?, ?, ?)",
        (
            (deal, quarter + 96 * day, quarter + 96 * (day + 1) - 1, vouchers // len(deals) // 30)
            for deal in deals
            for day in range(-WINDOWS, WINDOWS)
        ),
    )
    db.executemany(
        "INSERT OR REPLACE INTO deal_counters VALUES (?, ?, 9, 9, 9, 0, 0)",
        ((today // 3_600_000 - hour, deal) for deal in deals for hour in range(24 * 90)),
    )
    db.commit()
    db.close()


def main(arguments: list[str]) -> None:
    """Fill a ledger, look, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as folder:
        park = Park(Path(folder) / "var")
        for gate in range(GATES):
            park.add_gate(f"N{gate}", f"Lane {gate}", "park")
        for deal in range(DEALS):
            park.offer(f"DEAL-{deal}")
        fill(park, given.vouchers)
        for back in range(COUNTS):
            at = park.ledger.clock() - timedelta(minutes=back / 2)
            asked = QueueCountRequest(people=300 + back, area="park", counted_at=at)
            count_queue(park.ledger, asked, device=None, by="bench", operator=None)
        seconds = [0.0]
        book = CrowdBook(park.ledger, park.settings, monotonic=lambda: seconds[0])
        took = {"first look: all past days": [timed(book)]}
        for name, step in (("once a minute", 61.0), ("each second", 1.5), ("once an hour", 3601.0)):
            looks = []
            for _ in range(5):
                seconds[0] += step
                looks.append(timed(book))
            took[name] = looks
        for name, looks in took.items():
            print(f"| {name} | {statistics.median(looks):.1f} ms |")
        park.close()


def timed(book: CrowdBook) -> float:
    """Return how many milliseconds of the processor a look takes."""
    began = time.process_time()
    book.view()
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    main(sys.argv[1:])
