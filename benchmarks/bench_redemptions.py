"""People let in reach their platform within seconds, and live scans do not feel it.

    python benchmarks/bench_redemptions.py [--vouchers 206865] [--seconds 40]

A real gate server with its feeder, on one core, and a platform that takes 50 ms an answer, on the
other. Told are the seconds from a scan to its redemption at the platform, at 20 and at 200 scans a
second, and the scans' own latency with and without the feed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load, seed, servers
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import FeedKind, SecretKind, about_secret, add_feed, add_secret
from gate_server.ledger.ledger import OpenDirectory, utc_now
from gate_server.ledger.session import Session
from gate_server.settings import read_settings
from tests.platforms_redeem import SECRET, Platform

CLIENTS = 8
ANSWER_S = 0.05
SETTLE_S = 30.0


class TimedPlatform(Platform):  # type: ignore[misc]  # tests are not typed throughout
    """Notes when each voucher was redeemed first."""

    def __init__(self) -> None:
        super().__init__()
        self.did_s: dict[str, float] = {}

    def do(self, kind: str, row: dict[str, Any]) -> dict[str, str]:
        """Do a deed, and note when."""
        self.did_s.setdefault(row["voucher_ref"], time.perf_counter())
        told: dict[str, str] = super().do(kind, row)
        return told

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer as slowly as a platform does."""
        time.sleep(ANSWER_S)
        answer: dict[str, Any] = super().answer(message)
        return answer


class Scans:
    """Scans of vouchers that were never shown, at a steady pace."""

    def __init__(self, venue: seed.SeededVenue) -> None:
        self._venue = venue
        self._numbers = iter(range(venue.vouchers))
        self.begun_s: dict[str, float] = {}

    def run(self, port: int, rate: float, seconds: float) -> load.Load:
        """Scan for so long and return how long the answers took."""
        self.begun_s = {}
        return asyncio.run(self._run(port, rate, seconds))

    async def _run(self, port: int, rate: float, seconds: float) -> load.Load:
        measured = load.Load(seconds=seconds)
        until_s = time.perf_counter() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(port, number, CLIENTS / rate, until_s, measured))
        return measured

    async def _client(
        self, port: int, number: int, every_s: float, until_s: float, measured: load.Load
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due_s = time.perf_counter() + every_s * number / CLIENTS
        while due_s < until_s:
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            await load.exchange(reader, writer, self._next(number), measured)
            due_s = max(due_s + every_s, time.perf_counter())
        writer.close()

    def _next(self, client: int) -> bytes:
        number = next(self._numbers)
        self.begun_s[str(number + 1)] = time.perf_counter()
        code = self._venue.code(number)
        body = json.dumps({"code": code, "nonce": f"redeem-{number:09}"}).encode()
        return load.request("POST", "/api/v1/scans", token=self._venue.tokens[client], body=body)


def refer(venue: seed.SeededVenue) -> None:
    """Give each voucher the reference that its platform knows it by."""
    with _opened(venue) as ledger:
        sql = "UPDATE vouchers SET voucher_ref = voucher_id"
        ledger.write(lambda tx: tx.db.execute(sql).rowcount, patient=True)


def connect(venue: seed.SeededVenue, url: str) -> None:
    """Add the platform's feed."""
    keys, now = Keyring.open(venue.directory / "keys"), utc_now()

    def work(tx: Session) -> None:
        where = {"redeem_url": url}
        feed_id = add_feed(
            tx, "bench", FeedKind.NATIVE, where, secondary=False, by="bench", now=now
        )
        sealed = keys.seal(SECRET.encode(), about=about_secret(feed_id, 1), now=now)
        add_secret(tx, feed_id, 1, SecretKind.WEBHOOK, sealed, now=now)

    with _opened(venue) as ledger:
        ledger.write(work, alone=True)


def _opened(venue: seed.SeededVenue) -> OpenDirectory:
    return OpenDirectory(venue.directory, read_settings(venue.directory).venue)


def tell(name: str, measured: load.Load) -> None:
    """Print how long scans took."""
    quantiles = (f"{measured.quantile_ms(share):.1f}" for share in (0.5, 0.95, 0.99))
    print(f"{name}: {len(measured.latencies_s)} scans, p50, p95, p99 ms: {', '.join(quantiles)}")
    print(f"  statuses {dict(measured.statuses)}")


def tell_delays(name: str, scans: Scans, platform: TimedPlatform) -> None:
    """Print how long after its scan each voucher was redeemed, once all are."""
    until_s = time.monotonic() + SETTLE_S
    while not scans.begun_s.keys() <= platform.did_s.keys() and time.monotonic() < until_s:
        time.sleep(0.1)
    delays = sorted(
        platform.did_s[ref] - begun_s
        for ref, begun_s in scans.begun_s.items()
        if ref in platform.did_s
    )
    p50, p95 = (delays[int(share * len(delays))] for share in (0.5, 0.95))
    print(f"{name}: {len(delays)} of {len(scans.begun_s)} redeemed")
    print(f"  from scan to platform, p50, p95, longest s: {p50:.2f}, {p95:.2f}, {delays[-1]:.2f}")
    print(f"  calls {dict(platform.calls)}, largest batch {max(platform.batches)}")


def rates(seconds: float) -> Iterator[tuple[float, float]]:
    """Yield scans a second, and for how long."""
    yield 20.0, seconds
    yield 200.0, seconds / 2


def main() -> None:
    """Measure without the feed, then with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        venue = seed.seed(Path(work) / "var", vouchers=options.vouchers)
        refer(venue)
        scans, platform = Scans(venue), TimedPlatform()
        threading.Thread(target=platform.serve_forever, daemon=True).start()
        with servers.gate_server(venue.directory) as server:
            for rate, seconds in rates(options.seconds):
                tell(f"{rate:g} scans/s without", scans.run(server.port, rate, seconds))
        connect(venue, platform.url)
        with servers.gate_server(venue.directory) as server:
            while not platform.calls["ask"]:
                time.sleep(0.1)
            for rate, seconds in rates(options.seconds):
                measured = scans.run(server.port, rate, seconds)
                tell(f"{rate:g} scans/s with", measured)
                tell_delays(f"{rate:g} scans/s", scans, platform)
        platform.go_down()


if __name__ == "__main__":
    main()
