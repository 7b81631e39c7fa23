"""Draw curves as SVG, by hand, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 50, 60
# Of Okabe and Ito: colour-blind readers tell them apart, on white and on black.
COLOURS = ("#d55e00", "#0072b2", "#009e73")
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.axis { stroke: #57606a; stroke-width: 1; fill: none }
.grid { stroke: #57606a; stroke-opacity: 0.25; stroke-width: 1 }
.mean { fill: none; stroke-width: 2.5 }
.dashed { stroke-dasharray: 6 4 }
.high { stroke: none; fill-opacity: 0.15 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .axis, .grid { stroke: #9198a1 } }
</style>"""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot; `highs` are the upper edge of its shade."""

    label: str
    minutes: Sequence[float]
    means: Sequence[float]
    highs: Sequence[float]
    dashed: bool = False


class Scale:
    """Where a value lies on the drawing."""

    def __init__(self, most_x: float, most_y: float) -> None:
        self.most_x, self.most_y = most_x, most_y

    def x(self, value: float) -> float:
        """Return the horizontal place."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * value / self.most_x, 1)

    def y(self, value: float) -> float:
        """Return the vertical place."""
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.most_y, 1)


def draw(curves: Sequence[Curve], title: str) -> str:
    """Return the plot; curves come in pairs of one colour, the second of each dashed."""
    most = max(max(curve.highs) for curve in curves)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if most / s <= 8)
    scale = Scale(max(curves[0].minutes), step * -(-most // step))
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{title}">',
        STYLE,
        f'<text class="title" x="{LEFT}" y="24">{title}</text>',
        *_axes(scale, step),
    ]
    for number, curve in enumerate(curves):
        parts += _curve(curve, scale, COLOURS[number // 2], number)
    return "\n".join([*parts, "</svg>", ""])


def _axes(scale: Scale, step: int) -> list[str]:
    right, floor = scale.x(scale.most_x), scale.y(0)
    parts = []
    for value in range(0, int(scale.most_y) + 1, step):
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{value}</text>')
    for minute in range(0, int(scale.most_x) + 1, 30):
        x = scale.x(minute)
        parts.append(f'<text x="{x}" y="{floor + 20}" text-anchor="middle">{minute}</text>')
    below = f'x="{(LEFT + right) / 2}" y="{HEIGHT - 14}"'
    beside = f'transform="translate(20 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"'
    return [
        *parts,
        f'<path class="axis" d="M{LEFT} {TOP}V{floor}H{right}"/>',
        f'<text {below} text-anchor="middle">minutes of outage</text>',
        f'<text {beside} text-anchor="middle">people let in on a used code</text>',
    ]


def _curve(curve: Curve, scale: Scale, colour: str, number: int) -> list[str]:
    places = [scale.x(minute) for minute in curve.minutes]
    means = [f"{x} {scale.y(value)}" for x, value in zip(places, curve.means, strict=True)]
    highs = [f"{x} {scale.y(value)}" for x, value in zip(places, curve.highs, strict=True)]
    kind = "mean dashed" if curve.dashed else "mean"
    y = TOP + 16 + 24 * number
    legend = WIDTH - RIGHT + 16
    parts = []
    if not curve.dashed:
        shade = "L".join([*means, *reversed(highs)])
        parts.append(f'<path class="high" fill="{colour}" d="M{shade}Z"/>')
    return [
        *parts,
        f'<path class="{kind}" stroke="{colour}" d="M{"L".join(means)}"/>',
        f'<path class="{kind}" stroke="{colour}" d="M{legend} {y}h28"/>',
        f'<text x="{legend + 34}" y="{y + 4}">{curve.label}</text>',
    ]
