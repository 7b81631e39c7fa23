"""Enrol this scanner: read the URL of the enrolment QR, pin the venue's authority, get a token."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from admission import wire
from admission.errors import InvalidInput, RelayError
from scanner_client.answers import NoAnswer
from scanner_client.journal_store import peek
from scanner_client.relay import Relay, Server, fetch_authority
from scanner_client.settings import FILE_NAME, unset_text
from scanner_client.state import (
    Identity,
    PendingEnrolment,
    StateError,
    find_identity,
    find_pending,
    keep_private,
    save_identity,
    save_pending,
)
from scanner_client.trust import pinned_context, unpinned_context

# A person waits beside it, and the server may be far: more patience than for a scan.
TIMEOUT_S = 5.0
TRIES = 3


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an enrolment QR says.

    Attributes:
        origin: `https://HOST:PORT`.
        fingerprint: the authority's public-key hash; "" over loopback HTTP.
    """

    origin: str
    code: str = field(repr=False)
    fingerprint: str = ""

    @property
    def enrolled_with(self) -> str:
        """A hash that tells this invitation from another and does not give away its code."""
        return hashlib.sha256(f"{self.origin}\n{self.code}".encode()).hexdigest()


def read_invitation(url: str, code: str | None = None) -> Invitation:
    """Read `https://HOST:PORT/enrol#CODE.FINGERPRINT`, or `http://127.0.0.1:PORT` beside a code.

    Raises InvalidInput: another form, two codes, or none.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput("URL", f"not a URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not host or parts.path not in {"", "/", "/enrol"}:
        raise InvalidInput("URL", "give https://HOST:PORT/enrol#CODE.FINGERPRINT")
    in_url, _, fingerprint = parts.fragment.partition(".")
    if bool(in_url) is bool(code):
        raise InvalidInput("CODE", "give the enrolment code once: in the URL or after it")
    if parts.scheme == "https" and not fingerprint:
        raise InvalidInput("URL", "https needs #CODE.FINGERPRINT; take the whole enrolment URL")
    address = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{address}" + (f":{port}" if port else "")
    return Invitation(origin, in_url or code or "", fingerprint)


def enrol(directory: Path, invitation: Invitation, name: str | None = None) -> Identity:
    """Make this scanner a device of the gate server, and keep who it is in `directory`.

    Safe to repeat: with the same invitation it asks under the same nonce, or not at all once it
    has the answer, since a second nonce would look like a stolen code and suspend the device.

    Raises:
        RelayError: no answer (run it again), a code used or expired, an authority of another.
        StateError: the directory cannot be written, or holds scans that this server should be
            given first: as another device's they would count for a copy.
    """
    known = find_identity(directory)
    if known is not None and known.enrolled_with == invitation.enrolled_with:
        return known
    keep_private(directory)
    server, ca_pem = _find_server(invitation)
    _check_outbox(directory, server)
    request = wire.EnrolRequest(
        code=invitation.code, nonce=_get_nonce(directory, invitation), name=name
    )
    identity = _identity(invitation, ca_pem, _ask(server, request))
    save_identity(directory, identity)
    _put_settings(directory)
    return identity


def server_of(identity: Identity) -> Server:
    """Return the gate server that a device trusts."""
    if not identity.ca_pem:
        return Server(identity.url)
    return Server(identity.url, pinned_context(identity.ca_pem.encode(), identity.fingerprint))


def _find_server(invitation: Invitation) -> tuple[Server, str]:
    if not invitation.fingerprint:
        return Server(invitation.origin), ""
    pem = fetch_authority(invitation.origin, unpinned_context(), TIMEOUT_S)
    trust = pinned_context(pem, invitation.fingerprint)
    return Server(invitation.origin, trust), pem.decode("utf-8", "replace")


def _check_outbox(directory: Path, server: Server) -> None:
    """Refuse while scans wait for this very ledger; those for another one go with the new device.

    A server that was restored does not know the device that made them any more.
    """
    waiting, epoch = peek(directory)
    if not waiting:
        return
    with Relay(server, token="", timeout_s=TIMEOUT_S) as relay:
        if relay.fetch_ready().epoch != epoch:
            return
    raise StateError(
        f"{waiting} scans in {directory} have not reached the gate server yet: "
        "run `scanner-client flush` first, then enrol again"
    )


def _get_nonce(directory: Path, invitation: Invitation) -> str:
    pending = find_pending(directory)
    if pending is None or pending.enrolled_with != invitation.enrolled_with:
        pending = PendingEnrolment(invitation.enrolled_with, str(uuid.uuid4()))
        save_pending(directory, pending)
    return pending.nonce


def _ask(server: Server, request: wire.EnrolRequest) -> wire.Enrolled:
    """Ask until there is an answer, a few times: the nonce makes them one."""
    with Relay(server, token="", timeout_s=TIMEOUT_S) as relay:
        for _ in range(TRIES - 1):
            try:
                return relay.enrol(request)
            except NoAnswer:
                continue
        try:
            return relay.enrol(request)
        except NoAnswer as error:
            raise RelayError(f"{error}; run the same command again within 5 minutes") from error


def _identity(invitation: Invitation, ca_pem: str, enrolled: wire.Enrolled) -> Identity:
    return Identity(
        device_id=enrolled.device_id,
        gate_id=enrolled.gate_id,
        profile=enrolled.profile,
        url=invitation.origin,
        epoch=enrolled.epoch,
        enrolled_with=invitation.enrolled_with,
        token=enrolled.token,
        code_key=enrolled.code_key,
        fingerprint=invitation.fingerprint,
        ca_pem=ca_pem,
        zone=enrolled.zone,
    )


def _put_settings(directory: Path) -> None:
    """Lay the settings, all as comments, where the venue may set them."""
    path = directory / FILE_NAME
    if not path.exists():
        path.write_text(unset_text(), "utf-8")
