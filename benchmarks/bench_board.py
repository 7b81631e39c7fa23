"""Time what staff look at on a ledger of 10,000,000 scans, of one day's, and of none, side by side.

The servers run on one core; each question is put to each in turn, many times, and the medians are
compared. The board is held against the empty one; figures of a day against the one with a day,
for a day without scans has nothing to tell. Making the ledger takes minutes and some gigabytes in
a directory, a temporary one or the one that `--keep` names, where the next run finds it again.

    python benchmarks/bench_board.py [--scans N] [--path /] [--keep DIR]
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.boards import let_in, log_in
from benchmarks.seed import seed
from benchmarks.seed_scans import DEVICES, add_scans
from benchmarks.servers import Server, gate_server
from gate_server.ledger import devices
from gate_server.ledger.ledger import OpenDirectory, utc_now
from gate_server.secrets import BearerKind, new_bearer
from gate_server.settings import read_settings

SCANS: Final = 10_000_000
VOUCHERS: Final = 206_865
ROUNDS: Final = 40
MOST: Final = 2.0
API: Final = "/api/v1"


def main() -> int:
    """Measure and print; 1 if the board takes more than twice as long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=SCANS)
    parser.add_argument("--vouchers", type=int, default=VOUCHERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--path", default="/", help="of the board's page")
    parser.add_argument("--keep", type=Path, help="make the ledgers here, and leave them")
    asked = parser.parse_args()
    with ExitStack() as stack:
        place = asked.keep
        if place is None:
            made = tempfile.TemporaryDirectory(prefix="bench-board-")
            place = Path(stack.enter_context(made))
        directories = tuple(place / each for each in ("full", "day", "empty"))
        told = place / "tokens.json"
        if not told.exists():
            make_all(directories, asked.vouchers, asked.scans)
            told.write_text(json.dumps([hire(directory) for directory in directories]), "utf-8")
        return measure(directories, json.loads(told.read_text("utf-8")), asked.path, asked.rounds)


def make_all(directories: tuple[Path, ...], vouchers: int, scans: int) -> None:
    """Make a venue with all scans, one with a day of them, and one with none."""
    full, one_day, empty = directories
    begun = time.monotonic()
    days = make(full, vouchers, scans)
    make(one_day, vouchers, -(-scans // days))
    make(empty, 1, 0)
    size = (full / "ledger.db").stat().st_size / 2**30
    took = time.monotonic() - begun
    print(f"{scans:,} scans of {days} days, {size:.1f} GiB, made in {took:.0f} s", flush=True)


def make(directory: Path, vouchers: int, scans: int) -> int:
    """Make a venue with so many scans; return of how many days."""
    seed(directory, vouchers=vouchers, devices_wanted=DEVICES)
    return add_scans(directory, scans, now=utc_now()) if scans else 0


def hire(directory: Path) -> str:
    """Add an admin and return the token."""
    bearer = new_bearer(BearerKind.USER, "bench")
    with OpenDirectory(directory, read_settings(directory).venue) as ledger:
        ledger.write(
            lambda tx: devices.add_user(
                tx, "bench", "admin", None, password_hash="", token_hash=bearer.stored,
                by="bench", now=ledger.clock(),
            ),
            alone=True,
        )  # fmt: skip
    let_in(directory, "bench")
    return bearer.text


def measure(directories: tuple[Path, ...], tokens: list[str], board: str, rounds: int) -> int:
    """Put each question to all servers and compare; 1 if the board's ratio is too high."""
    print("| what | full, ms | one day | empty | full / one day | full / empty |")
    print("| --- | --- | --- | --- | --- | --- |")
    starts = [[start_s(each) for _ in range(3)] for each in directories]
    tell("start of the server", starts)
    ratio = 0.0
    with ExitStack() as stack:
        servers = [stack.enter_context(gate_server(each)) for each in directories]
        askers = [Asker(server, token) for server, token in zip(servers, tokens, strict=True)]
        today = read_settings(directories[0]).venue.day_of(utc_now())
        for name, path in questions(board, today):
            times: list[list[float]] = [[] for _ in askers]
            for number in range(rounds + 2):
                for asker, kept in zip(askers, times, strict=True):
                    took = asker.ask(path)
                    if number >= 2:  # the first ones load modules and pages
                        kept.append(took)
            found = tell(name, times)
            ratio = found if path == board else ratio
    print(f"the board takes {ratio:.2f} times as long (at most {MOST})")
    return int(ratio > MOST)


def questions(board: str, day: date) -> list[tuple[str, str]]:
    """Return what is asked for: its name and its path."""
    month = f"from={day - timedelta(days=30)}&until={day}"
    return [
        (f"the board, GET {board}", board),
        ("GET /stats", f"{API}/stats"),
        ("gates, today by hour", f"{API}/figures/gates?from={day}&until={day}&by=hour"),
        ("gates, 31 days by day", f"{API}/figures/gates?{month}"),
        ("deals, 31 days by day", f"{API}/figures/deals?{month}"),
        ("one gate's day", f"{API}/gates/G1/day"),
        ("one deal's sales", f"{API}/deals/BENCH/curve?by=hour"),
        ("the audit, newest page", f"{API}/audit"),
        ("the audit, by subject", f"{API}/audit?subject=G1&by=bench"),
    ]


class Asker:
    """One connection that stays open, as a browser's does."""

    def __init__(self, server: Server, token: str) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Cookie": log_in(server.port, "bench")}

    def ask(self, path: str) -> float:
        """Fetch a path and return how long it took to its last byte, in seconds."""
        begun = time.perf_counter()
        self._http.request("GET", path, headers=self._headers)
        answer = self._http.getresponse()
        body = answer.read()
        took = time.perf_counter() - begun
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
        return took


def start_s(directory: Path) -> float:
    """Return how long a server takes until it listens, in seconds."""
    begun = time.perf_counter()
    with gate_server(directory):
        return time.perf_counter() - begun


def tell(name: str, times: list[list[float]]) -> float:
    """Print a line of the table and return how the full one stands to the empty one."""
    full, one_day, empty = (median(each) * 1e3 for each in times)
    ratios = f"{full / one_day:.2f} | {full / empty:.2f}"
    print(f"| {name} | {full:.1f} | {one_day:.1f} | {empty:.1f} | {ratios} |", flush=True)
    return full / empty


if __name__ == "__main__":
    raise SystemExit(main())
