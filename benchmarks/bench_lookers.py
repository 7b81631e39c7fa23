"""What scans keep of their rate while 20 boards are open, and what a board takes of a browser.

    python benchmarks/bench_lookers.py [--boards 20] [--scanners 200] [--runs 3] [--updates 3600]

The server has one core, its clients the other. Scans at full speed alternate, with the boards open
and without; 200 scanners follow the ledger all the while, each with an event stream. The boards are
sessions that have logged in and read every part that is drawn for them. The browser's board gets an
hour of updates, one a second, as fast as it takes them: what the server drew while scans came in.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import boards, listeners, load, seed, servers
from benchmarks.bench_replica import head, hire, row
from benchmarks.bench_scans import scans, spread

BOSS = "boss"
REQUESTS = 4000
RECORD_S = 20.0
# The page opens this instead of a stream, so that a script can hand it what was recorded.
_OWN_STREAM = """
addEventListener('DOMContentLoaded', () => {
  window.stream = new EventTarget();
  window.stream.close = () => {};
  window.stream.readyState = 1;
  window.htmx.createEventSource = () => window.stream;
}, {capture: true});
"""
_HAND_OVER = """
async (events) => {
  for (const [name, data] of events) {
    window.stream.dispatchEvent(new MessageEvent(name, {data}));
  }
  await new Promise((done) => requestAnimationFrame(done));
}
"""


def let_in(venue: seed.SeededVenue) -> None:
    """Give the supervisor a password that need not be changed."""
    hire(venue)
    boards.let_in(venue.directory, BOSS)


class Boards:
    """Open boards, read in a thread of their own for as long as a `with` lasts."""

    def __init__(self, port: int, cookie: str, count: int) -> None:
        self._port, self._cookie, self._count = port, cookie, count
        self.read_bytes = 0
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._all(),))

    def __enter__(self) -> Boards:
        self._thread.start()
        time.sleep(2)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()
        # The server notices that they are gone when it writes to them.
        time.sleep(2)

    async def _all(self) -> None:
        tasks = [asyncio.create_task(self._read(number)) for number in range(self._count)]
        await self._over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        request = f"GET /live?tab=bench-{number} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        writer.write(f"{request}Cookie: {self._cookie}\r\n\r\n".encode())
        try:
            while chunk := await reader.read(1 << 16):
                self.read_bytes += len(chunk)
        finally:
            writer.close()


def measure_scans(
    venue: seed.SeededVenue, port: int, cookie: str, options: argparse.Namespace
) -> None:
    """Print the rate of scans beside open boards, as a share of that without."""
    shares, p99s, sent = [], [], 0
    load.run(port, scans(venue, 9000, 0, 1000))
    for index in range(options.runs):
        without = load.run(port, scans(venue, 2 * index, spread(venue, 2 * index), REQUESTS))
        with Boards(port, cookie, options.boards) as looking:
            first = spread(venue, 2 * index + 1)
            beside = load.run(port, scans(venue, 2 * index + 1, first, REQUESTS))
            sent += looking.read_bytes
        shares.append(beside.rate / without.rate)
        p99s.append(beside.quantile_ms(0.99) / without.quantile_ms(0.99))
    if sent < 1000 * options.boards:
        raise SystemExit("the boards were told nothing")
    many = f"{options.boards} boards, {options.scanners} scanners"
    row(f"scans/s beside {many}, as a share", f"{statistics.median(shares):.2f}", ">= 0.9")
    row("their p99, as many times", f"{statistics.median(p99s):.2f}")


@contextmanager
def scanning(port: int, venue: seed.SeededVenue) -> Iterator[None]:
    """Let scans come in, some a second."""
    stop = threading.Event()

    def scan() -> None:
        number = 50_000
        while not stop.wait(0.1):
            load.run(port, scans(venue, 8000, number, 3), clients=1)
            number += 3

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def record(port: int, cookie: str, venue: seed.SeededVenue) -> list[tuple[str, str]]:
    """Return what one board is told while scans come in: names of parts, and their markup."""
    events: list[tuple[str, str]] = []
    until, name, lines = time.monotonic() + RECORD_S, "", list[str]()
    address = f"http://127.0.0.1:{port}/live?tab=recorded"
    with scanning(port, venue), httpx.stream("GET", address, headers={"Cookie": cookie}) as told:
        for line in told.iter_lines():
            if line.startswith("event: "):
                name, lines = line[7:], []
            elif line.startswith("data: "):
                lines.append(line[6:])
            elif not line and name:
                events.append((name, "\n".join(lines)))
            if time.monotonic() > until:
                return events
    return events


def heap_mib(page: Page) -> float:
    """Return what the page's script keeps, MiB, once its garbage is gone."""
    tools = page.context.new_cdp_session(page)
    tools.send("HeapProfiler.collectGarbage")
    tools.send("Performance.enable")
    figures = {
        each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]
    }
    tools.detach()
    return float(figures["JSHeapUsedSize"]) / 2**20


def measure_browser(port: int, cookie: str, events: list[tuple[str, str]], updates: int) -> None:
    """Print what a board has more after many updates."""
    groups: list[list[tuple[str, str]]] = [[]]
    for event in events:
        groups[-1].append(event)
        if event[0] == "pulse":
            groups.append([])
    groups = [group for group in groups if len(group) > 1]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        name, _, value = cookie.partition("=")
        context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.add_init_script(_OWN_STREAM)
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_function("window.htmx && window.stream")
        for number in range(60):
            page.evaluate(_HAND_OVER, groups[number % len(groups)])
        before, begun = heap_mib(page), time.monotonic()
        for number in range(updates):
            page.evaluate(_HAND_OVER, groups[number % len(groups)])
        took = time.monotonic() - begun
        row(
            f"a board's memory after {updates} updates, MiB more",
            f"{heap_mib(page) - before:.1f}",
            "< 50",
        )
        row("one update in the browser, ms", f"{took / updates * 1000:.0f}")
        browser.close()


def main() -> None:
    """Seed a venue, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=100_000)
    parser.add_argument("--boards", type=int, default=20)
    parser.add_argument("--scanners", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--updates", type=int, default=3600)
    options = parser.parse_args()
    os.sched_setaffinity(0, {listeners.CLIENT_CORE})
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        print("| what | measured | goal |\n| --- | --- | --- |")
        wanted = options.scanners + 32
        venue = seed.seed(Path(name) / "venue", vouchers=options.vouchers, devices_wanted=wanted)
        let_in(venue)
        tokens = list(venue.tokens[: options.scanners])
        with servers.gate_server(venue.directory) as server:
            cookie = boards.log_in(server.port, BOSS)
            with listeners.Crowd(server.port, tokens, head(server.port, tokens[0])):
                time.sleep(3)
                measure_scans(venue, server.port, cookie, options)
            events = record(server.port, cookie, venue)
            measure_browser(server.port, cookie, events, options.updates)


if __name__ == "__main__":
    main()
