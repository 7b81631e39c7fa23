"""How many people one device can have seen arrive in a minute; more is not people but pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from admission.arrivals import Stamp, find_number, is_numbered
from admission.calendar import Venue
from admission.findings import Finding, FindingKind
from admission.scans import Direction, Mode
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.vouchers import Voucher

SPAN: Final = timedelta(minutes=1)
"""What arrivals are counted over."""


def is_counted(mode: Mode, direction: Direction, *, staffed: bool) -> bool:
    """Say whether a scan can be an arrival that nobody passes by: a stamp, or any at a kiosk."""
    if mode is Mode.ARRIVE:
        return True
    return not staffed and mode is Mode.ADMIT and direction is Direction.ENTRY


def is_fresh(
    stamps: Sequence[Stamp],
    venue: Venue,
    *,
    device_id: str,
    mode: Mode,
    voucher: Voucher | None,
    party: int | None,
    now: datetime,
) -> bool:
    """Say whether a scan would be a new arrival: one who was stamped before is no new one.

    Args:
        stamps: what is on record of the voucher or code.
    """
    if mode is Mode.ARRIVE:
        return find_number(stamps, venue, voucher=voucher, party=party, now=now) is None
    return not any(
        record.device_id == device_id and now - record.scan_at < SPAN for record, _ in stamps
    )


def is_new(reason: Reason, mode: Mode) -> bool:
    """Say whether a fresh scan that was answered so is a new arrival."""
    if mode is Mode.ARRIVE:
        return is_numbered(reason)
    return OUTCOMES[reason] is not Outcome.REFUSE and reason is not Reason.BULK_ARRIVALS


def find_bulk(
    device_id: str, arrivals: Sequence[datetime], *, most: int, venue: Venue
) -> Finding | None:
    """Return what is odd in the arrivals of one device within a minute; None: nothing is.

    Args:
        arrivals: new ones, the latest among them the newest.
        most: so many are not odd; 0: nobody looks.
    """
    if most == 0 or len(arrivals) <= most:
        return None
    first, last = min(arrivals), max(arrivals)
    return Finding(
        kind=FindingKind.BULK_ARRIVALS,
        subject=f"{device_id} {venue.day_of(last)}",
        since=first,
        until=last,
        vouchers=len(arrivals),
        people=len(arrivals),
        measure={"most": most},
    )
