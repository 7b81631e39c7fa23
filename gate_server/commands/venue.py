"""Commands about gates, devices and users."""

from __future__ import annotations

from typing import Any

from admission.errors import FeedRejected
from admission.row_values import ident, needed
from admission.scans import Gate, GateState, PartyDefault, Profile
from gate_server.commands.services import Command, Params, Services
from gate_server.ledger import actions, devices
from gate_server.secrets import (
    BearerKind,
    hash_password,
    new_bearer,
    new_enrolment_code,
    new_password,
)

LONGEST_NAME = 80


class AddGate(Params, frozen=True):
    """A gate to be added."""

    gate_id: str
    name: str
    area: str = "park"


class SetGate(Params, frozen=True):
    """The state that a gate is to have."""

    gate_id: str
    state: GateState
    reason: str


class Enrol(Params, frozen=True):
    """A device that may enrol."""

    gate_id: str
    name: str
    profile: Profile


class MoveDevice(Params, frozen=True):
    """A device, and the gate that it is to stand at."""

    device_id: str
    gate_id: str


class ClearDevice(Params, frozen=True):
    """A suspended device that somebody has looked at."""

    device_id: str
    reason: str


class Nothing(Params, frozen=True):
    """Nothing needs to be said."""


class SetParty(Params, frozen=True):
    """A device, and how many people its scans are for."""

    device_id: str
    party: PartyDefault


class Named(Params, frozen=True):
    """Whom or what it is about."""

    name: str


class AddUser(Params, frozen=True):
    """A member of staff, or a partner's."""

    name: str
    role: str
    platform: str | None = None


def add_gate(services: Services, params: AddGate) -> dict[str, Any]:
    """Add a gate."""
    gate = Gate(
        checked_name("ID", params.gate_id),
        checked_text("name", params.name),
        checked_name("area", params.area),
    )
    by = services.by
    services.ledger.write(lambda tx: actions.add_gate(tx, gate, by=by), alone=True, urgent=True)
    return _gate(gate)


def list_gates(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all gates."""
    return [_gate(gate) for gate in services.ledger.catalogue.gates.values()]


def set_gate_state(services: Services, params: SetGate) -> dict[str, Any]:
    """Open or pause a gate, or turn it to exits only."""
    reason, by = checked_text("reason", params.reason, 500), services.by
    gate = services.ledger.write(
        lambda tx: actions.set_gate_state(tx, params.gate_id, params.state, reason=reason, by=by),
        alone=True,
        urgent=True,
    )
    return _gate(gate)


def enrol_device(services: Services, params: Enrol) -> dict[str, Any]:
    """Make an enrolment code, good for five minutes and one device."""
    code, ledger = new_enrolment_code(), services.ledger
    name = checked_text("name", params.name)
    expires_at = ledger.write(
        lambda tx: devices.new_enrolment(
            tx,
            code.stored,
            gate_id=params.gate_id,
            name=name,
            profile=params.profile,
            by=services.by,
            now=ledger.clock(),
        ),
        alone=True,
        urgent=True,
    )
    return {"code": code.text, "expires_at": expires_at.isoformat()}


def list_devices(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all devices with their last word."""
    ledger, catalogue = services.ledger, services.ledger.catalogue
    found = []
    for device in catalogue.devices.values():
        seen = catalogue.seen[device.device_id]
        seen_at = ledger.last_seen(device.device_id)
        state = "revoked" if device.revoked else "suspended" if device.suspended else "active"
        found.append(
            {
                "device_id": device.device_id,
                "name": device.name,
                "gate_id": device.gate_id,
                "profile": device.profile.value,
                "party_default": device.party_default.value,
                "state": state,
                "last_seen_at": None if seen_at is None else seen_at.isoformat(),
                "outbox_depth": seen.heartbeat.get("outbox_depth"),
                "version": seen.heartbeat.get("version"),
            }
        )
    return found


def set_party(services: Services, params: SetParty) -> dict[str, Any]:
    """Change how many people a device's scans are for that do not say so."""
    ledger = services.ledger
    ledger.write(
        lambda tx: devices.set_party_default(tx, params.device_id, params.party, by=services.by),
        alone=True,
    )
    return {"device_id": params.device_id, "party_default": params.party.value}


def move_device(services: Services, params: MoveDevice) -> dict[str, Any]:
    """Let a device stand at another gate."""
    ledger, by = services.ledger, services.by
    ledger.write(
        lambda tx: devices.move_device(
            tx, params.device_id, params.gate_id, by=by, now=ledger.clock()
        ),
        alone=True,
    )
    return {"device_id": params.device_id, "gate_id": params.gate_id}


def clear_device(services: Services, params: ClearDevice) -> dict[str, Any]:
    """Let a suspended device work again."""
    reason, by = checked_text("reason", params.reason, 500), services.by
    services.ledger.write(
        lambda tx: devices.clear_device(tx, params.device_id, reason=reason, by=by), alone=True
    )
    return {"device_id": params.device_id, "state": "active"}


def revoke_device(services: Services, params: Named) -> dict[str, Any]:
    """End a device's rights for good."""
    ledger = services.ledger
    ledger.write(
        lambda tx: devices.revoke_device(tx, params.name, by=services.by, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    return {"device_id": params.name, "state": "revoked"}


def add_user(services: Services, params: AddUser) -> dict[str, Any]:
    """Add an account; its password and token are told this once."""
    ledger = services.ledger
    checked_name("NAME", params.name)
    token, password = new_bearer(BearerKind.USER, params.name), new_password()
    password_hash = hash_password(password)
    ledger.write(
        lambda tx: devices.add_user(
            tx,
            params.name,
            params.role,
            params.platform,
            password_hash=password_hash,
            token_hash=token.stored,
            by=services.by,
            now=ledger.clock(),
        ),
        alone=True,
    )
    return {
        "name": params.name,
        "role": params.role,
        "password": password,
        "api_token": token.text,
    }


def list_users(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List all accounts."""
    return [
        {
            "name": user.name,
            "role": user.role,
            "platform": user.platform,
            "state": "disabled" if user.disabled else "active",
            "created_at": user.created_at.isoformat(),
        }
        for user in services.ledger.catalogue.users.values()
    ]


def disable_user(services: Services, params: Named) -> dict[str, Any]:
    """End an account's rights at once."""
    ledger = services.ledger
    ledger.write(
        lambda tx: devices.disable_user(tx, params.name, by=services.by, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    return {"name": params.name, "state": "disabled"}


def reset_user(services: Services, params: Named) -> dict[str, Any]:
    """Give an account a new first password and a new token, told this once."""
    ledger = services.ledger
    user = ledger.catalogue.users.get(params.name)
    role = None if user is None else user.role
    token, password = new_bearer(BearerKind.USER, params.name), new_password()
    password_hash = hash_password(password)
    ledger.write(
        lambda tx: devices.reset_user(
            tx, params.name, password_hash=password_hash, token_hash=token.stored, by=services.by
        ),
        alone=True,
    )
    return {"name": params.name, "role": role, "password": password, "api_token": token.text}


def checked_name(field: str, value: str) -> str:
    """Return a name that also stands in URLs and files; raises InvalidInput for another."""
    try:
        return ident({field: value}, field)
    except FeedRejected as error:
        raise error.as_input() from error


def checked_text(field: str, value: str, longest: int = LONGEST_NAME) -> str:
    """Return a text for people without control characters; raises InvalidInput for another."""
    try:
        return needed({field: value}, field, longest)
    except FeedRejected as error:
        raise error.as_input() from error


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "gate_id": gate.gate_id,
        "name": gate.name,
        "area": gate.area,
        "state": gate.state.value,
    }


COMMANDS: dict[str, Command[Any]] = {
    "gate add": Command(AddGate, add_gate),
    "gate list": Command(Nothing, list_gates),
    "gate state": Command(SetGate, set_gate_state),
    "device enrol": Command(Enrol, enrol_device),
    "device list": Command(Nothing, list_devices),
    "device party": Command(SetParty, set_party),
    "device move": Command(MoveDevice, move_device),
    "device clear": Command(ClearDevice, clear_device),
    "device revoke": Command(Named, revoke_device),
    "user add": Command(AddUser, add_user),
    "user list": Command(Nothing, list_users),
    "user disable": Command(Named, disable_user),
    "user reset": Command(Named, reset_user),
}
