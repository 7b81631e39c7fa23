"""Draw the practice codes, as pictures and on paper."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from admission.looks import FACES
from admission.practice import practice_code
from admission.verdicts import OUTCOMES, Outcome, Reason
from scanner_client.state import keep_private

PDF_NAME: Final = "practice.pdf"
FONT: Final = "STSong-Light"  # every reader of PDF brings it along for Chinese
_COLUMNS, _ROWS = 4, 5
_MARGIN, _TOP = 12 * mm, 24 * mm
_SIDE = 32 * mm


def write_practice_codes(directory: Path) -> list[Path]:
    """Write a PNG for each reason, and a PDF with all of them; return what was written."""
    keep_private(directory)
    pictures = {reason: draw(practice_code(reason)) for reason in Reason}
    made = []
    for reason, picture in pictures.items():
        path = directory / f"{practice_code(reason)}.png"
        path.write_bytes(picture)
        made.append(path)
    paper = directory / PDF_NAME
    paper.write_bytes(_paper(pictures))
    return [*made, paper]


def draw(text: str) -> bytes:
    """Return a QR code as PNG, 8 pixels a module."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(text)
    out = io.BytesIO()
    code.make_image().save(out, "PNG")
    return out.getvalue()


def _paper(pictures: Mapping[Reason, bytes]) -> bytes:
    """Lay the codes out on A4, those of one outcome together."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    names = _names()
    for place, reason in enumerate(_grouped()):
        at = place % (_COLUMNS * _ROWS)
        if at == 0:
            if place:
                canvas.showPage()
            _head(canvas)
        _code(canvas, at, reason, pictures[reason], names[reason])
    canvas.save()
    return out.getvalue()


def _grouped() -> Iterator[Reason]:
    for outcome in Outcome:
        yield from (reason for reason in Reason if OUTCOMES[reason] is outcome)


def _head(canvas: Canvas) -> None:
    width, height = A4
    canvas.setFont(FONT, 15)
    canvas.drawString(_MARGIN, height - 14 * mm, "练习码 Practice codes")
    canvas.setFont(FONT, 9)
    canvas.drawRightString(
        width - _MARGIN, height - 14 * mm, "只在练习模式下有用 Of use in practice mode only"
    )


def _code(canvas: Canvas, at: int, reason: Reason, picture: bytes, name: Mapping[str, Any]) -> None:
    width, height = A4
    row, column = divmod(at, _COLUMNS)
    wide, high = (width - 2 * _MARGIN) / _COLUMNS, (height - _TOP - _MARGIN) / _ROWS
    left, top = _MARGIN + column * wide, height - _TOP - row * high
    middle = left + wide / 2
    image = ImageReader(io.BytesIO(picture))
    canvas.drawImage(image, middle - _SIDE / 2, top - _SIDE, _SIDE, _SIDE)
    face = FACES[OUTCOMES[reason]]
    canvas.setFont(FONT, 10)
    canvas.drawCentredString(middle, top - _SIDE - 4 * mm, f"{face.word} {name['name_zh']}")
    canvas.setFont(FONT, 7.5)
    canvas.drawCentredString(middle, top - _SIDE - 8 * mm, str(name["name_en"]))


def _names() -> Mapping[str, Mapping[str, Any]]:
    text = files("gatehouse_config").joinpath("messages/verdicts.toml").read_text("utf-8")
    return tomllib.loads(text)
