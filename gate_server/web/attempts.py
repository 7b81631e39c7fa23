"""Limit what could be guessed or misused: failed enrolments, look-ups by phone.

With the `limits` library alone: Flask-Limiter stands on it, but looks at every request by a hook,
scans too, and a device's scans are never limited.
"""

from __future__ import annotations

import time
from math import ceil

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from gate_server.settings import Settings
from gate_server.web.problems import Refused


class Attempts:
    """Counts in memory, forgotten at a restart."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._enrolments = RateLimitItemPerMinute(settings.enrol_attempts_a_minute)
        self._lookups = RateLimitItemPerHour(settings.lookups_an_hour)

    def check_enrolment(self, address: str) -> None:
        """Turn away an address with too many failed enrolments.

        Raises:
            Refused: 429.
        """
        if not self._limiter.test(self._enrolments, "enrol", address):
            raise self._too_many(self._enrolments, "enrol", address)

    def enrolment_failed(self, address: str) -> None:
        """Count a failed enrolment."""
        self._limiter.hit(self._enrolments, "enrol", address)

    def count_lookup(self, name: str) -> None:
        """Count a look-up by phone.

        Raises:
            Refused: 429.
        """
        if not self._limiter.hit(self._lookups, "lookup", name):
            raise self._too_many(self._lookups, "lookup", name)

    def _too_many(self, item: RateLimitItem, *names: str) -> Refused:
        free_at = self._limiter.get_window_stats(item, *names).reset_time
        wait_s = max(1, ceil(free_at - time.time()))
        return Refused("too-many", f"try again in {wait_s} s", retry_after_s=wait_s)
