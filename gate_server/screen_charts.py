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
    apart: bool = False,
    height: int = 200,
) -> str:
    """Return columns of stacked counts.

    Args:
        columns: a label and its counts, the first at the foot; at most four counts.
        names: what the counts are of.
        apart: the first count is of something else, as people beside scans: it is not added to
            the others but has a column of its own at their left.
    """
    stacks = [_stacks(counts, apart=apart) for _, counts in columns]
    top = _rounded(max((sum(stack) for each in stacks for stack in each), default=0))
    room, step = height - _HEAD - _FOOT, (WIDTH - _LEFT - _RIGHT) / max(1, len(columns))
    # The first hour of a day is no wall.
    wide = min(step * 0.8, _WIDEST)
    parts = [*_legend(names), *_scale(top, height)]
    for place, ((label, _), each) in enumerate(zip(columns, stacks, strict=True)):
        one, series = wide / len(each), 0
        x = _LEFT + place * step + (step - wide) / 2
        for beside, stack in enumerate(each):
            y = float(height - _FOOT)
            for count in stack:
                tall = room * count / top
                y -= tall
                if count:
                    tip = f"{label} {names[series]}: {count:,}"
                    parts.append(box((x + beside * one, y), (one, tall), _css(series), tip))
                series += 1
    parts += _labels([label for label, _ in columns], step, height, shift=step / 2)
    return drawing(WIDTH, height, "".join(parts), title=said.title, desc=said.desc, css="chart")


def _stacks(counts: Sequence[int], *, apart: bool) -> list[Sequence[int]]:
    """Return the columns that stand beside one another for one label."""
    return [counts[:1], counts[1:]] if apart else [counts]


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


def spark(
    values: Sequence[float],
    said: Said,
    *,
    top: float = 0,
    width: int = 180,
    height: int = 32,
) -> str:
    """Return a small course without a scale, for a tile or a cell.

    Args:
        top: what the full height stands for where several are compared; else the most of its own.
    """
    top, step = max([*values, top, 1e-9]), width / max(1, len(values) - 1)
    points = " ".join(
        f"{number(place * step)},{number(height - 2 - (height - 4) * value / top)}"
        for place, value in enumerate(values)
    )
    inner = f'<polyline class="course" points="{points}"/>' if values else ""
    css = "chart spark"
    return drawing(width, height, inner, title=said.title, desc=said.desc, css=css)


def _rounded(top: float) -> float:
    """Return a round number that is at least `top`; half of it is whole: nobody is half."""
    step = 1.0
    while step * 10 <= top:
        step *= 10
    tops = (step * part for part in (1, 2, 4, 5, 6, 8, 10))
    return next(each for each in tops if each >= max(top, 1) and each % 2 == 0)


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
