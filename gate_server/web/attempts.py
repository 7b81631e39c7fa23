"""Limit what could be guessed or misused: failed enrolments, look-ups by phone, PINs.

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

PIN_MINUTES = 15
VERIFIES_AN_HOUR = 60


class Attempts:
    """Counts in memory, forgotten at a restart."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._enrolments = RateLimitItemPerMinute(settings.enrol_attempts_a_minute)
        self._lookups = RateLimitItemPerHour(settings.lookups_an_hour)
        self._verifies = RateLimitItemPerHour(VERIFIES_AN_HOUR)
        self._pins = RateLimitItemPerMinute(settings.pin_tries, PIN_MINUTES)

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

    def count_verify(self, name: str) -> None:
        """Count a question about the phone that bought a voucher, of one device or account.

        Raises:
            Refused: 429.
        """
        if not self._limiter.hit(self._verifies, "verify", name):
            raise self._too_many(self._verifies, "verify", name)

    def count_pin(self, device_id: str, operator: str) -> None:
        """Count a PIN before it is looked at, so that many at once are not more than that.

        Raises:
            Refused: 429, for this device or this operator.
        """
        for name in (("pin at", device_id), ("pin of", operator)):
            if not self._limiter.hit(self._pins, *name):
                raise self._too_many(
                    self._pins, *name, why="too many wrong PINs; a badge still works, or "
                )

    def pin_was_right(self, device_id: str, operator: str) -> None:
        """Forget the wrong ones before it."""
        self._limiter.clear(self._pins, "pin at", device_id)
        self._limiter.clear(self._pins, "pin of", operator)

    def _too_many(self, item: RateLimitItem, *names: str, why: str = "") -> Refused:
        free_at = self._limiter.get_window_stats(item, *names).reset_time
        wait_s = max(1, ceil(free_at - time.time()))
        return Refused("too-many", f"{why}try again in {wait_s} s", retry_after_s=wait_s)
