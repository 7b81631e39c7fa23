"""Calls for help from a lane: what becomes an incident, and what the lane is told of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from admission.errors import InvalidInput
from admission.incidents import IncidentKind, NewIncident
from admission.scan_times import scan_time
from admission.scans import Device
from admission.wire_incidents import IncidentRequest
from admission.wire_surges import HelpTold
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.ledger import Ledger
from gate_server.settings import read_incident_words

OLDEST: Final = timedelta(hours=24)
"""A device that tells of an older call has a wrong clock."""
_ONLY_STAFF: Final = ("title", "note", "gate_id", "deal_id", "follows")


def read_call(request: IncidentRequest, device: Device, ledger: Ledger) -> NewIncident:
    """Return what a device's call for help is about; a device says nothing but that, and when.

    While one of it is open, a second press is the same.

    Raises:
        InvalidInput: another kind, or a field that only staff may send.
    """
    if request.kind is not IncidentKind.HELP:
        raise InvalidInput("kind", "a device calls for help, nothing else")
    for name in _ONLY_STAFF:
        if getattr(request, name) is not None:
            raise InvalidInput(name, "is for staff; a device's own gate is known")
    now, called_at = ledger.clock(), None
    if request.called_at is not None:
        at = scan_time(request.called_at, device.offset_ms, contact_at=now - OLDEST, by=now).at
        called_at = at
    gate = ledger.catalogue.gates[device.gate_id]
    title = read_incident_words(ledger.venue).help_called(gate.name)
    return NewIncident(
        kind=IncidentKind.HELP,
        subject=f"help {device.device_id}",
        title_zh=title.zh,
        title_en=title.en,
        gate_id=device.gate_id,
        device_id=device.device_id,
        called_at=called_at,
    )


def told_of_help(catalogue: Catalogue, device_id: str) -> HelpTold | None:
    """Return how a device's own call for help stands; None: none is open."""
    found = catalogue.duty.help.get(device_id)
    if found is None:
        return None
    return HelpTold(
        incident_id=found.incident_id,
        called_at=found.called_at,
        acknowledged_at=found.acknowledged_at,
        acknowledged_by=found.acknowledged_by,
        nobody_called=not catalogue.duty.contacts,
    )
