"""Scan at a steady pace in a process of its own, so that nobody else's interpreter is measured.

    python benchmarks/live_scans.py PORT FIRST < tokens.json

FIRST is the number of the first voucher to be shown. It scans until its standard input ends, then
prints `{"latencies_ms": [...], "statuses": {...}}`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load
from benchmarks.seed import SeededVenue

A_SECOND = 200
CLIENTS = 20


class LiveScans:
    """Live scans of a seeded venue for as long as the `with` lasts.

    Attributes:
        latencies_ms: of each scan, sorted, once the `with` has ended.
    """

    def __init__(self, venue: SeededVenue, port: int, *, first: int) -> None:
        self.latencies_ms: list[float] = []
        command = [sys.executable, __file__, str(port), str(first)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(json.dumps(venue.tokens) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> LiveScans:
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate()[0]
        found = json.loads(told)
        if set(found["statuses"]) != {"200"}:
            raise SystemExit(f"scans were not all answered: {found['statuses']}")
        self.latencies_ms = sorted(found["latencies_ms"])

    def quantile_ms(self, share: float) -> float:
        """Return a latency that `share` of the scans did not exceed."""
        ordered = self.latencies_ms
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    """Scan until standard input ends."""
    port, first = int(sys.argv[1]), int(sys.argv[2])
    tokens: list[str] = json.loads(sys.stdin.readline())
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
    found = load.Load()
    asyncio.run(_run(port, _requests(tokens, first), stop, found))
    told = {
        "latencies_ms": [each * 1000 for each in found.latencies_s],
        "statuses": dict(found.statuses),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _requests(tokens: list[str], first: int) -> Iterator[bytes]:
    venue = SeededVenue(Path(), tuple(tokens), 0)
    number = first
    while True:
        number += 1
        body = json.dumps({"code": venue.code(number), "nonce": f"live-{number:09}"}).encode()
        token = tokens[number % len(tokens)]
        yield load.request("POST", "/api/v1/scans", token=token, body=body)


async def _run(
    port: int, requests: Iterator[bytes], stop: threading.Event, found: load.Load
) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(_client(port, number, requests, stop, found))


async def _client(
    port: int, number: int, requests: Iterator[bytes], stop: threading.Event, found: load.Load
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    every_s = CLIENTS / A_SECOND
    due_s = time.perf_counter() + every_s * number / CLIENTS
    while not stop.is_set():
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        await load.exchange(reader, writer, next(requests), found)
        due_s = max(due_s + every_s, time.perf_counter())
    writer.close()


if __name__ == "__main__":
    main()
