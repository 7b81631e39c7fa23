"""Acts of whoever is on duty: broadcasts, incidents, conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admission.broadcasts import Priority
from admission.incidents import OPENED_BY_PEOPLE, IncidentKind
from admission.scans import Device
from gate_server.broadcasts import show as show_broadcast
from gate_server.incidents import IncidentDesk
from gate_server.ledger.conflicts import count_open
from gate_server.settings import read_incident_words
from gate_server.web.board.acts import Act, Body, Subject, by_call, declare
from gate_server.web.board.broadcast_pages import worded_already
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext, say
from gate_server.web.board.pages import Visit
from gate_server.web.broadcasts import broadcasts
from gate_server.web.conflicts import conflicts
from gate_server.web.incidents import incidents

# --- broadcasts ----------------------------------------------------------------------------------


def _gates(visit: Visit) -> Sequence[Choice]:
    return [(gate.gate_id, gate.name) for gate in visit.services.ledger.catalogue.gates.values()]


def _tell_broadcast(visit: Visit, _subject: Subject, body: Body) -> list[str]:
    gates = set(body.get("gates", ()))
    found = [each for each in _in_use(visit) if not gates or each.gate_id in gates]
    message = body["message"]
    return [
        ngettext(
            "%(num)d device shows it within a second.",
            "%(num)d devices show it within a second.",
            len(found),
        ),
        f"{message['zh']} / {message['en']}",
    ]


def _in_use(visit: Visit) -> list[Device]:
    devices = visit.services.ledger.catalogue.devices.values()
    return [each for each in devices if not (each.revoked or each.suspended)]


def _said_sent(_visit: Visit, _subject: Subject, result: Any) -> str:
    return ngettext(
        "Sent to %(num)d device.", "Sent to %(num)d devices.", result.seen + result.unseen
    )


def _tell_end(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    found = show_broadcast(visit.services.ledger, subject["broadcast_id"])
    return [
        say_text(found.message),
        gettext(
            "Shown on %(seen)d of %(all)d devices; none shows it any more.",
            seen=found.seen,
            all=found.seen + found.unseen,
        ),
    ]


def say_text(text: Any) -> str:
    """Return a text of the interface in the language of this request."""
    return str(say(text))


_who, _run = by_call(broadcasts, "send_broadcast")
declare(
    Act(
        "broadcast-send",
        lazy_gettext("Tell the lanes"),
        _who,
        _run,
        fields=(
            Field("message.zh", lazy_gettext("In Chinese"), Kind.TEXT, longest=500),
            Field("message.en", lazy_gettext("In English"), Kind.TEXT, longest=500),
            Field(
                "gates",
                lazy_gettext("Gates; none chosen: all"),
                Kind.MANY,
                choices=_gates,
                needed=False,
            ),
            Field(
                "priority",
                lazy_gettext("How urgent"),
                Kind.CHOICE,
                choices=(
                    (Priority.NORMAL.value, lazy_gettext("normal")),
                    (Priority.HIGH.value, lazy_gettext("important: shown again and again")),
                ),
                value=Priority.NORMAL.value,
            ),
        ),
        tells=_tell_broadcast,
        beside=worded_already,
        preview=True,
        button=lazy_gettext("Send"),
        said=_said_sent,
    )
)
_who, _run = by_call(broadcasts, "end_broadcast")
declare(
    Act(
        "broadcast-end",
        lazy_gettext("Take a broadcast back"),
        _who,
        _run,
        fields=(
            Field(
                "reason",
                lazy_gettext("Reason"),
                longest=500,
                suggestions=(lazy_gettext("it is over"), lazy_gettext("it was wrong")),
            ),
        ),
        subject=("broadcast_id",),
        tells=_tell_end,
        button=lazy_gettext("Take it back"),
    )
)

# --- incidents -----------------------------------------------------------------------------------


def _kinds(visit: Visit) -> Sequence[Choice]:
    words = read_incident_words(visit.services.ledger.venue)
    kinds = (kind for kind in IncidentKind if kind in OPENED_BY_PEOPLE)
    return [(kind.value, say(words.kind(kind))) for kind in kinds]


def _tell_new(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    duty = visit.services.ledger.catalogue.duty
    return [
        ngettext(
            "%(num)d incident is open already.",
            "%(num)d incidents are open already.",
            duty.open_incidents,
        ),
        ngettext(
            "For help and crowds %(num)d contact on the duty list is called.",
            "For help and crowds %(num)d contacts on the duty list are called.",
            duty.contacts,
        ),
    ]


def _tell_one(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    services = visit.services
    found = IncidentDesk(services.ledger, services.settings).show(subject["incident_id"])
    minutes = max(0, int((visit.now - found.opened_at).total_seconds() // 60))
    calls = sum(each.ring for each in found.calls)
    told = [
        gettext("%(kind)s: %(title)s", kind=say_text(found.name), title=say_text(found.title)),
        ngettext("Open for %(num)d minute.", "Open for %(num)d minutes.", minutes),
        ngettext(
            "The duty list was called %(num)d time about it.",
            "The duty list was called %(num)d times about it.",
            calls,
        ),
    ]
    if found.acknowledged_by is not None:
        told.append(gettext("%(name)s sees to it.", name=found.acknowledged_by))
    if found.awaits_decision:
        told.append(gettext("Its deal is on hold: release or void it first."))
    return told


_who, _run = by_call(incidents, "open_incident")
declare(
    Act(
        "incident-open",
        lazy_gettext("Open an incident"),
        _who,
        _run,
        fields=(
            Field("kind", lazy_gettext("Kind"), Kind.CHOICE, choices=_kinds),
            Field(
                "title",
                lazy_gettext("What it is, in one line"),
                suggestions=(
                    lazy_gettext("crowding at the gate"),
                    lazy_gettext("quarrel at a lane"),
                    lazy_gettext("somebody is unwell"),
                    lazy_gettext("lost child"),
                    lazy_gettext("loudspeaker needed"),
                ),
            ),
            Field("gate_id", lazy_gettext("Gate"), Kind.CHOICE, choices=_gates, needed=False),
            Field("note", lazy_gettext("More about it"), Kind.TEXT, needed=False, longest=500),
        ),
        tells=_tell_new,
    )
)
_who, _run = by_call(incidents, "acknowledge_incident")
declare(
    Act(
        "incident-acknowledge",
        lazy_gettext("I see to it"),
        _who,
        _run,
        subject=("incident_id",),
        tells=_tell_one,
    )
)
_who, _run = by_call(incidents, "add_incident_note")
declare(
    Act(
        "incident-note",
        lazy_gettext("Note"),
        _who,
        _run,
        fields=(Field("note", lazy_gettext("What happened"), Kind.TEXT, longest=500),),
        subject=("incident_id",),
        tells=_tell_one,
        button=lazy_gettext("Add to the timeline"),
    )
)
_who, _run = by_call(incidents, "close_incident")
declare(
    Act(
        "incident-close",
        lazy_gettext("Close the incident"),
        _who,
        _run,
        fields=(Field("summary", lazy_gettext("What came of it"), Kind.TEXT, longest=2000),),
        subject=("incident_id",),
        tells=_tell_one,
    )
)

# --- conflicts -----------------------------------------------------------------------------------


def _tell_conflict(visit: Visit, _subject: Subject, _body: Body) -> list[str]:
    waiting = visit.services.ledger.read(count_open)
    return [
        gettext("It stays on record with what you write here."),
        ngettext(
            "%(num)d conflict is open in all.",
            "%(num)d conflicts are open in all.",
            sum(waiting.values()),
        ),
    ]


_who, _run = by_call(conflicts, "resolve_conflict")
declare(
    Act(
        "conflict-resolve",
        lazy_gettext("Resolve a conflict"),
        _who,
        _run,
        fields=(
            Field(
                "note",
                lazy_gettext("What was found out"),
                longest=500,
                suggestions=(
                    lazy_gettext("same family, seen by the marshal"),
                    lazy_gettext("screenshot shown by somebody else"),
                    lazy_gettext("scanner's clock was wrong"),
                ),
            ),
        ),
        subject=("conflict_id",),
        tells=_tell_conflict,
        button=lazy_gettext("Resolve"),
    )
)
