"""Evidence of a night sale: size and time of a bundle, of its check, of a purge and its slices.

    python benchmarks/bench_evidence.py [--vouchers 206865] [--scans 200000]

Each time stands beside that of a walk along the chain (`audit verify`) over the same ledger.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from admission.scans import Direction, Mode
from benchmarks.seed import SeededVenue, seed
from gate_server.bundle import write_bundle
from gate_server.checkin import CheckIn, Limits, Presented
from gate_server.commands.evidence import Export, export
from gate_server.commands.services import Services
from gate_server.keyring import Keyring
from gate_server.ledger.directory import LEDGER
from gate_server.ledger.inspection import verify_chain
from gate_server.ledger.ledger import Ledger, OpenDirectory
from gate_server.ledger.session import Session
from gate_server.privacy import purge
from gate_server.settings import read_settings

T = TypeVar("T")
A_JOB = 500
PERSONAL = (
    "UPDATE vouchers SET phone = randomblob(16), phone_last4 = '1234', buyer_no = voucher_id",
    (
        "INSERT INTO buyers (buyer_no, buyer, sealed) SELECT voucher_id, randomblob(16),"
        " randomblob(40) FROM vouchers"
    ),
    "UPDATE deals SET valid_until = (SELECT committed_at FROM venue)",
)


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=206_865)
    parser.add_argument("--scans", type=int, default=200_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gatehouse-evidence-") as name:
        venue = seed(Path(name) / "var", vouchers=given.vouchers, devices_wanted=12)
        measure(venue, Path(name), given.scans)


def measure(venue: SeededVenue, room: Path, scans: int) -> None:
    """Scan, hand out, check and purge."""
    directory = venue.directory
    settings, keys = read_settings(directory), Keyring.open(directory / "keys")
    print("| what | seconds | size |\n| --- | --- | --- |")
    with OpenDirectory(directory, settings.venue) as ledger:
        timed(f"{scans:,} scans", lambda: scan_all(ledger, keys, venue, scans))
        timed("audit verify", lambda: verify_chain(directory / LEDGER, {}))
        services = Services(ledger, keys, settings, directory)
        public = {key.key_id: key.public for key in keys.audit_keys().keys}
        deal_id = next(iter(ledger.catalogue.deals.values())).deal_id

        def write(out: Path) -> None:
            write_bundle(
                directory / LEDGER,
                out,
                deal_id,
                sign=lambda exported: export(services, Export(exported=exported)),
                public_keys=public,
            )

        timed("export, directory", lambda: write(room / "out"), room / "out")
        timed("export, zip", lambda: write(room / "out.zip"), room / "out.zip")
        print(f"| of it links.txt | | {size_of(room / 'out' / 'links.txt')} |")
        command = [sys.executable, "-I", str(room / "out" / "verify.py")]
        timed("verify.py", lambda: subprocess.run(command, check=True, capture_output=True))
        for sql in PERSONAL:
            ledger.write(lambda tx: tx.db.execute(sql), alone=True)  # noqa: B023
        clock = ledger.clock
        clock.latest += timedelta(days=1000)
        longest = watch_slices(ledger)
        timed("purge", lambda: purge(ledger, keys, settings, by="bench", dry_run=False))
        print(f"| its longest slice, with its commit | {longest[0]:.3f} | |")
        timed("audit verify again", lambda: verify_chain(directory / LEDGER, {}))


def scan_all(ledger: Ledger, keys: Keyring, venue: SeededVenue, scans: int) -> None:
    """Scan one voucher after the other at twelve devices."""
    check_in = CheckIn(keys, Limits(None, 300.0))
    devices = list(ledger.catalogue.devices.values())

    def run(tx: Session, numbers: range) -> None:
        for number in numbers:
            presented = Presented(
                device=devices[number % len(devices)],
                nonce=f"bench-{number:08}",
                mode=Mode.ADMIT,
                direction=Direction.ENTRY,
                party=None,
                received_at=ledger.clock(),
                scanned_at=None,
                operator="4711",
                code=check_in.read(venue.code(number % venue.vouchers)),
            )
            check_in.run(tx, presented)

    for start in range(0, scans, A_JOB):
        numbers = range(start, min(start + A_JOB, scans))
        ledger.write(lambda tx: run(tx, numbers), patient=True)  # noqa: B023


def watch_slices(ledger: Ledger) -> list[float]:
    """Note how long the longest write takes from now on, from asking for it to its commit."""
    longest, write = [0.0], ledger.write

    def timed_write(work: Callable[[Session], T], **options: bool) -> T:
        begun = time.perf_counter()
        result = write(work, **options)
        longest[0] = max(longest[0], time.perf_counter() - begun)
        return result

    ledger.write = timed_write  # type: ignore[method-assign]
    return longest


def timed(what: str, work: Callable[[], object], made: Path | None = None) -> None:
    """Do something and print how long it took, and how large what it made is."""
    begun = time.perf_counter()
    work()
    size = "" if made is None else size_of(made)
    print(f"| {what} | {time.perf_counter() - begun:.1f} | {size} |", flush=True)


def size_of(path: Path) -> str:
    """Return the size of a file, or of the files in a directory."""
    files = path.iterdir() if path.is_dir() else [path]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


if __name__ == "__main__":
    main(sys.argv[1:])
