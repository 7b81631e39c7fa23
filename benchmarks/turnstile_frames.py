"""Make frames as a turnstile's camera sees them, from a seed: each with its trouble and its truth.

Written down before the reader was tuned. The reader may be tuned on `TUNING_SEED`; the scores that
`bench_decode.py` prints are of `SCORING_SEED`, which was used for nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.turnstile_objects import (
    HEIGHT,
    MODULE,
    WIDTH,
    Flat,
    Plane,
    Random,
    a_decoy,
    a_phone,
    a_scene,
    a_sheet,
    a_text,
)
from benchmarks.turnstile_troubles import (
    Camera,
    Points,
    a_tint,
    cover,
    crack,
    curl,
    fade,
    glare,
    pixels,
    shade,
)

TUNING_SEED = 2015
SCORING_SEED = 206_865
# Two codes: the nearer one is at least so much nearer to the middle, in pixels.
NEARER = 60
# From the lens to what is held before it, in pixels of the frame.
LENS = 1100.0


class Kind(StrEnum):
    """The trouble that a frame shows."""

    CLEAN = "clean"
    SMALL = "small"
    ROTATED = "rotated"
    TILTED = "tilted"
    DEFOCUSED = "defocused"
    MOVING = "moving"
    DARK = "low light"
    FAINT = "low contrast"
    INVERTED = "inverted"
    GLARE = "glare"
    CRACKED = "cracked"
    COVERED = "occluded"
    SHADED = "shadow"
    TIGHT = "no quiet zone"
    MOIRE = "moire"
    BENT = "bent paper"
    TWO = "two codes"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame and what is true of it.

    Attributes:
        image: (720, 1280, 3) uint8, BGR.
        texts: of the codes in it, the one that counts first: the nearest to the middle.
    """

    kind: Kind
    image: NDArray[np.uint8]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pose:
    """How a thing is held.

    Attributes:
        at: where the middle of its code is, x and y in pixels of the frame.
        module: of the code, in pixels of the frame.
        angle: in the plane of the picture, in degrees.
        tilt: out of it, about both axes, in radians.
    """

    at: tuple[float, float]
    module: float
    angle: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)


def a_shot(seed: int, kind: Kind, number: int) -> Shot:
    """Return one frame; the same for the same seed, kind and number."""
    random = np.random.default_rng((seed, zlib.crc32(kind.encode()), number))
    scene = a_scene(random) * random.uniform(0.5, 1.0)
    if kind is Kind.NONE:
        for _ in range(int(random.integers(0, 3))):
            a_decoy(random, scene)
        return Shot(kind, _camera(kind, random).take(scene, random), ())
    if kind is Kind.TWO:
        return _two(scene, random)
    flat = a_thing(kind, random)
    pose = _pose(kind, flat, random)
    seen, corners = put(scene, flat, pose)
    if kind in ON_FRAME:
        seen = ON_FRAME[kind](seen, corners, random)
    return Shot(kind, _camera(kind, random).take(seen, random), (flat.text,))


ON_FLAT: dict[Kind, Callable[[Flat, Random], Plane]] = {
    Kind.CRACKED: crack,
    Kind.BENT: curl,
    Kind.FAINT: fade,
    Kind.MOIRE: pixels,
}
ON_FRAME: dict[Kind, Callable[[Plane, Points, Random], Plane]] = {
    Kind.GLARE: glare,
    Kind.COVERED: cover,
    Kind.SHADED: shade,
}
ON_PHONES = {Kind.CRACKED, Kind.INVERTED, Kind.TIGHT, Kind.MOIRE}


def a_thing(kind: Kind, random: Random) -> Flat:
    """Draw what carries the code, with the trouble that is its own."""
    text = a_text(random)
    if kind in ON_PHONES or (kind is not Kind.BENT and random.random() < 0.65):
        quiet = int(random.integers(1, 4)) if kind is Kind.TIGHT else 4
        flat = a_phone(random, text, inverted=kind is Kind.INVERTED, quiet=quiet)
    else:
        flat = a_sheet(random, text)
    return replace(flat, plane=ON_FLAT[kind](flat, random)) if kind in ON_FLAT else flat


def _pose(kind: Kind, flat: Flat, random: Random) -> Pose:
    """Choose how near it is held: as near as people hold it, and never larger than the frame."""
    least, most = {
        Kind.SMALL: (1.4, 2.4),
        Kind.TILTED: (2.2, 5.0),
        Kind.DEFOCUSED: (2.8, 7.0),
        Kind.MOVING: (2.6, 7.0),
    }.get(kind, (2.2, 7.0))
    module = float(np.exp(random.uniform(np.log(least), np.log(most))))
    angle = random.uniform(-180, 180) if kind is Kind.ROTATED else random.normal(0, 6)
    tilt = (
        random.uniform(0.4, 0.9, 2) * random.choice((-1, 1), 2)
        if kind is Kind.TILTED
        else (random.normal(0, 0.1, 2))
    )
    reach = module * flat.code[2] / MODULE * 0.75
    at = [
        float(np.clip(random.normal(middle, middle / 4), min(reach, middle), 2 * middle - reach))
        for middle in (WIDTH / 2, HEIGHT / 2)
    ]
    return Pose((at[0], at[1]), module, angle, (float(tilt[0]), float(tilt[1])))


def _camera(kind: Kind, random: Random) -> Camera:
    usual = Camera(
        defocus=random.uniform(0, 1.0),
        noise=random.uniform(2, 7),
        quality=int(random.integers(75, 95)),
        tint=a_tint(random),
    )
    if kind is Kind.DEFOCUSED:
        return replace(usual, defocus=random.uniform(1.8, 4.4))
    if kind is Kind.MOVING:
        return replace(usual, motion=random.uniform(2.5, 9.5), smear=random.uniform(0, np.pi))
    if kind is Kind.DARK:
        light = float(np.exp(random.uniform(np.log(0.08), np.log(0.35))))
        return replace(usual, light=light, noise=random.uniform(4, 10))
    return usual


def _two(scene: Plane, random: Random) -> Shot:
    """Return a frame in which two people hold out their codes, one nearer to the middle."""
    while True:
        ways = random.uniform(0.02, 0.18), random.uniform(0.22, 0.34)
        side = random.choice((-1, 1))
        poses = [
            Pose(
                (WIDTH * (0.5 + sign * side * way), HEIGHT * random.uniform(0.42, 0.58)),
                float(random.uniform(2.4, 4.6)),
                float(random.normal(0, 8)),
            )
            for sign, way in zip((1, -1), ways, strict=True)
        ]
        flats = [a_phone(random, a_text(random)), a_sheet(random, a_text(random), spare=0.2)]
        if random.random() < 0.5:
            flats[1] = a_phone(random, a_text(random))
        if random.random() < 0.5:
            flats.reverse()
        if _apart(flats, poses):
            break
    for flat, pose in reversed(list(zip(flats, poses, strict=True))):
        scene, _ = put(scene, flat, pose)
    camera = replace(_camera(Kind.TWO, random), defocus=random.uniform(0, 2.5))
    return Shot(Kind.TWO, camera.take(scene, random), (flats[0].text, flats[1].text))


def _apart(flats: list[Flat], poses: list[Pose]) -> bool:
    """Tell whether both codes are whole in the frame, and the first clearly is the nearer one."""
    halves = [
        pose.module * flat.code[2] / MODULE / 2 for flat, pose in zip(flats, poses, strict=True)
    ]
    ways = [np.hypot(pose.at[0] - WIDTH / 2, pose.at[1] - HEIGHT / 2) for pose in poses]
    between = abs(poses[0].at[0] - poses[1].at[0])
    whole = all(
        half * 1.25 < min(pose.at[0], WIDTH - pose.at[0], pose.at[1], HEIGHT - pose.at[1])
        for half, pose in zip(halves, poses, strict=True)
    )
    return whole and ways[0] + NEARER < ways[1] and between > sum(halves) * 1.9


def put(scene: Plane, flat: Flat, pose: Pose) -> tuple[Plane, Points]:
    """Hold a thing before the scene.

    Returns: the scene with it; the code's corners in pixels, clockwise from its own top left.
    """
    plane, shape, scale = flat.plane, flat.shape, pose.module / MODULE
    near = min(1.0, scale * 1.3)
    # Made smaller by area first: a warp alone would skip pixels, which no lens does.
    small = [
        cv2.resize(part, None, fx=near, fy=near, interpolation=cv2.INTER_AREA)
        for part in (plane, shape)
    ]
    left, top, side = flat.code
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    square += np.array([left, top], np.float32)
    middle = np.array(flat.centre)
    corners = np.array([_seen(point - middle, pose, scale) for point in square], np.float32)
    warp = cv2.getPerspectiveTransform((square * near).astype(np.float32), corners)
    held, mask = (
        cv2.warpPerspective(part, warp, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR) for part in small
    )
    return np.asarray(scene * (1 - mask) + held * mask, np.float32), corners


def _seen(point: NDArray[np.float64], pose: Pose, scale: float) -> tuple[float, float]:
    """Return where a point of a flat thing, from the middle of its code, is in the frame."""
    turn = np.deg2rad(pose.angle)
    x, y = scale * point
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    about_x, about_y = pose.tilt
    y, back = y * np.cos(about_x), y * np.sin(about_x)
    x, back = (
        x * np.cos(about_y) + back * np.sin(about_y),
        back * np.cos(about_y) - x * np.sin(about_y),
    )
    nearer = LENS / (LENS + back)
    return float(pose.at[0] + x * nearer), float(pose.at[1] + y * nearer)
