"""Play visitors who bring a code to the lens: frames as they come, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.turnstile_frames import (
    ON_FRAME,
    Kind,
    Pose,
    Shot,
    a_thing,
    put,
)
from benchmarks.turnstile_objects import HEIGHT, MODULE, WIDTH, Flat, Random, a_scene
from benchmarks.turnstile_troubles import Camera, a_tint

# At 25 frames a second: a moment without anybody, most of a second of approach, then held.
EMPTY, COMING, HELD = 4, 18, 14
# Of the time from one frame to the next, how long the sensor is exposed.
EXPOSED = 1 / 3
TROUBLES = (
    Kind.CLEAN,
    Kind.TILTED,
    Kind.DARK,
    Kind.FAINT,
    Kind.INVERTED,
    Kind.GLARE,
    Kind.CRACKED,
    Kind.COVERED,
    Kind.SHADED,
    Kind.TIGHT,
    Kind.MOIRE,
    Kind.BENT,
)


def an_approach(
    seed: int, number: int, *, coming: int = COMING, held: int = HELD
) -> Iterator[Shot]:
    """Give the frames of one approach; its trouble follows from its number.

    A code counts as being in the frame from the first frame in which it is whole.

    Args:
        coming: frames in which the code is on its way.
        held: frames in which it is held, after that.
    """
    kind = TROUBLES[number % len(TROUBLES)]
    random = np.random.default_rng((seed, 24, number))
    scene = a_scene(random) * random.uniform(0.6, 1.0)
    flat = a_thing(kind, random)
    light = random.uniform(0.08, 0.25) if kind is Kind.DARK else 1.0
    mirrored = int(random.integers(1 << 30))
    usual = Camera(noise=random.uniform(2, 6), light=light, quality=85, tint=a_tint(random))
    poses = _poses(kind, flat, random, coming, held)
    for _ in range(EMPTY):
        yield Shot(kind, usual.take(scene, random), ())
    before = poses[0]
    for step, pose in enumerate(poses):
        seen, corners = put(scene, flat, pose)
        if kind in ON_FRAME:
            # The same lamp and the same thumb in each frame.
            seen = ON_FRAME[kind](seen, corners, np.random.default_rng(mirrored))
        x, y = pose.at[0] - before.at[0], pose.at[1] - before.at[1]
        camera = replace(
            usual,
            defocus=_focus(step / coming),
            motion=float(np.hypot(x, y)) * EXPOSED,
            smear=float(np.arctan2(y, x)),
        )
        whole = corners.min() >= 0 and bool((corners.max(axis=0) < (WIDTH, HEIGHT)).all())
        yield Shot(kind, camera.take(seen, random), (flat.text,) if whole else ())
        before = pose


def _poses(kind: Kind, flat: Flat, random: Random, coming: int, held: int) -> list[Pose]:
    """Return the way in, slower and slower, from below the frame; then hands that tremble."""
    end = random.uniform(2.6, 5.0)
    start = np.array([random.uniform(0.2, 0.8) * WIDTH, HEIGHT + flat.code[2]])
    goal = np.array([random.normal(0.5, 0.06) * WIDTH, random.normal(0.45, 0.05) * HEIGHT])
    angle, tilts = random.normal(0, 8), (0.35, 0.6) if kind is Kind.TILTED else (0.0, 0.15)
    tilt = random.uniform(*tilts, 2) * random.choice((-1, 1), 2)
    poses = []
    for step in range(coming + held):
        left = max(0.0, 1 - (step + 1) / coming) ** 2
        at = goal + left * (start - goal) + random.normal(0, 1.2, 2)
        module = end * (1 - 0.45 * left) * (1 + random.normal(0, 0.004))
        turned = angle + 25 * left + random.normal(0, 0.3)
        poses.append(
            Pose(
                (float(at[0]), float(at[1])),
                min(module, 0.7 * HEIGHT / flat.code[2] * MODULE),
                turned,
                (float(tilt[0]), float(tilt[1])),
            )
        )
    return poses


def _focus(way: float) -> float:
    """Return the defocus, in pixels: the lens hunts all the way that the code comes, 0 to 1."""
    return float(max(0.6, 3.5 - 2.9 * way))
