"""Ask a platform over HTTP, within limits that hold whatever it does; no answer is a FeedError.

The platform is not trusted: it may be slow, endless, compressed a thousandfold, or not itself.
Messages say what happened in our own words, so that no token, code or address of it is in them.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import httpx

from admission.errors import FeedRejected, FeedUnavailable, InvalidInput
from admission.hosts import is_loopback

LONGEST_RETRY_S: Final = 3600.0
MOST_FOUND_BYTES: Final = 64 << 10
"""Of an answer about one voucher: what reads it is the server that decides scans."""
_PIECE: Final = 1 << 16
_GZIP: Final = 16 + zlib.MAX_WBITS
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_COME_AGAIN: Final = frozenset({408, 425, 429})
_CAUSES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (socket.gaierror, "its name is not known here"),
    (ssl.SSLCertVerificationError, "its certificate is not one that this machine trusts"),
    (ssl.SSLError, "no TLS connection could be made"),
    (ConnectionRefusedError, "nothing listens at its address"),
    (ConnectionResetError, "the connection was reset"),
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.TimeoutException, "it fell silent"),
    (httpx.RemoteProtocolError, "the answer broke off, or was not HTTP"),
    (httpx.ConnectError, "no connection"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may take.

    Attributes:
        silence_s: the longest time without a byte.
        whole_s: from the request to the last byte; where an answer is read bit by bit, what the
            reader does in between counts too.
        most_bytes: of the body, uncompressed.
    """

    connect_s: float = 5.0
    silence_s: float = 20.0
    whole_s: float = 60.0
    most_bytes: int = 32 << 20

    def within(self, seconds: float) -> Limits:
        """Return limits for an answer that is wanted sooner."""
        return Limits(seconds, seconds, seconds, self.most_bytes)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `check` says whether it is one that can be used."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class PlatformHttp:
    """One platform's address, asked with its token. For one thread.

    Args:
        url: see `check_url`.
        token: sent as a bearer token; "" sends none.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        # It writes whole addresses, and OCTO is asked for a voucher by its code in one.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._url = check_url(url)
        self._limits = limits or Limits()
        self._cutter = _Cutter()
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {check_token(token)}"
        self._http = httpx.Client(
            headers=sent,
            trust_env=False,  # neither a proxy nor a netrc of the user has a place here
            verify=_authorities(),
            follow_redirects=False,  # a token goes where it was meant to go
            limits=httpx.Limits(max_connections=1, keepalive_expiry=30.0),
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        limits: Limits | None = None,
    ) -> Answer:
        """Ask for something.

        Raises:
            FeedUnavailable: no answer within the limits.
            FeedRejected: an answer that is too large, or compressed in a way we did not ask for.
        """
        return self._whole("GET", path, query=query, headers=headers, limits=limits)

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        limits: Limits | None = None,
    ) -> Answer:
        """Send a JSON body and read the answer; raises as `get` does."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._whole(method, path, body=body, headers=sent, limits=limits)

    @contextmanager
    def opened(
        self, path: str, query: Mapping[str, str], *, limits: Limits
    ) -> Iterator[Iterator[bytes]]:
        """Open a large answer, that is checked, to be read bit by bit; raises as `get` does."""
        with self._opened("GET", path, limits, query=query) as response:
            if response.status_code != HTTPStatus.OK:
                check(Answer(response.status_code, response.headers, b""))
            _check_json(response.headers)
            yield _plain(response, limits.most_bytes)

    def _whole(self, method: str, path: str, *, limits: Limits | None, **given: Any) -> Answer:
        found = limits or self._limits
        with self._opened(method, path, found, **given) as response:
            body = b"".join(_plain(response, found.most_bytes))
            return Answer(response.status_code, response.headers, body)

    @contextmanager
    def _opened(
        self, method: str, path: str, limits: Limits, **given: Any
    ) -> Iterator[httpx.Response]:
        request = self._http.build_request(
            method,
            self._url + path,
            params=given.get("query") or None,
            headers=given.get("headers"),
            content=given.get("body"),
            timeout=httpx.Timeout(limits.silence_s, connect=limits.connect_s),
            extensions={"trace": self._cutter.trace},
        )
        with self._cutter.within(limits.whole_s):
            try:
                response = self._http.send(request, stream=True)
                try:
                    yield response
                finally:
                    response.close()
            except httpx.HTTPError as error:
                if not self._cutter.late:
                    problem = f"no answer from the platform: {_cause(error)}"
                    # Without a connection nothing can have been carried out.
                    sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                    raise FeedUnavailable(problem, sent=sent) from error
        # A body without a length ends where its connection is cut, as if that were its end.
        if self._cutter.late:
            raise FeedUnavailable(f"the platform took longer than {limits.whole_s:g} s")


@cache
def _authorities() -> ssl.SSLContext:
    """Return who may vouch for a platform; reading them takes a while, so once."""
    return ssl.create_default_context()


class _Cutter:
    """Cuts the connection when an answer's time is over.

    The time-outs of sockets bound each step: a platform that sends a byte now and then, in its
    headers even, would hold its reader for ever.
    """

    def __init__(self) -> None:
        self.late = False
        self._stream: Any = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn of each connection as it is made; for httpx's extension of that name."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._stream = info["return_value"]

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut what is not over after so many seconds."""
        self.late = False
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.late = True
        if self._stream is None:
            return
        try:
            # By a second descriptor of the same connection: the reader's own stays as it is.
            with socket.socket(
                fileno=os.dup(self._stream.get_extra_info("socket").fileno())
            ) as cut:
                cut.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already


def check_url(url: str, name: str = "--url") -> str:
    """Return a platform's address without the slash at its end.

    Raises:
        InvalidInput: not https (or http to this machine), or with a user, query or fragment.
    """
    try:
        found = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise InvalidInput(name, "is not a URL") from error
    if found.scheme not in {"https", "http"} or not found.host:
        raise InvalidInput(name, "must be https://HOST/PATH")
    if found.scheme == "http" and not is_loopback(found.host):
        raise InvalidInput(name, "must be https: plain http only to this machine itself")
    if found.userinfo or found.query or found.fragment:
        raise InvalidInput(name, "must have no user, password, query or fragment in it")
    return str(found).rstrip("/")


def check_token(token: str) -> str:
    """Return a token as it can stand in a header.

    Raises:
        InvalidInput: it is empty, or has characters that cannot stand there; it is not quoted.
    """
    stripped = token.strip()
    if _TOKEN.fullmatch(stripped) is None:
        raise InvalidInput("--token-file", "must hold one token of 1 to 4096 printable characters")
    return stripped


def check(answer: Answer) -> Answer:
    """Return an answer of 200 or 304.

    Raises:
        FeedUnavailable: one that says to come again; `Retry-After` is kept, to an hour at most.
        FeedRejected: one that refuses us.
    """
    status = answer.status
    if status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
        return answer
    if status in _COME_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry = _retry_after(answer.headers.get("Retry-After"))
        raise FeedUnavailable(f"the platform answers {status}", retry_after_s=retry)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise FeedRejected("token", f"the platform refuses it with {status}")
    if status == HTTPStatus.NOT_FOUND:
        raise FeedRejected(
            "url", "the platform answers 404: there is no such thing at this address"
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise FeedRejected("url", f"the platform redirects with {status}: give the address itself")
    raise FeedRejected("", f"the platform refuses the question with {status}")


def check_json(answer: Answer) -> Answer:
    """Return an answer that can be used and says that it is JSON; raises as `check` does."""
    check(answer)
    if answer.status == HTTPStatus.OK:
        _check_json(answer.headers)
    return answer


def _check_json(headers: Mapping[str, str]) -> None:
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise FeedRejected("", "the platform's answer is not JSON: is it a page for people?")


def _retry_after(value: str | None) -> float | None:
    """Read `Retry-After`: seconds or a date; None where it is missing or senseless."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    wait_s = at.timestamp() - datetime.fromtimestamp(time.time(), UTC).timestamp()
    return min(max(wait_s, 0.0), LONGEST_RETRY_S)


def _plain(response: httpx.Response, most_bytes: int) -> Iterator[bytes]:
    """Yield a body uncompressed, in pieces of bounded size.

    Not by httpx: it unpacks whatever arrives in one go, and 64 KiB of it can be 64 MiB.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    pieces: Iterable[bytes] = response.iter_raw(_PIECE)
    if encoding == "gzip":
        pieces = _unzip(pieces)
    elif encoding not in {"identity", ""}:
        raise FeedRejected("", "the platform's answer is compressed in a way we did not ask for")
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most_bytes:
            raise FeedRejected("", f"the platform's answer is larger than {most_bytes} bytes")
        yield piece


def _unzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(_GZIP)
    try:
        for packed in pieces:
            rest = packed
            while rest and not unzip.eof:
                yield unzip.decompress(rest, _PIECE)
                rest = unzip.unconsumed_tail
        while not unzip.eof and (piece := unzip.decompress(b"", _PIECE)):
            yield piece
    except zlib.error as error:
        raise FeedRejected("", "the platform's answer is not the gzip that it says") from error
    if not unzip.eof:
        raise FeedUnavailable("no answer from the platform: the answer broke off")


def _cause(error: BaseException) -> str:
    """Say in a few words what kept an answer from coming; the innermost cause says it best."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for kind, words in _CAUSES:
        if any(isinstance(each, kind) for each in chain):
            return words
    return "the connection failed"
