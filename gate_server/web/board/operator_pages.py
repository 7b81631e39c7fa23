"""Pages about operators, who stand at lanes with a badge or a PIN: add, reset, disable."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from admission.operators import OperatorRole
from gate_server.handover import ROLES
from gate_server.web.board.acts import Act, Body, Subject, by_command, declare
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, say
from gate_server.web.board.once import Code, show_once
from gate_server.web.board.ops_acts import by_named
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show

operators: Final = Section("operators")


@operators.page("/operators", who=READERS, title=lazy_gettext("Operators"), seldom=True)
def show_operators(visit: Visit) -> Shown:
    """List who may stand at lanes, and where each stands now."""
    services = visit.services
    found = services.command("operator list", {}, visit.account.name)
    devices, gates = services.ledger.catalogue.devices, services.ledger.catalogue.gates
    return show(
        "operators.html",
        rows=sorted(found, key=lambda row: (row["state"] != "active", row["operator"])),
        places={
            row["operator"]: [f"{gates[devices[each].gate_id].name} {devices[each].name}"
                              for each in row["devices"]]
            for row in found
        },
        roles=ROLES,
        may=visit.may(LEADERS),
    )  # fmt: skip


def _roles(_visit: Visit) -> list[Choice]:
    return [(role.value, say(ROLES[role.value])) for role in OperatorRole]


def _tell_disable(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    return [
        *_tell_place(visit, subject),
        gettext("Badge and PIN are worth nothing any more, and the shift ends."),
    ]


def _tell_reset(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    return [
        *_tell_place(visit, subject),
        gettext("The badge and the PIN until now are worth nothing any more."),
    ]


def _tell_place(visit: Visit, subject: Subject) -> list[str]:
    catalogue, number = visit.services.ledger.catalogue, subject["operator"]
    return [
        gettext("Signed in at %(device)s now.", device=catalogue.devices[device_id].name)
        for device_id in catalogue.on_duty
        if catalogue.operator_at(device_id, visit.now) == number
    ]


def _new_badge(visit: Visit, _subject: Subject, result: Any) -> Response:
    number = result["operator"]
    return show_once(
        visit,
        gettext("Badge of operator %(number)s", number=number),
        [(gettext("Operator number"), number), (gettext("PIN"), result["pin"])],
        warning=gettext("Shown once: print the badge or photograph it, and tell the PIN."),
        code=Code.draw(result["badge"], gettext("Badge")),
        more=[(gettext("What the badge says"), result["badge"])],
    )


declare(
    Act(
        "operator-add",
        lazy_gettext("Add an operator"),
        LEADERS,
        by_command("operator add"),
        fields=(
            Field("operator", lazy_gettext("Operator number"), longest=40),
            Field("name", lazy_gettext("Name, or what colleagues call them"), longest=80),
            Field("role", lazy_gettext("Role"), Kind.CHOICE, choices=_roles),
        ),
        said=_new_badge,
    ),
    Act(
        "operator-reset",
        lazy_gettext("New badge and PIN"),
        LEADERS,
        by_named("operator reset", "operator", "operator"),
        subject=("operator",),
        tells=_tell_reset,
        said=_new_badge,
    ),
    Act(
        "operator-disable",
        lazy_gettext("Disable the operator"),
        LEADERS,
        by_named("operator disable", "operator"),
        subject=("operator",),
        tells=_tell_disable,
        grave=True,
    ),
)
