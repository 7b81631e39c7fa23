"""Tell a time that no jump of the wall clock moves: the device's, and the gate server's by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The quartz of a cheap device is off by up to 100 parts in a million; twice that when it is hot.
DRIFT = 200e-6
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Known:
    """What a clock has learnt, to be kept for the next start.

    Attributes:
        boot: names the start of the machine that `zero` belongs to.
        zero: the device's time when the machine started, as its clock first told.
        offset_s: server time less steady device time.
        wall_offset_s: server time less the wall clock's, when it was learnt.
        server_at: the latest server time that was told.
    """

    boot: str
    zero: datetime
    offset_s: float | None = None
    wall_offset_s: float = 0.0
    server_at: datetime | None = None


def wall_clock() -> datetime:
    """Return the time that the machine's clock shows, aware UTC."""
    return datetime.now(UTC)


def seconds_up() -> float:
    """Return the seconds since the machine started, those too in which it slept."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def boot_name() -> str:
    """Return what names this start of the machine; "" where the system does not tell."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


class SteadyClock:
    """The time of this device and, once learnt, of the gate server. Safe for several threads.

    Within one start of the machine the device's time goes on evenly, in every process that is given
    what the one before it knew.

    Args:
        known: what `known` told before this process started.
    """

    def __init__(
        self,
        known: Known | None = None,
        *,
        wall: Callable[[], datetime] = wall_clock,
        monotonic: Callable[[], float] = seconds_up,
        boot: str | None = None,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._lock = threading.Lock()
        self._error_s, self._learnt_at_s = float("inf"), monotonic()
        boot = boot_name() if boot is None else boot
        if known is not None and boot and known.boot == boot:
            self._known = known
        else:
            self._known = _carried(known, boot, wall(), monotonic())

    def wall(self) -> datetime:
        """Return the device's steady time: for heartbeats, and for when a scan was made."""
        return self._known.zero + timedelta(seconds=self._monotonic())

    def now(self) -> datetime:
        """Return the server's time as well as it is known.

        Before a first contact since the start: the wall clock's, corrected as it last had to be,
        and never earlier than the last time that the server told.
        """
        return self.wall() + timedelta(seconds=self._known.offset_s or 0.0)

    def mark(self) -> float:
        """Return a mark of now, for `learn` to know how long an answer took."""
        return self._monotonic()

    def learn(self, server_time: datetime, asked: float | None = None) -> None:
        """Take the server's time from an answer that came just now.

        Args:
            asked: the mark of when the question was sent; the shorter ago, the surer the time.
        """
        up_s, wall = self._monotonic(), self._wall()
        error_s = max(0.0, up_s - asked) / 2 if asked is not None else 1.0
        server_now = server_time + timedelta(seconds=error_s)
        with self._lock:
            device_now = self._known.zero + timedelta(seconds=up_s)
            offset_s = (server_now - device_now).total_seconds()
            latest = max(self._known.server_at or server_time, server_time)
            stale_s = self._error_s + (up_s - self._learnt_at_s) * DRIFT
            far_s = abs(offset_s - (self._known.offset_s or 0.0))
            if error_s > stale_s and far_s <= error_s + stale_s:
                self._known = replace(self._known, server_at=latest)
                return
            if far_s > error_s + stale_s:
                # The server's own clock was set: what it told before is no bound any more.
                latest = server_time
            self._error_s, self._learnt_at_s = error_s, up_s
            self._known = replace(
                self._known,
                offset_s=offset_s,
                wall_offset_s=(server_now - wall).total_seconds(),
                server_at=latest,
            )

    @property
    def learnt(self) -> bool:
        """Whether the server has told its time since this process started."""
        return self._error_s != float("inf")

    def known(self) -> Known:
        """Return what the next start should be given."""
        return self._known


def _carried(known: Known | None, boot: str, wall: datetime, up_s: float) -> Known:
    """Begin with this start's wall clock, and with what an earlier start learnt of its error."""
    zero = wall - timedelta(seconds=up_s)
    if known is None:
        return Known(boot, zero)
    offset_s = known.wall_offset_s
    if known.server_at is not None:
        # A machine without a battery begins in 1970: it goes on from what the server last told.
        offset_s = max(offset_s, (known.server_at - wall).total_seconds())
    return Known(boot, zero, offset_s, offset_s, known.server_at)
