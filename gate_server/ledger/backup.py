"""Back a venue up while its server runs: ledger, keys and settings in one verified file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from datetime import datetime
from pathlib import Path

from admission.errors import InvalidInput, LedgerRefused
from gate_server.key_files import OWNER_ONLY_FILE, sync_directory
from gate_server.ledger import schema
from gate_server.ledger.archive import (
    FileSum,
    Manifest,
    names_in,
    read_archive,
    sum_of,
    write_archive,
)
from gate_server.ledger.directory import LEDGER, check_directory
from gate_server.ledger.inspection import (
    check_integrity,
    epoch_of,
    newest_head,
    read_only,
)


def write_backup(directory: Path, target: Path, *, version: str, now: datetime) -> Manifest:
    """Back a venue up; the file is there, whole and verified, or not at all.

    The ledger is copied in one step, from one moment; keys are never deleted, so those copied
    after it open everything in it.

    Args:
        version: of this server.

    Raises:
        InvalidInput: the target exists or cannot be there.
        LedgerRefused: the ledger is damaged, or was restored meanwhile; no file was left.
    """
    path = check_directory(directory)
    _check_target(target, path)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _copy_ledger(path, work / LEDGER)
        manifest = _copy_rest(directory, work, version=version, now=now)
        archive = work / target.name
        write_archive(archive, work, manifest)
        if read_archive(archive) != manifest:
            raise LedgerRefused(f"{target} did not come back as it was written; check the disk")
        if epoch_of(path) != manifest.epoch:
            raise LedgerRefused("the ledger was restored meanwhile; run the backup again")
        _publish(archive, target)
    except (OSError, sqlite3.Error) as error:
        raise LedgerRefused(f"the backup was not made: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _check_target(target: Path, ledger: Path) -> None:
    if target.exists() or target.is_symlink():
        raise InvalidInput("FILE", f"{target} exists; a backup never replaces a file")
    if not target.parent.is_dir():
        raise InvalidInput("FILE", f"there is no directory {target.parent}")
    free = os.statvfs(target.parent)
    wal = ledger.with_name(f"{ledger.name}-wal")
    size = ledger.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    if free.f_bavail * free.f_frsize < 2 * size:
        raise InvalidInput("FILE", f"{target.parent} needs {2 * size / 1e6:.0f} MB free meanwhile")


def _copy_ledger(path: Path, copy: Path) -> None:
    copy.touch(mode=OWNER_ONLY_FILE)
    with read_only(path) as source:
        target = sqlite3.connect(copy, isolation_level=None)
        try:
            source.backup(target)
            # A copy in WAL mode would grow a -wal beside it wherever it is opened.
            target.execute("PRAGMA journal_mode = DELETE")
        finally:
            target.close()


def _copy_rest(directory: Path, work: Path, *, version: str, now: datetime) -> Manifest:
    files: dict[str, FileSum] = {LEDGER: sum_of(work / LEDGER)}
    for name in names_in(directory):
        copy = work / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / name, copy)
        files[name] = sum_of(copy)
    with read_only(work / LEDGER) as db:
        check_integrity(db)
        revision, head = newest_head(db)
        epoch = db.execute("SELECT epoch FROM venue").fetchone()[0]
        steps = schema.taken(db)
    return Manifest(
        created_at=now,
        server_version=version,
        epoch=epoch,
        revision=revision,
        audit_head=head.hex(),
        steps=steps,
        files=files,
    )


def _publish(archive: Path, target: Path) -> None:
    try:
        # A link, unlike a rename, never replaces what came there meanwhile.
        target.hardlink_to(archive)
    except FileExistsError as error:
        raise InvalidInput("FILE", f"{target} exists; a backup never replaces a file") from error
    except OSError:  # a file system without links
        archive.rename(target)
    sync_directory(target.parent)
