"""Ask the gate server over HTTP; what is not an answer becomes a RelayError that says why."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

import httpx
from msgspec import Struct

from admission import wire
from admission.errors import RelayError
from admission.hosts import is_loopback
from admission.scans import Mode
from admission.wire_incidents import IncidentDetail, IncidentRequest
from admission.wire_notices import BroadcastsTold, WhyAnswer
from admission.wire_outage import NDJSON
from admission.wire_passage import PassageAnswer, PassageRequest, ReportAnswer, ReportRequest
from admission.wire_people import (
    ShiftsAnswer,
    ShiftsRequest,
    SignedIn,
    SignedOut,
    SignInRequest,
)
from admission.wire_refusals import RefusalSlipAnswer, RefusalSlipRequest
from admission.wire_tickets import (
    ReprintRequest,
    ScanTickets,
    SlipAnswer,
    SlipRequest,
    TicketAnswer,
)
from scanner_client.answers import NoAnswer, Response, Taken, read_answer, read_batch_answer
from scanner_client.patience import Patience

T = TypeVar("T")

MOST_BYTES = 1 << 20
# Longer than the pause between two heartbeats, so that a scan finds its connection open.
KEEP_OPEN_S = 60
OWN_STAMP = SlipRequest()


@dataclass(frozen=True, slots=True)
class Server:
    """Where the gate server is, and whom to believe that it is the one.

    Attributes:
        url: `https://HOST:PORT`, or `http://` and a loopback address.
        trust: trusts the venue's own authority alone; None over loopback HTTP.
    """

    url: str
    trust: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise RelayError(f"not a URL: {error}") from error
        if not url.host or url.scheme not in {"http", "https"}:
            raise RelayError("the URL must be https://HOST:PORT")
        if url.scheme == "http" and not is_loopback(url.host):
            raise RelayError(f"plain HTTP only to this machine, not to {url.host}: use https")
        if url.scheme == "https" and self.trust is None:
            raise RelayError("https needs the venue's authority: enrol with the full URL")


class Relay:
    """The calls of one device. Safe for several threads.

    Every call raises RelayError: `NoAnswer` where the same may be sent again, `NotUnderstood`
    where not, `Declined` for the server's own no.
    """

    def __init__(self, server: Server, *, token: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._patience = Patience()
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=server.url,
            headers=headers,
            # Without an authority of its own it trusts none: over loopback HTTP nobody is asked,
            # and loading those of the system takes 50 ms of every start.
            verify=server.trust or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,  # a proxy or netrc of the user has no place between gate and server
            follow_redirects=False,
            timeout=timeout_s,
            limits=httpx.Limits(keepalive_expiry=KEEP_OPEN_S),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def enrol(self, request: wire.EnrolRequest) -> wire.Enrolled:
        """Turn an enrolment code into a device."""
        return self._ask("POST", "/api/v1/devices/enrol", wire.Enrolled, request)

    def fetch_ready(self) -> wire.Ready:
        """Fetch which ledger the server has."""
        return self._ask("GET", "/readyz", wire.Ready)

    def fetch_self(self) -> wire.DeviceSelf:
        """Fetch what the server knows of this device."""
        return self._ask("GET", "/api/v1/devices/self", wire.DeviceSelf)

    def fetch_broadcasts(self) -> BroadcastsTold:
        """Fetch what this device is to show now."""
        return self._ask("GET", "/api/v1/devices/self/broadcasts", BroadcastsTold)

    def fetch_why(self) -> WhyAnswer:
        """Fetch which deals explain why it is busy."""
        return self._ask("GET", "/api/v1/why", WhyAnswer)

    def heartbeat(self, request: wire.HeartbeatRequest) -> wire.Heartbeat:
        """Give a sign of life."""
        return self._ask("POST", "/api/v1/devices/self/heartbeat", wire.Heartbeat, request)

    def scan(self, request: wire.ScanRequest, within_s: float | None = None) -> wire.ScanAnswer:
        """Submit a scan; wait at most `within_s` seconds, by default the relay's time-out."""
        seconds = None if within_s is None else min(within_s, self._timeout_s)
        answer = self._ask("POST", "/api/v1/scans", wire.ScanAnswer, request, seconds)
        # A cache between here and the server must never let in a second visitor; `check` has no
        # nonce of its own.
        if answer.nonce != request.nonce and request.mode is not Mode.CHECK:
            raise NoAnswer("answered for another scan")
        return answer

    def fetch_tickets(self, nonce: str) -> ScanTickets:
        """Fetch the living tickets of an exchange of this device."""
        return self._ask("GET", f"/api/v1/scans/{nonce}/tickets", ScanTickets)

    def fetch_slip(self, nonce: str, request: SlipRequest = OWN_STAMP) -> SlipAnswer:
        """Fetch the slip of an arrival stamp, which is made now if there is none."""
        return self._ask("POST", f"/api/v1/scans/{nonce}/slip", SlipAnswer, request)

    def fetch_refusal_slip(self, nonce: str, request: RefusalSlipRequest) -> RefusalSlipAnswer:
        """Fetch the slip of a scan that was not let in; a copy where it was printed before."""
        return self._ask("POST", f"/api/v1/scans/{nonce}/refusal-slip", RefusalSlipAnswer, request)

    def reprint(self, ticket: str, request: ReprintRequest) -> TicketAnswer:
        """Have a new ticket put in the place of one."""
        return self._ask("POST", f"/api/v1/tickets/{ticket}/reprint", TicketAnswer, request)

    def call_for_help(self, request: IncidentRequest, within_s: float) -> IncidentDetail:
        """Call for help; the same nonce again is the same call."""
        return self._ask("POST", "/api/v1/incidents", IncidentDetail, request, within_s)

    def annul(self, nonce: str, request: wire.AnnulRequest) -> wire.ScanAnswer:
        """Take back people who did not pass."""
        return self._ask("POST", f"/api/v1/scans/{nonce}/annul", wire.ScanAnswer, request)

    def count(self, request: wire.CountRequest) -> wire.Counted:
        """Count people who have no voucher."""
        return self._ask("POST", "/api/v1/counts", wire.Counted, request)

    def annul_count(self, nonce: str, request: wire.AnnulRequest) -> wire.Counted:
        """Take back counted people."""
        return self._ask("POST", f"/api/v1/scans/{nonce}/annul", wire.Counted, request)

    def tell_passage(self, nonce: str, request: PassageRequest) -> PassageAnswer:
        """Tell how many people of a scan have turned so far."""
        return self._ask("POST", f"/api/v1/scans/{nonce}/passage", PassageAnswer, request)

    def report(self, request: ReportRequest) -> ReportAnswer:
        """Report something about the turnstile."""
        return self._ask("POST", "/api/v1/devices/self/reports", ReportAnswer, request)

    def sign_in(self, request: SignInRequest, within_s: float) -> SignedIn:
        """Say who stands here; a PIN takes the server longer than a scan."""
        return self._ask("POST", "/api/v1/operators/sign-in", SignedIn, request, within_s)

    def sign_out(self) -> SignedOut:
        """Say that nobody stands here any more."""
        return self._ask("POST", "/api/v1/operators/sign-out", SignedOut)

    def tell_shifts(self, request: ShiftsRequest) -> ShiftsAnswer:
        """Tell who stood here while the server was away."""
        return self._ask("POST", "/api/v1/operators/shifts", ShiftsAnswer, request)

    def send_batch(self, lines: Sequence[bytes], within_s: float) -> Taken:
        """Hand over what was decided while the server was away, oldest first."""
        body = b"\n".join(lines) + b"\n"
        path = "/api/v1/scans/batch"
        response = self._wait(
            lambda: self._send("POST", path, body, within_s, content_type=NDJSON), within_s
        )
        return read_batch_answer(response, len(lines))

    @contextmanager
    def opened(
        self, path: str, *, accept: str, silence_s: float, query: Mapping[str, str | int]
    ) -> Iterator[httpx.Response]:
        """Open an answer that comes bit by bit; `streams` reads it.

        Args:
            silence_s: the longest time without a byte; the whole may take as long as it takes.
        """
        patience = httpx.Timeout(self._timeout_s, read=silence_s)
        headers = {"Accept": f"{accept}, application/problem+json"}
        request = self._http.build_request(
            "GET", path, params=query, headers=headers, timeout=patience
        )
        try:
            answer = self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise no_answer(error) from error
        except RuntimeError as error:  # from httpx, where this relay was closed meanwhile
            raise NoAnswer(f"this scanner is closing: {error}") from error
        try:
            yield answer
        finally:
            answer.close()

    def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        request: Struct | None = None,
        within_s: float | None = None,
    ) -> T:
        seconds = self._timeout_s if within_s is None else within_s
        body = None if request is None else wire.write(request)
        response = self._wait(lambda: self._send(method, path, body, seconds), seconds)
        return read_answer(response, kind)

    def _wait(self, call: Callable[[], Response], seconds: float) -> Response:
        try:
            return self._patience.run(call, seconds)
        except TimeoutError as error:
            raise NoAnswer(str(error)) from error

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        seconds: float,
        *,
        content_type: str = "application/json",
    ) -> Response:
        headers = {"Content-Type": content_type} if body is not None else None
        request = self._http.build_request(
            method, path, content=body, headers=headers, timeout=seconds
        )
        return send(self._http, request)


def fetch_authority(url: str, context: ssl.SSLContext, timeout_s: float) -> bytes:
    """Fetch the venue's authority, PEM, from `/ca`, over a context that believes anyone.

    Raises RelayError: no answer, or not a certificate; compare its hash before it is trusted.
    """
    with httpx.Client(verify=context, trust_env=False, timeout=timeout_s) as client:
        request = client.build_request("GET", f"{url}/ca")
        try:
            response = Patience().run(lambda: send(client, request), timeout_s)
        except TimeoutError as error:
            raise NoAnswer(str(error)) from error
    if response.status != httpx.codes.OK or b"BEGIN CERTIFICATE" not in response.body:
        raise NoAnswer(f"answered {response.status} without its certificate at {url}/ca")
    return response.body


def send(client: httpx.Client, request: httpx.Request) -> Response:
    """Send one request and read its answer whole.

    Raises NoAnswer: no connection, no or a broken answer, or one of more than `MOST_BYTES`.
    """
    try:
        answer = client.send(request, stream=True)
        try:
            body = _read_body(answer)
        finally:
            answer.close()
    except httpx.HTTPError as error:
        raise no_answer(error) from error
    return Response(
        answer.status_code, answer.headers.get("Content-Type", ""), body, answer.headers
    )


def _read_body(answer: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise NoAnswer(f"answered more than {MOST_BYTES} bytes")
    return bytes(body)


def no_answer(error: httpx.HTTPError) -> NoAnswer:
    """Say in a few words what kept an answer from coming."""
    cause: BaseException | None = error
    while cause is not None:
        for kind, words in CAUSES:
            if isinstance(cause, kind):
                said = f"{words}: {cause}" if str(cause) else words
                return NoAnswer(said, hard=kind in HARD, absent=kind in ABSENT)
        cause = cause.__cause__ or cause.__context__
    nowhere = isinstance(error, httpx.ConnectError)
    return NoAnswer(f"{type(error).__name__}: {error}", absent=nowhere)


CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the server's name is not known here"),
    (ssl.SSLError, "not the server that this scanner trusts"),
    (ConnectionRefusedError, "nothing listens at the server's address"),
    (ConnectionResetError, "the connection was reset"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.RemoteProtocolError, "the connection broke off"),
)
ABSENT = frozenset({socket.gaierror, ssl.SSLError, ConnectionRefusedError})
HARD = ABSENT | {ConnectionResetError}
