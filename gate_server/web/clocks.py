"""Notice from the devices' clocks that the server's own is wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from admission.scans import Device
from gate_server.ledger.catalogue import Catalogue, Seen

OFF_BY = timedelta(minutes=2)
DEVICES_NEEDED = 3
_SEEN_WITHIN = timedelta(minutes=15)

log = logging.getLogger("gatehouse.clock")


def devices_ahead(
    devices: Mapping[str, Device], seen: Mapping[str, Seen], now: datetime
) -> tuple[int, int]:
    """Return how many devices heard of lately are ahead of the server's clock, and how many behind.

    Only those off by more than two minutes count.
    """
    off_ms = OFF_BY.total_seconds() * 1000
    offsets = [
        device.offset_ms
        for device_id, device in devices.items()
        if device.offset_ms is not None
        and not device.revoked
        and (word := seen.get(device_id)) is not None
        and word.seen_at is not None
        and now - word.seen_at <= _SEEN_WITHIN
    ]
    return sum(each > off_ms for each in offsets), sum(each < -off_ms for each in offsets)


class ClockWatch:
    """Says once in the log when the alarm begins and when it ends."""

    def __init__(self) -> None:
        self._alarmed = False

    def alarmed(self, catalogue: Catalogue, now: datetime) -> bool:
        """Say whether three devices disagree with the server's clock in the same direction."""
        ahead, behind = devices_ahead(catalogue.devices, catalogue.seen, now)
        alarmed = max(ahead, behind) >= DEVICES_NEEDED
        if alarmed and not self._alarmed:
            side = "ahead of" if ahead >= behind else "behind"
            log.error(
                "%d devices are more than 2 minutes %s this server's clock; is it wrong?",
                max(ahead, behind),
                side,
            )
        if self._alarmed and not alarmed:
            log.warning("the devices agree with this server's clock again")
        self._alarmed = alarmed
        return alarmed
