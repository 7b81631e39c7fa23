"""Draw QR codes: in the terminal and as PNG."""

from __future__ import annotations

import io

import qrcode
from qrcode.constants import ERROR_CORRECT_M


def terminal_qr(text: str) -> str:
    """Return a QR code as lines of block characters, light on a dark terminal."""
    out = io.StringIO()
    _qr(text).print_ascii(out=out, invert=True)
    return out.getvalue()


def png_qr(text: str) -> bytes:
    """Return a QR code as a PNG picture, 10 pixels a module, 4 modules of margin."""
    out = io.BytesIO()
    _qr(text).make_image().save(out, "PNG")
    return out.getvalue()


def _qr(text: str) -> qrcode.QRCode:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=10, border=4)
    # Unsplit, so that a token stays in alphanumeric mode throughout (version 5).
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return code
