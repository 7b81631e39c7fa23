"""Number the stamps of people who arrive: who gets a new number, and who the one given before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from admission.calendar import Venue
from admission.history import Record
from admission.verdicts import Reason
from admission.vouchers import Voucher

Stamp = tuple[Record, str | None]
"""A recorded scan with the arrival number that it was answered with."""

_NO_STAMP = frozenset(
    {
        *(Reason.MALFORMED_CODE, Reason.NOT_A_TICKET, Reason.BAD_SIGNATURE, Reason.UNKNOWN_CODE),
        Reason.REFUSAL_SLIP,
        *(Reason.SLIP_NOT_HANDED_OUT, Reason.SLIP_OTHER_DAY, Reason.SLIP_BOUND, Reason.SLIP_ALONE),
        Reason.BULK_ARRIVALS,
    }
)


def is_numbered(reason: Reason) -> bool:
    """Say whether an arrival that was answered so gets a number: not what is no voucher."""
    return reason not in _NO_STAMP


def find_number(
    stamps: Iterable[Stamp],
    venue: Venue,
    *,
    voucher: Voucher | None,
    party: int | None,
    now: datetime,
) -> str | None:
    """Return the number that a stamp answers with: the day's first; None: a new one is due.

    A new one is due to the day's first stamp, and to a stamp for more people than were seen.

    Args:
        stamps: what is on record of the voucher or code.
        party: people whom the new stamp is for; None: all that the voucher admits.
    """
    admits = voucher.admits if voucher is not None else 1
    day = venue.day_of(now)
    today = sorted(
        (
            (record, number)
            for record, number in stamps
            if number and not record.struck and venue.day_of(record.scan_at) == day
        ),
        key=lambda stamp: stamp[0].scan_at,
    )
    seen = max((record.party or admits for record, _ in today), default=0)
    return today[0][1] if today and (party or admits) <= seen else None
