"""Take 206,865 vouchers of a platform by push and by pull while 200 scans a second go on.

    python benchmarks/bench_ingest.py [--vouchers 206865] [--only push|pull]

Told are rows a second against one plain executemany of the same rows into the same tables and
indices, the p99 of the scans with and without (at most 1.5 times), and the peak memory of the
server and of the process that pulls.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import seed, servers
from benchmarks.bench_import import insert_bare
from benchmarks.live_scans import CLIENTS, LiveScans

VOUCHERS: Final = 206_865
ROWS_A_PUSH: Final = 5_000
QUIET_S: Final = 15.0
MOST_P99: Final = 1.5
DEAL: Final = {
    "deal_id": "FLASH", "platform": "lvtu", "title": "Combined ticket", "rights": "park:1",
    "face_price_minor": 26000, "currency": "CNY", "quota": 5000, "valid_from": "2015-02-12",
    "valid_until": "2099-12-31",
}  # fmt: skip


def main() -> int:
    """Measure and print; 1 if the scans feel more than they should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=VOUCHERS)
    parser.add_argument("--only", choices=("push", "pull"))
    given = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        for kind, work in (("push", by_push), ("pull", by_pull)):
            if given.only in (None, kind):
                good &= measure(Path(name) / kind, kind, work, given.vouchers)
    return 0 if good else 1


def measure(
    directory: Path, kind: str, work: Callable[[Path, int, int], None], vouchers: int
) -> bool:
    """Measure one way in; say whether the scans' p99 is as it should be."""
    venue = seed.seed(directory, vouchers=60_000, devices_wanted=CLIENTS)
    empty = directory.with_name(f"{kind}-empty.db")
    shutil.copyfile(directory / "ledger.db", empty)
    with serving(directory) as (port, server):
        with LiveScans(venue, port, first=0) as quiet:
            time.sleep(QUIET_S)
        with Peak(server.pid) as peak, LiveScans(venue, port, first=20_000) as busy:
            begun = time.perf_counter()
            work(directory, port, vouchers)
            seconds = time.perf_counter() - begun
    bare_s = insert_bare(directory / "ledger.db", empty)
    rate, ratio = vouchers / seconds, seconds / bare_s
    p99s = quiet.quantile_ms(0.99), busy.quantile_ms(0.99)
    factor = p99s[1] / p99s[0]
    report(f"{kind}: {vouchers} vouchers in {seconds:.1f} s, {rate:.0f}/s, {ratio:.1f} executemany")
    report(f"  scans: {len(busy.latencies_ms)} of {len(busy.latencies_ms) / seconds:.0f}/s")
    report(f"  p50 {quiet.quantile_ms(0.5):.1f} -> {busy.quantile_ms(0.5):.1f} ms")
    report(f"  p99 {p99s[0]:.1f} -> {p99s[1]:.1f} ms, {factor:.2f} times, at most {MOST_P99}")
    report(f"  peak memory {peak.most_mib:.0f} MiB in all, {peak.before_mib:.0f} before")
    return factor <= MOST_P99


def report(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def rows(first: int, count: int) -> list[dict[str, Any]]:
    """Return vouchers as a night's flash sale sold them: two an order, by 98,000 buyers."""
    made = []
    begun = datetime.now(UTC) - timedelta(hours=15)
    for n in range(first, first + count):
        order = n // 2
        sold = (begun + timedelta(milliseconds=260 * n)).isoformat(timespec="milliseconds")
        made.append(
            {
                "code": f"{n:08X}-{n * 2654435761 % 2**32:08X}-{n * 40503 % 2**16:04X}",
                "deal_id": "FLASH",
                "voucher_ref": f"V{n}",
                "order_ref": f"ORDER{order:010d}",
                "buyer_ref": f"user-{order * 7919 % 98_000}",
                "buyer_phone": f"138{order % 10**8:08d}",
                "price_paid_minor": 1,
                "sold_at": sold,
                "updated_at": sold,
            }
        )
    return made


def by_push(directory: Path, port: int, vouchers: int) -> None:
    """Send all vouchers by signed pushes of 5,000 rows, one after the other."""
    made = gate(directory, "feed", "add", "native", "--platform", "lvtu")
    webhook = Webhook(made["secret"])
    url = f"http://127.0.0.1:{port}/api/v1/feeds/native/lvtu"
    with httpx.Client(timeout=120.0) as client:
        _push(client, url, webhook, "deals", [DEAL])
        for first in range(0, vouchers, ROWS_A_PUSH):
            some = rows(first, min(ROWS_A_PUSH, vouchers - first))
            answer = _push(client, url, webhook, "vouchers", some)
            if answer["rejected"]:
                raise SystemExit(f"rejected: {answer['rejected'][:3]}")


def _push(
    client: httpx.Client, url: str, webhook: Webhook, kind: str, data: list[dict[str, Any]]
) -> dict[str, Any]:
    now = datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
    name = f"{kind}-{time.monotonic_ns()}"
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhook.sign(name, now, body),
        "content-type": "application/json",
    }
    answer = client.post(url, content=body, headers=headers)
    if answer.status_code != httpx.codes.OK:
        raise SystemExit(f"a push was answered {answer.status_code}: {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found


def by_pull(directory: Path, port: int, vouchers: int) -> None:
    """Have the server pull all vouchers from a platform's pages."""
    token = directory.with_name("pull-token")
    token.write_text("bench-token\n", "utf-8")
    token.chmod(0o600)
    command = [sys.executable, __file__, "pages", str(vouchers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as platform:
        assert platform.stdout is not None  # noqa: S101 - for the type checker
        url = platform.stdout.readline().strip()
        add = ("feed", "add", "pull", "--platform", "lvtu", "--url", url)
        try:
            gate(directory, *add, "--token-file", str(token))
            while not gate(directory, "feed", "status")[0]["accepted_at"]:
                time.sleep(0.5)
        finally:
            platform.terminate()


def gate(directory: Path, *arguments: str) -> Any:
    """Run a command of the gate server and return what it prints."""
    command = [sys.executable, "-m", "gate_server", "--data", str(directory), "--json", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(told)


@contextmanager
def serving(directory: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the real server, on whatever cores there are."""
    port = servers.free_port()
    command = [sys.executable, "-m", "gate_server", "--data", str(directory), "serve", "--http"]
    server = subprocess.Popen([*command, "--port", str(port)], start_new_session=True)
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield port, server
    finally:
        server.terminate()
        server.wait(30)


class Peak:
    """The most resident memory that a server's processes had together during a `with`, MiB."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before_mib = self.most_mib = self._now()

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.25):
            self.most_mib = max(self.most_mib, self._now())

    def _now(self) -> float:
        found = subprocess.run(
            ["pgrep", "-g", str(self._group)], capture_output=True, text=True, check=False
        )
        total = 0
        for pid in found.stdout.split():
            try:
                status = Path(f"/proc/{pid}/status").read_text("utf-8")
            except OSError:
                continue
            line = next((each for each in status.splitlines() if each.startswith("VmRSS")), "")
            total += int(line.split()[1]) if line else 0
        return total / 1024


class Pages(BaseHTTPRequestHandler):
    """A platform that tells its vouchers in pages."""

    protocol_version = "HTTP/1.1"
    vouchers = 0

    def do_GET(self) -> None:
        """Answer one page."""
        query = httpx.URL(self.path).params
        at = int(query.get("cursor", "") or -1)
        limit = min(int(query.get("limit", "5000")), ROWS_A_PUSH)
        if at < 0:
            told: dict[str, Any] = {"type": "deals", "data": [DEAL], "cursor": "0", "more": True}
        else:
            data = rows(at, min(limit, self.vouchers - at))
            after = at + len(data)
            told = {"type": "vouchers", "data": data, "cursor": str(after)}
            told["more"] = after < self.vouchers
        told["timestamp"] = datetime.now(UTC).isoformat()
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve_pages(vouchers: int) -> None:
    """Serve pages until killed; prints where."""
    Pages.vouchers = vouchers
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    report(f"http://127.0.0.1:{server.server_port}/feed")
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["pages"]:
        serve_pages(int(sys.argv[2]))
    sys.exit(main())
