"""Where scanners find the server, and what invites one to enrol."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gate_server.certificates import TlsFiles, ca_fingerprint

FILE: Final = "serving.json"
DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8443
_ANY_ADDRESS: Final = ("", "0.0.0.0", "::")  # noqa: S104 - what `--host` may say
_SOMEWHERE: Final = ("192.0.2.1", 9)  # RFC 5737: connecting a datagram socket sends nothing


class Serving(Struct, frozen=True):
    """Where the server listens, or last did."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    http: bool = False

    @property
    def origin(self) -> str:
        """The URL that scanners on the venue's network reach it by."""
        host = _own_address() if self.host in _ANY_ADDRESS else self.host
        address = f"[{host}]" if ":" in host else host
        return f"{'http' if self.http else 'https'}://{address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a scanner is given to enrol.

    Attributes:
        url: where it enrols; over TLS with the code and the authority's fingerprint behind `#`,
            which browsers send nowhere.
        scanned: what its QR code says.
        command: what is typed at a scanner without a camera.
    """

    url: str = field(repr=False)
    scanned: str = field(repr=False)
    command: str = field(repr=False)

    @classmethod
    def make(cls, directory: Path, serving: Serving, code: str) -> Invitation:
        """Make the invitation of an enrolment code; over plain HTTP the code stands beside it."""
        if serving.http:
            url = serving.origin
            return cls(url, f"{url}/enrol#{code}", f"scanner-client enrol '{url}' {code}")
        pem = TlsFiles(directory / "keys" / "tls").ca_pem.read_bytes()
        url = f"{serving.origin}/enrol#{code}.{ca_fingerprint(pem)}"
        return cls(url, url, f"scanner-client enrol '{url}'")


def read_serving(directory: Path) -> Serving:
    """Return where the server listens; the defaults where it never did."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Serving)
    return Serving()


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return socket.gethostname()
        address: str = probe.getsockname()[0]
        return address
