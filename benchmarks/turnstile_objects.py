"""Draw what a turnstile's lens meets: codes on phones and on paper, and the scene behind them.

Everything is grey, float32, 0 (black) to 1 (white), and follows from the generator of random
numbers that is passed in.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import cv2
import numpy as np
import qrcode
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Random = np.random.Generator

HEIGHT, WIDTH = 720, 1280
# Of a module in a flat drawing, in pixels.
MODULE = 8
QUIET = 4
BASE45 = string.digits + string.ascii_uppercase + " $%*+-./:"
TOKEN_LENGTH = 121
WORDS = ("ENTRY", "2 ADULTS", "Canyon", "Order 2231", "Valid today", "Ticket", "No. 17", "Gate B")


@dataclass(frozen=True, slots=True)
class Flat:
    """Something flat that carries a code, seen straight on.

    Attributes:
        plane: the drawing, `MODULE` pixels a module.
        shape: 1 where the thing is, 0 around its rounded corners.
        code: left, top and width of the code without its quiet zone, in pixels of `plane`.
    """

    text: str
    plane: Plane
    shape: Plane
    code: tuple[int, int, int]

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the code, in pixels of `plane`."""
        left, top, width = self.code
        return left + width / 2, top + width / 2


def a_text(random: Random) -> str:
    """Return what a code says: a platform's opaque string (versions 1-2) or a token (version 5)."""
    kind = random.random()
    if kind < 0.3:
        body = _pick(random, BASE45, TOKEN_LENGTH - 5)
        return "GH1:" + body + _pick(random, string.digits, 1)
    if kind < 0.5:
        return _pick(random, string.digits, int(random.integers(16, 33)))
    if kind < 0.85:
        return _pick(random, string.digits + string.ascii_uppercase, int(random.integers(16, 33)))
    return _pick(random, string.digits + string.ascii_letters, int(random.integers(16, 27)))


def _pick(random: Random, letters: str, count: int) -> str:
    return "".join(letters[index] for index in random.integers(0, len(letters), count))


def _modules(text: str) -> NDArray[np.bool_]:
    code = qrcode.QRCode(error_correction=qrcode.ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    return np.array(code.get_matrix(), dtype=bool)


def a_phone(random: Random, text: str, *, inverted: bool = False, quiet: int = QUIET) -> Flat:
    """Draw a phone whose screen shows a code.

    Args:
        inverted: light modules on a dark page.
        quiet: modules of light margin around the code; less than 4 breaks the standard.
    """
    code = np.where(_modules(text), 0.04, 0.95).astype(np.float32)
    code = _grown(np.pad(code, quiet, constant_values=0.95))
    side = code.shape[0]
    width = int(side * random.uniform(1.08, 1.35)) + 4 * MODULE
    height = int(width * random.uniform(1.75, 2.1))
    page = random.uniform(0.1, 0.3) if quiet < QUIET else random.uniform(0.75, 0.95)
    screen = np.full((height, width), page, np.float32)
    screen[: height // 9] = random.uniform(0.2, 0.7)
    left = (width - side) // 2
    top = int(height * random.uniform(0.2, 0.3))
    screen[top : top + side, left : left + side] = code
    ink = 0.15 if page > 0.5 else 0.9
    for line in range(int(random.integers(2, 5))):
        y = top + side + (line + 2) * 5 * MODULE
        _write(screen, random, (left, y), ink)
    if inverted:
        screen = 1 - screen
    screen *= random.uniform(0.55, 1.0)
    bezel = 2 * MODULE
    plane = np.pad(screen, bezel, constant_values=0.03)
    corner = left + bezel + quiet * MODULE, top + bezel + quiet * MODULE
    return Flat(text, plane, _rounded(plane.shape, 4 * MODULE), (*corner, _wide(side, quiet)))


def a_sheet(random: Random, text: str, *, spare: float = 0.8) -> Flat:
    """Draw a sheet of paper, or a thermal ticket, with a printed code.

    Args:
        spare: how much wider the sheet is than the code at most, in widths of the code.
    """
    ink = random.uniform(0.1, 0.35)
    code = np.where(_modules(text), ink, 0.9).astype(np.float32)
    code = _grown(np.pad(code, QUIET, constant_values=0.9))
    code = np.asarray(cv2.GaussianBlur(code, (0, 0), MODULE * 0.12), np.float32)  # ink spreads
    side = code.shape[0]
    width = int(side * random.uniform(1.1, 1 + spare))
    height = int(side * random.uniform(1.4, 2.0))
    plane = np.full((height, width), 0.9, np.float32)
    left = int((width - side) * random.uniform(0.2, 0.8))
    top = int((height - side) * random.uniform(0.1, 0.5))
    plane[top : top + side, left : left + side] = code
    for line in range(4):
        _write(plane, random, (left, top + side + (line + 1) * 4 * MODULE), ink)
    plane *= random.uniform(0.6, 1.0) * (1 - 0.08 * clouds(random, plane.shape, 12))
    corner = left + QUIET * MODULE, top + QUIET * MODULE
    return Flat(text, plane, np.ones_like(plane), (*corner, _wide(side, QUIET)))


def _grown(modules: Plane) -> Plane:
    return np.repeat(np.repeat(modules, MODULE, axis=0), MODULE, axis=1)


def _wide(side: int, quiet: int) -> int:
    return side - 2 * quiet * MODULE


def _write(plane: Plane, random: Random, at: tuple[int, int], ink: float) -> None:
    word = WORDS[int(random.integers(len(WORDS)))]
    size = random.uniform(0.5, 1.1)
    mask = np.zeros(plane.shape, np.uint8)  # OpenCV writes into bytes only
    cv2.putText(mask, word, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2, cv2.LINE_AA)
    plane += (ink - plane) * (mask / np.float32(255))


def _rounded(shape: tuple[int, ...], radius: int) -> Plane:
    height, width = shape
    whole = np.zeros((height, width), np.float32)
    cv2.rectangle(whole, (radius, radius), (width - radius, height - radius), 1.0, -1)
    grown = cv2.dilate(whole, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2))
    return np.asarray(grown, np.float32)


def clouds(random: Random, shape: tuple[int, ...], cells: int) -> Plane:
    """Draw smooth noise, 0 to 1, of about so many cells across."""
    coarse = random.random((cells, cells), dtype=np.float32)
    grown = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(grown, 0, 1), np.float32)


def a_scene(random: Random) -> Plane:
    """Draw what is behind: a hall, people in checks and stripes, rails, lamps, a notice."""
    scene = 0.15 + 0.5 * clouds(random, (HEIGHT, WIDTH), 4) + 0.1 * clouds(random, (720, 1280), 30)
    for _ in range(int(random.integers(1, 4))):
        _dress(scene, random)
    for _ in range(int(random.integers(0, 4))):
        x = int(random.integers(0, WIDTH))
        cv2.line(scene, (x, 0), (x, HEIGHT), random.uniform(0.2, 0.9), int(random.integers(4, 30)))
    for _ in range(int(random.integers(0, 3))):
        at = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT // 2))
        cv2.circle(scene, at, int(random.integers(10, 50)), 1.0, -1)
    left, top = int(random.integers(0, WIDTH - 200)), int(random.integers(0, HEIGHT - 200))
    for line in range(int(random.integers(0, 7))):
        _write(scene, random, (left, top + 30 * line), 0.1)
    return np.asarray(np.clip(cv2.GaussianBlur(scene, (0, 0), 1.2), 0, 1), np.float32)


def _dress(scene: Plane, random: Random) -> None:
    """Put somebody's shirt into the scene: plain, striped or checked."""
    width, height = (int(side) for side in random.integers(150, 450, 2))
    left, top = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    period = random.uniform(10, 40)
    across = np.sin(2 * np.pi * (x + 0.3 * y) / period) > 0
    down = np.sin(2 * np.pi * (y - 0.2 * x) / period) > 0
    cloth = (np.zeros_like(across), across, across ^ down)[int(random.integers(3))]
    low, high = np.sort(random.uniform(0.1, 0.9, 2))
    scene[top : top + height, left : left + width] = np.where(cloth, high, low)


def a_decoy(random: Random, scene: Plane) -> None:
    """Put something into a scene that looks like a code and is none."""
    kind = int(random.integers(4))
    cells = int(random.integers(21, 38))
    size = int(random.integers(4, 10)) * cells
    noise = (random.random((cells, cells)) < 0.5).astype(np.float32)
    if kind == 0:  # a bar code
        noise = np.repeat((random.random((1, 3 * cells)) < 0.5).astype(np.float32), cells, axis=0)
    elif kind == 1:  # finder patterns, and nothing sensible between them
        for row, column in ((0, 0), (0, cells - 7), (cells - 7, 0)):
            noise[row : row + 7, column : column + 7] = 0
            noise[row + 1 : row + 6, column + 1 : column + 6] = 1
            noise[row + 2 : row + 5, column + 2 : column + 5] = 0
    elif kind == 2:  # a code of another make: solid left and bottom, dotted top and right
        noise[0] = noise[:, -1] = np.arange(cells) % 2
        noise[:, 0] = noise[-1] = 0
    drawn = cv2.resize(0.05 + 0.9 * noise, (size, size), interpolation=cv2.INTER_NEAREST)
    drawn = np.pad(drawn, 30, constant_values=0.95)[:HEIGHT, :WIDTH]
    height, width = drawn.shape
    left, top = int(random.integers(0, WIDTH - width + 1)), int(random.integers(0, 721 - height))
    scene[top : top + height, left : left + width] = drawn
