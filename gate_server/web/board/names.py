"""What a dialog calls that which it is about: the names that people know, an id where none is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gate_server.alarm_desk import AlarmDesk
from gate_server.web.board.languages import say
from gate_server.web.board.pages import Visit

_LONGEST: Final = 30
"""A longer word from an address is no name."""


def names_of(visit: Visit, subject: Mapping[str, str]) -> Sequence[str]:
    """Return what people call a subject, part by part; what says nothing to them is left out."""
    found = (_NAMED.get(part, _as_it_is)(visit, value) for part, value in subject.items())
    return [name for name in found if name]


def _as_it_is(_visit: Visit, value: str) -> str:
    return value if len(value) < _LONGEST else ""


def _unsaid(_visit: Visit, _value: str) -> str:
    return ""


def _gate(visit: Visit, gate_id: str) -> str:
    gate = visit.services.ledger.catalogue.gates.get(gate_id)
    return _as_it_is(visit, gate_id) if gate is None else gate.name


def _device(visit: Visit, device_id: str) -> str:
    """Return gate and name of a scanner; with its id where another one there has the same."""
    devices = visit.services.ledger.catalogue.devices
    device = devices.get(device_id)
    if device is None:
        return _as_it_is(visit, device_id)
    place = device.gate_id, device.name
    alike = sum((each.gate_id, each.name) == place for each in devices.values())
    gate = _gate(visit, device.gate_id)
    name = device.name if gate in device.name else f"{gate} {device.name}"
    return name if alike == 1 else f"{name} {device_id}"


def _deal(visit: Visit, deal_id: str) -> str:
    deal = visit.services.ledger.catalogue.deal(deal_id)
    return _as_it_is(visit, deal_id) if deal is None else deal.title


def _feed(visit: Visit, feed_id: str) -> str:
    feeds = visit.services.ledger.catalogue.feeds.values()
    known = {str(feed.feed_id): feed.platform for feed in feeds}
    return known.get(feed_id, _as_it_is(visit, feed_id))


def _alarm(visit: Visit, alarm_id: str) -> str:
    standing = AlarmDesk(visit.services.ledger).standing()
    found = next((each for each in standing if str(each.alarm_id) == alarm_id), None)
    return "" if found is None else f"{say(found.name)} {say(found.where)}".strip()


_NAMED: Final[Mapping[str, Callable[[Visit, str], str]]] = {
    "alarm_id": _alarm,
    "broadcast_id": _unsaid,
    "deal_id": _deal,
    "device_id": _device,
    "feed_id": _feed,
    "gate_id": _gate,
    "hash": _unsaid,
    "incident_id": _unsaid,
    "nonce": _unsaid,
}
"""Those left out are told in full below the title, or are for machines."""
