"""Many scanners come back at once with what they decided alone, while live scans go on.

    python benchmarks/bench_return.py [--vouchers 206865] [--runs 3] [--lines 20000] [--scanners 20]

Each scanner hands over its scans as it really does: batches of 200 lines with their chain, one at a
time. Told are the p99 of live scans with and without that, and lines a second against the same
number of live scans sent one at a time, by one client and by as many clients as there are scanners.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from admission.journal_chain import first_head, next_head
from admission.keys import code_hash
from admission.verdicts import Outcome, Reason
from admission.wire_outage import NDJSON, OfflineScan, OfflineVerdict
from benchmarks import load, seed, servers
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import utc_now

BATCH_LINES = 200
LIVE_A_SECOND = 100
LIVE_CLIENTS = 8
QUIET_S = 10.0
SINGLE_SCANS = 2000


@dataclass
class Live:
    """Live scans at a steady pace until they are stopped, each at its own time."""

    port: int
    requests: Iterator[bytes]
    load: load.Load = field(default_factory=load.Load)

    def __enter__(self) -> Live:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(LIVE_CLIENTS):
                group.create_task(self._client(number))

    async def _client(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        every_s = LIVE_CLIENTS / LIVE_A_SECOND
        due_s = time.perf_counter() + every_s * number / LIVE_CLIENTS
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            await load.exchange(reader, writer, next(self.requests), self.load)
            due_s = max(due_s + every_s, time.perf_counter())
        writer.close()


class Codes:
    """Vouchers of the venue, each to be shown once."""

    def __init__(self, venue: seed.SeededVenue) -> None:
        self._numbers = iter(range(venue.vouchers))
        self._venue = venue
        self._key = Keyring.open(venue.directory / "keys").code_key(utc_now())

    def next(self) -> str:
        """Return the next visitor's code."""
        return self._venue.code(next(self._numbers))

    def next_key(self) -> str:
        """Return the next visitor's code as a scanner keeps it."""
        return urlsafe_b64encode(code_hash(self.next(), self._key)).rstrip(b"=").decode()


def live_requests(venue: seed.SeededVenue, codes: Codes, name: str) -> Iterator[bytes]:
    """Yield scans of vouchers that were never shown."""
    number = 0
    while True:
        number += 1
        body = json.dumps({"code": codes.next(), "nonce": f"{name}-{number:09}"}).encode()
        token = venue.tokens[number % LIVE_CLIENTS - LIVE_CLIENTS]
        yield load.request("POST", "/api/v1/scans", token=token, body=body)


def batches(
    venue: seed.SeededVenue, codes: Codes, device: int, lines: int, run: int
) -> list[bytes]:
    """Return a scanner's batches, its chain going on from run to run."""
    device_id = f"D{device + 1}"
    head, began = HEADS.get(device, first_head(device_id)), utc_now() - timedelta(minutes=30)
    made = []
    for first in range(0, lines, BATCH_LINES):
        body = []
        for number in range(first, min(first + BATCH_LINES, lines)):
            line = a_line(codes, began + timedelta(seconds=number), run * lines + number + 1)
            head = next_head(head, line)
            body.append(msgspec.json.encode(msgspec.structs.replace(line, head=head)))
        sent = load.request(
            "POST",
            "/api/v1/scans/batch",
            token=venue.tokens[device],
            body=b"\n".join(body) + b"\n",
            content_type=NDJSON,
        )
        made.append(sent)
    HEADS[device] = head
    return made


HEADS: dict[int, str] = {}


def a_line(codes: Codes, at: datetime, seq: int) -> OfflineScan:
    """Return one scan as a scanner decided it."""
    return OfflineScan(
        nonce=f"offline-{seq:09}",
        scanned_at=at,
        seq=seq,
        boot_id="bench",
        code_key=codes.next_key(),
        tail="2015",
        verdict=OfflineVerdict(outcome=Outcome.ADMIT, reason=Reason.ADMITTED, admitted=1),
    )


def hand_over(port: int, made: list[list[bytes]]) -> load.Load:
    """Let every scanner send its batches, one at a time, all scanners at once."""
    return asyncio.run(_hand_over(port, made))


async def _hand_over(port: int, made: list[list[bytes]]) -> load.Load:
    counted, began = load.Load(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for each in made:
            group.create_task(_scanner(port, each, counted))
    counted.seconds = time.perf_counter() - began
    return counted


async def _scanner(port: int, made: list[bytes], counted: load.Load) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    for each in made:
        await load.exchange(reader, writer, each, counted)
        if b'"rejected"' in counted.last_body or set(counted.statuses) != {200}:
            raise SystemExit(f"not taken: {counted.statuses} {counted.last_body[:300]!r}")
    writer.close()


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run came to; latencies in seconds, the others a second."""

    quiet_s: list[float]
    busy_s: list[float]
    beside: float
    alone: float
    one_client: float
    many_clients: float


def measure(port: int, venue: seed.SeededVenue, codes: Codes, given: Given, run: int) -> Measured:
    """Measure once."""
    each = given.lines // given.scanners
    made = [
        [batches(venue, codes, device, each, 2 * run + turn) for device in range(given.scanners)]
        for turn in range(2)
    ]
    with Live(port, live_requests(venue, codes, f"quiet-{run}")) as quiet:
        time.sleep(QUIET_S)
    with Live(port, live_requests(venue, codes, f"busy-{run}")) as busy:
        beside = hand_over(port, made[0])
    alone = hand_over(port, made[1])
    rates = []
    for clients in (1, given.scanners):
        endless = live_requests(venue, codes, f"single-{run}-{clients}")
        scans = iter([next(endless) for _ in range(SINGLE_SCANS)])
        rates.append(load.run(port, scans, clients=clients).rate)
    total = each * given.scanners
    return Measured(
        quiet.load.latencies_s,
        busy.load.latencies_s,
        total / beside.seconds,
        total / alone.seconds,
        *rates,
    )


def table(measured: list[Measured], scanners: int) -> str:
    """Return what all runs came to: latencies of all of them together, medians of the rates."""
    quiet = load.Load(latencies_s=[each for one in measured for each in one.quiet_s])
    busy = load.Load(latencies_s=[each for one in measured for each in one.busy_s])
    lines = ["| live scans, ms | without | with | ratio |", "| --- | --- | --- | --- |"]
    for share in (0.5, 0.95, 0.99):
        without, beside = quiet.quantile_ms(share), busy.quantile_ms(share)
        lines.append(
            f"| p{share * 100:.0f} | {without:.1f} | {beside:.1f} | {beside / without:.1f} |"
        )
    rates = {
        "lines a second, beside live scans": [one.beside for one in measured],
        "lines a second, alone": [one.alone for one in measured],
        "live scans a second, 1 client": [one.one_client for one in measured],
        f"live scans a second, {scanners} clients": [one.many_clients for one in measured],
    }
    alone = statistics.median(rates["lines a second, alone"])
    lines += ["", "| | a second | lines alone are so many times that |", "| --- | --- | --- |"]
    for name, each in rates.items():
        rate = statistics.median(each)
        lines.append(f"| {name} | {rate:,.0f} | {alone / rate:.1f} |")
    return "\n".join(lines)


class Given(argparse.Namespace):
    """What was asked for."""

    vouchers: int
    runs: int
    lines: int
    scanners: int


def main(arguments: list[str]) -> None:
    """Measure and print a table, each run and the median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--scanners", type=int, default=20)
    given = parser.parse_args(arguments, Given())
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as folder:
        devices = given.scanners + LIVE_CLIENTS
        directory = Path(folder) / "var"
        venue = seed.seed(directory, vouchers=given.vouchers, devices_wanted=devices)
        codes = Codes(venue)
        with servers.gate_server(venue.directory) as server:
            measured = [measure(server.port, venue, codes, given, run) for run in range(given.runs)]
    print(table(measured, given.scanners))


if __name__ == "__main__":
    main(sys.argv[1:])
