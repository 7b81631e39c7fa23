"""What a thermal printer would have put on paper: the bytes of ESC/POS read as it reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Commands with the number of bytes that follow them; whatever is not here fails the test.
_PLAIN = {b"\x1b@": 0, b"\x1c&": 0, b"\x1ba": 1, b"\x1b!": 1, b"\x1d!": 1, b"\x1bt": 1, b"\x1bd": 1}
_PLAIN |= {b"\x1dr": 1}


@dataclass
class Strip:
    """Everything printed: lines of text, pictures (dark is 0), and how often it was cut."""

    lines: list[str] = field(default_factory=list)
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    cuts: int = 0

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_strip(data: bytes, *, width_px: int, encoding: str = "gb18030") -> Strip:
    """Read what was sent to a printer of a width; a picture that is too wide is cut off."""
    strip, text, place = Strip(), bytearray(), 0
    while place < len(data):
        head = data[place : place + 2]
        if head in _PLAIN:
            place += 2 + _PLAIN[head]
        elif head == b"\x1dV":
            strip.cuts += 1
            place += 3 + (data[place + 2] >= 65)
        elif data[place : place + 3] == b"\x1dv0":
            picture, place = _raster(data, place, width_px)
            strip.pictures.append(picture)
        elif data[place] == 0x0A:
            strip.lines.append(text.decode(encoding))
            text.clear()
            place += 1
        else:
            assert data[place] >= 0x20, f"no command that a printer knows: {data[place:][:6]!r}"
            text.append(data[place])
            place += 1
    return strip


def _raster(data: bytes, place: int, width_px: int) -> tuple[NDArray[np.uint8], int]:
    """Read `GS v 0`: a bit a dot, rows of whole bytes; centred on white paper."""
    across, rows = (int.from_bytes(data[place + at : place + at + 2], "little") for at in (4, 6))
    begin = place + 8
    end = begin + across * rows
    bits = np.unpackbits(np.frombuffer(data[begin:end], np.uint8)).reshape(rows, across * 8)
    paper = np.full((rows + 40, max(width_px, 1)), 255, np.uint8)
    shown = bits[:, :width_px]
    left = (width_px - shown.shape[1]) // 2
    paper[20 : 20 + rows, left : left + shown.shape[1]] = np.where(shown, 0, 255)
    return np.repeat(paper[:, :, None], 3, axis=2), end
