"""What a scanner remembers on disk: who it is, and an enrolment that has no answer yet."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from admission.errors import AdmissionError
from admission.scans import PartyDefault, Profile

DEVICE_FILE = "device.json"
PENDING_FILE = "enrolment.json"
TOLD_FILE = "told.json"
REVOKED_FILE = "revoked.txt"

T = TypeVar("T")


class StateError(AdmissionError):
    """The scanner's directory lacks something, or holds something damaged; says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled device, and the gate server that it trusts.

    Attributes:
        url: of the gate server, `https://HOST:PORT`.
        epoch: the ledger's, as of the enrolment.
        enrolled_with: hash of the enrolment code, so that the same code is not spent twice.
        fingerprint: the authority's public-key hash; "" over loopback HTTP.
        ca_pem: the authority's certificate; "" over loopback HTTP.
        zone: the venue's, as of the enrolment; "": an older server did not tell.
    """

    device_id: str
    gate_id: str
    profile: Profile
    url: str
    epoch: str
    enrolled_with: str
    token: str = field(repr=False)
    code_key: str = field(repr=False)
    fingerprint: str = ""
    ca_pem: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class PendingEnrolment:
    """An enrolment that was sent; only with this nonce can it be asked for again.

    Attributes:
        enrolled_with: hash of the enrolment code.
    """

    enrolled_with: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the gate server last told of this device, for a start without it.

    Attributes:
        device_id: whom it was told of.
        zone: the venue's; "": an older server did not tell.
    """

    device_id: str
    gate_id: str
    gate_name: str
    area: str
    staffed: bool
    party_default: PartyDefault
    operator_required: bool = False
    zone: str = ""


def load_identity(directory: Path) -> Identity:
    """Return who this scanner is.

    Raises StateError: not enrolled, or the file is damaged.
    """
    identity = find_identity(directory)
    if identity is None and (directory / REVOKED_FILE).exists():
        raise StateError(
            "this device was revoked and wiped; a supervisor can have it enrolled anew"
        )
    if identity is None:
        raise StateError(
            f"not enrolled: {directory} has no {DEVICE_FILE}; "
            "run `gate-server device enrol` and give its URL to `scanner-client enrol`"
        )
    return identity


def find_identity(directory: Path) -> Identity | None:
    """Return who this scanner is; None where it is not enrolled."""
    return _find(directory / DEVICE_FILE, Identity)


def find_pending(directory: Path) -> PendingEnrolment | None:
    """Return the enrolment that has no answer yet."""
    return _find(directory / PENDING_FILE, PendingEnrolment)


def save_identity(directory: Path, identity: Identity) -> None:
    """Keep who this scanner is; its pending enrolment is over."""
    # First: a note of a wipe beside an identity means a wipe that has yet to be finished.
    (directory / REVOKED_FILE).unlink(missing_ok=True)
    save_state(directory / DEVICE_FILE, identity)
    (directory / PENDING_FILE).unlink(missing_ok=True)


def is_half_wiped(directory: Path) -> bool:
    """Say whether a wipe was begun and cut off."""
    return (directory / REVOKED_FILE).exists() and (directory / DEVICE_FILE).exists()


def find_told(directory: Path, device_id: str) -> Told | None:
    """Return what the server last told of a device; None where that is not kept or damaged."""
    try:
        told = _find(directory / TOLD_FILE, Told)
    except StateError:
        return None
    return told if told is not None and told.device_id == device_id else None


def save_told(directory: Path, told: Told) -> None:
    """Keep what the server told of this device."""
    if find_told(directory, told.device_id) != told:
        save_state(directory / TOLD_FILE, told)


def boot_id(directory: Path) -> str:
    """Name this start of this machine with this very directory: a copy of it has another name."""
    found = directory.stat()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        boot = ""
    name = f"gatehouse boot\0{boot}\0{found.st_dev}\0{found.st_ino}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def save_pending(directory: Path, pending: PendingEnrolment) -> None:
    """Keep an enrolment's nonce before it is first sent."""
    save_state(directory / PENDING_FILE, pending)


def keep_private(directory: Path) -> None:
    """Make `directory` for this user alone, where it is not there yet.

    Raises StateError where it cannot be made.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot make {directory}: {error.strerror}") from error


def _find(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is damaged; remove it and enrol again") from error


def save_state(path: Path, value: object) -> None:
    """Write as a whole or not at all, mode 0600, and on disk when it returns.

    Raises StateError where it cannot be written.
    """
    write_durably(path, msgspec.json.format(msgspec.json.encode(value)))


def write_durably(path: Path, data: bytes) -> None:
    """Write as a whole or not at all, mode 0600, and on disk when it returns.

    Raises StateError where it cannot be written.
    """
    keep_private(path.parent)
    try:
        # mkstemp makes the file 0600 from its first byte.
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except OSError:
            Path(draft).unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}") from error


def sync_directory(directory: Path) -> None:
    """Make a rename or a removal in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
