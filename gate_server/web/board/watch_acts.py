"""Acts about what is watched: see to an alarm, count a queue, enter how many are inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gate_server.web.alarms import alarms
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.pages import Visit
from gate_server.web.crowd import crowd
from gate_server.web.stats import make_stats

OCCUPANCY: Final = "occupancy"


def _tell_occupancy(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    return [
        ngettext(
            "By the counters %(num)d person is inside.",
            "By the counters %(num)d people are inside.",
            make_stats(visit.services).inside,
        ),
        gettext("Your number counts from now on; everybody who enters or leaves changes it."),
    ]


def _said_occupancy(_visit: Visit, _subject: Subject, result: Any) -> str:
    return ngettext(
        "%(now)d person inside from now on, %(before)d before.",
        "%(now)d people inside from now on, %(before)d before.",
        result.people,
        now=result.people,
        before=result.before,
    )


def _areas(visit: Visit) -> Sequence[Choice]:
    gates = visit.services.ledger.catalogue.gates.values()
    return [(area, area) for area in dict.fromkeys(gate.area for gate in gates)]


def _tell_queue(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    queue = make_stats(visit.services).queue
    if queue.waiting is None:
        return [gettext("So far it is not known how many wait.")]
    return [
        ngettext(
            "So far about %(num)d person is taken to wait.",
            "So far about %(num)d people are taken to wait.",
            queue.waiting,
        ),
        gettext("What is shown then weighs your count with earlier ones and with who comes in."),
    ]


_who, _run = by_call(crowd, "enter_occupancy")
declare(
    Act(
        OCCUPANCY,
        lazy_gettext("Enter how many are inside"),
        _who,
        _run,
        fields=(
            Field("people", lazy_gettext("People inside now"), Kind.NUMBER),
            Field(
                "reason",
                lazy_gettext("Reason"),
                longest=500,
                suggestions=(
                    lazy_gettext("counted after the evacuation"),
                    lazy_gettext("counted at opening"),
                    lazy_gettext("counted by the patrol"),
                ),
            ),
        ),
        tells=_tell_occupancy,
        button=lazy_gettext("Enter"),
        said=_said_occupancy,
    )
)
_who, _run = by_call(crowd, "count_queue")
declare(
    Act(
        "queue-count",
        lazy_gettext("Count the queue"),
        _who,
        _run,
        fields=(
            Field("people", lazy_gettext("People who wait now"), Kind.NUMBER),
            Field("area", lazy_gettext("Before which area"), Kind.CHOICE, choices=_areas),
        ),
        tells=_tell_queue,
        button=lazy_gettext("Enter"),
    )
)


def _tell_alarm(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    standing = visit.services.ledger.catalogue.duty.alarms
    others = sum(each.acknowledged_at is None for each in standing)
    return [
        gettext("Everybody sees that you see to it; it goes by itself once all is well again."),
        ngettext(
            "%(num)d alarm stands that nobody sees to.",
            "%(num)d alarms stand that nobody sees to.",
            others,
        ),
    ]


_who, _run = by_call(alarms, "acknowledge_alarm")
declare(
    Act(
        "alarm-acknowledge",
        lazy_gettext("I see to it"),
        _who,
        _run,
        fields=(Field("note", lazy_gettext("What was found"), needed=False, longest=500),),
        subject=("alarm_id",),
        tells=_tell_alarm,
    )
)
