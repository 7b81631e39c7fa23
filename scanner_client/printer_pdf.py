"""Print tickets on A4 sheets: a PDF a print, several tickets a page, in a folder."""

from __future__ import annotations

import io
from itertools import chain, count
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from scanner_client.printer_layout import Line, Paper, modules_of, wrap
from scanner_client.printer_settings import PrinterSettings
from scanner_client.printing import NotPrinted
from scanner_client.state import StateError, write_durably

FONT = "STSong-Light"  # every PDF reader has it; no font file is shipped
LARGEST_PT, SMALLEST_PT = 9.0, 5.0
_COLUMNS = 2
_EDGE = 12 * mm
_LEADING = 1.35


class PdfPrinter:
    """Writes sheets into a folder, whole or not at all."""

    def __init__(self, settings: PrinterSettings) -> None:
        self._folder = Path(settings.address)
        self._per_page = settings.per_page
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))

    def print(self, papers: list[Paper]) -> None:
        """Write one PDF of all papers, named after the first.

        Raises NotPrinted: the folder cannot be written.
        """
        data = write_sheets(papers, self._per_page)
        names = chain([""], (f"-{number}" for number in count(2)))
        paths = (self._folder / f"{papers[0].name}{name}.pdf" for name in names)
        path = next(path for path in paths if not path.exists())
        try:
            write_durably(path, data)
        except StateError as error:
            raise NotPrinted(str(error)) from error


def write_sheets(papers: list[Paper], per_page: int) -> bytes:
    """Return a PDF of A4 pages, each with at most so many papers in two columns."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setTitle("Tickets 门票")
    columns = min(_COLUMNS, per_page)
    rows = -(-per_page // columns)
    width, height = (A4[0] - 2 * _EDGE) / columns, (A4[1] - 2 * _EDGE) / rows
    for number, paper in enumerate(papers):
        place = number % per_page
        if number and not place:
            canvas.showPage()
        left = _EDGE + (place % columns) * width
        top = A4[1] - _EDGE - (place // columns) * height
        _draw(canvas, paper, (left, top), (width, height))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(
    canvas: Canvas, paper: Paper, corner: tuple[float, float], size: tuple[float, float]
) -> None:
    (left, top), (width, height) = corner, size
    canvas.setDash(2, 3)
    canvas.rect(left, top - height, width, height)
    canvas.setDash()
    # The code has the left part, as high as its piece; the text stands beside it.
    side = min(height - 6 * mm, width * 0.48)
    _draw_code(canvas, paper.code, (left + 3 * mm, top - (height + side) / 2), side)
    point = _point_for(paper, height, width - side)
    y = top - (height - _text_height(paper, point, width - side)) / 2
    for line in (*paper.above, *paper.below):
        y = _draw_line(canvas, line, (left + side + 5 * mm, y), (width - side - 7 * mm, point))


def _point_for(paper: Paper, height: float, width: float) -> float:
    """Return the largest size of type at which all lines fit beside the code."""
    largest = max(SMALLEST_PT, min(LARGEST_PT, height / 14))
    sizes = [largest - step * 0.5 for step in range(int((largest - SMALLEST_PT) * 2) + 1)]
    fitting = (each for each in sizes if _text_height(paper, each, width) <= height)
    return next(fitting, SMALLEST_PT)


def _parts(line: Line, width: float, point: float) -> tuple[list[str], float]:
    shown = point * 1.5 if line.large else point
    return list(wrap(line.text, max(2, int(width / (shown / 2))))), shown


def _text_height(paper: Paper, point: float, width: float) -> float:
    parts = (_parts(line, width - 7 * mm, point) for line in (*paper.above, *paper.below))
    return sum(len(texts) * shown * _LEADING for texts, shown in parts)


def _draw_line(
    canvas: Canvas, line: Line, at: tuple[float, float], room: tuple[float, float]
) -> float:
    (x, y), (width, point) = at, room
    texts, shown = _parts(line, width, point)
    canvas.setFont(FONT, shown)
    for text in texts:
        y -= shown * _LEADING
        canvas.drawString(x, y, text)
    return y


def _draw_code(canvas: Canvas, code: str, corner: tuple[float, float], side: float) -> None:
    """Draw a code as rectangles, a row's neighbours as one, so that no line shines through."""
    modules = modules_of(code)
    step = side / len(modules)
    for number, row in enumerate(modules):
        y = corner[1] + side - (number + 1) * step
        start = 0
        while start < len(row):
            end = start
            while end < len(row) and row[end] == row[start]:
                end += 1
            if row[start]:
                canvas.rect(
                    corner[0] + start * step, y, (end - start) * step, step, stroke=0, fill=1
                )
            start = end
