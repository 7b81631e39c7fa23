"""Push 206,865 vouchers, 5,000 at once, to a server that scans go on at: what both feel.

Scans are measured without pushes before, beside the pushes, and without them after, so that a noisy
machine shows. Their p99 is to be at most 1.5 times. Rows a second stand beside a bare executemany
of the same rows. Run it as `python benchmarks/bench_push.py [--vouchers N]`.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.bench_import import (  # noqa: E402
    enrol,
    gate,
    insert_bare,
    new_venue,
    scan_while,
    wait_for,
    write_file,
)
from benchmarks.servers import free_port  # noqa: E402
from gate_server.feeds.signatures import sign  # noqa: E402

VOUCHERS = 206_865
ROWS_A_PUSH = 5000
SCANNERS = 20  # each scans ten times a second
ALONE_S = 10.0
MOST_RATIO = 1.5


def main() -> int:
    """Measure and print; 1 if scans feel the pushes too much. With three words: push a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=VOUCHERS)
    parser.add_argument("--push", nargs=3, metavar=("URL", "SECRET", "FILE"))
    options = parser.parse_args()
    if options.push:
        push_file(*options.push)
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-push-") as name:
        return 0 if measure(Path(name), options.vouchers) else 1


def measure(work: Path, count: int) -> bool:
    """Measure on a venue of its own; return whether scans fare well enough."""
    file, venue = write_file(work / "vouchers.csv", count), work / "venue"
    new_venue(venue)
    empty = work / "empty.db"
    empty.write_bytes((venue / "ledger.db").read_bytes())
    port = free_port()
    command = [sys.executable, "-m", "gate_server", "--data", str(venue), "serve", "--http"]
    server = subprocess.Popen([*command, "--port", str(port)])
    url = f"http://127.0.0.1:{port}/api/v1"
    try:
        wait_for(url)
        tokens = [enrol(venue, url, number) for number in range(SCANNERS)]
        added = json.loads(gate(venue, "feed", "add", "native", "--platform", "lvtu"))
        before = scan_while(url, tokens, lambda: time.sleep(ALONE_S))
        seconds: list[float] = []
        during = scan_while(url, tokens, lambda: seconds.append(push_apart(added, file)))
        after = scan_while(url, tokens, lambda: time.sleep(ALONE_S))
    finally:
        server.terminate()
        server.wait(30)
    bare_s = insert_bare(venue / "ledger.db", empty)
    print(f"push: {count / seconds[0]:.0f} rows/s, executemany {count / bare_s:.0f} rows/s")
    p99s = [tell(name, taken) for name, taken in
            (("before", before), ("during", during), ("after", after))]  # fmt: skip
    ratio = p99s[1] / max(p99s[0], p99s[2])
    good = ratio <= MOST_RATIO
    print(f"p99 {ratio:.2f} times, at most {MOST_RATIO}: {'good' if good else 'TOO SLOW'}")
    return good


def tell(name: str, taken: list[float]) -> float:
    """Print what scans took and return their p99 in milliseconds."""
    taken.sort()
    p50, p99 = (taken[int(len(taken) * share)] * 1000 for share in (0.5, 0.99))
    print(f"scans {name:6}: {len(taken):6} answered, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms")
    return p99


def push_apart(added: dict[str, str], file: Path) -> float:
    """Push a file from a process of its own; return the seconds."""
    begin = time.perf_counter()
    command = [sys.executable, __file__, "--push", added["url"], added["secret"], str(file)]
    subprocess.run(command, check=True)
    return time.perf_counter() - begin


def push_file(url: str, secret: str, file: str) -> None:
    """Push the rows of a file."""
    with httpx.Client(timeout=120.0) as client:
        for number, body in enumerate(bodies(Path(file))):
            now, name = datetime.now(UTC), f"bench-{number}"
            headers = {
                "webhook-id": name,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": sign(secret, name, now, body),
            }
            answer = client.post(url, content=body, headers=headers)
            if answer.status_code != httpx.codes.OK or answer.json()["rejected"]:
                raise SystemExit(f"a push failed: {answer.text[:500]}")


def bodies(file: Path) -> Iterator[bytes]:
    """Yield the pushes of a file."""
    numbers = {"admits", "price_paid_minor"}
    with file.open(encoding="utf-8") as text:
        rows = [
            {key: int(value) if key in numbers else value for key, value in row.items()}
            for row in csv.DictReader(text)
        ]
    for start in range(0, len(rows), ROWS_A_PUSH):
        some = rows[start : start + ROWS_A_PUSH]
        told = {"type": "vouchers", "timestamp": datetime.now(UTC).isoformat(), "data": some}
        yield json.dumps(told).encode()


if __name__ == "__main__":
    sys.exit(main())
