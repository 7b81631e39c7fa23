"""Make the directory of a new venue: keys, certificates, settings, ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from admission.errors import LedgerRefused
from gate_server.certificates import create_certificates
from gate_server.key_files import OWNER_ONLY_DIR, write_durably
from gate_server.keyring import Keyring
from gate_server.ledger.directory import LEDGER, DirectoryLock
from gate_server.ledger.ledger import create_ledger
from gate_server.ledger.restore import finish_restore
from gate_server.settings import FILE, default_file, read_settings

KEYS = "keys"
TLS = "tls"


def create_venue(directory: Path, *, now: datetime, hosts: Iterable[str] = ()) -> None:
    """Make a venue, or finish one whose making was interrupted.

    The ledger is made last: a directory without one was never used, so what stands there already
    is kept and the rest added.

    Args:
        hosts: names and addresses of the server for its certificate, beside this machine's own.

    Raises:
        LedgerRefused: there is a ledger already, or the directory belongs to something else.
    """
    finish_restore(directory)
    if (directory / LEDGER).exists():
        raise LedgerRefused(f"{directory} holds a venue already; nothing was changed")
    _make_directory(directory)
    lock = DirectoryLock(directory)
    lock.take()
    try:
        if not (directory / KEYS).exists():
            Keyring.create(directory / KEYS, now=now)
        Keyring.open(directory / KEYS)
        create_certificates(directory / KEYS / TLS, now=now, hosts=hosts)
        if not (directory / FILE).exists():
            write_durably(directory / FILE, default_file().encode("utf-8"), replace=False)
        read_settings(directory)
        create_ledger(directory, now=now)
    finally:
        lock.release()


def _make_directory(directory: Path) -> None:
    try:
        if directory.exists():
            _check_ours(directory)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(OWNER_ONLY_DIR)
    except OSError as error:
        raise LedgerRefused(f"{directory} cannot be made: {error.strerror}") from error


def _check_ours(directory: Path) -> None:
    ours = {KEYS, FILE, "lock", "ledger.new", "ledger.new-journal", "reserve", "scanner"}
    strangers = sorted(
        path.name
        for path in directory.iterdir()
        if path.name not in ours and not path.name.startswith(f".{KEYS}-")
    )
    if strangers:
        raise LedgerRefused(
            f"{directory} holds other files ({', '.join(strangers[:3])}); give an empty directory"
        )
