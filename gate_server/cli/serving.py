"""`gate-server serve`, and where scanners find the server."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct

from gate_server.certificates import TlsFiles, ca_fingerprint
from gate_server.cli.edge import Command, options
from gate_server.key_files import write_durably
from gate_server.ledger.directory import check_directory
from gate_server.ledger.restore import finish_restore

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


@click.command("serve", cls=Command)
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535), help="Port."
)
@click.option("--http", is_flag=True, help="Plain HTTP, for tests; on loopback only.")
@click.option("--accept-clock", is_flag=True, help="Start although the clock is behind the ledger.")
def serve(host: str, port: int, http: bool, accept_clock: bool) -> None:
    """Answer scans until SIGTERM or Ctrl-C; TLS by the venue's own authority."""
    # The web server is not needed, and takes a second to import, for any other command.
    from gate_server.serve import serve as run

    directory = options().data
    finish_restore(directory)
    check_directory(directory)
    path = directory / FILE
    write_durably(path, msgspec.json.encode(Serving(host, port, http)), replace=True)
    run(directory, host, port, http=http, accept_clock=accept_clock)


def read_serving(directory: Path) -> Serving:
    """Return where the server listens; the defaults where it never did."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((directory / FILE).read_bytes(), type=Serving)
    return Serving()


def enrolment_url(directory: Path, serving: Serving, code: str) -> str:
    """Return what the enrolment QR says; over plain HTTP the code is given beside it."""
    if serving.http:
        return serving.origin
    pem = TlsFiles(directory / "keys" / "tls").ca_pem.read_bytes()
    return f"{serving.origin}/enrol#{code}.{ca_fingerprint(pem)}"


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return socket.gethostname()
        address: str = probe.getsockname()[0]
        return address
