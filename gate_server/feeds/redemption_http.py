"""Call a platform's redemption API, and say of a failure whether the platform may have acted.

Where it may have, what was sent is asked about before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from admission.errors import FeedRejected, FeedUnavailable
from gate_server.feeds.http import Answer, Limits, PlatformHttp
from gate_server.feeds.http import check as check_answer

LIMITS: Final = Limits(connect_s=5.0, silence_s=15.0, whole_s=20.0, most_bytes=8 << 20)
"""Of one call; in all less than the ledger waits before it takes a deed for lost."""
_TOO_MANY: Final = 429
# The platform does not let us in, or there is nothing at the address: it has not looked at a deed.
_SHUT: Final = frozenset({401, 403, 404, 405, 407, 501})


class Calls:
    """Calls one platform, from several threads at once; connections are kept between the calls."""

    def __init__(self, url: str, token: str = "", *, headers: Mapping[str, str] | None = None):
        self._url = url
        self._token = token
        self._headers = headers or {}
        self._idle: list[PlatformHttp] = []

    def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            self._idle.pop().close()

    def call(
        self,
        method: str,
        path: str = "",
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a call and return its answer, also one that refuses it.

        Raises:
            FeedUnavailable: there is no whole answer, or one that says to come again; `sent` says
                whether the platform may have done what it was asked.
        """
        http = self._take()
        try:
            if body is None:
                answer = http.get(path, query, headers)
            else:
                answer = http.send(method, path, body, headers)
        except FeedRejected as error:  # too long, or not the compression that it says
            raise FeedUnavailable(f"the platform's answer cannot be read: {error}") from error
        finally:
            self._idle.append(http)
        if answer.status == _TOO_MANY or answer.status >= 500:
            _come_again(answer)
        return answer

    def _take(self) -> PlatformHttp:
        # list.pop() is one step for all threads; one that finds none makes a connection more.
        try:
            return self._idle.pop()
        except IndexError:
            return PlatformHttp(self._url, self._token, headers=self._headers, limits=LIMITS)


def _come_again(answer: Answer) -> None:
    try:
        check_answer(answer)
    except FeedUnavailable as error:
        raise FeedUnavailable(
            str(error), retry_after_s=error.retry_after_s, sent=answer.status != _TOO_MANY
        ) from error


def is_good(answer: Answer) -> bool:
    """Say whether an answer is a success."""
    return 200 <= answer.status < 300


def check(answer: Answer) -> Answer:
    """Return an answer that is a success.

    Raises:
        FeedUnavailable: the platform did not look at what was sent.
        FeedRejected: it looked, and cannot take it.
    """
    if is_good(answer):
        return answer
    problem = f"the platform answers {answer.status}"
    if answer.status in _SHUT:
        raise FeedUnavailable(f"{problem}: see to the address and the secret", sent=False)
    if answer.status < 400:
        raise FeedUnavailable(f"{problem}, which is no answer of its API")
    raise FeedRejected("", problem)


def read_json(answer: Answer, kind: Any = Any) -> Any:
    """Return the document that an answer is.

    Raises:
        FeedUnavailable: it is none, or another one: cut short, or some other site's page. Whatever
            answered, the platform may have acted.
    """
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FeedUnavailable("the platform's answer cannot be understood") from error
