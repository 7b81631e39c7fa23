"""What asking platforms for unknown codes costs the scans of known ones.

    python benchmarks/bench_lookup.py [--vouchers 206865] [--runs 3] [--requests 6000] [--lanes 4]

Servers with the same vouchers, one after the other on one core: without a platform that may be
asked, and with one that hangs; each of them alone, and while some lanes show unknown codes without
a pause. Rates and latencies are those of known codes alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load, seed, servers
from gate_server.commands.feed_lookup import SetLookup, set_lookup
from gate_server.commands.feeds import AddNative, add_native
from gate_server.commands.services import Services
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import OpenDirectory
from gate_server.settings import read_settings


@contextmanager
def hanging_platform() -> Iterator[str]:
    """Take connections and never answer; yields the address."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
    for each in held:
        each.close()


def connect(venue: seed.SeededVenue, url: str) -> None:
    """Add a platform that pushes and can be asked to a venue that no server holds."""
    settings, directory = read_settings(venue.directory), venue.directory
    keys = Keyring.open(directory / "keys")
    with OpenDirectory(directory, settings.venue) as ledger:
        services = Services(ledger, keys, settings, directory)
        add_native(services, AddNative(platform="sunny"))
        set_lookup(services, SetLookup(platform="sunny", find_url=url))


def scans(venue: seed.SeededVenue, run: int, count: int) -> Iterator[bytes]:
    """Yield scans of known codes, each for the first time."""
    first = run * count
    for number in range(first, first + count):
        body = {"code": venue.code(number % venue.vouchers), "nonce": f"look-{run:03}-{number:09}"}
        token = venue.tokens[number % len(venue.tokens)]
        yield load.request("POST", "/api/v1/scans", token=token, body=json.dumps(body).encode())


def strangers(venue: seed.SeededVenue, run: int) -> Iterator[bytes]:
    """Yield scans of codes that nobody sold, without end."""
    for number in itertools.count():
        body = {"code": f"NOBODY-{run}-{number:08}", "nonce": f"none-{run:03}-{number:09}"}
        token = venue.tokens[number % len(venue.tokens)]
        yield load.request("POST", "/api/v1/scans", token=token, body=json.dumps(body).encode())


def measure(
    venue: seed.SeededVenue, first: int, options: argparse.Namespace, *, unknown: bool
) -> list[tuple[float, float, float]]:
    """Return scans a second, p50 and p99 of each run."""
    rows = []
    with servers.gate_server(venue.directory) as ours:
        load.run(ours.port, scans(venue, first + 90, 1000))
        for run in range(first, first + options.runs):
            others = threading.Event()
            thread = threading.Thread(target=_wave, args=(ours.port, venue, run, others, options))
            if unknown:
                thread.start()
            found = load.run(ours.port, scans(venue, run, options.requests))
            others.set()
            if unknown:
                thread.join()
            if set(found.statuses) != {200}:
                raise SystemExit(f"not all were answered: {dict(found.statuses)}")
            rows.append((found.rate, found.quantile_ms(0.5), found.quantile_ms(0.99)))
    return rows


def _wave(
    port: int,
    venue: seed.SeededVenue,
    run: int,
    stop: threading.Event,
    options: argparse.Namespace,
) -> None:
    """Show unknown codes, from a few lanes, until told to stop."""
    shown = itertools.takewhile(lambda _: not stop.is_set(), strangers(venue, run))
    load.run(port, shown, clients=options.lanes)


def main() -> None:
    """Seed a venue, measure, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--lanes", type=int, default=4, help="that show unknown codes all the time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, hanging_platform() as url:
        venue = seed.seed(Path(folder) / "venue", vouchers=options.vouchers)
        found = {
            "nobody to ask": measure(venue, 0, options, unknown=False),
            "nobody to ask, unknown codes": measure(venue, 100, options, unknown=True),
        }
        connect(venue, url)
        found["one that hangs"] = measure(venue, 200, options, unknown=False)
        found["one that hangs, unknown codes"] = measure(venue, 300, options, unknown=True)
    for name, rows in found.items():
        rate, p50, p99 = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:30} {rate:7.0f} scans/s  p50 {p50:6.1f} ms  p99 {p99:6.1f} ms")


if __name__ == "__main__":
    main()
