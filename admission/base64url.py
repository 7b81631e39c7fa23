"""Bytes as text that may stand in a URL: base64url without its padding (RFC 4648, 5)."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64encode

_STANDARD = str.maketrans("-_+/=", "+/???")


def write(data: bytes) -> str:
    """Return bytes as text."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read(text: str) -> bytes:
    """Return the bytes of a text.

    Raises:
        ValueError: it holds another character, or too few of them.
    """
    # Its own padding would end the text early: strict mode takes no "=" in the middle.
    return binascii.a2b_base64(text.translate(_STANDARD) + "=" * (-len(text) % 4), strict_mode=True)
