"""Make and check what proves who calls: bearer tokens, enrolment codes, passwords."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from admission.errors import Fault, InvalidInput, LedgerRefused

_BEARER_BYTES = 32
_BEARER = re.compile(r"(ghd|ghu)_([A-Za-z0-9.-]{1,64})_([A-Za-z0-9_-]{43})")
_OWNER = re.compile(r"[A-Za-z0-9.-]{1,64}")
_BEARER_PURPOSE = b"gatehouse bearer v1\x00"
_ENROLMENT_PURPOSE = b"gatehouse enrolment v1\x00"

# Crockford's base 32: no I, L, O or U, so that a code can be read out and typed.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TYPED = str.maketrans("OIL", "011", "- \t\r\n")
_ENROLMENT_CHARACTERS = 26
_ENROLMENT = re.compile(rf"[0-7][{_ALPHABET}]{{{_ENROLMENT_CHARACTERS - 1}}}")
_PASSWORD_CHARACTERS = 16  # 80 bits, for a first log-in
_GROUP = 4

_PASSWORDS = PasswordHasher()  # argon2id with RFC 9106's second choice: 64 MiB, 3 passes


class BearerKind(StrEnum):
    """Whose bearer token it is, its first letters."""

    DEVICE = "ghd"
    USER = "ghu"


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made.

    Attributes:
        text: what its owner gets, once; never stored, never in a repr.
        stored: 32 bytes, what the ledger keeps.
    """

    text: str = field(repr=False)
    stored: bytes


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token taken apart; nothing is proven until `bearer_matches` says so."""

    kind: BearerKind
    owner_id: str
    text: str = field(repr=False)


def new_bearer(kind: BearerKind, owner_id: str) -> NewSecret:
    """Make a bearer token of 256 random bits: `ghd_<id>_<43 characters>`.

    Raises InvalidInput where the id is not 1 to 64 letters, digits, dots and hyphens.
    """
    if _OWNER.fullmatch(owner_id) is None:
        raise InvalidInput("id", "is not 1 to 64 letters, digits, dots and hyphens", Fault.NAME)
    text = f"{kind}_{owner_id}_{secrets.token_urlsafe(_BEARER_BYTES)}"
    return NewSecret(text, _hash(_BEARER_PURPOSE, text))


def find_bearer(text: str) -> Bearer | None:
    """Take a bearer token apart; None where the text does not have the form of one."""
    match = _BEARER.fullmatch(text)
    if match is None:
        return None
    return Bearer(BearerKind(match[1]), match[2], text)


def bearer_matches(bearer: Bearer, stored: bytes) -> bool:
    """Say, in constant time, whether this is the token whose hash the ledger keeps."""
    return hmac.compare_digest(_hash(_BEARER_PURPOSE, bearer.text), stored)


def new_enrolment_code() -> NewSecret:
    """Make an enrolment code of 128 random bits: 26 characters of base 32, in groups of 4."""
    number = secrets.randbits(128)
    digits = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    canonical = "".join(digits)
    return NewSecret(_grouped(canonical), _hash(_ENROLMENT_PURPOSE, canonical))


def find_enrolment_hash(typed: str) -> bytes | None:
    """Return what the ledger keeps of a code as typed; None where it cannot be one.

    Lower case, other grouping, O for 0, and I or L for 1 are forgiven. Look the hash up, or compare
    it in constant time; of 128 random bits neither tells anything.
    """
    canonical = typed.upper().translate(_TYPED)
    if _ENROLMENT.fullmatch(canonical) is None:
        return None
    return _hash(_ENROLMENT_PURPOSE, canonical)


def new_password() -> str:
    """Make a random first password of 80 bits that can be read out and typed."""
    return _grouped("".join(secrets.choice(_ALPHABET) for _ in range(_PASSWORD_CHARACTERS)))


def hash_password(password: str) -> str:
    """Hash a password with argon2id; the text carries its salt and costs."""
    return _PASSWORDS.hash(_password_bytes(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Say whether it is the password; it takes as long (0.1 s) where there is no such user.

    Raises LedgerRefused where the stored hash is damaged.
    """
    try:
        _PASSWORDS.verify(stored or _nobodys_hash(), _password_bytes(password))
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        raise LedgerRefused("a password hash is damaged; run `gate-server user reset`") from error
    return stored is not None


def password_is_dated(stored: str) -> bool:
    """Say whether a stored hash should be made again with today's costs, at the next log-in."""
    return _PASSWORDS.check_needs_rehash(stored)


def _hash(purpose: bytes, text: str) -> bytes:
    # No salt and no cost: the text itself has 128 random bits or more.
    return sha256(purpose + text.encode("ascii")).digest()


def _password_bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(_BEARER_BYTES))
