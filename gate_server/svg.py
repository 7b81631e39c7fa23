"""Write SVG as text: shapes, words, and what a screen reader says; no script, style or address."""

from __future__ import annotations

from html import escape


def drawing(
    width: int, height: int, inner: str, *, title: str = "", desc: str = "", css: str = ""
) -> str:
    """Return a picture.

    Args:
        title: what a screen reader calls it; without, it is passed over.
        desc: what it shows, in words.
        css: its class; how it looks is the style sheet's.
    """
    name = f' class="{css}"' if css else ""
    said = ' role="img" aria-hidden="true"'
    if title:
        said = f' role="img" aria-label="{escape(title)}"'
        inner = f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>{inner}"
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f"{name}{said}>{inner}</svg>"
    )


def box(place: tuple[float, float], size: tuple[float, float], how: str, tip: str = "") -> str:
    """Return a rectangle.

    Args:
        how: its further attributes, as `class="bar"`.
        tip: what is told of it where a pointer rests.
    """
    (x, y), (wide, tall) = place, size
    shape = f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(tall)}"'
    return f"{shape} {how}><title>{escape(tip)}</title></rect>" if tip else f"{shape} {how}/>"


def across(left: float, right: float, y: float, css: str) -> str:
    """Return a level line."""
    return (
        f'<line class="{css}" x1="{number(left)}" x2="{number(right)}"'
        f' y1="{number(y)}" y2="{number(y)}"/>'
    )


def words(x: float, y: float, text: str, anchor: str) -> str:
    """Return a line of text; `anchor`: which end of it stands at `x`."""
    return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def number(value: float) -> str:
    """Return a coordinate."""
    return f"{value:.1f}"
