"""The form of a backup: one tar file with a manifest first, and nothing but known names."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from admission.errors import LedgerRefused
from gate_server.key_files import OWNER_ONLY_DIR, OWNER_ONLY_FILE
from gate_server.ledger.directory import LEDGER

MANIFEST: Final = "manifest.json"
KEYS: Final = "keys"
SETTINGS: Final = "gate.toml"
FORMAT: Final = 1
_CHUNK = 1 << 20
_MOST_MANIFEST = 1 << 20
_NAME = re.compile(r"ledger\.db|gate\.toml|keys/(?:tls/)?[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class FileSum(Struct, frozen=True):
    """What a file in the archive must be."""

    size: int
    sha256: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds, and of when.

    Attributes:
        audit_head: hex, the head of the audit chain at `revision`.
        steps: migrations that the ledger's tables have seen.
    """

    format: int = FORMAT
    created_at: datetime
    server_version: str
    epoch: str
    revision: int
    audit_head: str
    steps: list[str]
    files: dict[str, FileSum]


def names_in(directory: Path) -> list[str]:
    """Return the names of a venue's files that belong into a backup, beside the ledger."""
    keys = directory / KEYS
    paths = [directory / SETTINGS, *sorted(keys.glob("*")), *sorted((keys / "tls").glob("*"))]
    names = [path.relative_to(directory).as_posix() for path in paths if path.is_file()]
    return [name for name in names if _NAME.fullmatch(name)]


def sum_of(path: Path) -> FileSum:
    """Return a file's size and hash."""
    with path.open("rb") as file:
        return _sum(file)


def write_archive(target: Path, directory: Path, manifest: Manifest) -> None:
    """Write the manifest and its files into a new archive of mode 0600, durably."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            body = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
            tar.addfile(_member(MANIFEST, len(body), manifest), io.BytesIO(body))
            for name, expected in manifest.files.items():
                with (directory / name).open("rb") as content:
                    tar.addfile(_member(name, expected.size, manifest), content)
        file.flush()
        os.fsync(descriptor)


def read_archive(archive: Path, into: Path | None = None) -> Manifest:
    """Check a whole archive against its manifest, and unpack it into a new directory.

    Args:
        into: None: check only.

    Raises:
        LedgerRefused: it is no backup of ours, is damaged, or holds what no backup holds.
    """
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            manifest, found = _read_members(tar, into)
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise LedgerRefused(f"{archive} is no backup, or is cut short: {error}") from error
    except OSError as error:
        raise LedgerRefused(f"{archive} cannot be read: {error.strerror or error}") from error
    missing = sorted(set(manifest.files) - found)
    if missing or LEDGER not in manifest.files:
        raise LedgerRefused(f"{archive} lacks {', '.join(missing) or LEDGER}")
    return manifest


def _read_members(tar: tarfile.TarFile, into: Path | None) -> tuple[Manifest, set[str]]:
    manifest: Manifest | None = None
    found: set[str] = set()
    for member in _members(tar):
        content = tar.extractfile(member)
        if content is None:
            raise LedgerRefused(f"the archive's {member.name!r} has no content")
        if manifest is None:
            manifest = _read_manifest(member, content)
            if into is not None:
                _check_room(into.parent, manifest)
                into.mkdir(mode=OWNER_ONLY_DIR)
            continue
        expected = manifest.files.get(member.name)
        if expected is None or member.name in found or not _NAME.fullmatch(member.name):
            raise LedgerRefused(f"the archive holds {member.name!r}, which no backup holds")
        actual = _sum(content, None if into is None else into / member.name)
        if actual != expected:
            raise LedgerRefused(f"the archive's {member.name} is damaged; use another backup")
        found.add(member.name)
    if manifest is None:
        raise LedgerRefused("the archive is empty; it is no backup")
    return manifest, found


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in tar:
        # Links, devices and directories have no place in a backup: only a forger puts them there.
        if not member.isreg():
            raise LedgerRefused(f"the archive holds {member.name!r}, which is no plain file")
        yield member


def _read_manifest(member: tarfile.TarInfo, content: IO[bytes]) -> Manifest:
    if member.name != MANIFEST or member.size > _MOST_MANIFEST:
        raise LedgerRefused("the archive does not begin with a manifest; it is no backup of ours")
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise LedgerRefused(f"the archive's manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise LedgerRefused(
            f"the backup has format {manifest.format}; this gate-server reads {FORMAT}, so use the"
            " version that made it"
        )
    return manifest


def _check_room(directory: Path, manifest: Manifest) -> None:
    needed = sum(each.size for each in manifest.files.values())
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize < needed + _CHUNK:
        raise LedgerRefused(f"{directory} has no room for {needed / 1e6:.0f} MB; nothing was done")


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = OWNER_ONLY_FILE
    member.mtime = int(manifest.created_at.timestamp())
    return member


def _sum(content: IO[bytes], into: Path | None = None) -> FileSum:
    """Hash a stream, and write it into a new file of mode 0600, durably."""
    digest, size = hashlib.sha256(), 0
    if into is None:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        return FileSum(size, digest.hexdigest())
    into.parent.mkdir(mode=OWNER_ONLY_DIR, parents=True, exist_ok=True)
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(descriptor)
    return FileSum(size, digest.hexdigest())
