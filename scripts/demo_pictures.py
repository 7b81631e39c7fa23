"""Draw what a gate's camera sees: a phone that shows a QR code, held a little askew."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import qrcode
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont
from PIL.Image import Resampling
from qrcode.constants import ERROR_CORRECT_M

FRAME = (1280, 720)
PHONE = (400, 680)
CODE_WIDTH = 300
BEZEL = 14


def draw_frame(code: str, title: str, chance: random.Random) -> Image.Image:
    """Return one picture, 1280 x 720, RGB.

    Args:
        code: what the QR code says.
        title: of the voucher, on the screen; letters that the built-in font has not are left out.
        chance: where the tilt, the light and the noise come from.
    """
    phone = _draw_phone(code, title)
    scale = chance.uniform(0.85, 1.0)
    size = (int(phone.width * scale), int(phone.height * scale))
    turned = phone.resize(size, Resampling.LANCZOS).rotate(
        chance.uniform(-12, 12), Resampling.BICUBIC, expand=True
    )
    frame = _draw_background(chance)
    left = (FRAME[0] - turned.width) // 2 + chance.randint(-180, 180)
    frame.paste(turned, (left, (FRAME[1] - turned.height) // 2), turned)
    return _as_seen(frame, chance)


def save_frame(path: Path, frame: Image.Image) -> None:
    """Write a picture, under its name only once it is whole."""
    draft = path.with_name(f".{path.name}")
    frame.save(draft, "JPEG", quality=88)
    draft.replace(path)


def _draw_phone(code: str, title: str) -> Image.Image:
    """Draw a phone with its screen on; (680, 400) with an alpha channel."""
    phone = Image.new("RGBA", PHONE, (0, 0, 0, 0))
    draw = ImageDraw.Draw(phone)
    draw.rounded_rectangle((0, 0, PHONE[0] - 1, PHONE[1] - 1), 46, fill=(22, 22, 26, 255))
    screen = (BEZEL, BEZEL, PHONE[0] - BEZEL, PHONE[1] - BEZEL)
    draw.rounded_rectangle(screen, 34, fill=(246, 247, 249, 255))
    draw.rounded_rectangle((150, 24, 250, 46), 11, fill=(22, 22, 26, 255))
    draw.rectangle((BEZEL, 70, PHONE[0] - BEZEL, 130), fill=(22, 120, 92, 255))
    _write(draw, 100, _latin(title), 24, "white")
    phone.paste(_draw_code(code), ((PHONE[0] - CODE_WIDTH) // 2, 190))
    _write(draw, 540, "show this code at the gate", 20, (90, 96, 104, 255))
    _write(draw, 590, f"... {code[-4:]}", 26, (30, 34, 40, 255))
    return phone


def _draw_code(code: str) -> Image.Image:
    """Draw a QR code with its quiet zone, black on white."""
    drawing = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    drawing.add_data(code)
    drawing.make(fit=True)
    modules = np.array(drawing.get_matrix(), dtype=bool)
    image = Image.fromarray(np.where(modules, 0, 255).astype(np.uint8))
    return image.resize((CODE_WIDTH, CODE_WIDTH), Resampling.NEAREST)


def _write(
    draw: ImageDraw.ImageDraw, top: int, text: str, size: int, fill: str | tuple[int, ...]
) -> None:
    draw.text((PHONE[0] / 2, top), text, fill, ImageFont.load_default(size), anchor="mm")


def _latin(title: str) -> str:
    """Return what Pillow's built-in font can draw."""
    return " ".join(title.encode("ascii", "ignore").decode().split())[:28]


def _draw_background(chance: random.Random) -> Image.Image:
    """Draw what stands out of focus behind the phone."""
    back = Image.new("RGB", FRAME, (96, 104, 112))
    draw = ImageDraw.Draw(back)
    for _ in range(14):
        x, y = chance.randint(-100, FRAME[0]), chance.randint(-100, FRAME[1])
        shade = chance.randint(60, 190)
        fill = (shade, shade - chance.randint(0, 20), shade - chance.randint(0, 40))
        draw.ellipse((x, y, x + chance.randint(80, 420), y + chance.randint(80, 420)), fill=fill)
    return back.filter(ImageFilter.GaussianBlur(28))


def _as_seen(frame: Image.Image, chance: random.Random) -> Image.Image:
    """Add the lens, the light of the hour and the sensor's noise."""
    soft = frame.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.9)))
    lit = ImageEnhance.Brightness(soft).enhance(chance.uniform(0.65, 1.15))
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, 5, (FRAME[1], FRAME[0], 1))
    seen = np.asarray(lit, dtype=np.float64) + noise
    return Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8))
