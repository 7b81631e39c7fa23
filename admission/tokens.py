"""Write and read the codes that we sign ourselves: `GH1:` and base45. No file, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import base45

from admission.errors import BadSignature, MalformedToken, UnknownKey
from admission.keys import KeyList, check_number

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "GH1:"
TOKEN_CHARACTERS = 121  # QR version 5 at EC level M holds 122 in alphanumeric mode

_SIGNED_PURPOSE = b"gatehouse token v1\x00"
_PAYLOAD_BYTES = 14
_SIGNATURE_BYTES = 64
FIRST_DAY = date(1970, 1, 1)
LAST_DAY = FIRST_DAY + timedelta(days=0xFFFF)  # 2149-06-06
# No code's hash begins with 0: key numbers start at 1.
_CREDENTIAL_MARK = b"\x00"


class Purpose(IntEnum):
    """What a token was made for; its last byte. Add one, never renumber one."""

    TICKET = 1
    SLIP = 2
    VOUCHER = 3
    REFUSAL = 5
    NUMBERED_SLIP = 4


@dataclass(frozen=True, slots=True)
class Token:
    """What a signed code says. A signature proves issue, never validity.

    Attributes:
        key_id: 1 to 255, the key that signed.
        voucher_number: 0 to 4,294,967,295; with `key_id` the token's identity.
        deal_number: 0 to 16,777,215; 0 of a numbered slip, which is of no deal.
        first_day: first day of admission in the venue's zone, 1970-01-01 to 2149-06-06.
        last_day: last day of admission, inclusive.
        admits: people that it lets in, 1 to 255.
    """

    key_id: int
    voucher_number: int
    deal_number: int
    first_day: date
    last_day: date
    admits: int
    purpose: Purpose

    def __post_init__(self) -> None:
        check_number(self.key_id)
        if not 0 <= self.voucher_number < 1 << 32:
            raise ValueError(f"voucher number {self.voucher_number} does not fit 4 bytes")
        if not 0 <= self.deal_number < 1 << 24:
            raise ValueError(f"deal number {self.deal_number} does not fit 3 bytes")
        if not FIRST_DAY <= self.first_day <= self.last_day <= LAST_DAY:
            raise ValueError(f"no days from {self.first_day} to {self.last_day}")
        if not 1 <= self.admits <= 0xFF:
            raise ValueError(f"a token admits 1 to 255 people, not {self.admits}")


def write_token(token: Token, private_key: Ed25519PrivateKey) -> str:
    """Sign a token with the key that its `key_id` names.

    Ed25519 is deterministic: the same row always makes the same text, so it need not be stored.

    Returns: 121 characters of the QR alphanumeric set.
    """
    payload = _pack(token)
    signed = payload + private_key.sign(_SIGNED_PURPOSE + payload)
    return PREFIX + _encode(signed)


def parse_token(text: str, key_list: KeyList) -> Token:
    """Read a normalised code that begins with `GH1:`.

    Raises:
        MalformedToken: not the form of a token, or signed and yet without sense.
        UnknownKey: the form of a token, by a key that is not in the list.
        BadSignature: by a key in the list, which did not sign this.
    """
    signed = _decode(text)
    payload, signature = signed[:_PAYLOAD_BYTES], signed[_PAYLOAD_BYTES:]
    key = key_list.find(payload[0])
    if key is None:
        raise UnknownKey(f"key {payload[0]} is not in the key list; fetch the list again")
    # Before the fields are read: a changed field is a bad signature, whatever it was changed to.
    if not key.verifies(signature, _SIGNED_PURPOSE + payload):
        raise BadSignature(f"key {key.key_id} did not sign this token")
    try:
        return _unpack(payload)
    except ValueError as error:
        raise MalformedToken(f"signed by key {key.key_id}, but: {error}") from error


def credential_key(token: Token) -> bytes:
    """Return the token's identity as the ledger keys it: 6 bytes, 0, key id, voucher number."""
    return token_credential_key(token.key_id, token.voucher_number)


def token_credential_key(key_id: int, voucher_number: int) -> bytes:
    """Return the identity of the token that a row would make, without making it."""
    return _CREDENTIAL_MARK + key_id.to_bytes(1, "big") + voucher_number.to_bytes(4, "big")


def _encode(signed: bytes) -> str:
    encoded: bytes = base45.b45encode(signed)
    return encoded.decode("ascii")


def _decode(text: str) -> bytes:
    if not text.startswith(PREFIX) or len(text) != TOKEN_CHARACTERS:
        raise MalformedToken(f"a token is {TOKEN_CHARACTERS} characters that begin with {PREFIX}")
    body = text[len(PREFIX) :]
    try:
        signed: bytes = base45.b45decode(body)
    except ValueError as error:
        raise MalformedToken("not base45 (RFC 9285)") from error
    # The library drops trailing newlines; what it would not write itself is not a token.
    if _encode(signed) != body:
        raise MalformedToken("not the one base45 text of its bytes")
    return signed


def _pack(token: Token) -> bytes:
    return b"".join(
        (
            token.key_id.to_bytes(1, "big"),
            token.voucher_number.to_bytes(4, "big"),
            token.deal_number.to_bytes(3, "big"),
            (token.first_day - FIRST_DAY).days.to_bytes(2, "big"),
            (token.last_day - FIRST_DAY).days.to_bytes(2, "big"),
            token.admits.to_bytes(1, "big"),
            token.purpose.to_bytes(1, "big"),
        )
    )


def _unpack(payload: bytes) -> Token:
    return Token(
        key_id=payload[0],
        voucher_number=int.from_bytes(payload[1:5], "big"),
        deal_number=int.from_bytes(payload[5:8], "big"),
        first_day=FIRST_DAY + timedelta(days=int.from_bytes(payload[8:10], "big")),
        last_day=FIRST_DAY + timedelta(days=int.from_bytes(payload[10:12], "big")),
        admits=payload[12],
        purpose=Purpose(payload[13]),
    )
