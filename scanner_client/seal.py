"""Seal what a scanner keeps with a key of its own; without the key file nobody can read it.

Whoever destroys the key has destroyed the replica and the journal, wherever copies of them lie.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from admission.errors import AdmissionError
from scanner_client.state import StateError, keep_private, sync_directory

SEAL_FILE = "seal.key"
_KEY_BYTES = 32
_TAG_BYTES = 8


class SealBroken(AdmissionError):
    """What was to be opened is damaged, stands in another place, or was sealed with another key."""


class Seal:
    """Hides keys and rows under one secret. Safe for several threads.

    Args:
        secret: 32 random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ValueError(f"a seal's key is {_KEY_BYTES} bytes, not {len(secret)}")
        self._tags = _derive(secret, b"gatehouse tags")
        # Deterministic and without a nonce (RFC 5297): 12 bytes less on each of 200,000 rows, and
        # no counter that a copied file could repeat. Equal rows in one place look equal; no more.
        self._box = AESSIV(_derive(secret, b"gatehouse rows"))

    def tag(self, key: bytes) -> int:
        """Return what stands for a key in an index: 8 bytes of its keyed hash, a signed integer."""
        digest = blake2b(key, digest_size=_TAG_BYTES, key=self._tags).digest()
        return int.from_bytes(digest, "big", signed=True)

    def seal(self, data: bytes, about: bytes) -> bytes:
        """Seal data for one place, 16 bytes longer.

        Args:
            about: the place, which `open` must name again; it is not kept.
        """
        if not data:
            raise ValueError("there is nothing to seal")
        return self._box.encrypt(data, [about])

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Return what was sealed.

        Raises SealBroken: a byte was changed, another place, or another key.
        """
        try:
            return self._box.decrypt(sealed, [about])
        except (InvalidTag, ValueError) as error:
            raise SealBroken("sealed with another key, or damaged") from error


def load_seal(directory: Path, report: Callable[[str], None]) -> Seal:
    """Return the seal of a scanner's directory, with a new key where there is none.

    A damaged key opens nothing any more: it is said to staff and made anew.

    Raises StateError: the key cannot be read or made.
    """
    path = directory / SEAL_FILE
    keep_private(directory)
    try:
        secret = _read(path)
        if secret is not None and len(secret) != _KEY_BYTES:
            path.unlink()
            report(f"{path.name} is damaged: what was sealed with it is lost, a new one is made")
            secret = None
        if secret is None:
            _make(path)
            secret = path.read_bytes()
    except OSError as error:
        raise StateError(f"cannot keep {path}: {error.strerror}") from error
    return Seal(secret)


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return blake2b(digest_size=_KEY_BYTES, key=secret, person=purpose).digest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _make(path: Path) -> None:
    """Make the key as a whole or not at all; of two processes the first one's stays."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink(missing_ok=True)
    sync_directory(path.parent)
