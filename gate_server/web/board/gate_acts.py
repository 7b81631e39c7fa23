"""Acts at gates: open, pause, exits only; evacuate; answer a call."""

from __future__ import annotations

from typing import Any

from admission.errors import NotFound
from admission.scans import GateState
from gate_server.web.board.acts import REASON, Act, Body, Subject, by_call, declare
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.pages import Visit
from gate_server.web.gates import gates
from gate_server.web.scans import scans
from gate_server.web.stats import MINUTES, make_stats

_STATES = (
    (GateState.OPEN.value, lazy_gettext("open")),
    (GateState.PAUSED.value, lazy_gettext("paused: entries and exits wait")),
    (GateState.EXIT_ONLY.value, lazy_gettext("exits only")),
)


def _tell_gate(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    figures = make_stats(visit.services)
    gate = next((each for each in figures.gates if each.gate_id == subject["gate_id"]), None)
    if gate is None:
        raise NotFound(f"no gate {subject['gate_id']}")
    last = sum(gate.per_minute[MINUTES - 15 :])
    devices = len(gate.devices)
    return [
        gettext("%(gate)s is %(state)s now.", gate=gate.name, state=dict(_STATES)[gate.state]),
        ngettext(
            "%(num)d person came in here in the last 15 minutes.",
            "%(num)d people came in here in the last 15 minutes.",
            last,
        ),
        ngettext(
            "%(num)d device learns of it within a second.",
            "%(num)d devices learn of it within a second.",
            devices,
        ),
    ]


def _tell_emergency(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    figures = make_stats(visit.services)
    return [
        ngettext("%(num)d person is inside.", "%(num)d people are inside.", figures.inside),
        gettext("No lane lets anybody in, every lane lets everybody out; scans decide nothing."),
        gettext("When it is over, enter by hand how many are inside."),
    ]


def _tell_call(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    waiting = visit.services.calls.waiting(visit.now)
    scan = next((each for each in waiting if each.nonce == subject["nonce"]), None)
    if scan is None:
        return [gettext("This call does not wait any more: it was answered, or is too old.")]
    reason = visit.services.answers.messages.short(scan.reason)
    return [
        gettext("Referred for: %(zh)s", zh=f"{reason.zh} {reason.en}"),
        gettext("The lane opens at once, and the people count as inside."),
    ]


def _emergency_body(_subject: Subject, body: Body) -> Body:
    return {"on": True, **body}


def _emergency_over(_subject: Subject, body: Body) -> Body:
    return {"on": False, **body}


def _let_in(_visit: Visit, _subject: Subject, result: Any) -> str:
    return ngettext("%(num)d person let in.", "%(num)d people let in.", result.admitted)


def _override_body(subject: Subject, body: Body) -> Body:
    return {"device_id": subject["device_id"], **body}


_who, _run = by_call(gates, "set_state")
declare(
    Act(
        "gate-state",
        lazy_gettext("State of a gate"),
        _who,
        _run,
        fields=(
            Field("state", lazy_gettext("From now on"), Kind.CHOICE, choices=_STATES),
            REASON,
        ),
        subject=("gate_id",),
        tells=_tell_gate,
        button=lazy_gettext("Change the gate"),
    )
)
_who, _run = by_call(gates, "evacuate")
declare(
    Act(
        "emergency",
        lazy_gettext("Evacuate the venue"),
        _who,
        _run,
        fields=(REASON,),
        tells=_tell_emergency,
        shape=_emergency_body,
        button=lazy_gettext("Evacuate now"),
        grave=True,
    ),
    Act(
        "emergency-over",
        lazy_gettext("End the evacuation"),
        _who,
        _run,
        fields=(REASON,),
        shape=_emergency_over,
    ),
)
_who, _run = by_call(scans, "override")
declare(
    Act(
        "call-admit",
        lazy_gettext("Let in"),
        _who,
        _run,
        fields=(
            REASON,
            Field("party", lazy_gettext("People"), Kind.NUMBER, needed=False),
        ),
        subject=("nonce", "device_id"),
        tells=_tell_call,
        shape=_override_body,
        said=_let_in,
    )
)
