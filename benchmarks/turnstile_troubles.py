"""What keeps a code from being read: on its carrier, before the lens and in the camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.turnstile_objects import HEIGHT, MODULE, WIDTH, Flat, Plane, Random, clouds

Points = NDArray[np.float32]


def crack(flat: Flat, random: Random) -> Plane:
    """Return the drawing behind broken glass: shards shifted a little, with seams between them."""
    height, width = flat.plane.shape
    left, top, side = flat.code
    at = np.array([left, top]) + side * random.uniform(0.1, 0.9, 2)
    rays = np.sort(random.uniform(-np.pi, np.pi, int(random.integers(4, 9))))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    shard = np.searchsorted(rays, np.arctan2(y - at[1], x - at[0]))
    shift = random.normal(0, MODULE * 0.09, (2, len(rays) + 1)).astype(np.float32)
    seen = cv2.remap(
        flat.plane,
        x + shift[0][shard],
        y + shift[1][shard],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    seams = np.zeros((height, width), np.float32)
    for ray in rays:
        way = np.array([np.cos(ray), np.sin(ray)])
        steps = np.arange(0, 2 * side, side / 12)[:, None]
        path = at + steps * way + random.normal(0, side / 50, (len(steps), 2))
        _seam(seams, path, random)
    for ring in random.uniform(0.08, 0.7, int(random.integers(0, 3))) * side:
        angles = np.append(rays, rays[:1])
        path = at + ring * random.uniform(0.8, 1.2, (len(angles), 1)) * np.stack(
            [np.cos(angles), np.sin(angles)], axis=1
        )
        _seam(seams, path, random)
    light = np.where(clouds(random, seams.shape, 5) > 0.45, 1.0, 0.05)
    return np.asarray(seen * (1 - seams) + light * seams, np.float32)


def _seam(seams: Plane, path: NDArray[np.float64], random: Random) -> None:
    points = path.astype(np.int32).reshape(-1, 1, 2)
    thick = max(1, round(MODULE * random.uniform(0.08, 0.36)))
    cv2.polylines(seams, [points], False, random.uniform(0.6, 1.0), thick)


def curl(flat: Flat, random: Random) -> Plane:
    """Return the drawing on paper that is bent and has a fold."""
    height, width = flat.plane.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = random.uniform(0.4, 1.1)
    phase = random.uniform(0, 2 * np.pi)
    bend = MODULE * random.uniform(0.3, 1.7) * np.sin(2 * np.pi * waves * x / width + phase)
    seen = cv2.remap(
        flat.plane, x + bend * 0.4, y + bend, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    light = 1 - random.uniform(0.1, 0.4) * (0.5 + 0.5 * np.sin(2 * np.pi * x / width * waves * 1.7))
    return np.asarray(seen * light, np.float32)


def fade(flat: Flat, random: Random) -> Plane:
    """Return the drawing with little contrast: a dim screen, thermal paper of last year."""
    contrast = random.uniform(0.09, 0.4)
    base = random.uniform(0.25, 0.7)
    return np.asarray(base + (flat.plane - 0.5) * contrast, np.float32)


def pixels(flat: Flat, random: Random) -> Plane:
    """Return the drawing as a screen's own grid shows it, which beats with the sensor's."""
    height, width = flat.plane.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    depth, period = random.uniform(0.12, 0.42), random.uniform(12, 50)
    turn = random.uniform(-0.5, 0.5)
    beat = np.sin(2 * np.pi * (x + turn * y) / period) * np.sin(2 * np.pi * (y - turn * x) / period)
    return np.asarray(np.clip(flat.plane * (1 - depth / 2 + depth * beat), 0, 1), np.float32)


def glare(frame: Plane, corners: Points, random: Random) -> Plane:
    """Return the frame with lamps mirrored in the glass over a code."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    side = float(np.linalg.norm(corners[1] - corners[0]))
    seen = frame + random.uniform(0.0, 0.2)
    for _ in range(int(random.integers(1, 3))):
        u, v = random.uniform(-0.1, 1.1, 2)
        at = corners[0] + u * (corners[1] - corners[0]) + v * (corners[3] - corners[0])
        turn = random.uniform(0, np.pi)
        along = (x - at[0]) * np.cos(turn) + (y - at[1]) * np.sin(turn)
        over = (y - at[1]) * np.cos(turn) - (x - at[0]) * np.sin(turn)
        long, wide = side * random.uniform(0.15, 0.6), side * random.uniform(0.03, 0.11)
        seen += random.uniform(0.5, 1.5) * np.exp(-((along / long) ** 2) - (over / wide) ** 2)
    return np.asarray(seen, np.float32)


def cover(frame: Plane, corners: Points, random: Random) -> Plane:
    """Return the frame with a thumb over an edge of a code, where no finder pattern lies whole."""
    side = float(np.linalg.norm(corners[1] - corners[0]))
    edge = int(random.integers(1, 3))  # right and bottom edge: the corner without finder pattern
    start, end = corners[edge], corners[(edge + 1) % 4]
    at = start + random.uniform(0.25, 0.75) * (end - start)
    middle = corners.mean(axis=0)
    inwards = (middle - at) / np.linalg.norm(middle - at)
    tip = at + inwards * side * random.uniform(-0.05, 0.12)
    far = at - inwards * side * 2
    thumb = np.zeros_like(frame)
    thick = int(side * random.uniform(0.16, 0.34))
    cv2.line(thumb, _pixel(far), _pixel(tip), 1.0, thick)
    skin = 0.45 + 0.15 * clouds(random, frame.shape, 8)
    soft = cv2.GaussianBlur(thumb, (0, 0), 1.5)
    return np.asarray(frame * (1 - soft) + skin * soft, np.float32)


def _pixel(point: Points) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def shade(frame: Plane, corners: Points, random: Random) -> Plane:
    """Return the frame with a hard shadow whose edge crosses a code."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    middle = corners.mean(axis=0)
    turn = random.uniform(0, 2 * np.pi)
    side = float(np.linalg.norm(corners[1] - corners[0]))
    far = (x - middle[0]) * np.cos(turn) + (y - middle[1]) * np.sin(turn)
    light = 1 / (1 + np.exp(-(far + random.uniform(-0.3, 0.3) * side) / random.uniform(2, 25)))
    dark = random.uniform(0.06, 0.35)
    return np.asarray(frame * (dark + (1 - dark) * light), np.float32)


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera takes a frame.

    Attributes:
        defocus: radius of the disc that a point becomes, in pixels.
        motion: length of the smear, in pixels; it runs at the angle `smear`, in radians.
        light: that reaches the sensor; 1 is well lit.
        noise: standard deviation, in grey levels of 255.
        quality: of the JPEG pictures that webcams send.
        tint: what its white balance makes of white, blue, green and red.
    """

    defocus: float = 0.0
    motion: float = 0.0
    smear: float = 0.0
    light: float = 1.0
    noise: float = 3.0
    quality: int = 88
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def take(self, seen: Plane, random: Random) -> NDArray[np.uint8]:
        """Return what the camera gives, (720, 1280, 3) uint8, BGR."""
        lit = np.clip(seen, 0, 3) * self.light
        if self.defocus > 0.3:
            lit = np.asarray(cv2.filter2D(lit, -1, _disc(self.defocus)), np.float32)
        if self.motion > 1:
            lit = np.asarray(cv2.filter2D(lit, -1, _smear(self.motion, self.smear)), np.float32)
        coloured = np.clip(lit, 0, 1)[:, :, None] * np.array(self.tint, np.float32) * 245 + 4
        # The sensor's noise is of single colours and half of it is lost between neighbours.
        grain = random.standard_normal((HEIGHT, WIDTH, 3), dtype=np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), 0.6) * 1.9
        raw = np.clip(coloured + self.noise * grain, 0, 255).astype(np.uint8)
        done, data = cv2.imencode(".jpg", raw, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not done:
            raise ValueError("OpenCV encodes no JPEG")
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def a_tint(random: Random) -> tuple[float, float, float]:
    """Return a white balance that is a little off."""
    blue, green, red = random.uniform(0.92, 1.0, 3)
    return float(blue), float(green), float(red)


def _disc(radius: float) -> Plane:
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(disc / disc.sum(), np.float32)


def _smear(length: float, angle: float) -> Plane:
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for step in np.linspace(-length / 2, length / 2, max(3, int(length * 4))):
        x, y = reach + step * np.cos(angle), reach + step * np.sin(angle)
        column, row = int(x), int(y)
        kernel[row, column] += (1 - (x - column)) * (1 - (y - row))
        kernel[row, column + 1] += (x - column) * (1 - (y - row))
        kernel[row + 1, column] += (1 - (x - column)) * (y - row)
        kernel[row + 1, column + 1] += (x - column) * (y - row)
    return np.asarray(kernel / kernel.sum(), np.float32)
