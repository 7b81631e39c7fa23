"""Keep the server's secrets in a directory: one file a key, written once, never changed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

import msgspec

from admission.errors import LedgerRefused
from admission.keys import HIGHEST_NUMBER, SECRET_BYTES

OWNER_ONLY_DIR = 0o700
OWNER_ONLY_FILE = 0o600

_RESTORE = "restore the keys from the last backup; `gate-server doctor` says more"
_CHECK_DOMAIN = b"gatehouse file"
_CHECK_BYTES = 8


class KeyPurpose(StrEnum):
    """What a key is for; each has random keys of its own. The name begins its files' names."""

    CODES = "codes"
    BUYERS = "buyers"
    PHONES = "phones"
    SEALING = "sealing"
    TOKENS = "tokens"
    AUDIT = "audit"
    PICKS = "picks"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key as its file has it.

    Attributes:
        number: 1 to 255, counted for each purpose by itself.
        secret: 32 random bytes; for signatures an Ed25519 seed.
        created_at: when it was made, aware UTC.
        signs_from: first instant at which new things are made with it, aware UTC.
    """

    purpose: KeyPurpose
    number: int
    secret: bytes = field(repr=False)
    created_at: datetime
    signs_from: datetime

    def __post_init__(self) -> None:
        if not 1 <= self.number <= HIGHEST_NUMBER:
            raise ValueError(f"key number {self.number} is not in 1 to {HIGHEST_NUMBER}")
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"a secret is {SECRET_BYTES} bytes, not {len(self.secret)}")
        if self.created_at.tzinfo is None or self.signs_from.tzinfo is None:
            raise ValueError("a key's times need a time zone")


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key file holds; `check` finds a damaged one before it hashes or signs anything."""

    key: StoredKey
    check: bytes


def new_key(
    purpose: KeyPurpose, number: int, *, created_at: datetime, signs_from: datetime
) -> StoredKey:
    """Make a key from the system's randomness; nothing is written."""
    secret = secrets.token_bytes(SECRET_BYTES)
    return StoredKey(purpose, number, secret, created_at, signs_from)


def create_directory(directory: Path, keys: Iterable[StoredKey]) -> None:
    """Make the directory with these keys, whole or not at all.

    Raises LedgerRefused where keys are there already: to lose them is to lose the ledger.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    for key in keys:
        add_key(fresh, key)
    try:
        # A directory takes the place of an empty one, never of one with files.
        fresh.rename(directory)
    except OSError as error:
        _remove(fresh)
        raise LedgerRefused(f"{directory} is not empty; its keys are kept") from error
    sync_directory(directory.parent)


def read_directory(directory: Path) -> dict[KeyPurpose, tuple[StoredKey, ...]]:
    """Read every key, in order of number.

    Raises LedgerRefused, with what to do, where a key is missing or damaged or others may read it.
    """
    check_owner_only(directory, OWNER_ONLY_DIR)
    found: dict[KeyPurpose, list[StoredKey]] = {purpose: [] for purpose in KeyPurpose}
    try:
        paths = list(_key_paths(directory))
    except OSError as error:
        raise LedgerRefused(f"{directory} cannot be read: {error.strerror}; {_RESTORE}") from error
    for path, purpose, number in paths:
        key = _read_key(path)
        if (key.purpose, key.number) != (purpose, number):
            raise LedgerRefused(f"{path} holds another key than its name says; {_RESTORE}")
        found[purpose].append(key)
    for purpose, keys in found.items():
        keys.sort(key=lambda key: key.number)
        # No key is ever deleted, so a gap is a loss.
        if not keys or keys[-1].number != len(keys):
            raise LedgerRefused(f"{directory}: a key for {purpose} is missing; {_RESTORE}")
    return {purpose: tuple(keys) for purpose, keys in found.items()}


def add_key(directory: Path, key: StoredKey) -> None:
    """Write a new key's file, durably; after a power cut it is there whole or not at all.

    Raises LedgerRefused where the number is taken.
    """
    name = f"{key.purpose}-{key.number}.json"
    data = msgspec.json.encode(_KeyFile(key, _check(key)))
    try:
        write_durably(directory / name, data, replace=False)
    except FileExistsError as error:
        raise LedgerRefused(f"{directory / name} exists; its key is kept") from error


def write_durably(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file of mode 0600 that is there whole or not at all, even after a power cut.

    Raises FileExistsError where it exists and `replace` is false.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # left by a power cut; nobody has used it
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    if replace:
        fresh.replace(path)
    else:
        try:
            # Unlike a rename, a link never replaces what another process wrote meanwhile.
            path.hardlink_to(fresh)
        finally:
            fresh.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the directory's names survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_owner_only(path: Path, mode: int) -> None:
    """Raise LedgerRefused where `path` is missing or its group or others have any right to it."""
    try:
        rights = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise LedgerRefused(f"{path} cannot be opened: {error.strerror}; {_RESTORE}") from error
    if rights & 0o077:
        raise LedgerRefused(
            f"{path} has mode {rights:04o}, so others may read secrets; run: chmod {mode:o} {path}"
        )


def _key_paths(directory: Path) -> Iterator[tuple[Path, KeyPurpose, int]]:
    pattern = re.compile(rf"({'|'.join(KeyPurpose)})-([1-9][0-9]{{0,2}})\.json")
    for path in directory.iterdir():
        match = pattern.fullmatch(path.name)
        if match is not None:
            yield path, KeyPurpose(match[1]), int(match[2])


def _read_key(path: Path) -> StoredKey:
    check_owner_only(path, OWNER_ONLY_FILE)
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except OSError as error:
        raise LedgerRefused(f"{path} cannot be read: {error.strerror}; {_RESTORE}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise LedgerRefused(f"{path} is not a key file; {_RESTORE}") from error
    if stored.check != _check(stored.key):
        raise LedgerRefused(f"{path} is damaged; {_RESTORE}")
    return stored.key


def _check(key: StoredKey) -> bytes:
    # Keyed by a random 256-bit secret, so it tells nothing about it.
    about = f"{key.purpose} {key.number} {key.created_at.timestamp()} {key.signs_from.timestamp()}"
    check = blake2b(
        about.encode("ascii"), digest_size=_CHECK_BYTES, key=key.secret, person=_CHECK_DOMAIN
    )
    return check.digest()


def _remove(directory: Path) -> None:
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()
