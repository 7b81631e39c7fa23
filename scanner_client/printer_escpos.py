"""Print on a thermal printer that speaks ESC/POS, whatever carries the bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from escpos import printer
from PIL import Image

from scanner_client.printer_devices import FAILED, Device, open_device
from scanner_client.printer_layout import Line, Paper, columns_of, modules_of, wrap
from scanner_client.printer_settings import PrinterSettings
from scanner_client.printing import Doubtful, NotPrinted

LEAST_DOTS, MOST_DOTS = 4, 8
_COLUMN_DOTS = 12  # of a character in font A; a Chinese one is twice as wide
_CHINESE_ON = b"\x1c&"
# Answered when all that was sent before has been worked through; bits 2 and 3: no paper left.
_ASK_PAPER = b"\x1dr\x01"
_NO_PAPER = 0b1100


class ThermalPrinter:
    """One thermal printer; opened for each paper, so that it may be switched off in between."""

    def __init__(self, settings: PrinterSettings) -> None:
        self._settings = settings

    def print(self, papers: list[Paper]) -> None:
        """Print papers, each cut off by itself.

        Raises:
            NotPrinted: nothing was sent; the paper can wait.
            Doubtful: it broke off while it was sent, or the printer does not say that it is done.
        """
        data = b"".join(write_paper(paper, self._settings) for paper in papers)
        with self._opened() as device:
            try:
                device.write(data)
                if self._confirms:
                    device.write(_ASK_PAPER)
                    self._check(device.read())
            except FAILED as error:
                raise Doubtful(f"the printer broke off: {error}") from error

    @property
    def _confirms(self) -> bool:
        return self._settings.confirm and self._settings.kind != "escpos-file"

    def _check(self, answer: bytes) -> None:
        if not answer:
            raise Doubtful("the printer does not say that it is done: look whether it jammed")
        if answer[0] & _NO_PAPER == _NO_PAPER:
            raise Doubtful("the printer has run out of paper")

    @contextmanager
    def _opened(self) -> Iterator[Device]:
        try:
            device = open_device(self._settings)
        except FAILED as error:
            raise NotPrinted(f"the printer does not answer: {error}") from error
        try:
            yield device
        finally:
            device.close()


def write_paper(paper: Paper, settings: PrinterSettings) -> bytes:
    """Return the bytes that print one paper."""
    sheet = printer.Dummy()
    media = {"width": {"pixels": settings.width_px, "mm": "Unknown"}}
    sheet.profile.profile_data = {**sheet.profile.profile_data, "media": media}
    sheet.hw("INIT")
    sheet._raw(_CHINESE_ON)
    _write_lines(sheet, paper.above, settings)
    sheet.set(align="center")
    sheet.image(draw_code(paper.code, settings.width_px), impl="bitImageRaster")
    _write_lines(sheet, paper.below, settings)
    sheet.ln(1)
    if settings.cut:
        sheet.cut()
    else:
        sheet.ln(4)
    written: bytes = sheet.output
    return written


def draw_code(code: str, width_px: int) -> Image.Image:
    """Return a code as a picture of whole dots a module, as large as the paper allows."""
    modules = modules_of(code)
    dots = max(LEAST_DOTS, min(MOST_DOTS, width_px // len(modules)))
    picture = Image.new("1", (len(modules), len(modules)), 1)
    picture.putdata([0 if module else 1 for row in modules for module in row])
    side = len(modules) * dots
    return picture.resize((side, side), Image.Resampling.NEAREST)


def _write_lines(sheet: printer.Dummy, lines: tuple[Line, ...], settings: PrinterSettings) -> None:
    for line in lines:
        size = 2 if line.large else 1
        columns = settings.width_px // _COLUMN_DOTS // size
        sheet.set(align="center", custom_size=True, width=size, height=size)
        for part in wrap(line.text, max(columns, columns_of("人"))):
            sheet._raw(part.encode(settings.encoding, "replace") + b"\n")
    sheet.set(align="center", normal_textsize=True)
