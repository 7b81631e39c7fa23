"""What feeds cost: memory of the feeder on a large OCTO answer.

Run it as `python benchmarks/bench_feeds.py [--only octo]`. Each measurement is one function that
prints its figures and returns whether they are good.

`octo`: a real server with its feeder takes a generated answer of 50 MB, then of 200 MB (FACTS: 3.9
kB a booking). Peak memory of the feeder: at most 300 MB, and flat in the size of the answer.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.octo_platform import TOKEN  # noqa: E402
from benchmarks.servers import free_port  # noqa: E402

SIZES_MB = (50, 200)
MOST_MB = 300.0
MOST_GROWTH = 1.2
WITHIN_S = 1800.0


@dataclass(frozen=True)
class Figures:
    """What one answer took.

    Attributes:
        feeder_mb, server_mb: the most memory that each process ever had resident.
    """

    rows: int
    seconds: float
    feeder_mb: float
    server_mb: float


def main() -> int:
    """Measure and print; 1 if anything is worse than it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(MEASUREMENTS))
    only = parser.parse_args().only
    good = [measure() for name, measure in MEASUREMENTS.items() if only in {None, name}]
    return 0 if all(good) else 1


def measure_octo() -> bool:
    """Measure the feeder's memory on two sizes of an OCTO answer."""
    found = {}
    for size in SIZES_MB:
        with tempfile.TemporaryDirectory(prefix="bench-feeds-") as name:
            found[size] = take_octo(Path(name), size)
        each = found[size]
        print(
            f"octo {size:4} MB: {each.rows:6} rows in {each.seconds:5.1f} s"
            f" ({each.rows / each.seconds:5.0f}/s), feeder {each.feeder_mb:5.0f} MB at most,"
            f" server {each.server_mb:5.0f} MB"
        )
    small, large = (found[size].feeder_mb for size in SIZES_MB)
    good = large <= MOST_MB and large <= small * MOST_GROWTH
    print(
        f"feeder at most {MOST_MB:.0f} MB, and at most {MOST_GROWTH} times from {SIZES_MB[0]} to"
        f" {SIZES_MB[1]} MB ({large / small:.2f}): {'good' if good else 'TOO MUCH'}"
    )
    return good


def take_octo(work: Path, size: int) -> Figures:
    """Let a server take one answer of so many megabytes."""
    venue, port = work / "var", free_port()
    gate(venue, "init")
    (work / "token").write_text(TOKEN, encoding="utf-8")
    (work / "token").chmod(0o600)
    platform = [sys.executable, "-m", "benchmarks.octo_platform", str(port), str(size)]
    with running(platform), serving(venue):
        began = time.monotonic()
        options = ("--token-file", str(work / "token"), "--days", "1", "--every", "86400")
        url = f"http://127.0.0.1:{port}/octo"
        gate(venue, "feed", "add", "octo", "--platform", "flash", "--url", url, *options)
        while (feed := status(venue))["accepted_at"] is None:
            if feed["error"] or time.monotonic() - began > WITHIN_S:
                raise SystemExit(f"the feed did not get through: {feed}")
            time.sleep(0.5)
        seconds = time.monotonic() - began
        feeder, server = peak_mb("gate_server.feeder", venue), peak_mb("serve", venue)
        return Figures(feed["rows_taken"], seconds, feeder, server)


def status(venue: Path) -> dict[str, Any]:
    """Return how the only feed fares."""
    (feed,) = json.loads(gate(venue, "feed", "status", "--json"))
    found: dict[str, Any] = feed
    return found


def peak_mb(word: str, venue: Path) -> float:
    """Return the most memory that a process of a venue ever had, MB; of several, the largest."""
    peaks = [0.0]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
            told = (path / "status").read_text("utf-8")
        except OSError:
            continue
        if str(venue) in words and word in words:
            peaks += [
                int(line.split()[1]) * 1024 / 1e6 for line in told.splitlines() if "VmHWM" in line
            ]
    return max(peaks)


def gate(venue: Path, *arguments: str) -> str:
    """Run a command of the gate server and return its stdout."""
    command = [str(Path(sys.executable).with_name("gate-server")), "--data", str(venue)]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@contextmanager
def serving(venue: Path) -> Iterator[None]:
    """Run the real server on a venue."""
    command = [str(Path(sys.executable).with_name("gate-server")), "--data", str(venue)]
    with running([*command, "serve", "--http", "--port", str(free_port())]):
        yield


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """Run a process, and end it."""
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        time.sleep(1.0)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


MEASUREMENTS: dict[str, Callable[[], bool]] = {"octo": measure_octo}


if __name__ == "__main__":
    sys.exit(main())
