"""The keys of a US keyboard by their Linux code, and the bytes that pressing them means."""

from __future__ import annotations

from dataclasses import dataclass, field

# linux/input-event-codes.h; each run of keys begins at a code.
_ROWS = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
    (15, "\t", "\t"),
    (28, "\r", "\r"),
)
_KEYPAD = ((55, "*"), (71, "789-456+1230."), (96, "\r"), (98, "/"))
_PLAIN = {first + n: key for first, plain, _ in _ROWS for n, key in enumerate(plain)}
_SHIFTED = {first + n: key for first, _, shifted in _ROWS for n, key in enumerate(shifted)}
_PAD = {first + n: key for first, keys in _KEYPAD for n, key in enumerate(keys)}

SHIFTS = frozenset({42, 54})
CTRLS = frozenset({29, 97})
ALTS = frozenset({56, 100})
CAPS_LOCK = 58
# Pressing Ctrl keeps the low five bits: Ctrl+] is GS, Ctrl+M is CR.
CTRL_BITS = 0x1F
BYTE_VALUES = 256
# One more than any character's number has, so that what is longer is none.
MOST_DIGITS = 5


@dataclass(slots=True)
class Keyboard:
    """Which keys are held; one for each device.

    A reader in keypad mode holds Alt and types a character's number, which no layout changes.
    """

    _held: set[int] = field(default_factory=set)
    _caps: bool = False
    _number: str = ""

    def press(self, key: int) -> bytes:
        """Return what a key that goes down types; empty where it only changes others."""
        if key in SHIFTS | CTRLS | ALTS:
            self._held.add(key)
            return b""
        if key == CAPS_LOCK:
            self._caps = not self._caps
            return b""
        character = _PAD.get(key) or self._character(key)
        if self._held & ALTS:
            self._number = (self._number + character)[:MOST_DIGITS] if character.isdecimal() else ""
            return b""
        if self._held & CTRLS and character.isascii() and character.isprintable():
            return bytes(ord(each.upper()) & CTRL_BITS for each in character)
        return character.encode()

    def release(self, key: int) -> bytes:
        """Return what a key that goes up types: with Alt, the character of a number."""
        self._held.discard(key)
        if key not in ALTS or not self._number:
            return b""
        number, self._number = self._number, ""
        # With a leading 0 Windows' own table is meant, else the first PC's; ASCII is in both.
        table = "cp1252" if number.startswith("0") else "cp437"
        value = int(number)
        return bytes([value]).decode(table, "replace").encode() if value < BYTE_VALUES else b""

    def forget(self) -> None:
        """Take every key for released: events were lost."""
        self._held.clear()
        self._number = ""

    def _character(self, key: int) -> str:
        shifted = bool(self._held & SHIFTS)
        plain = _PLAIN.get(key, "")
        if self._caps and plain.isalpha():
            shifted = not shifted
        return _SHIFTED.get(key, "") if shifted else plain
