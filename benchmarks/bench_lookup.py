"""What asking platforms for unknown codes costs the scans of known ones.

    python benchmarks/bench_lookup.py [--vouchers 50000] [--runs 5] [--requests 3000] [--lanes 4]

Two servers on one core with the same vouchers: one has nobody to ask, the other a platform that
hangs. Their runs alternate, alone and while some lanes show unknown codes without a pause; rates
and latencies are those of known codes, and the median of the ratios is what counts.
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
    port: int, venue: seed.SeededVenue, run: int, options: argparse.Namespace, *, unknown: bool
) -> tuple[float, float]:
    """Return scans a second and their p99 of one run."""
    stop = threading.Event()
    thread = threading.Thread(target=_wave, args=(port, venue, run, stop, options))
    if unknown:
        thread.start()
    found = load.run(port, scans(venue, run, options.requests))
    stop.set()
    if unknown:
        thread.join()
    if set(found.statuses) != {200}:
        raise SystemExit(f"not all were answered: {dict(found.statuses)}")
    return found.rate, found.quantile_ms(0.99)


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


def compare(folder: Path, options: argparse.Namespace) -> None:
    """Run both servers in turn and print what each round measured, then the medians."""
    alone = seed.seed(folder / "alone", vouchers=options.vouchers)
    asking = seed.seed(folder / "asking", vouchers=options.vouchers)
    ratios: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with hanging_platform() as url:
        connect(asking, url)
        with (
            servers.gate_server(alone.directory) as one,
            servers.gate_server(asking.directory) as other,
        ):
            for run in range(2 * options.runs + 1):
                unknown = run % 2 == 1
                plain = measure(one.port, alone, run, options, unknown=unknown)
                asked = measure(other.port, asking, run, options, unknown=unknown)
                if run == 0:
                    continue  # a first run warms both
                ratios[unknown].append((asked[0] / plain[0], asked[1] / plain[1]))
                print(f"unknown codes {unknown!s:5}  {plain[0]:6.0f} {asked[0]:6.0f} scans/s"
                      f"  p99 {plain[1]:6.1f} {asked[1]:6.1f} ms")  # fmt: skip
    for unknown, rows in ratios.items():
        rate, p99 = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"unknown codes {unknown!s:5}: ratio of rates {rate:.2f}, of p99 {p99:.2f}")


def main() -> None:
    """Seed two venues and compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--lanes", type=int, default=4, help="that show unknown codes all the time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        compare(Path(folder), options)


if __name__ == "__main__":
    main()
