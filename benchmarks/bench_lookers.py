"""What scans keep of their rate while 20 boards are open, and what a board takes of a browser.

    python benchmarks/bench_lookers.py [--boards 20] [--scanners 200] [--runs 3] [--updates 3600]
                                       [--only scans|browser]

The server has one core, its clients the other. Scans at full speed alternate, with the boards open
and without; 200 scanners follow the ledger all the while, each with an event stream. The boards are
sessions that have logged in and read every part that is drawn for them. The browser's board gets an
hour of updates, one a second, as fast as it takes them: what the server drew while scans came in.
Its script's memory and the whole process's are looked at on the way, so that a leak shows as a line
that rises; its time is that of the page's own thread, whatever else the machine does.
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
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import boards, listeners, load, seed, servers
from benchmarks.bench_replica import head, hire, row
from benchmarks.bench_scans import scans, spread

BOSS = "boss"
REQUESTS = 4000
# After so many updates the memory is looked at; before the first, so many make the page warm.
LOOKS = (300, 900, 1800, 3600)
WARM = 60
RECORD_S = 20.0
# The page opens this instead of a stream, so that a script can hand it what was recorded.
_OWN_STREAM = """
window.EventSource = class extends EventTarget {
  readyState = 1;
  constructor() { super(); window.stream = this; }
  close() {}
};
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


class Browser:
    """A board in a browser that is handed updates; closed at the end of a `with`."""

    def __init__(self, port: int, cookie: str) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        address, (name, _, value) = f"http://127.0.0.1:{port}/", cookie.partition("=")
        context = self._browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": name, "value": value, "url": address}])
        self._page = context.new_page()
        self._page.add_init_script(_OWN_STREAM)
        self._page.goto(address)
        self._page.wait_for_function("window.htmx && window.stream")
        self._tools = context.new_cdp_session(self._page)
        # The thread's own time: what it waits for a core on a busy machine is not the page's.
        self._tools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def take(self, update: list[tuple[str, str]]) -> None:
        """Have the page draw an update."""
        self._page.evaluate(_HAND_OVER, update)

    def busy_s(self) -> float:
        """Return how long the page's thread has worked."""
        return self._figures()["TaskDuration"]

    def look(self) -> Look:
        """Return what the page keeps once its garbage is gone."""
        self._tools.send("HeapProfiler.collectGarbage")
        figures = self._figures()
        return Look(figures["JSHeapUsedSize"] / 2**20, self._resident_mib(), figures)

    def _figures(self) -> dict[str, float]:
        told = self._tools.send("Performance.getMetrics")["metrics"]
        return {each["name"]: float(each["value"]) for each in told}

    def _resident_mib(self) -> float:
        """Return the page's whole process, as a task manager shows it."""
        asked = self._browser.new_browser_cdp_session()
        told = asked.send("SystemInfo.getProcessInfo")["processInfo"]
        asked.detach()
        pages = [each["id"] for each in told if each["type"] == "renderer"]
        sizes = [Path(f"/proc/{pid}/statm").read_text("ascii").split()[1] for pid in pages]
        return sum(map(int, sizes)) * os.sysconf("SC_PAGESIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Look:
    """What a page keeps: MiB of its script, MiB of its process, and how many of which things."""

    script_mib: float
    process_mib: float
    counts: dict[str, float]

    def tell(self, before: Look) -> str:
        """Say how much more it is than before."""
        more = [
            f"script {self.script_mib - before.script_mib:+.1f}",
            f"process {self.process_mib - before.process_mib:+.1f}",
        ]
        for name, words in (("Nodes", "nodes"), ("JSEventListeners", "listeners")):
            more.append(f"{words} {self.counts[name] - before.counts[name]:+.0f}")
        return ", ".join(more)


def measure_browser(port: int, cookie: str, events: list[tuple[str, str]], updates: int) -> None:
    """Print what a board has more after many updates, and what each takes."""
    groups: list[list[tuple[str, str]]] = [[]]
    for event in events:
        groups[-1].append(event)
        if event[0] == "pulse":
            groups.append([])
    groups = [group for group in groups if len(group) > 1]
    with Browser(port, cookie) as browser:
        for number in range(WARM):
            browser.take(groups[number % len(groups)])
        before, done = browser.look(), 0
        for until in sorted({*(look for look in LOOKS if look < updates), updates}):
            busy_s, count = browser.busy_s(), until - done
            while done < until:
                browser.take(groups[done % len(groups)])
                done += 1
            each_ms = (browser.busy_s() - busy_s) / count * 1000
            row(f"a board after {done} updates, MiB more", browser.look().tell(before), "< 50")
            row(f"of the page's thread for each of the last {count}, ms", f"{each_ms:.0f}", "< 50")


def main() -> None:
    """Seed a venue, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=100_000)
    parser.add_argument("--boards", type=int, default=20)
    parser.add_argument("--scanners", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--updates", type=int, default=LOOKS[-1])
    parser.add_argument("--only", choices=("scans", "browser"))
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
            events: list[tuple[str, str]] = []
            with listeners.Crowd(server.port, tokens, head(server.port, tokens[0])):
                time.sleep(3)
                if options.only != "browser":
                    measure_scans(venue, server.port, cookie, options)
                if options.only != "scans":
                    events = record(server.port, cookie, venue)
            if options.only != "scans":
                measure_browser(server.port, cookie, events, options.updates)


if __name__ == "__main__":
    main()
