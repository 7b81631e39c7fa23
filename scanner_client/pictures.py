"""Read a picture file as a frame."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from admission.errors import AdmissionError

MOST_BYTES = 64 << 20
MOST_PIXELS = 64_000_000

# What Pillow raises for files that are cut off, damaged, or made to be harmful.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)


class UnreadablePicture(AdmissionError):
    """Not a whole picture."""


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture, (height, width, 3) uint8, BGR; what is transparent is white.

    Pillow and not OpenCV: it tells a half-written file from a whole one.

    Raises UnreadablePicture: missing, cut off, too large, or no picture.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadablePicture(f"{path}: larger than {MOST_BYTES >> 20} MiB")
        return _decode(path.read_bytes(), path)
    except BROKEN as error:
        raise UnreadablePicture(f"{path}: no whole picture: {error}") from error


def _decode(data: bytes, path: Path) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise UnreadablePicture(f"{path}: more than {MOST_PIXELS} pixels")
        coloured = picture.convert("RGBA")
    paper = Image.new("RGBA", coloured.size, "white")
    flat = Image.alpha_composite(paper, coloured).convert("RGB")
    return np.ascontiguousarray(np.asarray(flat, dtype=np.uint8)[:, :, ::-1])
