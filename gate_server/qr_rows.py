"""Draw a QR code as rows of modules, for pages that hold no library for it."""

from __future__ import annotations

import qrcode
from qrcode.constants import ERROR_CORRECT_M


def qr_rows(text: str) -> list[str]:
    """Return a code's modules without their margin, row by row; `1` is dark."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    # Unsplit, so that a token stays in alphanumeric mode throughout (version 5).
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return ["".join("1" if dark else "0" for dark in row) for row in code.get_matrix()]
