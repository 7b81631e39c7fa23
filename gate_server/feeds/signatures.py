"""Sign and verify pushes after Standard Webhooks 1.0, whatever a header or a body may hold.

The published library takes bytes for UTF-8, headers for well made and the wall clock for the time;
what it signs is what this signs, which the tests hold. https://www.standardwebhooks.com
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_ID: Final = re.compile(r"[\x21-\x7e]{1,255}")
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_MOST_SIGNATURES: Final = 16


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The three headers of a push as they came; "" where one is missing."""

    webhook_id: str
    timestamp: str
    signature: str


def well_made(headers: SignedHeaders) -> bool:
    """Say whether headers have the form that a signed call's have."""
    fine = _ID.fullmatch(headers.webhook_id) and _SECONDS.fullmatch(headers.timestamp)
    return bool(fine) and headers.signature.startswith("v")


def new_secret() -> str:
    """Return a new secret, as a platform is given it: `whsec_` and base64 of 32 bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, webhook_id: str, at: datetime, body: bytes) -> str:
    """Return what the header `webhook-signature` says of a body."""
    mac = _mac(secret, webhook_id, str(int(at.timestamp())), body)
    return _VERSION + base64.b64encode(mac).decode()


def find_signer(
    headers: SignedHeaders, body: bytes, given: Iterable[str], *, now: datetime
) -> str | None:
    """Return which secret signed a body lately; None where none of them did.

    Each secret is tried, whatever came before, and each comparison takes the same time.

    Args:
        given: the secrets that count.
        now: decides what is lately: within 5 minutes, either way.
    """
    told = [_read(each) for each in headers.signature.split(" ", _MOST_SIGNATURES)]
    found = None
    for secret in given:
        ours = _mac(secret, headers.webhook_id, headers.timestamp, body)
        for theirs in told:
            if hmac.compare_digest(ours, theirs):
                found = secret
    if not well_made(headers):
        return None
    late_s = abs(now.timestamp() - int(headers.timestamp))
    return None if late_s > TOLERANCE.total_seconds() else found


def _mac(secret: str, webhook_id: str, timestamp: str, body: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    head = f"{webhook_id}.{timestamp}.".encode("utf-8", "surrogatepass")
    signed = hmac.new(key, head, sha256)
    signed.update(body)
    return signed.digest()


def _read(signature: str) -> bytes:
    """Return the bytes of one signature of the list; b"" for what is none of version 1."""
    version, text = signature[: len(_VERSION)], signature[len(_VERSION) :]
    if version != _VERSION or not text.isascii():
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
