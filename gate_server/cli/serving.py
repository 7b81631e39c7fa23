"""`gate-server serve`."""

from __future__ import annotations

import click
import msgspec

from gate_server.cli.edge import Command, options
from gate_server.key_files import write_durably
from gate_server.ledger.directory import check_directory
from gate_server.ledger.restore import finish_restore
from gate_server.serving_place import DEFAULT_HOST, DEFAULT_PORT, FILE, Serving


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
