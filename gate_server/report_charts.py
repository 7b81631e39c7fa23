"""Draw the charts of a report as SVG: plain shapes and text, no script, no address, prints grey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gate_server.svg import across, box, drawing, number, words

WIDTH: Final = 720
_LEFT: Final = 150
_RIGHT: Final = 120
_FILLS: Final = ("#9cc5a1", "#333333", "#e0a458", "#8fb8de")
"""From light to dark where it is printed without colour, in the order of the outcomes."""


def sparkline(values: Sequence[float], top: float, *, height: int = 26) -> str:
    """Return one course of values, drawn up to `top`."""
    wide = 360
    if not values:
        return drawing(wide, height, "")
    step = wide / max(1, len(values) - 1)
    points = " ".join(
        f"{number(place * step)},{number(height - 2 - (height - 4) * value / max(top, 1e-9))}"
        for place, value in enumerate(values)
    )
    area = f'<polygon class="area" points="0,{height - 2} {points} {wide},{height - 2}"/>'
    return drawing(wide, height, f'{area}<polyline class="line" points="{points}"/>')


def stacked(
    columns: Sequence[tuple[str, Sequence[int]]], names: Sequence[str], *, height: int = 190
) -> str:
    """Return columns of stacked counts with a scale, a legend and a label each.

    Args:
        columns: a label and its counts, the first at the foot.
        names: what the counts are of.
    """
    foot, head, left = 34, 26, 46
    top = max((sum(counts) for _, counts in columns), default=0) or 1
    room, wide = height - foot - head, (WIDTH - left) / max(1, len(columns))
    parts = _legend(names, left)
    for part in (0, top):
        level = height - foot - room * part / top
        parts.append(across(left, WIDTH, level, "axis"))
        parts.append(words(left - 5, level + 4, f"{part:,}", "end"))
    every = max(1, -(-len(columns) // 14))
    for place, (label, counts) in enumerate(columns):
        x, y = left + place * wide, float(height - foot)
        for fill, count in zip(_FILLS, counts, strict=False):
            tall = room * count / top
            y -= tall
            if count:
                parts.append(_rect(x + wide * 0.1, y, wide * 0.8, tall, fill))
        if place % every == 0:
            parts.append(words(x + wide / 2, height - foot + 14, label, "middle"))
    return drawing(WIDTH, height, "".join(parts))


def bars(rows: Sequence[tuple[str, int]]) -> str:
    """Return horizontal bars with a label and a number each."""
    line, most = 19, max((count for _, count in rows), default=0) or 1
    parts = []
    for place, (label, count) in enumerate(rows):
        y = place * line
        wide = (WIDTH - _LEFT - _RIGHT) * count / most
        parts.append(words(_LEFT - 6, y + 13, label, "end"))
        parts.append(_rect(_LEFT, y + 3, max(1, wide), line - 6, _FILLS[1]))
        parts.append(words(_LEFT + wide + 6, y + 13, f"{count:,}", "start"))
    return drawing(WIDTH, line * max(1, len(rows)), "".join(parts))


def course(columns: Sequence[tuple[str, int]], *, height: int = 130) -> str:
    """Return one count over time."""
    return stacked([(label, (count,)) for label, count in columns], (), height=height)


def _legend(names: Sequence[str], left: int) -> list[str]:
    parts = []
    for place, name in enumerate(names):
        x = left + place * 150
        parts += [_rect(x, 4, 12, 12, _FILLS[place]), words(x + 18, 14, name, "start")]
    return parts


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return box((x, y), (width, height), f'fill="{fill}" stroke="#333" stroke-width="0.5"')
