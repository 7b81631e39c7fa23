"""Look at a venue's directory and say, check by check, what is wrong and what to do."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from admission.calendar import from_ms
from admission.errors import AdmissionError, LedgerRefused
from gate_server.certificates import TlsFiles
from gate_server.key_files import OWNER_ONLY_DIR, OWNER_ONLY_FILE, check_owner_only
from gate_server.keyring import Keyring
from gate_server.ledger import (
    audit,
    flow,
    lanes,
    peaks,
    recount,
    redemption_lists,
    sales,
    schema,
    tickets,
)
from gate_server.ledger.archive import KEYS
from gate_server.ledger.directory import (
    LEDGER,
    check_directory,
    file_system_of,
    lock_is_free,
)
from gate_server.ledger.inspection import newest_head, read_only
from gate_server.ledger.ledger import CLOCK_TOLERANCE
from gate_server.ledger.restore import READY, STAGE
from gate_server.ledger.session import RESERVE_BYTES
from gate_server.settings import read_settings

RENEW_WITHIN: Final = timedelta(days=30)
_LITTLE_ROOM: Final = 1 << 30
_MOST_SHOWN = 3
_REPLACED_AFTER_S = 60.0
_RESTORE = "stop the server and restore the last backup: gate-server restore FILE"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome.

    Attributes:
        problem: what is wrong; None where all is well.
        advice: what to do about it.
    """

    check: str
    problem: str | None = None
    advice: str = ""

    @property
    def line(self) -> str:
        """The finding as one line."""
        if self.problem is None:
            return f"OK       {self.check}"
        return f"PROBLEM  {self.check}: {self.problem} -> {self.advice}"


class Unwell(Exception):
    """A check found something; carried to its line."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at.

    Attributes:
        answers: whether a server answers on the directory's socket.
    """

    directory: Path
    now: datetime
    answers: bool

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.directory / LEDGER


def examine(patient: Patient) -> Iterator[Finding]:
    """Yield the finding of each check; a check that needs what another found broken says so."""
    for check in _OUTSIDE:
        yield _look(check, patient)
        if not patient.directory.is_dir():
            return
    header = _look(_header, patient)
    yield header
    if header.problem is None:
        for inner in _INSIDE:
            yield _look(_opened(inner), patient)


def _look(check: Callable[[Patient], None], patient: Patient) -> Finding:
    name = (check.__doc__ or "").partition("\n")[0].rstrip(".")
    try:
        check(patient)
    except Unwell as found:
        return Finding(name, str(found), found.advice)
    except sqlite3.Error as error:
        return Finding(name, f"the ledger cannot be read: {error}", _RESTORE)
    except AdmissionError as error:
        return Finding(name, str(error), "see there")
    except OSError as error:
        return Finding(name, str(error), "check the directory and its owner")
    return Finding(name)


def _opened(check: Callable[[Patient, sqlite3.Connection], None]) -> Callable[[Patient], None]:
    def look(patient: Patient) -> None:
        with read_only(patient.ledger) as db:
            check(patient, db)

    look.__doc__ = check.__doc__
    return look


# --- around the ledger ---------------------------------------------------------------------------


def _rights(patient: Patient) -> None:
    """The directory is there and nobody else's business."""
    directory = patient.directory
    if not directory.is_dir():
        raise Unwell(f"there is no directory {directory}", "gate-server init, or restore a backup")
    check_owner_only(directory, OWNER_ONLY_DIR)
    if not os.access(directory, os.W_OK):
        raise Unwell("it cannot be written", f"give it to this user: chown -R USER {directory}")
    for path in (patient.ledger, patient.ledger.with_name(f"{LEDGER}-wal")):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Unwell(f"others may read {path.name}", f"chmod 600 {path}")


def _whole(patient: Patient) -> None:
    """Nothing was interrupted half-way."""
    if (patient.directory / READY).exists():
        raise Unwell("a restore was interrupted", "any other command finishes it: gate list")
    left = [name for name in (STAGE, "ledger.new") if (patient.directory / name).exists()]
    if left:
        raise Unwell(f"{left[0]} was left by something interrupted", "it may be deleted")


def _local_disk(patient: Patient) -> None:
    """The disk is a local one."""
    try:
        check_directory(patient.directory)
    except LedgerRefused as error:
        if "network" in str(error):
            kind = file_system_of(patient.directory)
            raise Unwell(f"it is {kind}, on the network", "move it to a local disk") from error


def _room(patient: Patient) -> None:
    """There is room on the disk."""
    free = os.statvfs(patient.directory)
    room = free.f_bavail * free.f_frsize
    if room < _LITTLE_ROOM:
        raise Unwell(f"{room / 1e6:.0f} MB are left", "make room before the gates open")
    reserve = patient.directory / "reserve"
    if patient.ledger.exists() and not reserve.exists():
        raise Unwell(
            f"the reserve of {RESERVE_BYTES >> 20} MiB is used up", "the server lays it anew soon"
        )


def _server(patient: Patient) -> None:
    """Whoever holds the lock answers."""
    if patient.answers or lock_is_free(patient.directory):
        return
    lock = patient.directory / "lock"
    holder = lock.read_text("utf-8", "replace").strip() if lock.exists() else ""
    raise Unwell(
        f"process {holder or '?'} holds the lock and does not answer",
        "wait for the command that runs, or stop that process",
    )


def _settings(patient: Patient) -> None:
    """The settings can be read."""
    read_settings(patient.directory)


def _keys(patient: Patient) -> None:
    """Every key is there, whole, and nobody else's business."""
    Keyring.open(patient.directory / KEYS)


def _certificates(patient: Patient) -> None:
    """The certificates are good for another 30 days."""
    files = TlsFiles(patient.directory / KEYS / "tls")
    advice = "gate-server key rotate tls, then start the server again"
    for path in (files.ca_key, files.ca_pem, files.server_key, files.server_pem):
        if not path.exists():
            raise Unwell(f"{path} is missing", "restore the keys from the last backup")
        check_owner_only(path, OWNER_ONLY_FILE)
    try:
        authority = x509.load_pem_x509_certificate(files.ca_pem.read_bytes())
        server = x509.load_pem_x509_certificate(files.server_pem.read_bytes())
    except ValueError as error:
        raise Unwell(f"a certificate cannot be read: {error}", advice) from error
    if server.issuer != authority.subject:
        raise Unwell("the server's certificate is of another authority", advice)
    if server.not_valid_before_utc > patient.now:
        raise Unwell("the server's certificate is not yet valid", "set this machine's clock")
    for which, certificate in (("server's", server), ("authority's", authority)):
        if certificate.not_valid_after_utc - RENEW_WITHIN < patient.now:
            until = certificate.not_valid_after_utc
            raise Unwell(f"the {which} certificate ends on {until:%Y-%m-%d}", advice)


def _header(patient: Patient) -> None:
    """The ledger is a ledger."""
    try:
        check_directory(patient.directory)
    except LedgerRefused as error:
        raise Unwell(str(error), _RESTORE) from error


# --- inside it -----------------------------------------------------------------------------------


def _pages(_: Patient, db: sqlite3.Connection) -> None:
    """Its pages are whole."""
    problems = [row[0] for row in db.execute(f"PRAGMA integrity_check({_MOST_SHOWN})")]
    if problems != ["ok"]:
        raise Unwell("; ".join(problems).replace("\n", " "), _RESTORE)


def _references(_: Patient, db: sqlite3.Connection) -> None:
    """Every row refers to what is there."""
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise Unwell(f"table {broken[0]}, row {broken[1]} refers to no {broken[2]}", _RESTORE)


def _tables(_: Patient, db: sqlite3.Connection) -> None:
    """Its tables are of this version."""
    newer = schema.unknown(db)
    if newer:
        raise Unwell(
            f"a newer gate-server made them ({', '.join(newer)})", "install that version again"
        )


def _life(_: Patient, db: sqlite3.Connection) -> None:
    """It has an epoch."""
    rows = db.execute("SELECT epoch FROM venue").fetchall()
    if len(rows) != 1 or not rows[0][0]:
        raise Unwell("the venue's row is not what init made", _RESTORE)


def _wal(patient: Patient, db: sqlite3.Connection) -> None:
    """Its write-ahead log belongs to it."""
    wal = patient.ledger.with_name(f"{LEDGER}-wal")
    if not wal.exists() or not wal.stat().st_size:
        return
    advice = f"stop everything, keep copies of {LEDGER}*, then restore the last backup"
    through = db.execute("SELECT epoch, revision FROM venue").fetchone()
    alone = _without_wal(patient.ledger)
    if alone is not None and (alone[0] != through[0] or alone[1] > through[1]):
        raise Unwell(
            f"the file alone is at revision {alone[1]}, with {wal.name} at {through[1]}: one of"
            " them was replaced",
            advice,
        )
    changed = patient.ledger.stat()
    replaced = max(changed.st_mtime, changed.st_ctime) - wal.stat().st_mtime
    if replaced > _REPLACED_AFTER_S and not patient.answers and lock_is_free(patient.directory):
        raise Unwell(f"{LEDGER} was put there after {wal.name} was last written", advice)


def _without_wal(path: Path) -> tuple[str, int] | None:
    """Read epoch and revision of the file as it is without its log; None if that cannot be."""
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            epoch, revision = db.execute("SELECT epoch, revision FROM venue").fetchone()
        finally:
            db.close()
    except (sqlite3.Error, TypeError):
        return None
    return str(epoch), int(revision)


def _clock(patient: Patient, db: sqlite3.Connection) -> None:
    """The clock is not behind it."""
    last = from_ms(db.execute("SELECT committed_at FROM venue").fetchone()[0])
    if patient.now + CLOCK_TOLERANCE < last:
        raise Unwell(
            f"it was last written at {last:%Y-%m-%d %H:%M:%S} UTC, and it is now"
            f" {patient.now:%Y-%m-%d %H:%M:%S}",
            "set this machine's clock; serve --accept-clock if the ledger's time was wrong",
        )


def _chain(_: Patient, db: sqlite3.Connection) -> None:
    """Its audit chain is unbroken."""
    newest_head(db)
    findings = audit.verify(db).findings
    if findings:
        first = findings[0]
        raise Unwell(
            f"{len(findings)} findings, the first at revision {first.revision}: {first.problem}",
            "gate-server audit verify lists them; somebody changed the ledger behind the server",
        )


def _counters(patient: Patient, db: sqlite3.Connection) -> None:
    """Its counters are what scans and vouchers add up to."""
    problems = recount.differences(db, read_settings(patient.directory).venue)
    problems += lanes.differences(db) + sales.differences(db)
    problems += flow.differences(db) + peaks.differences(db)
    if problems:
        shown = "; ".join(problems[:_MOST_SHOWN])
        raise Unwell(
            f"{len(problems)} differ: {shown}",
            "scans and vouchers are right; tell who maintains the server",
        )


def _tickets(_: Patient, db: sqlite3.Connection) -> None:
    """Its paper tickets agree with their vouchers."""
    problems = tickets.differences(db)
    if problems:
        raise Unwell(f"{len(problems)} differ: {'; '.join(problems[:_MOST_SHOWN])}", _RESTORE)


def _redemptions(_: Patient, db: sqlite3.Connection) -> None:
    """What platforms have confirmed is what they were told."""
    problems = redemption_lists.differences(db)
    if problems:
        raise Unwell(f"{len(problems)} differ: {'; '.join(problems[:_MOST_SHOWN])}", _RESTORE)


_OUTSIDE = (_rights, _whole, _local_disk, _room, _server, _settings, _keys, _certificates)
_INSIDE = (
    *(_pages, _references, _tables, _life, _wal, _clock, _chain, _counters, _tickets),
    _redemptions,
)
