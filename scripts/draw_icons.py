"""Draw the hand scanner's icon as PNG, from the strokes of its SVG: phones install pictures."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "gate_server/web/static/scan"
SIZES = (192, 512)
FINER = 4  # drawn so much larger, then made small: smooth edges

Point = tuple[float, float]


def main() -> int:
    """Write icon-192.png and icon-512.png."""
    svg = (FOLDER / "icon.svg").read_text("utf-8")
    for size in SIZES:
        draw(svg, size).save(FOLDER / f"icon-{size}.png", optimize=True)
    return 0


def draw(svg: str, size: int) -> Image.Image:
    """Return the icon of a size, (size, size) RGB."""
    scale = size * FINER / 512
    picture = Image.new("RGB", (size * FINER, size * FINER), "#101418")
    pen = ImageDraw.Draw(picture)
    frame, tick = re.findall(r'<path d="([^"]*)"', svg)
    for path, colour, width in ((frame, "#fff", 30), (tick, "#7dffb0", 44)):
        for line in lines(path):
            points = [(x * scale, y * scale) for x, y in line]
            pen.line(points, fill=colour, width=round(width * scale), joint="curve")
            for x, y in points:
                end = width * scale / 2
                pen.ellipse((x - end, y - end, x + end, y + end), fill=colour)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def lines(path: str) -> list[list[Point]]:
    """Return the strokes of an SVG path of the commands M, l, h, v and their lines' ends."""
    drawn: list[list[Point]] = []
    for command, numbers in re.findall(r"([Mlhv])([^Mlhv]*)", path):
        values = [float(number) for number in re.findall(r"-?[0-9.]+", numbers)]
        if command == "M":
            drawn.append([(values[0], values[1])])
            continue
        pairs = {"l": values, "h": [*values, 0.0], "v": [0.0, *values]}[command]
        steps = zip(pairs[::2], pairs[1::2], strict=True)
        for dx, dy in steps:
            x, y = drawn[-1][-1]
            drawn[-1].append((x + dx, y + dy))
    return drawn


if __name__ == "__main__":
    sys.exit(main())
