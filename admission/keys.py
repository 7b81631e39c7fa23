"""Hash what must not be stored as it is, and name the keys that do so. No file, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from admission import base64url
from admission.errors import InvalidInput

SECRET_BYTES = 32
HIGHEST_NUMBER = 255  # a key's number is one byte of every hash and token

_HASH_BYTES = 16
# One domain for every text that can be scanned: a scanned code must find its voucher before anyone
# knows whether it is a QR code, an order number or a slip. BLAKE2b pads `person` to 16 bytes.
_CODE_DOMAIN = b"gatehouse code"
_BUYER_DOMAIN = b"gatehouse buyer"
_PHONE_DOMAIN = b"gatehouse phone"
_CODE_KEY_TEXT = re.compile(r"([1-9][0-9]{0,2})\.([A-Za-z0-9_-]{43})")
_CHINA_PREFIX = re.compile(r"(?:0086|86)(?=1[0-9]{10}\Z)")


def check_number(number: int) -> None:
    """Raise ValueError unless `number` can be the number of a key: 1 to 255."""
    if not 1 <= number <= HIGHEST_NUMBER:
        raise ValueError(f"key number {number} is not in 1 to {HIGHEST_NUMBER}")


@dataclass(frozen=True, slots=True)
class CodeKey:
    """A numbered secret for keyed hashes.

    Attributes:
        number: 1 to 255; a code's hash begins with it, so that keys can be rotated.
        secret: 32 random bytes, never shown.
    """

    number: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_number(self.number)
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"a key's secret is {SECRET_BYTES} bytes, not {len(self.secret)}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A published Ed25519 key that verifies signatures.

    Attributes:
        key_id: 1 to 255, its number in tokens.
        public: 32 bytes, RFC 8032.
        signs_from: first instant at which its owner signs with it, aware UTC.
    """

    key_id: int
    public: bytes
    signs_from: datetime

    def __post_init__(self) -> None:
        check_number(self.key_id)
        if len(self.public) != SECRET_BYTES:
            raise ValueError(f"public key {self.key_id} is not {SECRET_BYTES} bytes")
        if self.signs_from.tzinfo is None:
            raise ValueError(f"public key {self.key_id}: signs_from has no time zone")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Say whether this key made `signature` over `message`."""
        try:
            _verifier(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class KeyList:
    """The verification keys as published; how old the list is, its holder knows."""

    keys: tuple[PublicKey, ...] = ()

    def __post_init__(self) -> None:
        if len({key.key_id for key in self.keys}) != len(self.keys):
            raise ValueError("two keys in the key list have one key id")

    def find(self, key_id: int) -> PublicKey | None:
        """Return the key with that id, None where it was never published."""
        return next((key for key in self.keys if key.key_id == key_id), None)


def code_hash(code: str, key: CodeKey) -> bytes:
    """Hash a normalised code, of whatever kind, for look-up and storage.

    Returns: 17 bytes, the key's number and a keyed BLAKE2b-128.
    """
    # surrogatepass: a hostile text gets a hash that finds nothing, not an exception.
    digest = blake2b(
        code.encode("utf-8", "surrogatepass"),
        digest_size=_HASH_BYTES,
        key=key.secret,
        person=_CODE_DOMAIN,
    ).digest()
    return key.number.to_bytes(1, "big") + digest


def buyer_hash(platform: str, buyer_ref: str, key: CodeKey) -> bytes:
    """Hash a platform's account name: 16 bytes, different for the same name elsewhere."""
    name = platform.encode("utf-8", "surrogatepass")
    # The length keeps ("a", "bc") and ("ab", "c") apart.
    message = len(name).to_bytes(4, "big") + name + buyer_ref.encode("utf-8", "surrogatepass")
    return blake2b(message, digest_size=_HASH_BYTES, key=key.secret, person=_BUYER_DOMAIN).digest()


def phone_hash(phone: str, key: CodeKey) -> bytes:
    """Hash a phone number, however it is written: 16 bytes, the same on every platform."""
    digits = normalise_phone(phone).encode("ascii")
    return blake2b(digits, digest_size=_HASH_BYTES, key=key.secret, person=_PHONE_DOMAIN).digest()


def normalise_phone(phone: str) -> str:
    """Keep the digits only, without China's prefix before a mobile number of 11 digits."""
    plain = phone.isascii() and phone.isdigit()
    digits = phone if plain else "".join(str(int(char)) for char in phone if char.isdecimal())
    return _CHINA_PREFIX.sub("", digits, count=1)


def write_code_keys(keys: Iterable[CodeKey]) -> str:
    """Write keys as the wire's `code_key`: `1.<base64url>`, several parted by a space."""
    return " ".join(f"{key.number}.{base64url.write(key.secret)}" for key in keys)


def read_code_keys(text: str) -> tuple[CodeKey, ...]:
    """Read the wire's `code_key`, one key or several, in the order given.

    Raises InvalidInput, which never quotes the text: it is a secret.
    """
    keys = tuple(_read_code_key(part) for part in text.split(" "))
    if len({key.number for key in keys}) != len(keys):
        raise InvalidInput("code_key", "two keys have the same number")
    return keys


def _read_code_key(text: str) -> CodeKey:
    match = _CODE_KEY_TEXT.fullmatch(text)
    if match is None:
        raise InvalidInput("code_key", "is not NUMBER.SECRET, with 43 characters of base64url")
    if int(match[1]) > HIGHEST_NUMBER:
        raise InvalidInput("code_key", f"its number is over {HIGHEST_NUMBER}")
    try:
        secret = base64url.read(match[2])
    except ValueError as error:
        raise InvalidInput("code_key", "its secret is not base64url") from error
    if base64url.write(secret) != match[2]:
        raise InvalidInput("code_key", "its last character is damaged; enrol the scanner again")
    return CodeKey(int(match[1]), secret)


@lru_cache(maxsize=64)
def _verifier(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)
