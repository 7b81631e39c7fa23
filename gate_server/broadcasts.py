"""The use case of broadcasts: send, end, see who has shown them; for calls and commands alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec.structs import replace

from admission import wire
from admission.broadcasts import (
    Broadcast,
    Priority,
    checked_text,
    default_expiry,
    rank,
    reaches,
)
from admission.calendar import whole_ms
from admission.errors import Fault, InvalidInput, NotFound
from admission.incidents import EntryKind
from admission.messages import Sentence
from admission.scans import Device, Profile
from admission.wire_notices import (
    BroadcastAnswer,
    BroadcastDetail,
    BroadcastRequest,
    BroadcastsAnswer,
    NotSeenBy,
    SeenBy,
)
from gate_server.broadcast_templates import find_warnings, word
from gate_server.ledger.broadcasts import (
    Recorded,
    end_broadcast,
    find_recorded,
    list_recorded,
    new_broadcast_id,
    record_broadcast,
)
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.incidents import find_incident, write_entry
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session


def send(ledger: Ledger, request: BroadcastRequest, *, desk: Sentence, by: str) -> BroadcastDetail:
    """Tell devices something; on every connected one within a second.

    Args:
        desk: where visitors are helped, for templates that name it.

    Raises:
        InvalidInput: a text that cannot be shown, a template or gate that there is not, a time in
            the past.
        LedgerConflict: `nonce-reused`, `broadcasts-full`.
    """
    now = ledger.clock()
    message, loud, priority = _words(ledger, request, desk)
    warnings = find_warnings(ledger, request.template, request.values or {})
    gates = request.gates or []
    if len(set(gates)) < len(gates):
        raise InvalidInput("gates", "a gate stands twice", Fault.TWICE)
    expires_at = request.expires_at or default_expiry(now, ledger.venue)
    broadcast = Broadcast(
        broadcast_id=new_broadcast_id(),
        zh=message[0],
        en=message[1],
        priority=priority,
        gates=frozenset(gates),
        profiles=frozenset(request.profiles or ()),
        template=request.template,
        loud=loud,
        made_at=now,
        expires_at=whole_ms(expires_at),
    )
    broadcast_id = ledger.write(
        lambda tx: _record(tx, broadcast, request, by), alone=True, urgent=True
    )
    return replace(show(ledger, broadcast_id), warnings=warnings)


_Both = tuple[str, str]


def _words(
    ledger: Ledger, request: BroadcastRequest, desk: Sentence
) -> tuple[_Both, _Both | None, Priority]:
    """Return what is shown, what is said aloud, and how much it may get in the way."""
    if (request.message is None) is (request.template is None):
        raise InvalidInput(
            "message", "give a message, or a template with its values", Fault.MISSING
        )
    loud = None if request.loudspeaker is None else _checked("loudspeaker", request.loudspeaker)
    if request.message is not None:
        if request.values is not None:
            raise InvalidInput(
                "values", "belong to a template, and none is named", Fault.OUT_OF_PLACE
            )
        return _checked("message", request.message), loud, request.priority or Priority.NORMAL
    worded, priority = word(ledger, request.template or "", request.values or {}, desk)
    shown = worded.shown.zh, worded.shown.en
    return shown, loud or (worded.loud.zh, worded.loud.en), request.priority or priority


def _checked(field: str, text: wire.Text) -> _Both:
    return checked_text(f"{field}.zh", text.zh), checked_text(f"{field}.en", text.en)


def _record(tx: Session, broadcast: Broadcast, request: BroadcastRequest, by: str) -> str:
    about = request.incident_id
    if about is not None and find_incident(tx.db, about) is None:
        raise InvalidInput("incident_id", f"no incident {about}", Fault.UNKNOWN, about)
    broadcast_id = record_broadcast(tx, broadcast, nonce=request.nonce, by=by)
    # Another id: its answer was lost, and the timeline has it.
    if about is not None and broadcast_id == broadcast.broadcast_id:
        refs = {"broadcast_id": broadcast_id}
        kind, now = EntryKind.BROADCAST, broadcast.made_at
        write_entry(tx, about, kind, broadcast.zh, refs=refs, by=by, now=now)
    return broadcast_id


def end(ledger: Ledger, broadcast_id: str, *, reason: str, by: str) -> BroadcastDetail:
    """Take a broadcast back; repeating it changes nothing."""
    why, now = checked_text("reason", reason), ledger.clock()
    ledger.write(
        lambda tx: end_broadcast(tx, broadcast_id, reason=why, by=by, now=now),
        alone=True,
        urgent=True,
    )
    return show(ledger, broadcast_id)


def show(ledger: Ledger, broadcast_id: str) -> BroadcastDetail:
    """Return one broadcast, with who has shown it and who has not.

    Raises:
        NotFound: there is no such broadcast.
    """
    found = ledger.read(lambda db: find_recorded(db, broadcast_id))
    if found is None:
        raise NotFound(f"no broadcast {broadcast_id}")
    catalogue = ledger.catalogue
    return BroadcastDetail(
        **_fields(found, catalogue, ledger.clock()),
        seen_by=[
            SeenBy(
                device_id=seen.device_id,
                name=_device_name(seen.device_id, catalogue),
                gate_id=seen.gate_id,
                gate_name=_gate_name(seen.gate_id, catalogue),
                seen_at=seen.at,
            )
            for seen in found.seen
        ],
        not_seen_by=[
            NotSeenBy(
                device_id=device.device_id,
                name=device.name,
                gate_id=device.gate_id,
                gate_name=_gate_name(device.gate_id, catalogue),
                last_seen_at=ledger.last_seen(device.device_id),
            )
            for device in _waited_for(found, catalogue)
        ],
    )


def list_all(ledger: Ledger) -> BroadcastsAnswer:
    """Return the broadcasts in force, then the latest others."""
    now, catalogue = ledger.clock(), ledger.catalogue
    found = ledger.read(lambda db: list_recorded(db, now))
    return BroadcastsAnswer(
        broadcasts=[BroadcastAnswer(**_fields(each, catalogue, now)) for each in found]
    )


def count_reached(catalogue: Catalogue, gates: Iterable[str], profiles: Iterable[str]) -> int:
    """Return how many devices a broadcast would be for; no gate or profile named: all."""
    at, which = frozenset(gates), frozenset(Profile(each) for each in profiles)
    return sum(
        reaches(device, at, which)
        for device in catalogue.devices.values()
        if not (device.revoked or device.suspended)
    )


def told(catalogue: Catalogue, device: Device, now: datetime) -> list[Broadcast]:
    """Return what a device is to show now, the most urgent first."""
    found = [
        each
        for each in catalogue.broadcasts.values()
        if each.in_force(now) and each.reaches(device)
    ]
    return sorted(found, key=lambda each: rank(each.priority, each.made_at))


def write_event(broadcast: Broadcast) -> wire.BroadcastEvent:
    """Return a broadcast as devices are told it."""
    return wire.BroadcastEvent(
        broadcast_id=broadcast.broadcast_id,
        message=wire.Text(zh=broadcast.zh, en=broadcast.en),
        made_at=broadcast.made_at,
        expires_at=broadcast.expires_at,
        priority=broadcast.priority,
        ended_at=broadcast.ended_at,
    )


def _fields(found: Recorded, catalogue: Catalogue, now: datetime) -> dict[str, Any]:
    broadcast = found.broadcast
    return {
        "broadcast_id": broadcast.broadcast_id,
        "message": wire.Text(zh=broadcast.zh, en=broadcast.en),
        "gates": sorted(broadcast.gates),
        "profiles": sorted(broadcast.profiles),
        "template": broadcast.template,
        "loudspeaker": None if broadcast.loud is None else _text(broadcast.loud),
        "priority": broadcast.priority,
        "state": _state(broadcast, now),
        "made_at": broadcast.made_at,
        "made_by": found.made_by,
        "expires_at": broadcast.expires_at,
        "ended_at": broadcast.ended_at,
        "ended_by": found.ended_by,
        "end_reason": found.end_reason,
        "seen": len(found.seen),
        "unseen": len(_waited_for(found, catalogue)),
    }


def _text(both: tuple[str, str]) -> wire.Text:
    return wire.Text(zh=both[0], en=both[1])


def _state(broadcast: Broadcast, now: datetime) -> Literal["in_force", "expired", "ended"]:
    if broadcast.in_force(now):
        return "in_force"
    return "expired" if broadcast.ended_at is None else "ended"


def _waited_for(found: Recorded, catalogue: Catalogue) -> list[Device]:
    """Return the devices that a broadcast is for, as they stand now, and that have not shown it."""
    seen = {each.device_id for each in found.seen}
    return [
        device
        for device in catalogue.devices.values()
        if device.device_id not in seen
        and not (device.revoked or device.suspended)
        and found.broadcast.reaches(device)
    ]


def _device_name(device_id: str, catalogue: Catalogue) -> str:
    device = catalogue.devices.get(device_id)
    return device_id if device is None else device.name


def _gate_name(gate_id: str, catalogue: Catalogue) -> str:
    gate = catalogue.gates.get(gate_id)
    return gate_id if gate is None else gate.name
