"""Put a backup in a venue's place, all of it or nothing, whatever interrupts it.

Everything is unpacked, checked and renewed in a directory of its own. One small file then says
that it is ready; from there on every command finishes the exchange before it does anything else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from admission.errors import LedgerRefused
from gate_server.key_files import OWNER_ONLY_DIR, sync_directory, write_durably
from gate_server.keyring import Keyring
from gate_server.ledger import schema
from gate_server.ledger.archive import KEYS, SETTINGS, Manifest, read_archive
from gate_server.ledger.audit import verify
from gate_server.ledger.directory import LEDGER, DirectoryLock, check_directory
from gate_server.ledger.inspection import check_integrity, newest_head, read_only
from gate_server.ledger.ledger import Ledger, new_epoch
from gate_server.ledger.session import Session
from gate_server.settings import read_settings

STAGE: Final = "restore.new"
READY: Final = "restore.ready"
# What was given out after the backup must not be given out again (DESIGN section 7).
SKIPPED_DEVICES: Final = 100
SKIPPED_VOUCHERS: Final = 100_000
SKIPPED_VERSIONS: Final = 100
SKIPPED_ARRIVALS: Final = 1000
_SIDE_FILES = (f"{LEDGER}-wal", f"{LEDGER}-shm")


class _Ready(Struct, frozen=True):
    """Says that the stage is whole. `kept` is the name of the directory for the old files."""

    kept: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        kept: where the old ledger and keys are; None where there were none.
    """

    manifest: Manifest
    epoch: str
    kept: Path | None


def restore_backup(
    directory: Path, archive: Path, *, by: str, now: datetime, clock: Callable[[], datetime]
) -> Restored:
    """Replace a venue by a backup, or make it where there is none.

    Raises:
        LedgerRefused: the directory is in use, or the backup cannot be trusted; nothing changed.
    """
    directory.mkdir(mode=OWNER_ONLY_DIR, parents=True, exist_ok=True)
    lock = DirectoryLock(directory)
    lock.take()
    try:
        _exchange(directory)
        shutil.rmtree(directory / STAGE, ignore_errors=True)
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, directory / STAGE, ignore_errors=True)
            manifest = read_archive(archive, directory / STAGE)
            epoch = _make_ready(directory / STAGE, manifest, by=by, clock=clock)
            undo.pop_all()
        kept = _free_name(directory, f"before-restore-{now:%Y%m%dT%H%M%SZ}")
        had = (directory / LEDGER).exists()
        write_durably(directory / READY, msgspec.json.encode(_Ready(kept)), replace=True)
        _exchange(directory)
    finally:
        lock.release()
    return Restored(manifest, epoch, directory / kept if had else None)


def finish_restore(directory: Path) -> bool:
    """Finish a restore that was interrupted after its backup was ready; say whether there was one.

    Raises:
        LedgerRefused: another process holds the directory.
    """
    if not (directory / READY).exists():
        return False
    lock = DirectoryLock(directory)
    lock.take(wait_s=10.0)
    try:
        return _exchange(directory) is not None
    finally:
        lock.release()


def _make_ready(stage: Path, manifest: Manifest, *, by: str, clock: Callable[[], datetime]) -> str:
    """Check what was unpacked and begin its new life; return the new epoch."""
    path = check_directory(stage)
    with read_only(path) as db:
        newer = schema.unknown(db)
        if newer:
            raise LedgerRefused(f"the backup is of a newer gate-server (it has {newer[0]})")
        check_integrity(db)
        if newest_head(db) != (manifest.revision, bytes.fromhex(manifest.audit_head)):
            raise LedgerRefused("the backup's ledger is not the one that its manifest tells of")
        findings = verify(db).findings
        if findings:
            first = findings[0]
            raise LedgerRefused(
                f"the backup's audit chain is broken at revision {first.revision}: {first.problem}"
            )
    Keyring.open(stage / KEYS)
    ledger = Ledger.open(stage, read_settings(stage).venue, now=clock)
    epoch = new_epoch()
    try:
        ledger.write(lambda tx: _begin_anew(tx, manifest, epoch, by), alone=True)
    finally:
        ledger.close()
    (stage / "reserve").unlink(missing_ok=True)
    for name in _SIDE_FILES:
        if (stage / name).exists():
            raise LedgerRefused(f"{stage / name} did not go away; is something reading there?")
    sync_directory(stage)
    return epoch


def _begin_anew(tx: Session, manifest: Manifest, epoch: str, by: str) -> None:
    tx.db.execute(
        "UPDATE venue SET epoch = ?, next_device = next_device + ?,"
        " next_voucher_number = next_voucher_number + ?",
        (epoch, SKIPPED_DEVICES, SKIPPED_VOUCHERS),
    )
    sql = "UPDATE deals SET next_void_version = next_void_version + ?"
    tx.db.execute(sql, (SKIPPED_VERSIONS,))
    sql = "UPDATE devices SET next_arrival = next_arrival + ?"
    tx.db.execute(sql, (SKIPPED_ARRIVALS,))
    fields = {
        "backup_of": manifest.created_at.isoformat(),
        "epoch_before": manifest.epoch,
        "epoch": epoch,
        "by": by,
    }
    tx.record_event("restore", fields)
    tx.touched.add("venue")


def _exchange(directory: Path) -> str | None:
    """Put the ready stage in place; return where the old files went, None if none is ready."""
    ready = directory / READY
    if not ready.exists():
        return None
    kept: str = msgspec.json.decode(ready.read_bytes(), type=_Ready).kept
    for step in exchange_steps(directory, kept):
        step()
    return kept


def exchange_steps(directory: Path, kept: str) -> Iterator[Callable[[], None]]:
    """Yield the steps of the exchange; after any of them, all of them can be run again.

    The old ledger goes first and the new one comes last: in between the directory has none, so
    nothing can be opened that is half old and half new.
    """
    stage, old = directory / STAGE, directory / kept
    new_ledger = stage / LEDGER
    for name in (LEDGER, *_SIDE_FILES):
        yield partial(_move, directory / name, old / name, new_ledger)
    for name in (KEYS, SETTINGS):
        yield partial(_move, directory / name, old / name, stage / name)
        yield partial(_move, stage / name, directory / name, stage / name)
    yield partial(_move, new_ledger, directory / LEDGER, new_ledger)
    yield partial(shutil.rmtree, stage, ignore_errors=True)
    yield partial((directory / READY).unlink, missing_ok=True)


def _move(source: Path, target: Path, waiting: Path) -> None:
    """Move a file, while what belongs in the end where it stands still waits in the stage."""
    if not (waiting.exists() and source.exists()):
        return
    target.parent.mkdir(mode=OWNER_ONLY_DIR, exist_ok=True)
    source.rename(target)
    sync_directory(target.parent)
    sync_directory(source.parent)


def _free_name(directory: Path, name: str) -> str:
    found, number = name, 1
    while (directory / found).exists():
        number += 1
        found = f"{name}-{number}"
    return found
