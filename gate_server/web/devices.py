"""Devices over HTTP: enrol, learn who one is, give a sign of life."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from admission.calendar import to_ms
from admission.keys import write_code_keys
from admission.wire import DeviceSelf, Enrolled, EnrolRequest, Heartbeat, HeartbeatRequest
from gate_server import __version__
from gate_server.broadcasts import told, write_event
from gate_server.help_calls import told_of_help
from gate_server.ledger.broadcasts import note_seen, unseen
from gate_server.ledger.devices import EnrolmentGone, enrol_device, record_heartbeat
from gate_server.ledger.journal_heads import note_heartbeat
from gate_server.ledger.session import Session
from gate_server.secrets import find_enrolment_hash
from gate_server.web.callers import DEVICES
from gate_server.web.operations import Call, Noun
from gate_server.web.problems import Refused

devices = Noun("devices")


@devices.operation(
    "POST",
    "/devices/enrol",
    public=True,
    body=EnrolRequest,
    answer=Enrolled,
    status=201,
    problems=("enrolment-gone", "too-many"),
)
def enrol(call: Call) -> Enrolled:
    """Turn an enrolment code into a device; its token is told this once."""
    services, request = call.services, call.body
    ledger = services.ledger
    services.attempts.check_enrolment(call.address)
    code_hash = find_enrolment_hash(request.code)
    if code_hash is None:
        services.attempts.enrolment_failed(call.address)
        raise Refused("enrolment-gone", "this is not an enrolment code; it has 26 characters")
    now = ledger.clock()
    enrolled = ledger.write(
        lambda tx: enrol_device(tx, code_hash, nonce=request.nonce, name=request.name, now=now),
        alone=True,
    )
    if isinstance(enrolled, EnrolmentGone):
        services.attempts.enrolment_failed(call.address)
        raise enrolled
    device, token = enrolled
    return Enrolled(
        device_id=device.device_id,
        token=token,
        gate_id=device.gate_id,
        profile=device.profile,
        code_key=write_code_keys(services.keys.code_keys),
        server_time=now,
        epoch=ledger.epoch,
        zone=ledger.venue.zone.key,
    )


@devices.operation("GET", "/devices/self", who=DEVICES, answer=DeviceSelf)
def tell_self(call: Call) -> DeviceSelf:
    """Tell a device what the server knows of it."""
    ledger, device = call.services.ledger, call.device
    gate, now = ledger.catalogue.gates[device.gate_id], ledger.clock()
    return DeviceSelf(
        device_id=device.device_id,
        name=device.name,
        gate_id=gate.gate_id,
        gate_name=gate.name,
        area=gate.area,
        profile=device.profile,
        staffed=device.staffed,
        party_default=device.party_default,
        server_time=now,
        server_version=__version__,
        epoch=ledger.epoch,
        ledger_revision=ledger.revision,
        operator=ledger.catalogue.operator_at(device.device_id, now),
        operator_required=call.services.settings.operator_required,
        zone=ledger.venue.zone.key,
    )


@devices.operation(
    "POST", "/devices/self/heartbeat", who=DEVICES, body=HeartbeatRequest, answer=Heartbeat
)
def take_heartbeat(call: Call) -> Heartbeat:
    """Keep a device's last word, measure its clock, and tell it where the ledger stands."""
    services, request, device = call.services, call.body, call.device
    ledger, device_id = services.ledger, device.device_id
    now = ledger.clock()
    offset_ms = None
    if request.device_time is not None:
        offset_ms = to_ms(request.device_time) - to_ms(now)

    def keep(tx: Session) -> Heartbeat:
        word = msgspec.to_builtins(replace(request, seen=[]))
        record_heartbeat(tx, device_id, word, offset_ms=offset_ms, now=now)
        note_heartbeat(tx, device_id, request, offset_ms=offset_ms, now=now)
        note_seen(tx, device, request.seen, now)
        in_force = told(tx.catalogue, tx.catalogue.devices[device_id], now)
        # Read together: a head that is told with another's revision would look like tampering.
        return Heartbeat(
            server_time=now,
            epoch=tx.epoch,
            ledger_revision=tx.revision,
            audit_head=tx.head.hex(),
            messages=[write_event(each) for each in unseen(tx, device, in_force)],
            in_force=[each.broadcast_id for each in in_force],
            operator=tx.catalogue.operator_at(device_id, now),
            help=told_of_help(tx.catalogue, device_id),
            gate_id=tx.catalogue.devices[device_id].gate_id,
            party_default=tx.catalogue.devices[device_id].party_default,
        )

    # Patient and alone: it changes the catalogue, and no scan waits for it.
    heartbeat = ledger.write(keep, alone=True, patient=True)
    services.clocks.alarmed(ledger.catalogue, now)
    return heartbeat
