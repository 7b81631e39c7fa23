"""Devices and staff accounts: enrolment, revocation, heartbeats, users."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from admission.calendar import to_ms
from admission.errors import Fault, InvalidInput, LedgerConflict, NotFound
from admission.incidents import IncidentKind, NewIncident
from admission.scans import Device, PartyDefault, Profile
from gate_server.ledger.accounts import check_admin_stays
from gate_server.ledger.incidents import open_incident
from gate_server.ledger.people import sign_out
from gate_server.ledger.session import Session
from gate_server.secrets import BearerKind, new_bearer
from gate_server.settings import read_incident_words

ENROL_WITHIN = timedelta(minutes=5)
ROLES = ("steward", "supervisor", "admin", "partner", "auditor")


class EnrolmentGone(LedgerConflict):
    """The enrolment code is unknown, too old, or was used by somebody else."""

    def __init__(self, detail: str, *, suspended: str | None = None) -> None:
        super().__init__("enrolment-gone", detail)
        self.suspended = suspended


def new_enrolment(
    tx: Session,
    code_hash: bytes,
    *,
    gate_id: str,
    name: str,
    profile: Profile,
    by: str,
    now: datetime,
) -> datetime:
    """Let one device enrol with a code; return until when."""
    if gate_id not in tx.catalogue.gates:
        raise NotFound(f"no gate {gate_id}; add it with `gate-server gate add`")
    expires_at = now + ENROL_WITHIN
    fields = {"gate_id": gate_id, "name": name, "profile": profile.value, "by": by}
    tx.record_event("enrolment", fields)
    tx.db.execute("DELETE FROM enrolments WHERE used_at IS NULL AND expires_at < ?", (to_ms(now),))
    tx.db.execute(
        "INSERT INTO enrolments (code_hash, gate_id, name, profile, expires_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (code_hash, gate_id, name, profile.value, to_ms(expires_at), by),
    )
    return expires_at


def enrol_device(
    tx: Session, code_hash: bytes, *, nonce: str | None, name: str | None, now: datetime
) -> tuple[Device, str] | EnrolmentGone:
    """Turn an enrolment code into a device and its token.

    The same nonce again gets the same device with a new token: its first answer was lost. Any
    other second use suspends the device of the first, for one of the two is not ours. That is
    returned, not raised, so that the suspension is kept.
    """
    row = tx.db.execute(
        "SELECT gate_id, name, profile, expires_at, used_at, nonce, device_id FROM enrolments"
        " WHERE code_hash = ?",
        (code_hash,),
    ).fetchone()
    if row is None:
        return EnrolmentGone("this enrolment code is not known; make a new one at the server")
    gate_id, planned_name, profile, expires_at, used_at, used_nonce, device_id = row
    if used_at is not None:
        if nonce is None or nonce != used_nonce or to_ms(now) > expires_at:
            return _used_twice(tx, device_id, now)
        return _renew_token(tx, device_id)
    if to_ms(now) > expires_at:
        return EnrolmentGone("this enrolment code is older than 5 minutes; make a new one")
    device = Device(
        _next_device_id(tx),
        name or planned_name,
        gate_id,
        Profile(profile),
        default_party(Profile(profile)),
    )
    token = _insert_device(tx, device, now)
    tx.db.execute(
        "UPDATE enrolments SET used_at = ?, nonce = ?, device_id = ? WHERE code_hash = ?",
        (to_ms(now), nonce, device.device_id, code_hash),
    )
    return device, token


def default_party(profile: Profile) -> PartyDefault:
    """Return how many people a scan is for that does not say so (CONTRACT, scans)."""
    return PartyDefault.ALL if profile.staffed else PartyDefault.ONE


def _next_device_id(tx: Session) -> str:
    sql = "UPDATE venue SET next_device = next_device + 1 RETURNING next_device - 1"
    return f"D{tx.db.execute(sql).fetchone()[0]}"


def _insert_device(tx: Session, device: Device, now: datetime) -> str:
    bearer = new_bearer(BearerKind.DEVICE, device.device_id)
    fields = {
        "device_id": device.device_id,
        "name": device.name,
        "gate_id": device.gate_id,
        "profile": device.profile.value,
    }
    revision = tx.record_event("enrol", fields)
    tx.db.execute(
        "INSERT INTO devices (device_id, name, gate_id, profile, party_default, token_hash,"
        " enrolled_at, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device.device_id,
            device.name,
            device.gate_id,
            device.profile.value,
            device.party_default.value,
            bearer.stored,
            to_ms(now),
            revision,
        ),
    )
    tx.touched.add("devices")
    return bearer.text


def _renew_token(tx: Session, device_id: str) -> tuple[Device, str] | EnrolmentGone:
    device = tx.catalogue.devices[device_id]
    if device.revoked or device.suspended:
        return EnrolmentGone(f"device {device_id} was revoked or suspended; enrol it anew")
    bearer = new_bearer(BearerKind.DEVICE, device_id)
    tx.record_event("enrol_again", {"device_id": device_id})
    sql = "UPDATE devices SET token_hash = ? WHERE device_id = ?"
    tx.db.execute(sql, (bearer.stored, device_id))
    tx.touched.add("devices")
    return device, bearer.text


def _used_twice(tx: Session, device_id: str, now: datetime) -> EnrolmentGone:
    tx.record_event("enrolment_used_twice", {"device_id": device_id})
    _open_incident(tx, device_id, now)
    sql = "UPDATE devices SET suspended_at = COALESCE(suspended_at, ?) WHERE device_id = ?"
    tx.db.execute(sql, (to_ms(now), device_id))
    tx.touched.add("devices")
    return EnrolmentGone(
        f"this enrolment code was used before; device {device_id} is suspended until a"
        " supervisor has looked: revoke it and enrol again",
        suspended=device_id,
    )


def _open_incident(tx: Session, device_id: str, now: datetime) -> None:
    device = tx.catalogue.devices.get(device_id)
    title = read_incident_words(tx.venue).enrolment_used_twice(device_id)
    incident = NewIncident(
        kind=IncidentKind.ENROLMENT_USED_TWICE,
        subject=f"enrolment of {device_id}",
        title_zh=title.zh,
        title_en=title.en,
        gate_id=None if device is None else device.gate_id,
        device_id=device_id,
    )
    open_incident(tx, incident, by="gate server", now=now)


def revoke_device(tx: Session, device_id: str, *, by: str, now: datetime) -> None:
    """End a device's rights for good; it learns so at its next call."""
    if device_id not in tx.catalogue.devices:
        raise NotFound(f"no device {device_id}")
    tx.record_event("revoke", {"device_id": device_id, "by": by})
    sql = "UPDATE devices SET revoked_at = COALESCE(revoked_at, ?) WHERE device_id = ?"
    tx.db.execute(sql, (to_ms(now), device_id))
    tx.touched.add("devices")


def move_device(tx: Session, device_id: str, gate_id: str, *, by: str, now: datetime) -> None:
    """Let a device stand at another gate; it learns so with its next heartbeat.

    Whoever is signed in there has left: what they do at the other gate is another shift.

    Raises:
        NotFound: no such device or gate.
        LedgerConflict: `revoked-already`.
    """
    device = _get_device(tx, device_id)
    if gate_id not in tx.catalogue.gates:
        raise NotFound(f"no gate {gate_id}")
    if device.revoked:
        raise LedgerConflict("revoked-already", f"device {device_id} was revoked; enrol it anew")
    if device.gate_id == gate_id:
        return
    sign_out(tx, device, now=now)
    fields = {"device_id": device_id, "from_gate_id": device.gate_id, "gate_id": gate_id, "by": by}
    tx.record_event("move_device", fields)
    tx.db.execute("UPDATE devices SET gate_id = ? WHERE device_id = ?", (gate_id, device_id))
    tx.touched.add("devices")


def clear_device(tx: Session, device_id: str, *, reason: str, by: str) -> None:
    """Let a suspended device work again: somebody has looked, and it is the venue's own.

    Raises:
        NotFound: no such device.
        LedgerConflict: `not-suspended`: there is nothing to clear.
    """
    device = _get_device(tx, device_id)
    if device.revoked or not device.suspended:
        raise LedgerConflict("not-suspended", f"device {device_id} is not suspended")
    tx.record_event("clear_device", {"device_id": device_id, "reason": reason, "by": by})
    tx.db.execute("UPDATE devices SET suspended_at = NULL WHERE device_id = ?", (device_id,))
    tx.touched.add("devices")


def _get_device(tx: Session, device_id: str) -> Device:
    device = tx.catalogue.devices.get(device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    return device


def set_party_default(tx: Session, device_id: str, party: PartyDefault, *, by: str) -> None:
    """Change how many people a device's scans are for that do not say so."""
    if device_id not in tx.catalogue.devices:
        raise NotFound(f"no device {device_id}")
    fields = {"device_id": device_id, "party_default": party.value, "by": by}
    tx.record_event("party_default", fields)
    sql = "UPDATE devices SET party_default = ? WHERE device_id = ?"
    tx.db.execute(sql, (party.value, device_id))
    tx.touched.add("devices")


def record_heartbeat(
    tx: Session,
    device_id: str,
    heartbeat: Mapping[str, object],
    *,
    offset_ms: int | None,
    now: datetime,
) -> None:
    """Keep a device's last word and how far its clock is off."""
    tx.db.execute(
        "UPDATE devices SET seen_at = ?, heartbeat = ?, offset_ms = COALESCE(?, offset_ms)"
        " WHERE device_id = ?",
        (to_ms(now), msgspec.json.encode(heartbeat).decode(), offset_ms, device_id),
    )
    tx.touched.add("devices")


def add_user(
    tx: Session,
    name: str,
    role: str,
    platform: str | None,
    *,
    password_hash: str,
    token_hash: bytes,
    by: str,
    now: datetime,
) -> None:
    """Add a member of staff, or a partner's.

    Raises:
        InvalidInput: no such role; a partner without a platform, or a platform without a partner.
        LedgerConflict: `user-exists`.
    """
    if role not in ROLES:
        raise InvalidInput("role", f"one of {', '.join(ROLES)}", Fault.CHOICE)
    if (role == "partner") != (platform is not None):
        raise InvalidInput(
            "platform", "name the partner's platform; only partners have one", Fault.CONTRADICTION
        )
    if name in tx.catalogue.users:
        raise LedgerConflict("user-exists", f"there is a user {name} already")
    tx.record_event("user", {"name": name, "role": role, "platform": platform, "by": by})
    tx.db.execute(
        "INSERT INTO users (name, role, platform, password_hash, token_hash, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (name, role, platform, password_hash, token_hash, to_ms(now)),
    )
    tx.touched.add("users")


def disable_user(tx: Session, name: str, *, by: str, now: datetime) -> None:
    """End an account's rights at once.

    Raises:
        NotFound: there is no such account.
        LedgerConflict: `last-admin`.
    """
    _need_user(tx, name)
    check_admin_stays(tx, name)
    tx.record_event("disable_user", {"name": name, "by": by})
    sql = (
        "UPDATE users SET disabled_at = COALESCE(disabled_at, ?), session_no = session_no + 1"
        " WHERE name = ?"
    )
    tx.db.execute(sql, (to_ms(now), name))
    tx.touched.add("users")


def reset_user(tx: Session, name: str, *, password_hash: str, token_hash: bytes, by: str) -> None:
    """Give an account a new first password and a new token; a disabled one works again."""
    _need_user(tx, name)
    tx.record_event("reset_user", {"name": name, "by": by})
    tx.db.execute(
        "UPDATE users SET password_hash = ?, token_hash = ?, must_change = 1, disabled_at = NULL,"
        " session_no = session_no + 1 WHERE name = ?",
        (password_hash, token_hash, name),
    )
    tx.touched.add("users")


def _need_user(tx: Session, name: str) -> None:
    if name not in tx.catalogue.users:
        raise NotFound(f"no user {name}")
