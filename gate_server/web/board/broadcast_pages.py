"""Pages about broadcasts: what lanes are told, who has not seen it, what is worded already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from markupsafe import escape

from admission.broadcast_templates import FieldKind
from admission.errors import NotFound
from admission.messages import Sentence
from admission.wire_templates import FieldAnswer, TemplateAnswer
from gate_server.broadcast_templates import list_templates, word
from gate_server.broadcasts import count_reached, list_all
from gate_server.broadcasts import show as show_sent
from gate_server.web.board.acts import Act, Beside, Body, Subject, by_call, declare
from gate_server.web.board.device_pages import KINDS
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext, ngettext, say
from gate_server.web.board.ops_acts import gate_choices
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show
from gate_server.web.board.rows import say_state
from gate_server.web.broadcasts import broadcasts as calls
from gate_server.web.lanes import count_scanners

broadcasts: Final = Section("broadcasts")

_NAMES: Final = {
    "gate": lazy_gettext("Gate"),
    "deal": lazy_gettext("Deal"),
    "minutes": lazy_gettext("Minutes"),
    "last_entry": lazy_gettext("Last entry, as 17:00"),
    "closes": lazy_gettext("Closes, as 18:00"),
    "arrived_by": lazy_gettext("Arrived by, as 17:00"),
    "until": lazy_gettext("Until, as 15:30"),
}
_PROFILES: Final = (
    ("gate", lazy_gettext("lanes")),
    ("marshal", lazy_gettext("marshals")),
    ("exchange", lazy_gettext("exchange desks")),
    ("kiosk", lazy_gettext("kiosks")),
)


@broadcasts.page("/broadcasts", who=READERS, title=lazy_gettext("Broadcasts"))
def show_broadcasts(visit: Visit) -> Shown:
    """List what lanes are told now, and what they were told last."""
    found = list_all(visit.services.ledger).broadcasts
    return show(
        "broadcasts.html",
        in_force=[each for each in found if each.state == "in_force"],
        over=[each for each in found if each.state != "in_force"],
        gates=visit.services.ledger.catalogue.gates,
        kinds=KINDS,
        may=visit.may(LEADERS),
    )


@broadcasts.page("/broadcasts/new", who=LEADERS)
def choose_template(visit: Visit) -> Shown:
    """Show what is worded already, to be sent by one press and what it wants filled in."""
    return show(
        "broadcast_new.html",
        templates=list_templates(visit.services.ledger).templates,
        worded=partial(_worded, visit),
    )


@broadcasts.page("/broadcasts/<broadcast_id>", who=READERS)
def show_one_broadcast(visit: Visit) -> Shown:
    """Show a broadcast: which devices have not shown it, then which have."""
    found = show_sent(visit.services.ledger, visit.args["broadcast_id"])
    gates = visit.services.ledger.catalogue.gates
    return show("broadcast.html", found=found, gates=gates, kinds=KINDS, may=visit.may(LEADERS))


def _deals(visit: Visit) -> list[Choice]:
    deals = visit.services.ledger.catalogue.deals.values()
    return [(deal.deal_id, f"{deal.title} {deal.deal_id}") for deal in deals]


def _template(visit: Visit, subject: Subject) -> TemplateAnswer:
    known = list_templates(visit.services.ledger).templates
    found = next((each for each in known if each.template == subject["template"]), None)
    if found is None:
        raise NotFound(f"no template {subject['template'][:40]}")
    return found


def _worded(visit: Visit, template: TemplateAnswer) -> str:
    """Return what a template says, with the names of what is filled in where that will stand."""
    text = say(Sentence(template.message.zh, template.message.en))
    for field in template.fields:
        label = str(_NAMES.get(field.name) or field.name)
        # A label says how to write it, too, which is not wanted here: `Until, as 15:30`.
        text = text.replace(f"{{{field.name}}}", f"[{re.split('[,，]', label)[0]}]")
    return text.replace("{desk}", say(visit.services.settings.help_desk))


def worded_already(visit: Visit) -> list[Beside]:
    """Return what is worded already, each an act that sends it."""
    found = list_templates(visit.services.ledger).templates
    about = ((_worded(visit, each), {"template": each.template}) for each in found)
    return [Beside(words, "broadcast-worded", subject) for words, subject in about]


def _fields(visit: Visit, subject: Subject) -> Sequence[Field]:
    make = partial(_field, visit)
    return [make(each) for each in _template(visit, subject).fields]


def _field(visit: Visit, asked: FieldAnswer) -> Field:
    name = f"values.{asked.name}"
    # A venue's own template calls its fields as it likes.
    label: Lazy = _NAMES.get(asked.name) or escape(asked.name)
    if asked.kind is FieldKind.GATE:
        return Field(name, label, Kind.CHOICE, choices=gate_choices)
    if asked.kind is FieldKind.DEAL:
        return Field(name, label, Kind.CHOICE, choices=_deals)
    return Field(name, label)


def _tell(visit: Visit, subject: Subject, body: Body) -> list[str]:
    ledger = visit.services.ledger
    desk = visit.services.settings.help_desk
    worded, _ = word(ledger, subject["template"], body.get("values", {}), desk)
    number = count_reached(ledger.catalogue, body.get("gates", ()), body.get("profiles", ()))
    return [
        worded.shown.zh,
        worded.shown.en,
        gettext("Over the loudspeaker: %(zh)s", zh=worded.loud.zh),
        *_tell_gates(visit, subject, body.get("values", {})),
        ngettext("%(num)d device shows it.", "%(num)d devices show it.", number),
    ]


def _tell_gates(visit: Visit, subject: Subject, values: Mapping[str, str]) -> Iterator[str]:
    """Tell how the gates stand that lanes are told of: nobody is sent where nobody works."""
    ledger = visit.services.ledger
    scanners = count_scanners(ledger, visit.now)
    for field in _template(visit, subject).fields:
        gate = ledger.catalogue.gates.get(values.get(field.name, ""))
        if field.kind is not FieldKind.GATE or gate is None:
            continue
        yield say_state(gate.name, gate.state)
        if not scanners[gate.gate_id]:
            yield gettext("No scanner works at %(gate)s: nobody is let in there.", gate=gate.name)


def _about(visit: Visit, subject: Subject) -> list[str]:
    """Return the first sentence: the dialog tells all of it before it is sent."""
    return re.split(r"(?<=[。.])", _worded(visit, _template(visit, subject)))[:1]


def _with_template(subject: Subject, body: Body) -> Body:
    return {"template": subject["template"], **body}


_who, _run = by_call(calls, "send_broadcast")
declare(
    Act(
        "broadcast-worded",
        lazy_gettext("Tell the lanes"),
        _who,
        _run,
        asks=_fields,
        fields=(
            Field(
                "gates",
                lazy_gettext("Only at these gates (none: all)"),
                Kind.MANY,
                choices=gate_choices,
                needed=False,
            ),
            Field(
                "profiles",
                lazy_gettext("Only these devices (none: all)"),
                Kind.MANY,
                choices=_PROFILES,
                needed=False,
            ),
            Field(
                "expires_at",
                lazy_gettext("Until (else the end of the day)"),
                Kind.TIME,
                needed=False,
            ),
        ),
        subject=("template",),
        tells=_tell,
        shape=_with_template,
        about=_about,
        button=lazy_gettext("Send it"),
        preview=True,
    )
)
