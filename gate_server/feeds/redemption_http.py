"""Call a platform's redemption API: one request, one bounded answer, and which errors mean what.

What matters is whether the platform may have carried out what it was asked: then it is asked about
before anything is sent again.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpx
import msgspec

from admission.errors import FeedRejected, FeedUnavailable

MOST_BYTES: Final = 4 * 1024 * 1024
CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
"""In all; less than the ledger waits before it takes a deed for lost."""
LONGEST_PAUSE_S: Final = 3600.0
_TOO_MANY: Final = 429
_SERVER: Final = 500
# The platform does not let us in, or there is nothing at the address: it has not looked at a deed.
_SHUT: Final = frozenset({401, 403, 404, 405, 407, 501})
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the document that it is.

        Raises:
            FeedUnavailable: it is none: cut short, or another site's page.
        """
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise FeedUnavailable("the platform's answer is not JSON, or cut short") from error


class Calls:
    """Calls one platform, a connection kept between the calls; from several threads at once."""

    def __init__(self, *, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        timeout = httpx.Timeout(answer_s, connect=CONNECT_S)
        self._http = httpx.Client(
            timeout=timeout, follow_redirects=False, trust_env=False, verify=_authorities()
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Make a call and return its answer, also one that refuses it.

        Raises:
            FeedUnavailable: there is no whole answer, or one that says to come again.
        """
        try:
            answer = self._call(method, url, headers, body)
        except _NOT_SENT as error:
            problem = f"the platform cannot be reached ({type(error).__name__})"
            raise FeedUnavailable(problem, sent=False) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"the platform did not answer ({type(error).__name__})"
            raise FeedUnavailable(problem) from error
        if answer.status == _TOO_MANY or answer.status >= _SERVER:
            raise FeedUnavailable(
                f"the platform answered {answer.status}",
                retry_after_s=_retry_after(answer.headers.get("retry-after")),
                sent=answer.status != _TOO_MANY,
            )
        return answer

    def _call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        until, found = time.monotonic() + self._answer_s, bytearray()
        with self._http.stream(method, url, headers=dict(headers), content=body) as answer:
            for part in answer.iter_bytes():
                found += part
                if len(found) > MOST_BYTES or time.monotonic() > until:
                    raise httpx.ReadTimeout("too long an answer")
        return Answer(answer.status_code, bytes(found), answer.headers)


@cache
def _authorities() -> ssl.SSLContext:
    """Return whom we trust to say who a platform is; reading that takes a while, so once."""
    return ssl.create_default_context()


def check(answer: Answer) -> Answer:
    """Return an answer that is a success.

    Raises:
        FeedUnavailable: the platform did not look at what was sent.
        FeedRejected: it looked, and cannot take it.
    """
    if answer.good:
        return answer
    problem = f"the platform answered {answer.status}"
    if answer.status in _SHUT:
        raise FeedUnavailable(f"{problem}: see to the address and the secret", sent=False)
    if answer.status < 400:
        raise FeedUnavailable(f"{problem}, which is no answer of its API")
    raise FeedRejected("", problem)


def _retry_after(text: str | None) -> float | None:
    """Return what `Retry-After` asks for, seconds or a date; None where it says nothing."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(0.0, seconds), LONGEST_PAUSE_S)
