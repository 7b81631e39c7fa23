"""Rules about operators, who stand at lanes: badges, PINs, and where one must have signed in."""

from __future__ import annotations

import base64
import re
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from admission.errors import Fault, Forbidden, InvalidInput
from admission.scans import Direction

BADGE_PREFIX: Final = "GHB1:"
_BADGE_BYTES: Final = 16
_BADGE = re.compile(rf"{BADGE_PREFIX}[A-Z2-7]{{26}}")
_NAME_DOMAIN: Final = b"gatehouse duty"
_NAME_BYTES: Final = 10
BADGE_NAME_PREFIX: Final = "badge-"

_PIN = re.compile(r"[0-9]{4,8}")
_UP, _DOWN = "0123456789", "9876543210"


class OperatorRole(StrEnum):
    """What an operator is at the lanes; stored, so never renamed."""

    STEWARD = "steward"
    MARSHAL = "marshal"
    SUPERVISOR = "supervisor"


def is_badge(code: str) -> bool:
    """Say whether a normalised code is a badge, whole or damaged: never a visitor's code."""
    return code[: len(BADGE_PREFIX)].upper() == BADGE_PREFIX


def write_badge(secret: bytes) -> str:
    """Return the text of a badge; it fits a QR code of version 2.

    Args:
        secret: 16 random bytes.
    """
    if len(secret) != _BADGE_BYTES:
        raise ValueError(f"a badge has {_BADGE_BYTES} bytes")
    return BADGE_PREFIX + base64.b32encode(secret).decode().rstrip("=")


def read_badge(code: str) -> str:
    """Return a badge as it was written; keyboards and readers may change its case.

    Raises:
        InvalidInput: damaged, or no badge; the message does not repeat it.
    """
    text = code.upper()
    if _BADGE.fullmatch(text) is None:
        raise InvalidInput("badge", "cannot be read whole; present it again, or type the number")
    return text


def badge_name(badge: str) -> str:
    """Return what a scanner that is offline calls the owner of a badge: it gives nothing away.

    The server knows which operator has this name.
    """
    digest = blake2b(badge.encode(), digest_size=_NAME_BYTES, person=_NAME_DOMAIN).digest()
    return BADGE_NAME_PREFIX + base64.b32encode(digest).decode().lower()


def mask_name(name: str) -> str:
    """Return a person's name as lanes may show it: the first character, as 王** or L**."""
    return f"{name.strip()[:1]}**"


def check_pin(pin: str) -> str:
    """Return a PIN that may be given to an operator.

    Raises:
        InvalidInput: not 4 to 8 digits, or one that everybody tries first.
    """
    if not pin.isascii() or _PIN.fullmatch(pin) is None:
        raise InvalidInput("pin", "has 4 to 8 digits", Fault.FORM)
    if len(set(pin)) == 1 or pin in _UP or pin in _DOWN:
        raise InvalidInput(
            "pin", "is one that everybody tries first; choose another", Fault.GUESSED
        )
    return pin


def needs_operator(direction: Direction, *, required: bool, staffed: bool, emergency: bool) -> bool:
    """Say whether a scan waits for somebody to sign in at its lane.

    Nobody is kept in, an evacuation waits for nobody, and a kiosk has nobody beside it.
    """
    return required and staffed and not emergency and direction is Direction.ENTRY


def check_operator(
    operator: str | None,
    direction: Direction,
    *,
    required: bool,
    staffed: bool,
    emergency: bool,
) -> None:
    """Allow a scan as far as the one who stands at the lane is concerned.

    Raises:
        Forbidden: `operator-required`.
    """
    waits = needs_operator(direction, required=required, staffed=staffed, emergency=emergency)
    if waits and not operator:
        raise Forbidden(
            "sign in at this lane first: present a badge, or type number and PIN",
            slug="operator-required",
        )
