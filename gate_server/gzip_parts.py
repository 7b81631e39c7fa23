"""Compress parts once and join them, in any order of making, into one gzip member.

Each part is raw deflate that refers to nothing before it and ends on a byte; what a member needs
beside them is the check sum of the whole, which follows from those of the parts.
https://www.rfc-editor.org/rfc/rfc1952 and crc32_combine in zlib's crc32.c
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
LEVEL: Final = 6
_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes, compressed.

    Attributes:
        deflated: raw deflate without an end.
        length: of what was compressed; `crc` its CRC-32.
        shift: what the check sum of all that comes before is multiplied by to go before it.
    """

    deflated: bytes
    length: int
    crc: int
    shift: int


def compress(data: bytes) -> Part:
    """Compress some bytes."""
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)
    return Part(deflated, len(data), zlib.crc32(data), _shift(len(data)))


def expand(part: Part) -> bytes:
    """Return what was compressed."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(part.deflated)


class Member:
    """One gzip member in the making: `HEADER`, then parts, then `end`."""

    def __init__(self) -> None:
        self._crc = 0
        self._length = 0

    def add(self, part: Part) -> bytes:
        """Return a part as it goes into the member."""
        self._crc = _times(part.shift, self._crc) ^ part.crc
        self._length += part.length
        return part.deflated

    def end(self) -> bytes:
        """Return the end of the member: an empty last block, check sum and length."""
        return b"\x03\x00" + struct.pack("<LL", self._crc, self._length & 0xFFFFFFFF)


def _times(one: int, other: int) -> int:
    """Multiply two polynomials modulo CRC-32's; the highest bit is the lowest power."""
    product, bit = 0, _ONE
    while bit:
        if one & bit:
            product ^= other
            if not one & (bit - 1):
                break
        bit >>= 1
        other = other >> 1 ^ _POLYNOMIAL if other & 1 else other >> 1
    return product


def _powers() -> tuple[int, ...]:
    """Return x to the power of 8, 16, 32 and so on: a step of 1, 2, 4 bytes."""
    power = 1 << 30  # x
    for _ in range(3):
        power = _times(power, power)
    powers = []
    for _ in range(48):
        powers.append(power)
        power = _times(power, power)
    return tuple(powers)


_STEPS: Final = _powers()


def _shift(length: int) -> int:
    """Return x to the power of 8 times `length`."""
    power = _ONE
    for step in _STEPS:
        if not length:
            break
        if length & 1:
            power = _times(step, power)
        length >>= 1
    return power
