"""Scans a second of one server process on one core, as a ratio to a no-op Flask route.

    python benchmarks/bench_scans.py [--vouchers 206865] [--runs 5] [--requests 6000]
                                     [--tls] [--commit-alone]

Everything is on: token check, decision, FULL commit, counters, audit. The two servers run with the
same settings on the same core; their runs alternate, and the median ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
import ssl
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load, seed, servers
from gate_server.certificates import create_certificates
from gate_server.ledger.ledger import utc_now
from gate_server.settings import read_settings


def scans(venue: seed.SeededVenue, run: int, first: int, count: int) -> Iterator[bytes]:
    """Yield scan requests, each of a voucher that was never scanned before."""
    for number in range(first, first + count):
        body = {"code": venue.code(number % venue.vouchers), "nonce": f"bench-{run:04}-{number:09}"}
        token = venue.tokens[number % len(venue.tokens)]
        yield load.request("POST", "/api/v1/scans", token=token, body=json.dumps(body).encode())


def spread(venue: seed.SeededVenue, index: int) -> int:
    """Return where a run begins, so that runs touch vouchers all over the table."""
    return index * 7919 * 13 % max(1, venue.vouchers)


def compare(venue: seed.SeededVenue, options: argparse.Namespace) -> list[dict[str, float]]:
    """Run both servers in turn and return what each pair of runs measured."""
    context = ssl._create_unverified_context() if options.tls else None  # noqa: S323
    threads = read_settings(venue.directory).threads
    rows = []
    with (
        servers.gate_server(
            venue.directory, tls=options.tls, commit_alone=options.commit_alone
        ) as ours,
        servers.noop_server(threads) as noop,
    ):
        load.run(ours.port, scans(venue, 9000, 0, 1000), tls=context)
        load.run(noop.port, scans(venue, 9000, 0, 1000))
        for index in range(options.runs):
            first = spread(venue, index + 1)
            yardstick = load.run(noop.port, scans(venue, index, first, options.requests))
            measured = load.run(
                ours.port, scans(venue, index, first, options.requests), tls=context
            )
            for answered in (yardstick, measured):
                if set(answered.statuses) != {200}:
                    raise SystemExit(f"not all were answered: {dict(answered.statuses)}")
            rows.append(
                {
                    "noop/s": yardstick.rate,
                    "scans/s": measured.rate,
                    "ratio": measured.rate / yardstick.rate,
                    "noop p99 ms": yardstick.quantile_ms(0.99),
                    "scan p50 ms": measured.quantile_ms(0.5),
                    "scan p99 ms": measured.quantile_ms(0.99),
                    "p99 ratio": measured.quantile_ms(0.99) / yardstick.quantile_ms(0.99),
                }
            )
            print("  ".join(f"{name} {value:9.2f}" for name, value in rows[-1].items()))
        print(f"server memory: {ours.rss_mib():.0f} MiB")
    return rows


def main() -> None:
    """Seed a venue, measure, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--tls", action="store_true", help="scans over TLS, the yardstick not")
    parser.add_argument("--commit-alone", action="store_true", help="a commit for every scan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        venue = seed.seed(Path(folder) / "venue", vouchers=options.vouchers)
        if options.tls:
            create_certificates(venue.directory / "keys" / "tls", now=utc_now())
        rows = compare(venue, options)
    print(f"medians of {options.runs} runs, {options.vouchers} vouchers:")
    for name in rows[0]:
        print(f"  {name:12} {statistics.median(row[name] for row in rows):9.2f}")


if __name__ == "__main__":
    main()
