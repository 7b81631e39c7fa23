"""A lane's long day: memory, descriptors, and how long it takes from the code to the verdict.

    python benchmarks/bench_lane.py [--scans 20000] [--rate 20] [--feeds frames,wedge,serial]

A real gate server and a real `scanner-client run` that reads pictures, a wedge (its input) and a
serial scanner (a pseudo-terminal) at once. The first half of the scans is made online, the second
while the server is gone; then it comes back and must have every one of them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lane_feeds import Feed, Frames, Serial, Wedge
from benchmarks.servers import ROOT, free_port, get

BIN = Path(sys.executable).parent
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_UNDER_WAY = 12
SAMPLE_EVERY_S = 1.0
GIVE_UP_S = 60.0
DEAL = (
    "deal_id,platform,title,face_price_minor,currency,valid_from,valid_until\n"
    "LANE,bench,One day,26000,CNY,2015-01-01,2099-12-31\n"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process holds at one moment."""

    phase: str
    at_s: float
    rss_mib: float
    descriptors: int


@dataclass(slots=True)
class Day:
    """What was shown and answered so far.

    Attributes:
        took_s: by phase and feed, from the code before the reader to the verdict on the pipe.
        lane_s: the part of it that is the lane's: from the frame that was taken, or the last byte
            of a text, to the verdict; without the folder's watch and the pipes.
        wrong: verdicts that did not let in.
    """

    took_s: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    lane_s: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    phase: str = "online"
    _shown: dict[str, tuple[str, float]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def show(self, feed: Feed, code: str) -> None:
        """Show a code, once not too many are under way."""
        with self._changed:
            self._wait(MOST_UNDER_WAY - 1)
            # Before it is shown: its verdict may be there before `show` returns.
            self._shown[code[-4:]] = (type(feed).__name__, time.monotonic())
        seen_s = feed.show(code)
        with self._changed:
            if code[-4:] in self._shown:
                self._shown[code[-4:]] = (type(feed).__name__, seen_s)

    def settle(self) -> None:
        """Wait until all that was shown is answered."""
        with self._changed:
            self._wait(0)

    def _wait(self, most: int) -> None:
        if not self._changed.wait_for(lambda: len(self._shown) <= most, GIVE_UP_S):
            raise SystemExit(f"no verdict for {GIVE_UP_S:.0f} s; unanswered: {len(self._shown)}")

    def hear(self, line: str) -> None:
        """Take a verdict."""
        now_s, verdict = time.monotonic(), json.loads(line)
        tail = (verdict.get("voucher") or {}).get("tail", "")
        with self._changed:
            name, seen_s = self._shown.pop(tail, ("", 0.0))
            phase = "offline" if verdict.get("offline") else "online"
            if name and verdict["outcome"] == "admit" and phase == self.phase:
                self.took_s[phase, name].append(now_s - seen_s)
                self.lane_s[phase, name].append(verdict["took_ms"] / 1000)
            else:
                self.wrong.append(f"{self.phase}: {verdict.get('reason')} {phase} {name}")
            self._changed.notify_all()


class Watch:
    """Samples a process until the end of a `with`."""

    def __init__(self, day: Day, name: str, pid: int) -> None:
        self._day, self._name, self._pid = day, name, pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
            rss_mib = pages * os.sysconf("SC_PAGESIZE") / 2**20
            descriptors = len(os.listdir(f"/proc/{self._pid}/fd"))
            sample = Sample(self._day.phase, time.monotonic(), rss_mib, descriptors)
            self._day.samples[self._name].append(sample)


def code_of(number: int) -> str:
    """Return a code whose last four characters, which a verdict shows, no other has."""
    tail, rest = "", number
    for _ in range(4):
        rest, digit = divmod(rest, 36)
        tail = DIGITS[digit] + tail
    return f"LANE-{number:08}-{tail}"


def make_venue(directory: Path, scans: int) -> None:
    """Make a venue with a gate, a deal and a voucher a scan."""
    (directory / "deals.csv").write_text(DEAL)
    rows = "".join(f"{code_of(number)},LANE\n" for number in range(scans))
    (directory / "vouchers.csv").write_text(f"code,deal_id\n{rows}")
    for arguments in (
        ("init",),
        ("gate", "add", "G1", "--name", "North"),
        ("import", "deals", directory / "deals.csv"),
        ("import", "vouchers", directory / "vouchers.csv"),
    ):
        command("gate-server", "--data", directory / "var", *arguments)


def command(program: str, *arguments: object) -> str:
    """Run a command and return its output."""
    done = subprocess.run(
        [BIN / program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{program} {arguments}: {done.stderr}")
    return done.stdout


class Server:
    """The gate server, over plain HTTP on loopback; it may be started again at its port."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it can commit."""
        line = ["--data", self._directory / "var", "serve", "--http", "--port", self.port]
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "gate-server", *map(str, line)], stdout=log, stderr=log
            )
        until_s = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until_s:
            try:
                get(self.port, "/readyz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("the server is not ready; see server.log")

    def stop(self) -> None:
        """End it as a supervisor would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)

    @property
    def worker(self) -> int:
        """The process that serves."""
        assert self._process is not None  # noqa: S101 - started before
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def enrol(directory: Path, server: Server) -> None:
    """Enrol the lane's scanner and give it its replica."""
    made = command("gate-server", "--data", directory / "var", "device", "enrol", "--gate", "G1",
                   "--name", "lane", "--json")  # fmt: skip
    state = ("--state", directory / "scanner")
    url = f"http://127.0.0.1:{server.port}"
    command("scanner-client", "enrol", url, json.loads(made)["code"], *state)
    command("scanner-client", "sync", *state)


def play(directory: Path, feeds: list[Feed], given: Any) -> Day:
    """Play the day; return what was measured."""
    day, server = Day(), Server(directory)
    server.start()
    enrol(directory, server)
    line = ["--state", directory / "scanner", "run", "--json"]
    for feed in feeds:
        line += ["--source", *feed.source.split(" ", 1)]
    with (directory / "scanner.log").open("ab") as log:
        scanner = subprocess.Popen(
            [BIN / "scanner-client", *map(str, line)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT,
        )  # fmt: skip
    for feed in feeds:
        if isinstance(feed, Wedge):
            feed.keys = scanner.stdin
    threading.Thread(target=_listen, args=(day, scanner), daemon=True).start()
    half = given.scans // 2
    try:
        with Watch(day, "scanner", scanner.pid):
            _warm_up(day, feeds, given.scans)
            with Watch(day, "server", server.worker):
                _show(day, feeds, range(half), given.rate)
            server.stop()
            time.sleep(3)
            day.phase = "offline"
            _show(day, feeds, range(half, given.scans), given.rate)
        server.start()
        _await_all(directory, given.scans + len(feeds))
    finally:
        scanner.send_signal(signal.SIGTERM)
        scanner.wait(30)
        server.stop()
    return day


def make_feed(name: str, directory: Path) -> Feed:
    """Return what stands in for a reader."""
    if name == "frames":
        return Frames(directory / "pictures")
    return Wedge() if name == "wedge" else Serial()


def _listen(day: Day, scanner: subprocess.Popen[bytes]) -> None:
    assert scanner.stdout is not None  # noqa: S101 - a pipe
    for line in scanner.stdout:
        day.hear(line.decode())


def _warm_up(day: Day, feeds: list[Feed], first: int) -> None:
    """Wait until each reader is read, and forget how long that took."""
    for number, feed in enumerate(feeds, first):
        day.show(feed, code_of(number))
        day.settle()
    day.took_s.clear()
    day.lane_s.clear()
    day.samples.clear()


def _show(day: Day, feeds: list[Feed], numbers: range, rate: float) -> None:
    due_s = time.monotonic()
    for number, feed in zip(numbers, cycle(feeds), strict=False):
        due_s = max(due_s + 1 / rate, time.monotonic() - 1)
        time.sleep(max(0.0, due_s - time.monotonic()))
        day.show(feed, code_of(number))
    day.settle()


def _await_all(directory: Path, scans: int) -> None:
    """Wait until the ledger has let in one person a scan: nothing lost and nothing twice."""
    until_s, admitted = time.monotonic() + GIVE_UP_S, 0
    while time.monotonic() < until_s:
        listed = command("gate-server", "--data", directory / "var", "deal", "list", "--json")
        (deal,) = json.loads(listed)
        admitted = deal["people_admitted"]
        if admitted == scans:
            return
        time.sleep(1)
    raise SystemExit(f"the ledger has {admitted} people of {scans} scans")


def tell(day: Day) -> None:
    """Print what was measured."""
    print("| phase | reader | scans | lane: median, p99 ms | from outside: median, p99 ms |")
    print("| --- | --- | --- | --- | --- |")
    for key, took_s in sorted(day.took_s.items()):
        lane, outside = _times(day.lane_s[key]), _times(took_s)
        print(f"| {key[0]} | {key[1]} | {len(took_s):,} | {lane} | {outside} |")
    every: dict[str, list[float]] = {phase: [] for phase, _ in day.lane_s}
    for (phase, _), lane_s in day.lane_s.items():
        every[phase] += lane_s
    for phase, lane_s in sorted(every.items()):
        print(f"| {phase} | all | {len(lane_s):,} | {_times(lane_s)} | |")
    print("\n| process | phase | RSS MiB: 2nd quarter, last | descriptors: first, most, last |")
    print("| --- | --- | --- | --- |")
    for name, samples in day.samples.items():
        for phase in ("online", "offline"):
            part = [each for each in samples if each.phase == phase]
            if len(part) >= 4:
                print(f"| {name} | {phase} | {_memory(part)} | {_descriptors(part)} |")
    for line in sorted(set(day.wrong)):
        print(f"not as it should be, {day.wrong.count(line)} times: {line}")


def _times(values_s: list[float]) -> str:
    times = sorted(values_s)
    p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
    return f"{statistics.median(times) * 1000:.1f}, {p99 * 1000:.1f}"


def _memory(part: list[Sample]) -> str:
    quarter = len(part) // 4
    second, last = part[quarter : 2 * quarter], part[-quarter:]
    sizes = [statistics.median(each.rss_mib for each in samples) for samples in (second, last)]
    return f"{sizes[0]:.1f}, {sizes[1]:.1f}"


def _descriptors(part: list[Sample]) -> str:
    counts = [each.descriptors for each in part]
    return f"{counts[0]}, {max(counts)}, {counts[-1]}"


def main(arguments: list[str]) -> int:
    """Play one day and tell; 1 where a verdict was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=20.0, help="scans a second, of all readers")
    parser.add_argument("--feeds", default="frames,wedge,serial")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gatehouse-") as name:
        directory = Path(name)
        feeds = [make_feed(each, directory) for each in given.feeds.split(",")]
        make_venue(directory, given.scans + len(feeds))
        began_s = time.monotonic()
        day = play(directory, feeds, given)
        tell(day)
        print(f"\n{given.scans:,} scans in {time.monotonic() - began_s:.0f} s")
    return 1 if day.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
