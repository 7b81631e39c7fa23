"""Pictures of QR codes as a scanner meets them: on phones, on paper, blurred, tilted, dark."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import qrcode
from numpy.typing import NDArray

Image = NDArray[np.uint8]

HEIGHT, WIDTH = 720, 1280


def a_code(text: str, *, width: int = 300) -> Image:
    """Draw a QR code with its quiet zone, (width, width) uint8, black on white."""
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    modules = np.array(code.get_matrix(), dtype=np.uint8)
    drawn = cv2.resize(255 - modules * 255, (width, width), interpolation=cv2.INTER_NEAREST)
    return np.asarray(drawn, dtype=np.uint8)


def a_frame(
    *texts: str,
    width: int = 300,
    angle: float = 0,
    blur: float = 0,
    contrast: float = 1,
    inverted: bool = False,
    noise: float = 4,
    at: float = 0.5,
) -> Image:
    """Draw phones that show codes before a grey wall, (720, 1280, 3) uint8, BGR.

    Args:
        width: of each code, in pixels.
        angle: of the phones, in degrees.
        blur: standard deviation of the lens's blur, in pixels.
        contrast: between dark and light modules; 1 is black on white.
        noise: of the camera, in grey levels.
        at: place of a single phone from left to right, 0 to 1; several stand side by side.
    """
    random = np.random.default_rng(7)
    frame = np.full((HEIGHT, WIDTH), 110, dtype=np.float64)
    frame += np.linspace(-30, 30, WIDTH)
    places = [at] if len(texts) == 1 else [(n + 0.5) / len(texts) for n in range(len(texts))]
    for text, place in zip(texts, places, strict=True):
        code = a_code(text, width=width).astype(np.float64)
        code = 255 - code if inverted else code
        _put(frame, 128 + (code - 128) * contrast, place)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), angle, 1)
    turned = cv2.warpAffine(frame, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    if blur:
        turned = cv2.GaussianBlur(turned, (0, 0), blur)
    seen = np.asarray(turned) + random.normal(0, noise, (HEIGHT, WIDTH))
    return np.repeat(np.clip(seen, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _put(frame: NDArray[np.float64], code: NDArray[np.float64], place: float) -> None:
    """Lay a phone with a code on its screen into a frame."""
    size = code.shape[0]
    left, top = int(WIDTH * place - size / 2), (HEIGHT - size) // 2
    frame[max(0, top - 80) : top + size + 80, max(0, left - 20) : left + size + 20] = 25
    frame[top : top + size, left : left + size] = code


def smeared(frame: Image, at: float) -> Image:
    """Spoil the middle of a code so that it is seen and cannot be read.

    Args:
        at: place of the code from left to right, 0 to 1.
    """
    x, y = int(WIDTH * at), HEIGHT // 2
    spoilt = frame.copy()
    middle = spoilt[y - 50 : y + 80, x - 30 : x + 90]
    spoilt[y - 50 : y + 80, x - 30 : x + 90] = np.roll(middle, 37, axis=0)
    return spoilt


def save(path: Path, image: Image) -> Path:
    """Write a frame as a picture file, under its name only once it is whole."""
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(encoded(image, path.suffix))
    return draft.replace(path)


def encoded(image: Image, suffix: str = ".png") -> bytes:
    """Return a frame as the bytes of a picture file."""
    done, data = cv2.imencode(suffix, image)
    assert done
    return data.tobytes()
