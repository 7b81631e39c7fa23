"""Draw numbered slips on A4 pages: a large number, a signed code, what to do with it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from gate_server.ledger.numbered_slips import NumberedSlip

FONT: Final = "STSong-Light"  # every PDF reader has it; no font file is shipped
COLUMNS: Final = 2
ROWS: Final = 5
A_PAGE: Final = COLUMNS * ROWS
_EDGE: Final = 10 * mm
_MARGIN_MODULES: Final = 4
_WORDS: Final = (
    "到场号码单 ARRIVAL SLIP",
    "请保留，到检票口先扫此码，再扫电子票",
    "At the gate: this code first, then your voucher",
    "一张电子票用一张，当日有效，不能单独入园",
    "One for each voucher, today only; no ticket",
)


def write_sheets(slips: Sequence[NumberedSlip], venue: str) -> bytes:
    """Return a PDF of A4 pages with ten slips each, in the order in which they are handed out.

    Args:
        venue: its name, in one line.
    """
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setTitle("Arrival slips 到场号码单")
    width, height = (A4[0] - 2 * _EDGE) / COLUMNS, (A4[1] - 2 * _EDGE) / ROWS
    for place, slip in enumerate(slips):
        here = place % A_PAGE
        if place and not here:
            canvas.showPage()
        left = _EDGE + (here % COLUMNS) * width
        bottom = A4[1] - _EDGE - (here // COLUMNS + 1) * height
        _draw(canvas, slip, venue, (left, bottom), (width, height))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(
    canvas: Canvas,
    slip: NumberedSlip,
    venue: str,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> None:
    (left, bottom), (width, height) = corner, size
    canvas.setDash(2, 3)
    canvas.rect(left, bottom, width, height)
    canvas.setDash()
    side = min(height - 8 * mm, width * 0.42)
    _draw_code(canvas, slip.code, (left + 3 * mm, bottom + (height - side) / 2), side)
    x, y = left + side + 5 * mm, bottom + height - 10 * mm
    canvas.setFont(FONT, 8)
    canvas.drawString(x, y, venue[:30])
    canvas.setFont(FONT, 22)
    canvas.drawString(x, y - 10 * mm, f"{slip.number}")
    canvas.setFont(FONT, 6.6)
    for number, line in enumerate(_WORDS):
        canvas.drawString(x, y - 16 * mm - number * 4.4 * mm, line)


def _draw_code(canvas: Canvas, code: str, corner: tuple[float, float], side: float) -> None:
    """Draw a code as rectangles, a row's neighbours as one, so that no line shines through."""
    drawing = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_MARGIN_MODULES)
    # Unsplit, so that a token stays in alphanumeric mode throughout (version 5).
    drawing.add_data(code, optimize=0)
    drawing.make(fit=True)
    modules = drawing.get_matrix()
    step = side / len(modules)
    for number, row in enumerate(modules):
        y, start = corner[1] + side - (number + 1) * step, None
        for place, dark in enumerate([*row, False]):
            if dark and start is None:
                start = place
            elif not dark and start is not None:
                x, wide = corner[0] + start * step, (place - start) * step
                canvas.rect(x, y, wide, step, stroke=0, fill=1)
                start = None
