"""What a device asks for the slip of a refused visitor, and what then stands on the paper."""

from __future__ import annotations

from datetime import datetime

from admission.verdicts import Reason
from admission.wire_base import Answer, Ident, Nonce, Request, Text


class RefusalSlipRequest(Request, frozen=True):
    """Print the slip of a scan that was not let in.

    Attributes:
        device_id: whose scan it is; absent: the asking device's own.
        nonce: makes a lost answer safe to ask again: the same nonce is the same copy.
    """

    device_id: Ident | None = None
    nonce: Nonce | None = None


class RefusalSlipAnswer(Answer, frozen=True):
    """Proof that a visitor came and was not let in. Its code admits nobody.

    Attributes:
        number: of the slip, `R1-57`.
        copy: 1: the first that was printed; a later one is marked on the paper.
        code: signed by the venue; scanned, it says what it proves.
        modules: the code as a QR picture without its margin, row by row; `1` is dark.
        came_at: of the scan; `local_time`: by the venue's clocks, `2015-02-12 18:05`.
        tail: of the code that was shown; None: nothing of it is kept.
        people: who stood there; None: nobody counted them.
        short, message: the reason in a word, and as staff were told it.
    """

    number: str
    copy: int
    code: str
    modules: list[str]
    came_at: datetime
    local_time: str
    gate_id: str
    gate_name: str
    venue: str
    title: str | None
    tail: str | None
    people: int | None
    reason: Reason
    short: Text
    message: Text
    help_desk: Text
