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
LOG_IN_MINUTES = 15
# Of one account from one address; from all addresses; from one address for all accounts. A stranger
# on the network must not be able to lock a supervisor out of the supervisor's own machine.
LOG_INS = 5
LOG_INS_OF_ACCOUNT = 50
LOG_INS_FROM_ADDRESS = 100
VERIFIES_AN_HOUR = 60


class Attempts:
    """Counts in memory, forgotten at a restart."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._enrolments = RateLimitItemPerMinute(settings.enrol_attempts_a_minute)
        self._lookups = RateLimitItemPerHour(settings.lookups_an_hour)
        self._verifies = RateLimitItemPerHour(VERIFIES_AN_HOUR)
        self._pins = RateLimitItemPerMinute(settings.pin_tries, PIN_MINUTES)
        self._log_ins = {
            most: RateLimitItemPerMinute(most, LOG_IN_MINUTES)
            for most in (LOG_INS, LOG_INS_OF_ACCOUNT, LOG_INS_FROM_ADDRESS)
        }
        self._lock_outs = RateLimitItemPerMinute(1, LOG_IN_MINUTES)

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

    def count_log_in(self, name: str, address: str) -> None:
        """Count a password before it is looked at.

        Raises:
            Refused: 429, for this account or this address.
        """
        for most, names in _log_in_names(name, address):
            if not self._limiter.hit(self._log_ins[most], *names):
                raise self._too_many(self._log_ins[most], *names, why="too many wrong passwords; ")

    def log_in_was_right(self, name: str, address: str) -> None:
        """Forget the wrong ones of this account; an address goes on being counted."""
        for most, names in _log_in_names(name, address)[:2]:
            self._limiter.clear(self._log_ins[most], *names)

    def is_first_lock_out(self, name: str) -> bool:
        """Say whether an account was locked out just now, and not a moment ago as well."""
        return self._limiter.hit(self._lock_outs, "lock out", name)

    def _too_many(self, item: RateLimitItem, *names: str, why: str = "") -> Refused:
        free_at = self._limiter.get_window_stats(item, *names).reset_time
        wait_s = max(1, ceil(free_at - time.time()))
        return Refused("too-many", f"{why}try again in {wait_s} s", retry_after_s=wait_s)


def _log_in_names(name: str, address: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    return (
        (LOG_INS, ("log in", name, address)),
        (LOG_INS_OF_ACCOUNT, ("log in of", name)),
        (LOG_INS_FROM_ADDRESS, ("log in from", address)),
    )
