"""When an offline scan happened: the device's word, corrected, and held between its contacts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SKEW_TOLD = timedelta(minutes=2)
"""A time that is further off than this is told (CONTRACT `clock_skew_s`, conflict `clock_skew`)."""


@dataclass(frozen=True, slots=True)
class ScanTime:
    """When an offline scan counts as made.

    Attributes:
        skewed: the device's word, corrected by its known offset, lay more than `SKEW_TOLD` outside
            of what its contacts allow.
    """

    at: datetime
    skewed: bool


def scan_time(
    claimed_at: datetime,
    offset_ms: int | None,
    *,
    contact_at: datetime | None,
    by: datetime,
) -> ScanTime:
    """Return when a scan was made.

    Args:
        claimed_at: what the device's clock said.
        offset_ms: device clock less server clock as the server measured it; None: never measured.
        contact_at: the device's last contact before the scan; None: none is known.
        by: its first contact after the scan, at the latest the receipt.
    """
    corrected = claimed_at - timedelta(milliseconds=offset_ms or 0)
    at = corrected if contact_at is None else max(corrected, contact_at)
    # Contacts that contradict each other: the scan had been made when the server got it.
    at = min(at, by)
    return ScanTime(at, abs(at - corrected) > SKEW_TOLD)
