"""Acts at gates and for the whole venue: open, pause, exits only; evacuate."""

from __future__ import annotations

from admission.errors import NotFound
from admission.scans import GateState
from admission.wire_staff import GateAnswer
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare, then, why
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.pages import Visit
from gate_server.web.board.rows import say_state
from gate_server.web.board.watch_acts import OCCUPANCY
from gate_server.web.gates import gates
from gate_server.web.stats import MINUTES, make_stats

_STATES = (
    (GateState.OPEN.value, lazy_gettext("open")),
    (GateState.PAUSED.value, lazy_gettext("paused: entries wait for a while, exits go on")),
    (
        GateState.EXIT_ONLY.value,
        lazy_gettext("exits only: the screen sends entries to other gates, exits go on"),
    ),
)
_WHY_A_GATE = Field(
    "reason",
    lazy_gettext("Reason"),
    longest=500,
    suggestions=(
        lazy_gettext("long queue"),
        lazy_gettext("equipment fails"),
        lazy_gettext("change of shift"),
        lazy_gettext("too full inside"),
        lazy_gettext("end of the day"),
        lazy_gettext("back in order"),
    ),
)


def _said_state(_visit: Visit, _subject: Subject, result: GateAnswer) -> str:
    return say_state(result.name, result.state)


def _tell_gate(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = make_stats(visit.services).gates
    gate = next((each for each in found if each.gate_id == subject["gate_id"]), None)
    if gate is None:
        raise NotFound(f"no gate {subject['gate_id']}")
    return [
        say_state(gate.name, gate.state),
        ngettext(
            "%(num)d person came in here in the last 15 minutes.",
            "%(num)d people came in here in the last 15 minutes.",
            sum(gate.per_minute[MINUTES - 15 :]),
        ),
        ngettext(
            "%(num)d device learns of it within a second.",
            "%(num)d devices learn of it within a second.",
            len(gate.devices),
        ),
    ]


def _tell_emergency(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    figures = make_stats(visit.services)
    devices = sum(len(gate.devices) for gate in figures.gates)
    return [
        ngettext("%(num)d person is inside.", "%(num)d people are inside.", figures.inside),
        ngettext(
            "%(num)d device learns of it within a second.",
            "%(num)d devices learn of it within a second.",
            devices,
        ),
        gettext("No lane lets anybody in, every lane lets everybody out; scans decide nothing."),
        gettext("When it is over, enter by hand how many are inside."),
    ]


def _tell_over(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    figures = make_stats(visit.services)
    still = sum(gate.state != GateState.OPEN.value for gate in figures.gates)
    return [
        ngettext(
            "%(num)d gate lets people in again.",
            "%(num)d gates let people in again.",
            len(figures.gates) - still,
        ),
        ngettext(
            "%(num)d gate stays paused or for exits only.",
            "%(num)d gates stay paused or for exits only.",
            still,
        ),
    ]


def _emergency_reason(_visit: Visit, _subject: Subject) -> str:
    return gettext("evacuation")


def _emergency_body(_subject: Subject, body: Body) -> Body:
    return {"on": True, **body}


def _emergency_over(_subject: Subject, body: Body) -> Body:
    return {"on": False, **body}


_who, _run = by_call(gates, "set_state")
declare(
    Act(
        "gate-state",
        lazy_gettext("State of a gate"),
        _who,
        _run,
        fields=(
            Field("state", lazy_gettext("From now on"), Kind.CHOICE, choices=_STATES),
            _WHY_A_GATE,
        ),
        subject=("gate_id",),
        tells=_tell_gate,
        said=_said_state,
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
        # Filled in, so that one press and one confirmation are enough.
        fields=(Field("reason", lazy_gettext("Reason"), value=_emergency_reason, longest=500),),
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
        fields=(
            why(
                lazy_gettext("the danger is over"),
                lazy_gettext("false alarm"),
                lazy_gettext("it was an exercise"),
            ),
        ),
        tells=_tell_over,
        shape=_emergency_over,
        said=then(OCCUPANCY),
    ),
)
