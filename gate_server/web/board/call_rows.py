"""Calls as the board shows them: who waits where, with which voucher, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from admission.messages import Sentence
from admission.wire import FirstUseAnswer
from admission.wire_staff import CallAnswer
from gate_server.ledger.called import Called, list_called
from gate_server.web.board.languages import gettext
from gate_server.web.services import Services


@dataclass(frozen=True, slots=True)
class CallRow:
    """Somebody who waits for a human.

    Attributes:
        elsewhere: where and when the same code was let in.
        called: the voucher, its deal, its people; None where the scan is not recorded any more.
    """

    call: CallAnswer
    gate: str
    device: str
    name: Sentence
    minutes: int
    elsewhere: str = ""
    called: Called | None = None


def make_call_rows(services: Services, calls: Sequence[CallAnswer], now: datetime) -> list[CallRow]:
    """Return calls with what stands behind them, in the same order."""
    found = list_called(services.ledger, [(each.device_id, each.nonce) for each in calls])
    return [_row(services, call, called, now) for call, called in zip(calls, found, strict=True)]


def _row(services: Services, call: CallAnswer, called: Called | None, now: datetime) -> CallRow:
    catalogue, venue = services.ledger.catalogue, services.ledger.venue
    gate, device = catalogue.gates.get(call.gate_id), catalogue.devices.get(call.device_id)
    use, elsewhere = call.elsewhere, ""
    if isinstance(use, FirstUseAnswer):
        other = catalogue.gates.get(use.gate_id)
        at = use.at.astimezone(venue.zone)
        elsewhere = f"{use.gate_id if other is None else other.name} {at:%H:%M:%S}"
    return CallRow(
        call,
        call.gate_id if gate is None else gate.name,
        call.device_id if device is None else device.name,
        services.answers.messages.short(call.reason),
        max(0, int((now - call.at).total_seconds() // 60)),
        elsewhere,
        called,
    )


def say_called(called: Called | None) -> str:
    """Say what stands behind a call, as far as it is known: `…0012 · Family day · left 12`."""
    if called is None:
        return ""
    parts = [f"…{called.tail}"] if called.tail else []
    parts += called.titles
    if called.left is not None and called.asked is not None:
        parts.append(
            gettext("asked %(asked)s, left %(left)s", asked=called.asked, left=called.left)
        )
    elif called.left is not None:
        parts.append(gettext("left %(left)s", left=called.left))
    elif called.asked is not None:
        parts.append(gettext("asked %(asked)s", asked=called.asked))
    return " · ".join(parts)
