"""Draw charts for pages as SVG: columns by hour, a course against its limits, a sparkline.

How they look is `static/charts.css`: light, dark and printed. Each says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gate_server.svg import across, box, drawing, number, words

WIDTH: Final = 720
_LEFT: Final = 52
_RIGHT: Final = 24
_WIDEST: Final = 56
_HEAD: Final = 30
_FOOT: Final = 24
_MOST_LABELS: Final = 12
_SERIES: Final = 4


@dataclass(frozen=True, slots=True)
class Said:
    """What a chart is called, and what it shows in words, in the reader's language."""

    title: str
    desc: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across a course: what is planned for at most, or was reached at best.

    Attributes:
        css: `ceiling` or `record`.
    """

    css: str
    name: str
    value: float


def column_chart(
    columns: Sequence[tuple[str, Sequence[int]]],
    names: Sequence[str],
    said: Said,
    *,
    height: int = 200,
) -> str:
    """Return columns of stacked counts.

    Args:
        columns: a label and its counts, the first at the foot; at most four counts.
        names: what the counts are of.
    """
    top = _rounded(max((sum(counts) for _, counts in columns), default=0))
    room, step = height - _HEAD - _FOOT, (WIDTH - _LEFT - _RIGHT) / max(1, len(columns))
    # The first hour of a day is no wall.
    wide = min(step * 0.8, _WIDEST)
    parts = [*_legend(names), *_scale(top, height)]
    for place, (label, counts) in enumerate(columns):
        x, y = _LEFT + place * step + (step - wide) / 2, float(height - _FOOT)
        for series, (name, count) in enumerate(zip(names, counts, strict=True)):
            tall = room * count / top
            y -= tall
            if count:
                tip = f"{label} {name}: {count:,}"
                parts.append(box((x, y), (wide, tall), _css(series), tip))
    parts += _labels([label for label, _ in columns], step, height, shift=step / 2)
    return drawing(WIDTH, height, "".join(parts), title=said.title, desc=said.desc, css="chart")


def course_chart(
    values: Sequence[float],
    labels: Sequence[str],
    levels: Sequence[Level],
    said: Said,
    *,
    height: int = 220,
) -> str:
    """Return one course of values below its limits.

    Args:
        labels: of the values, as many; some of them are written.
    """
    top = _rounded(max([*values, *(level.value for level in levels)], default=0))
    room, step = height - _HEAD - _FOOT, (WIDTH - _LEFT - _RIGHT) / max(1, len(values) - 1)
    foot = height - _FOOT
    points = " ".join(
        f"{number(_LEFT + place * step)},{number(foot - room * value / top)}"
        for place, value in enumerate(values)
    )
    parts = _scale(top, height)
    if len(values) > 1:
        ends = f"{_LEFT},{foot} {points} {number(_LEFT + (len(values) - 1) * step)},{foot}"
        parts.append(f'<polygon class="area" points="{ends}"/>')
        parts.append(f'<polyline class="course" points="{points}"/>')
    for place, level in enumerate(levels):
        y = foot - room * level.value / top
        parts.append(across(_LEFT, WIDTH - _RIGHT, y, level.css))
        # One below the other at the top, so that levels that lie close do not hide their names.
        x = _LEFT + 6 + place * 320
        parts.append(across(x, x + 24, 12, level.css))
        parts.append(words(x + 30, 16, f"{level.name}: {level.value:,.0f}", "start"))
    parts += _labels(labels, step, height)
    return drawing(WIDTH, height, "".join(parts), title=said.title, desc=said.desc, css="chart")


def spark(values: Sequence[float], said: Said, *, width: int = 180, height: int = 32) -> str:
    """Return a small course without a scale, for a tile or a cell."""
    top, step = max([*values, 1e-9]), width / max(1, len(values) - 1)
    points = " ".join(
        f"{number(place * step)},{number(height - 2 - (height - 4) * value / top)}"
        for place, value in enumerate(values)
    )
    inner = f'<polyline class="course" points="{points}"/>' if values else ""
    css = "chart spark"
    return drawing(width, height, inner, title=said.title, desc=said.desc, css=css)


def _rounded(top: float) -> float:
    """Return a round number that is at least `top`, so that half of it is easily read."""
    if top <= 0:
        return 1
    step = 1.0
    while step * 10 <= top:
        step *= 10
    return next(step * part for part in (1, 2, 4, 5, 6, 8, 10) if step * part >= top)


def _scale(top: float, height: int) -> list[str]:
    parts = []
    for share in (0, 0.5, 1):
        y = height - _FOOT - (height - _HEAD - _FOOT) * share
        value = top * share
        parts.append(across(_LEFT, WIDTH - _RIGHT, y, "axis"))
        shown = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
        parts.append(words(_LEFT - 6, y + 4, shown, "end"))
    return parts


def _labels(labels: Sequence[str], step: float, height: int, shift: float = 0) -> list[str]:
    every = max(1, -(-len(labels) // _MOST_LABELS))
    return [
        words(_LEFT + place * step + shift, height - 6, label, "middle")
        for place, label in enumerate(labels)
        if place % every == 0
    ]


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    for series, name in enumerate(names):
        x = _LEFT + series * 160
        parts += [box((x, 4), (12, 12), _css(series)), words(x + 18, 14, name, "start")]
    return parts


def _css(series: int) -> str:
    return f'class="series-{series % _SERIES}"'
