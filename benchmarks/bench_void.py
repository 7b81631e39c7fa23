"""How soon terms are at the last of 200 scanners, and what their preview costs.

    python benchmarks/bench_void.py [--vouchers 206865] [--scanners 200] [--scans 60]

The server has one core, its clients the other. Each scanner holds an event stream to the server,
and fetches and reads the delta as the download does. Seconds count from the answer to the call.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import listeners, load, seed, servers
from benchmarks.bench_replica import compare, head, hire, row, steady

DEAL = "/api/v1/deals/BENCH"
CLOSURES = "/api/v1/closures"
REASON = {"reason": "bench"}


def call(port: int, token: str, path: str, body: Mapping[str, object]) -> tuple[Any, float]:
    """Make a call of a supervisor; return its answer, and when it came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    came_at = time.monotonic()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text!r}")
    connection.close()
    return json.loads(text), came_at


def terms(hours: int) -> dict[str, object]:
    """Return void terms whose cut-off is some hours from now."""
    by = datetime.now(UTC) + timedelta(hours=hours)
    honour = {"arrived_by": by.isoformat(), "admit_until": (by + timedelta(hours=9)).isoformat()}
    remedy = {"refund": "price_paid", "compensation_per_buyer_minor": 1000}
    return REASON | {"honour": honour, "cost_bearer": "platform", "remedy": remedy}


def closure() -> dict[str, object]:
    """Return a closure of the running hour."""
    now = datetime.now(UTC)
    times = {"closed_from": now, "closed_until": now + timedelta(hours=1)}
    times["extend_until"] = now + timedelta(days=60)
    told = {name: at.isoformat() for name, at in times.items()}
    return REASON | told | {"deals": ["BENCH"], "used_too": True}


def measure_terms(port: int, boss: str, crowd: listeners.Crowd, beside: str) -> None:
    """Void, amend, restore, close and end that; print when the scanners knew of each."""
    for name, path, body in (
        ("void", f"{DEAL}/void", terms(8)),
        ("other terms", f"{DEAL}/void", terms(9)),
        ("restore", f"{DEAL}/restore", REASON),
        ("closure", CLOSURES, closure()),
    ):
        made, answered_at = call(port, boss, path, body)
        wanted = f"void {made['void_version']}" if name in {"void", "other terms"} else ""
        if name == "closure":
            wanted = f"closure {made['closure_id']}.1"
        told = crowd.terms_at(wanted, within_s=10)
        if not all(told):
            raise SystemExit(f"{told.count(0.0)} scanners never heard of the {name}")
        late = sorted(max(0.0, at - answered_at) for at in told)
        figures = f"{statistics.median(late):.3f} / {late[-1]:.3f}"
        row(f"{name}, {beside}: s from its answer, median / last of {len(told)}", figures, "< 1")
    number = made["closure_id"]
    call(port, boss, f"{CLOSURES}/{number}/restore", REASON)


def measure_previews(port: int, boss: str, venue: seed.SeededVenue, scans: int) -> None:
    """Print what previews take, and what live scans lose beside them."""
    for name, path, body in (
        ("void", f"{DEAL}/void", terms(8)),
        ("closure", CLOSURES, closure()),
    ):
        took = []
        for _ in range(3):
            begun = time.monotonic()
            took.append(call(port, boss, f"{path}?preview=true", body)[1] - begun)
        row(
            f"preview of a {name} of {venue.vouchers} vouchers, s", f"{statistics.median(took):.2f}"
        )
    if not scans:
        return
    alone = steady(port, venue, "quiet", 0, 6)
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            call(port, boss, f"{DEAL}/void?preview=true", terms(8))

    thread = threading.Thread(target=repeat)
    thread.start()
    beside: load.Load = steady(port, venue, "preview", 5_000, 6)
    stop.set()
    thread.join()
    compare("60 scans/s, alone -> beside previews without a pause", alone, beside)


def main() -> None:
    """Seed a venue, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--scanners", type=int, default=200)
    parser.add_argument("--scans", type=int, default=60, help="beside it; 0: none")
    options = parser.parse_args()
    os.sched_setaffinity(0, {listeners.CLIENT_CORE})
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        print("| what | measured | goal |\n| --- | --- | --- |")
        wanted = options.scanners + 32
        venue = seed.seed(Path(name) / "venue", vouchers=options.vouchers, devices_wanted=wanted)
        boss, tokens = hire(venue), list(venue.tokens[: options.scanners])
        with servers.gate_server(venue.directory) as server:
            measure_previews(server.port, boss, venue, options.scans)
            with listeners.Crowd(server.port, tokens, head(server.port, tokens[0])) as crowd:
                time.sleep(3)
                measure_terms(server.port, boss, crowd, "calm")
                if options.scans:
                    scanning = threading.Thread(
                        target=steady, args=(server.port, venue, "busy", 20_000, 12.0)
                    )
                    scanning.start()
                    time.sleep(1)
                    measure_terms(server.port, boss, crowd, f"{options.scans} scans/s")
                    scanning.join()


if __name__ == "__main__":
    main()
