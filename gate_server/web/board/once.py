"""Show what is told this once only: a first password, an invitation's QR, a badge.

It is the answer to the form that made it, never a page with an address; nothing keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response

from gate_server.qr_rows import qr_rows
from gate_server.web.board.languages import gettext
from gate_server.web.board.pages import Visit, show

_MARGIN = 4


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code to be drawn.

    Attributes:
        size: modules with their margin; `path` draws the dark ones.
        name: what it is, for those who do not see it.
    """

    size: int
    path: str = field(repr=False)
    name: str

    @classmethod
    def draw(cls, text: str, name: str) -> Code:
        """Draw a text."""
        rows = qr_rows(text)
        path = "".join(
            f"M{x + _MARGIN} {y + _MARGIN}h1v1h-1z"
            for y, row in enumerate(rows)
            for x, module in enumerate(row)
            if module == "1"
        )
        return cls(len(rows) + 2 * _MARGIN, path, name)


def show_once(
    visit: Visit,
    title: str,
    told: list[tuple[str, str]],
    *,
    warning: str = "",
    code: Code | None = None,
    more: list[tuple[str, str]] | None = None,
) -> Response:
    """Return the answer that shows it.

    Args:
        told: name and value of each thing that can be copied; `more` is seldom wanted.
        warning: what to know of it; by default, that it is shown this once.
    """
    page = show(
        "once.html",
        title=title,
        told=told,
        more=more or [],
        warning=warning or gettext("This is shown once, and nobody can look it up again."),
        code=code,
        next=visit.form.get("next", "/"),
        bare=visit.bare,
    )
    return Response(page)
