"""Find out who calls: a device or a member of staff, by bearer token, in constant time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from admission.errors import Forbidden
from admission.scans import Device, Profile
from gate_server.ledger.catalogue import Catalogue
from gate_server.secrets import Bearer, BearerKind, bearer_matches, find_bearer
from gate_server.web.problems import Refused

Environ = Mapping[str, Any]


class Role(StrEnum):
    """What a member of staff may do; stored, so never renamed."""

    STEWARD = "steward"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    PARTNER = "partner"
    AUDITOR = "auditor"


Kind = Profile | Role
"""What a caller is: a device of a profile, or a user of a role."""

NOBODY: frozenset[Kind] = frozenset()
DEVICES: frozenset[Kind] = frozenset(Profile)
ADMINS: frozenset[Kind] = frozenset({Role.ADMIN})
SUPERVISORS: frozenset[Kind] = ADMINS | {Role.SUPERVISOR}
STEWARDS: frozenset[Kind] = SUPERVISORS | {Role.STEWARD}
PARTNERS: frozenset[Kind] = frozenset({Role.PARTNER})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, proven.

    Attributes:
        name: a device's id or a user's name.
        device: None for a user.
        platform: a partner's only one.
    """

    name: str
    kind: Kind
    device: Device | None = None
    platform: str | None = None


def identify(environ: Environ, catalogue: Catalogue) -> Caller:
    """Return who sent a request.

    Raises:
        Refused: 401, no bearer token or one that nobody has.
    """
    scheme, _, text = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme != "Bearer" and scheme.lower() != "bearer":
        raise Refused("unauthorized", "send Authorization: Bearer TOKEN")
    bearer = find_bearer(text.strip())
    if bearer is None:
        raise Refused("unauthorized", "this is not a token of a gate server")
    if bearer.kind is BearerKind.DEVICE:
        return _device(bearer, catalogue)
    return _user(bearer, catalogue)


def _device(bearer: Bearer, catalogue: Catalogue) -> Caller:
    device = catalogue.devices.get(bearer.owner_id)
    stored = catalogue.device_hashes.get(bearer.owner_id, _NO_HASH)
    if not bearer_matches(bearer, stored) or device is None:
        raise Refused("device-unknown", "no device of this ledger has this token; enrol it")
    return Caller(device.device_id, device.profile, device)


def _user(bearer: Bearer, catalogue: Catalogue) -> Caller:
    user = catalogue.users.get(bearer.owner_id)
    stored = _NO_HASH if user is None else user.token_hash
    if not bearer_matches(bearer, stored) or user is None or user.disabled:
        raise Refused("unauthorized", "no account has this token, or it was disabled")
    return Caller(user.name, Role(user.role), None, user.platform)


def check_usable(device: Device) -> None:
    """Turn away a device that was revoked or suspended, by name: only then it wipes itself.

    Raises:
        Forbidden: `device-revoked`, `device-suspended`.
    """
    if device.revoked:
        raise Forbidden(
            "this device was revoked; enrol it anew",
            slug="device-revoked",
            device_id=device.device_id,
        )
    if device.suspended:
        raise Forbidden(
            "its enrolment code was used twice; a supervisor must look at this device",
            slug="device-suspended",
            device_id=device.device_id,
        )


_NO_HASH = bytes(32)
