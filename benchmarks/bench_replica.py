"""What the replica costs: bytes, seconds, memory, and how soon a void is at the last scanner.

    python benchmarks/bench_replica.py [--vouchers 206865] [--scanners 200] [--seconds 10]

The server has one core, its clients the other. Each part is compared with what it replaces in the
same run: a download with copying a file of its bytes, scans beside it with scans alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import http.client
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import listeners, load, seed, servers
from benchmarks.servers import Server
from gate_server.ledger.devices import add_user
from gate_server.ledger.ledger import OpenDirectory
from gate_server.secrets import BearerKind, new_bearer
from gate_server.settings import read_settings
from scanner_client.replica import Replica
from scanner_client.replica_files import REPLICA_FILE
from scanner_client.replica_intake import start_afresh
from scanner_client.seal import load_seal

SCANS_A_SECOND = 60
DOWNLOADING = 10
REPLICA = "/api/v1/replica"


def fetch(port: int, token: str, query: str = "") -> tuple[bytes, str]:
    """Download the replica; return its bytes as they came, and the epoch."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    connection.request("GET", REPLICA + query, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"no replica: {answer.status} {body!r}")
    connection.close()
    return body, answer.headers["X-Gatehouse-Epoch"]


def timed_fetch(port: int, token: str) -> tuple[float, bytes, str]:
    """Download and say how many seconds it took."""
    begun = time.perf_counter()
    body, epoch = fetch(port, token)
    return time.perf_counter() - begun, body, epoch


def copy_s(folder: Path, data: bytes) -> float:
    """Return the seconds that copying a file of these bytes to the disk takes."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        shutil.copyfile(source, target)
        with target.open("rb+") as file:
            os.fsync(file.fileno())
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def keep(folder: Path, data: bytes, epoch: str) -> tuple[float, int]:
    """Take a download into a scanner's replica; return the seconds and the bytes on disk."""
    directory = folder / "scanner"
    directory.mkdir()
    replica = Replica(directory, load_seal(directory, print), print)
    lines = gzip.decompress(data).splitlines(keepends=True)
    begun = time.perf_counter()
    intake = start_afresh(replica)
    intake.begin(epoch)
    for line in lines[:-1]:
        intake.take(line)
    if not intake.take(lines[-1]):
        raise SystemExit("the download was not complete")
    took = time.perf_counter() - begun
    replica.close()
    return took, (directory / REPLICA_FILE).stat().st_size


@contextmanager
def memory(server: Server) -> Iterator[list[float]]:
    """Watch the server's memory, MiB."""
    seen, stop = [server.rss_mib()], threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            seen.append(server.rss_mib())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


# --- scans beside it ------------------------------------------------------------------------------


def scans(venue: seed.SeededVenue, run: str, first: int, count: int) -> list[bytes]:
    """Return requests of vouchers never scanned before, from the last devices."""
    tokens = venue.tokens[-32:]
    made = []
    for number in range(first, first + count):
        code = venue.code(number * 7919 % venue.vouchers)
        body = {"code": code, "nonce": f"{run}-{number:09}"}
        token = tokens[number % len(tokens)]
        made.append(
            load.request("POST", "/api/v1/scans", token=token, body=json.dumps(body).encode())
        )
    return made


def flat_out(port: int, venue: seed.SeededVenue, run: str, first: int) -> load.Load:
    """Scan as fast as 32 clients can."""
    return load.run(port, iter(scans(venue, run, first, 6000)))


def steady(port: int, venue: seed.SeededVenue, run: str, first: int, seconds: float) -> load.Load:
    """Scan as a peak day of the largest parks does, many times over."""
    requests = scans(venue, run, first, int(seconds * SCANS_A_SECOND))
    return asyncio.run(_steady(port, requests, clients=16))


async def _steady(port: int, requests: list[bytes], clients: int) -> load.Load:
    made, begun = load.Load(), time.perf_counter()

    async def client(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(index, len(requests), clients):
            due = begun + number / SCANS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await load._client(reader, writer, iter(requests[number : number + 1]), made)
        writer.close()

    await asyncio.gather(*map(client, range(clients)))
    made.seconds = time.perf_counter() - begun
    return made


# --- parts ----------------------------------------------------------------------------------------


def measure_bytes(venue: seed.SeededVenue, folder: Path) -> None:
    """Print what a first download costs."""
    with servers.gate_server(venue.directory) as server:
        token = venue.tokens[0]
        with memory(server) as seen:
            cold_s, body, epoch = timed_fetch(server.port, token)
            warm = [timed_fetch(server.port, token)[0] for _ in range(5)]
        row("on the wire, bytes a voucher", f"{len(body) / venue.vouchers:.1f}", "<= 32")
        kept_s, size = keep(folder, body, epoch)
        row("on the scanner's disk, bytes a voucher", f"{size / venue.vouchers:.1f}", "<= 100")
        row("copying a file of the same bytes, s", f"{copy_s(folder, body):.3f}")
        row("download: the first after a start, s", f"{cold_s:.2f}")
        row("download: every later one, s", f"{statistics.median(warm):.3f}")
        row("into the scanner's replica, s", f"{kept_s:.2f}")
        row("server memory, MiB: before -> most", f"{seen[0]:.0f} -> {max(seen):.0f}")
    with servers.gate_server(venue.directory) as server, memory(server) as seen:
        begun = time.perf_counter()
        threads = [
            threading.Thread(target=fetch, args=(server.port, each)) for each in venue.tokens[:16]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        row("16 first downloads at once, s", f"{time.perf_counter() - begun:.2f}")
        row("server memory meanwhile, MiB", f"{seen[0]:.0f} -> {max(seen):.0f}")


def measure_scans(venue: seed.SeededVenue) -> None:
    """Print what scans lose while replicas are downloaded."""
    tokens = venue.tokens[:DOWNLOADING]
    name = f"alone -> {DOWNLOADING} whole downloads a second"
    with servers.gate_server(venue.directory) as server:
        alone = steady(server.port, venue, "cold-0", 0, 3)
        with downloading(server.port, venue.tokens[:1]):
            beside = steady(server.port, venue, "cold-1", 5_000, 3)
        compare(f"{SCANS_A_SECOND} scans/s, alone -> first download after a start", alone, beside)
        flat_out(server.port, venue, "warm", 10_000)
        alone = flat_out(server.port, venue, "flat-0", 20_000)
        with downloading(server.port, tokens):
            beside = flat_out(server.port, venue, "flat-1", 30_000)
        compare(f"scans flat out, {name}", alone, beside)
        alone = steady(server.port, venue, "calm-0", 40_000, 8)
        with downloading(server.port, tokens):
            beside = steady(server.port, venue, "calm-1", 50_000, 8)
        compare(f"{SCANS_A_SECOND} scans/s, {name}", alone, beside)


@contextmanager
def downloading(port: int, tokens: Sequence[str]) -> Iterator[None]:
    """Have each of some devices download all, once a second."""
    stop = threading.Event()

    def repeat(token: str) -> None:
        fetch(port, token)
        while not stop.wait(1.0):
            fetch(port, token)

    threads = [threading.Thread(target=repeat, args=(each,)) for each in tokens]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure_void(venue: seed.SeededVenue, boss: str, options: argparse.Namespace) -> None:
    """Print how soon a void is at the last scanner, and what following costs scans."""
    tokens = list(venue.tokens[: options.scanners])
    with servers.gate_server(venue.directory) as server:
        flat_out(server.port, venue, "warm-2", 60_000)
        alone = steady(server.port, venue, "alone", 80_000, options.seconds)
        started = server.rss_mib()
        with listeners.Crowd(server.port, tokens, head(server.port, tokens[0])) as crowd:
            time.sleep(3)
            before = crowd.fetched()[0]
            beside = steady(server.port, venue, "beside", 120_000, options.seconds)
            deltas = (crowd.fetched()[0] - before) / options.seconds
            compare(f"{SCANS_A_SECOND} scans/s, alone -> {len(tokens)} following", alone, beside)
            row("deltas read a second meanwhile", f"{deltas:.0f}")
            row("server memory, MiB: alone -> followed", f"{started:.0f} -> {server.rss_mib():.0f}")
            print_void("void to the last, calm", crowd, server, boss)
        with listeners.Crowd(server.port, tokens, head(server.port, tokens[0])) as crowd:
            time.sleep(3)
            scanning = threading.Thread(
                target=steady, args=(server.port, venue, "void", 150_000, 8.0)
            )
            scanning.start()
            time.sleep(3)
            print_void(f"void to the last, {SCANS_A_SECOND} scans/s", crowd, server, boss)
            scanning.join()


def head(port: int, token: str) -> tuple[int, str]:
    """Return where the ledger stands: revision and epoch."""
    body, epoch = fetch(port, token)
    return json.loads(gzip.decompress(body).splitlines()[-1])["revision"], epoch


def print_void(name: str, crowd: listeners.Crowd, server: Server, boss: str) -> None:
    """Void the deal, and print when the scanners knew; then restore it."""
    terms = {"reason": "bench", "honour": None, "cost_bearer": "venue"}
    begun = time.monotonic()
    call(server.port, "/api/v1/deals/BENCH/void", boss, terms)
    answered = time.monotonic()
    told = crowd.voided_at(within_s=10)
    call(server.port, "/api/v1/deals/BENCH/restore", boss, {"reason": "bench"})
    if not all(told):
        raise SystemExit(f"{told.count(0.0)} scanners never heard of the void")
    ms = sorted((at - begun) * 1000 for at in told)
    goal = f"{name}, ms from the call (median / last)"
    row(goal, f"{statistics.median(ms):.0f} / {ms[-1]:.0f}", "< 500")
    row("  its answer, ms", f"{(answered - begun) * 1000:.0f}")


def call(port: int, path: str, token: str, body: Mapping[str, object]) -> None:
    """Make a call of a supervisor."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {text!r}")


def compare(name: str, alone: load.Load, beside: load.Load) -> None:
    """Print a pair of runs."""
    for run in (alone, beside):
        if set(run.statuses) != {200}:
            raise SystemExit(f"{name}: not all were answered: {dict(run.statuses)}")
    row(f"{name}: scans/s", f"{alone.rate:.0f} -> {beside.rate:.0f}")
    for share in (0.5, 0.99):
        before, after = alone.quantile_ms(share), beside.quantile_ms(share)
        row(f"  p{share * 100:.0f} ms", f"{before:.1f} -> {after:.1f}")


def row(name: str, value: str, goal: str = "") -> None:
    """Print a row of the table."""
    print(f"| {name} | {value} | {goal} |", flush=True)


def hire(venue: seed.SeededVenue) -> str:
    """Add a supervisor and return the token."""
    token = new_bearer(BearerKind.USER, "boss")
    with OpenDirectory(venue.directory, read_settings(venue.directory).venue) as ledger:
        ledger.write(
            lambda tx: add_user(
                tx,
                "boss",
                "supervisor",
                None,
                password_hash="unusable",  # noqa: S106 - nobody logs in with it
                token_hash=token.stored,
                by="bench",
                now=tx.clock(),
            ),
            alone=True,
        )
    return token.text


def main() -> None:
    """Seed a venue, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--scanners", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    os.sched_setaffinity(0, {listeners.CLIENT_CORE})
    wanted = options.scanners + 32
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        print("| what | measured | goal |\n| --- | --- | --- |")
        venue = seed.seed(
            folder / "venue", vouchers=options.vouchers, devices_wanted=wanted, orders=False
        )
        boss = hire(venue)
        measure_bytes(venue, folder)
        measure_void(venue, boss, options)
        measure_scans(venue)
        ordered = seed.seed(folder / "orders", vouchers=options.vouchers, orders=True)
        with servers.gate_server(ordered.directory) as server:
            body, _ = fetch(server.port, ordered.tokens[0])
        each = f"{len(body) / ordered.vouchers:.1f}"
        row("on the wire with order numbers, bytes a voucher", each)


if __name__ == "__main__":
    main()
