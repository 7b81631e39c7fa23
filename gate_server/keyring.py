"""Use the server's secrets: hash, seal, sign, rotate. None of them is ever shown."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from admission.codes import CodeReader
from admission.errors import InvalidInput, LedgerRefused
from admission.keys import HIGHEST_NUMBER, CodeKey, KeyList, PublicKey
from gate_server.key_files import (
    KeyPurpose,
    StoredKey,
    add_key,
    create_directory,
    new_key,
    read_directory,
)

# Scanners fetch keys within minutes; a day lets one that was switched off for the night have them.
PUBLISHED_BEFORE_USE = timedelta(hours=24)

_NONCE_BYTES = 12
_PICK_BYTES = 16
_SEAL_PURPOSE = b"gatehouse seal v1\x00"
_HEAD_PURPOSE = b"gatehouse audit head v1\x00"
_PICK_DOMAIN = b"gatehouse pick"
# Made with the key for phones, each under a name of its own: like theirs, these never rotate.
_BADGE_DOMAIN = b"gatehouse badge"
_PIN_DOMAIN = b"gatehouse pin"
_SESSION_DOMAIN = b"gatehouse login"
# Scanners must hold these before anything is made with them.
_PUBLISHED = frozenset({KeyPurpose.CODES, KeyPurpose.TOKENS, KeyPurpose.AUDIT})
# Their hashes carry no key number: under a new key every block and look-up would find nothing.
_FIXED = frozenset({KeyPurpose.BUYERS, KeyPurpose.PHONES})


class KeyState(StrEnum):
    """Where a key stands: published but unused, in use for new things, or only for old ones."""

    WAITING = "waiting"
    CURRENT = "current"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """What people may know of a key; times are aware UTC."""

    purpose: KeyPurpose
    number: int
    created_at: datetime
    signs_from: datetime
    state: KeyState


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A token key that may sign; `key_id` goes into the tokens."""

    key_id: int
    private_key: Ed25519PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeadSignature:
    """An audit head's signature, and which of `audit_keys` verifies it."""

    key_id: int
    signature: bytes


class Keyring:
    """The secrets in a directory, open for use.

    One object for the whole server: `rotate` changes it in place, so that every holder goes on with
    the new keys. Reading is safe from any thread; one thread at a time may rotate.
    """

    def __init__(self, directory: Path, keys: dict[KeyPurpose, tuple[StoredKey, ...]]) -> None:
        self._directory = directory
        self._load(keys)

    def __repr__(self) -> str:
        return f"Keyring({str(self._directory)!r})"

    @classmethod
    def create(cls, directory: Path, *, now: datetime) -> Keyring:
        """Make `directory` (mode 0700) with a first key for each purpose, usable from `now`.

        Before the certificates, whose directory is inside it.

        Raises LedgerRefused where it holds anything already.
        """
        _check_instant("now", now)
        first = [new_key(purpose, 1, created_at=now, signs_from=now) for purpose in KeyPurpose]
        create_directory(directory, first)
        return cls.open(directory)

    @classmethod
    def open(cls, directory: Path) -> Keyring:
        """Read all keys.

        Raises LedgerRefused, with what to do, where one is missing, damaged or open to others.
        """
        return cls(directory, read_directory(directory))

    def rotate(
        self, purpose: KeyPurpose, *, now: datetime, signs_from: datetime | None = None
    ) -> KeyRow:
        """Add the next key of a purpose, durably, before anything uses it; old ones stay valid.

        Args:
            signs_from: when new things are first made with it. Keys that scanners need (codes,
                tokens, audit) wait 24 hours by default; others are used at once. Give `now` for a
                key that was stolen.

        Raises InvalidInput for buyers and phones, LedgerRefused where all 255 numbers are used.
        """
        _check_instant("now", now)
        if purpose in _FIXED:
            raise InvalidInput("purpose", f"{purpose} hashes carry no key number; keep the key")
        # Read again: the command line may have rotated since this process opened them.
        keys = read_directory(self._directory)
        number = len(keys[purpose]) + 1
        if number > HIGHEST_NUMBER:
            raise LedgerRefused(f"all {HIGHEST_NUMBER} keys for {purpose} are used up")
        if signs_from is None:
            signs_from = now + PUBLISHED_BEFORE_USE if purpose in _PUBLISHED else now
        _check_instant("signs_from", signs_from)
        key = new_key(purpose, number, created_at=now, signs_from=signs_from)
        add_key(self._directory, key)
        self._load({**keys, purpose: (*keys[purpose], key)})
        return next(row for row in self.rows(now) if (row.purpose, row.number) == (purpose, number))

    def rows(self, now: datetime) -> tuple[KeyRow, ...]:
        """List every key for `key list`, by purpose and number, without its secret."""
        return tuple(
            KeyRow(purpose, key.number, key.created_at, key.signs_from, self._state(key, now))
            for purpose in KeyPurpose
            for key in self._keys[purpose]
        )

    @property
    def reader(self) -> CodeReader:
        """The keys that reading a scanned code takes."""
        return self._reader

    @property
    def code_keys(self) -> tuple[CodeKey, ...]:
        """Every code key, newest first, also one that waits: scanners must have it in time."""
        return self._reader.code_keys

    def published(self) -> KeyList:
        """Return the token keys that scanners verify with."""
        return self._reader.key_list

    def audit_keys(self) -> KeyList:
        """Return the keys that verify signed audit heads."""
        return _key_list(self._keys[KeyPurpose.AUDIT])

    def code_key(self, now: datetime) -> CodeKey:
        """Return the key that new vouchers' codes are hashed with."""
        return _hash_key(self._current(KeyPurpose.CODES, now))

    def buyer_key(self) -> CodeKey:
        """Return the key for `buyer_hash`."""
        return _hash_key(self._keys[KeyPurpose.BUYERS][0])

    def phone_key(self) -> CodeKey:
        """Return the key for `phone_hash`."""
        return _hash_key(self._keys[KeyPurpose.PHONES][0])

    def badge_hash(self, badge: str) -> bytes:
        """Return what the ledger keeps of an operator's badge."""
        return self._staff_hash(badge, _BADGE_DOMAIN)

    def pin_text(self, operator: str, pin: str) -> str:
        """Return what is hashed slowly of a PIN: without our key its few digits cannot be tried."""
        return self._staff_hash(f"{operator}\0{pin}", _PIN_DOMAIN).hex()

    def session_secret(self) -> bytes:
        """Return what signs the sessions of browsers."""
        return self._staff_hash("", _SESSION_DOMAIN)

    def _staff_hash(self, text: str, domain: bytes) -> bytes:
        secret = self._keys[KeyPurpose.PHONES][0].secret
        return blake2b(text.encode(), digest_size=16, key=secret, person=domain).digest()

    def signing_key(self, now: datetime) -> SigningKey:
        """Return the newest token key that may sign at `now`."""
        return _signing_key(self._current(KeyPurpose.TOKENS, now))

    def token_key(self, key_id: int) -> SigningKey:
        """Return one token key, to make an old row's token again.

        Raises LedgerRefused where there is none by that id.
        """
        return _signing_key(self._get(KeyPurpose.TOKENS, key_id))

    def seal(self, plain: bytes, *, about: str, now: datetime) -> bytes:
        """Encrypt what only the server may read again.

        Args:
            about: what and whose it is (`code 17`); `unseal` needs the same, so that a sealed value
                cannot be moved to another row or column.

        Returns: key number 1, nonce 12, ChaCha20-Poly1305 text, tag 16.
        """
        key = self._current(KeyPurpose.SEALING, now)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        number = key.number.to_bytes(1, "big")
        sealed = ChaCha20Poly1305(key.secret).encrypt(nonce, plain, _sealed_about(number, about))
        return number + nonce + sealed

    def unseal(self, sealed: bytes, *, about: str) -> bytes:
        """Decrypt a sealed value; raises LedgerRefused where it was changed or moved."""
        number, nonce, text = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if len(nonce) != _NONCE_BYTES:
            raise LedgerRefused("a sealed value is cut short; run `gate-server doctor`")
        key = self._get(KeyPurpose.SEALING, number[0])
        try:
            return ChaCha20Poly1305(key.secret).decrypt(nonce, text, _sealed_about(number, about))
        except InvalidTag as error:
            raise LedgerRefused(
                "a sealed value was changed or belongs to another row; run `gate-server doctor`"
            ) from error

    def sign_head(self, head: bytes, *, now: datetime) -> HeadSignature:
        """Sign an audit head for scanners and platforms; verify with `verify_head`."""
        key = _signing_key(self._current(KeyPurpose.AUDIT, now))
        return HeadSignature(key.key_id, key.private_key.sign(_HEAD_PURPOSE + head))

    def sign_pick(self, handle: bytes, *, now: datetime) -> bytes:
        """Return the 17-byte mark (key number, MAC) that makes a look-up's handle ours."""
        return _pick_mark(handle, self._current(KeyPurpose.PICKS, now))

    def verify_pick(self, handle: bytes, mark: bytes) -> bool:
        """Say whether `mark` is ours for that handle, in constant time for each key."""
        marks = [_pick_mark(handle, key) for key in self._keys[KeyPurpose.PICKS]]
        return any(hmac.compare_digest(mark, ours) for ours in marks)

    def _load(self, keys: dict[KeyPurpose, tuple[StoredKey, ...]]) -> None:
        codes = tuple(_hash_key(key) for key in reversed(keys[KeyPurpose.CODES]))
        # Each is replaced whole: a thread sees the old one or the new one.
        self._keys = keys
        self._reader = CodeReader(codes, _key_list(keys[KeyPurpose.TOKENS]))

    def _current(self, purpose: KeyPurpose, now: datetime) -> StoredKey:
        keys = self._keys[purpose]
        # The first key was never without its users, so it serves a clock that runs behind.
        return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])

    def _get(self, purpose: KeyPurpose, number: int) -> StoredKey:
        for key in self._keys[purpose]:
            if key.number == number:
                return key
        raise LedgerRefused(f"there is no key {number} for {purpose}; restore it from a backup")

    def _state(self, key: StoredKey, now: datetime) -> KeyState:
        if key == self._current(key.purpose, now):
            return KeyState.CURRENT
        return KeyState.WAITING if key.signs_from > now else KeyState.OLD


def verify_head(head: bytes, signed: HeadSignature, keys: KeyList) -> bool:
    """Say whether one of these audit keys signed the head."""
    key = keys.find(signed.key_id)
    return key is not None and key.verifies(signed.signature, _HEAD_PURPOSE + head)


def _check_instant(name: str, instant: datetime) -> None:
    if instant.tzinfo is None:
        raise InvalidInput(name, "has no time zone; give one, such as +08:00")


def _hash_key(key: StoredKey) -> CodeKey:
    return CodeKey(key.number, key.secret)


def _signing_key(key: StoredKey) -> SigningKey:
    return SigningKey(key.number, Ed25519PrivateKey.from_private_bytes(key.secret))


def _key_list(keys: tuple[StoredKey, ...]) -> KeyList:
    return KeyList(
        tuple(
            PublicKey(
                key.number,
                _signing_key(key).private_key.public_key().public_bytes_raw(),
                key.signs_from,
            )
            for key in reversed(keys)
        )
    )


def _sealed_about(number: bytes, about: str) -> bytes:
    return _SEAL_PURPOSE + number + about.encode("utf-8")


def _pick_mark(handle: bytes, key: StoredKey) -> bytes:
    mac = blake2b(handle, digest_size=_PICK_BYTES, key=key.secret, person=_PICK_DOMAIN)
    return key.number.to_bytes(1, "big") + mac.digest()
