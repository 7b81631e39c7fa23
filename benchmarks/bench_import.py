"""Import 206,865 vouchers: against a bare executemany, and while scans go on.

The first ratio is of `gate-server import vouchers` from file to last commit (reading, checking,
hashing, sealing, slices, audit) to one executemany of the same prepared rows into the same tables
and indices. At most 4. Run it as `python benchmarks/bench_import.py [--vouchers N]`.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

VOUCHERS = 206_865
MOST_RATIO = 4.0
ROUNDS = 3
SCANNERS = 8
SCANS_A_SECOND = 10  # of each scanner: twice a peak day's lane, times ten
COLUMNS = (
    "code", "deal_id", "voucher_ref", "order_ref", "buyer_ref", "buyer_phone", "admits",
    "price_paid_minor", "status", "sold_at", "updated_at",
)  # fmt: skip
DEAL = """deal_id,platform,title,rights,face_price_minor,currency,valid_from,valid_until
FLASH,lvtu,Combined ticket,park:1,26000,CNY,2015-02-12,2099-12-31
"""


def main() -> int:
    """Measure and print; 1 if the import takes more than four times the bare insert."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=VOUCHERS)
    count = parser.parse_args().vouchers
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name:
        work = Path(name)
        file = write_file(work / "vouchers.csv", count)
        ratios = []
        for number in range(ROUNDS):
            imported_s, bare_s = one_round(work / f"venue-{number}", file)
            ratios.append(imported_s / bare_s)
            print(
                f"import {imported_s:6.2f} s ({count / imported_s:7.0f}/s)   executemany"
                f" {bare_s:6.2f} s   ratio {ratios[-1]:.2f}"
            )
        again_s = timed(gate, work / "venue-0", "import", "vouchers", str(file))
        print(f"the same file again: {again_s:.2f} s")
        beside_server(work / "venue-served", file)
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.2f}, at most {MOST_RATIO}: {verdict(ratio <= MOST_RATIO)}")
    return 0 if ratio <= MOST_RATIO else 1


def verdict(good: bool) -> str:
    """Return how a figure is called."""
    return "good" if good else "TOO SLOW"


def write_file(path: Path, count: int) -> Path:
    """Write vouchers as a platform's flash sale would: two an order, orders by 98,000 buyers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(count):
            order = n // 2
            second = order % 28_800
            sold = (
                f"2015-02-12T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+08:00"
            )
            rows.writerow(
                (f"{n:08X}-{n * 2654435761 % 2**32:08X}", "FLASH", f"V{n}", f"ORDER{order:010d}",
                 f"user-{order * 7919 % 98_000}", f"138{order % 10**8:08d}", 1, 1, "valid", sold,
                 sold)
            )  # fmt: skip
    return path


def gate(directory: Path, *arguments: str) -> str:
    """Run a command of the gate server and return what it prints."""
    command = [sys.executable, "-m", "gate_server", "--data", str(directory), "--json", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def timed(run: object, *arguments: object) -> float:
    """Return how long a call takes, in seconds."""
    begin = time.perf_counter()
    run(*arguments)  # type: ignore[operator]
    return time.perf_counter() - begin


def new_venue(directory: Path) -> None:
    """Make a venue with the deal and one gate."""
    gate(directory, "init")
    deals = directory.with_name(f"{directory.name}-deals.csv")
    deals.write_text(DEAL, "utf-8")
    gate(directory, "import", "deals", str(deals))
    gate(directory, "gate", "add", "G1", "--name", "North")


def one_round(directory: Path, file: Path) -> tuple[float, float]:
    """Return the seconds of an import and of the bare insert of what it made."""
    new_venue(directory)
    empty = directory.with_name(f"{directory.name}-empty.db")
    shutil.copyfile(directory / "ledger.db", empty)
    imported_s = timed(gate, directory, "import", "vouchers", str(file))
    return imported_s, insert_bare(directory / "ledger.db", empty)


def insert_bare(full: Path, empty: Path) -> float:
    """Insert the rows of a ledger into an empty one: an executemany a table, one commit."""
    source = sqlite3.connect(full)
    tables = ("buyers", "vouchers", "credentials")
    rows = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608
    source.close()
    target = sqlite3.connect(empty, isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = FULL")
    begin = time.perf_counter()
    target.execute("BEGIN IMMEDIATE")
    for name in tables:
        marks = ", ".join("?" * len(rows[name][0]))
        sql = f"INSERT INTO {name} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        target.executemany(sql, rows[name])
    target.execute("COMMIT")
    seconds = time.perf_counter() - begin
    target.close()
    return seconds


def beside_server(directory: Path, file: Path) -> None:
    """Import through a running server while scanners scan; print what the scans feel."""
    new_venue(directory)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gate_server", "--data", str(directory), "serve", "--http"]
    server = subprocess.Popen([*command, "--port", str(port)])
    url = f"http://127.0.0.1:{port}/api/v1"
    try:
        wait_for(url)
        tokens = [enrol(directory, url, number) for number in range(SCANNERS)]
        alone = scan_while(url, tokens, lambda: time.sleep(5.0))
        seconds = []
        during = scan_while(
            url,
            tokens,
            lambda: seconds.append(timed(gate, directory, "import", "vouchers", str(file))),
        )
        print(
            f"beside a server with {SCANNERS * SCANS_A_SECOND} scans/s: import {seconds[0]:.2f} s"
        )
        for name, taken in (("without import", alone), ("during import", during)):
            taken.sort()
            p50, p99 = (taken[int(len(taken) * share)] * 1000 for share in (0.5, 0.99))
            print(f"scans {name:14}: {len(taken):5} answered, p50 {p50:5.1f} ms, p99 {p99:5.1f} ms")
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str) -> None:
    """Wait until the server answers."""
    for _ in range(200):
        try:
            httpx.get(f"{url.removesuffix('/api/v1')}/healthz")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def enrol(directory: Path, url: str, number: int) -> str:
    """Enrol one device and return its token."""
    code = json.loads(
        gate(directory, "device", "enrol", "--gate", "G1", "--name", f"lane {number}")
    )
    answer = httpx.post(f"{url}/devices/enrol", json={"code": code["code"]})
    answer.raise_for_status()
    return str(answer.json()["token"])


def scan_while(url: str, tokens: list[str], work: object) -> list[float]:
    """Let every device scan at its pace while `work` runs; return the seconds of each scan."""
    stop, taken = threading.Event(), [[] for _ in tokens]  # type: ignore[var-annotated]
    threads = [
        threading.Thread(target=scan, args=(url, token, stop, times))
        for token, times in zip(tokens, taken, strict=True)
    ]
    for thread in threads:
        thread.start()
    work()  # type: ignore[operator]
    stop.set()
    for thread in threads:
        thread.join()
    return [each for times in taken for each in times]


def scan(url: str, token: str, stop: threading.Event, times: list[float]) -> None:
    """Scan at a steady pace until told to stop."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(headers=headers, timeout=10.0) as client:
        number = 0
        while not stop.wait(1 / SCANS_A_SECOND):
            number += 1
            nonce = f"bench-{time.monotonic_ns()}"
            body = {"code": f"{number:08X}-{number * 2654435761 % 2**32:08X}", "nonce": nonce}
            begin = time.perf_counter()
            client.post(f"{url}/scans", json=body).raise_for_status()
            times.append(time.perf_counter() - begin)


if __name__ == "__main__":
    sys.exit(main())
