"""Pages about devices: all of them with their last word, and an invitation for a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Response

from admission.messages import Sentence
from admission.scans import Device, PartyDefault, Profile
from gate_server.ledger.ledger import Ledger
from gate_server.serving_place import Invitation, read_serving
from gate_server.web.board.acts import REASON, Act, Body, Subject, by_command, declare
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext
from gate_server.web.board.once import Code, show_once
from gate_server.web.board.ops_acts import by_named, gate_choices
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show
from gate_server.web.board.tiles import SILENT_S
from gate_server.web.stats import make_stats

devices: Final = Section("devices")

KINDS: Final[dict[str, Sentence]] = {
    Profile.GATE.value: Sentence("检票通道", "lane"),
    Profile.MARSHAL.value: Sentence("排队疏导", "marshal"),
    Profile.EXCHANGE.value: Sentence("换票窗口", "exchange desk"),
    Profile.KIOSK.value: Sentence("自助机", "kiosk"),
}
_PROFILES: Final = (
    (Profile.GATE.value, lazy_gettext("lane with staff: lets people in")),
    (Profile.MARSHAL.value, lazy_gettext("marshal: stamps arrivals in the queue")),
    (Profile.EXCHANGE.value, lazy_gettext("exchange desk: prints tickets")),
    (Profile.KIOSK.value, lazy_gettext("kiosk: nobody stands beside it")),
)
_PARTIES: Final = (
    (PartyDefault.ONE.value, lazy_gettext("one person")),
    (PartyDefault.ASK.value, lazy_gettext("staff are asked each time")),
    (PartyDefault.ALL.value, lazy_gettext("all whom the voucher still lets in")),
)


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device in the list.

    Attributes:
        silent_s: since its last word; None before the first.
        word: its last heartbeat as sent.
    """

    device: Device
    gate: str
    silent_s: int | None
    word: dict[str, Any]
    operator: str | None

    @property
    def silent(self) -> bool:
        """Whether it has not been heard for so long that somebody should look."""
        return self.silent_s is not None and bool(self.word) and self.silent_s > SILENT_S


@devices.page("/devices", who=READERS, title=lazy_gettext("Devices"))
def show_devices(visit: Visit) -> Shown:
    """List all devices: those that somebody must look at first, revoked ones apart."""
    lines = device_lines(visit.services.ledger)
    at_work = [each for each in lines if not (each.device.revoked or each.device.suspended)]
    at_work.sort(key=lambda each: (not each.silent, each.device.gate_id, each.device.device_id))
    return show(
        "devices.html",
        at_work=at_work,
        suspended=[each for each in lines if each.device.suspended and not each.device.revoked],
        revoked=[each for each in lines if each.device.revoked],
        kinds=KINDS,
        parties=dict(_PARTIES),
        may=visit.may(LEADERS),
        gates=visit.services.ledger.catalogue.gates,
    )


def device_lines(ledger: Ledger, gate_id: str | None = None) -> list[DeviceLine]:
    """Return devices with their last word; `gate_id`: those of one gate."""
    catalogue, now = ledger.catalogue, ledger.clock()
    found = []
    for device in catalogue.devices.values():
        if gate_id not in {None, device.gate_id}:
            continue
        seen_at, gate = ledger.last_seen(device.device_id), catalogue.gates[device.gate_id]
        silent_s = None if seen_at is None else max(0, int((now - seen_at).total_seconds()))
        word = catalogue.seen[device.device_id].heartbeat
        operator = catalogue.operator_at(device.device_id, now)
        found.append(DeviceLine(device, gate.name, silent_s, word, operator))
    return found


def _device(visit: Visit, subject: Subject) -> Device | None:
    return visit.services.ledger.catalogue.devices.get(subject["device_id"])


def _tell_last_word(visit: Visit, subject: Subject) -> list[str]:
    device = _device(visit, subject)
    if device is None:
        return []
    word = visit.services.ledger.catalogue.seen[device.device_id].heartbeat
    depth = word.get("outbox_depth")
    told = [gettext("%(name)s stands at %(gate)s.", name=device.name, gate=device.gate_id)]
    if isinstance(depth, int) and depth:
        told.append(
            ngettext(
                "%(num)d scan of it has not come in yet.",
                "%(num)d scans of it have not come in yet.",
                depth,
            )
        )
    return told


def _tell_move(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    operator = visit.services.ledger.catalogue.operator_at(subject["device_id"], visit.now)
    told = [
        *_tell_last_word(visit, subject),
        gettext("The scanner learns of it within ten seconds; until then it counts here."),
    ]
    if operator is not None:
        told.append(gettext("Operator %(operator)s must sign in there anew.", operator=operator))
    return told


def _tell_revoke(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    device, left = _device(visit, subject), 0
    if device is not None:
        gates = make_stats(visit.services).gates
        beside = next(gate.devices for gate in gates if gate.gate_id == device.gate_id)
        left = sum(each.state == "active" for each in beside) - (not device.suspended)
    return [
        *_tell_last_word(visit, subject),
        gettext("It erases itself at its next call and lets nobody in any more, for good."),
        ngettext(
            "%(num)d other device stays at this gate.",
            "%(num)d other devices stay at this gate.",
            left,
        ),
    ]


def _tell_clear(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    return [
        *_tell_last_word(visit, subject),
        gettext("Its invitation was used by two. Have you seen this device, and is it ours?"),
        gettext("If not, revoke it. If so, it works again at once."),
    ]


def _invite(visit: Visit, _subject: Subject, result: Any) -> Response:
    directory, code = visit.services.ledger.directory, result["code"]
    invitation = Invitation.make(directory, read_serving(directory), code)
    drawn = Code.draw(invitation.scanned, gettext("Invitation to be scanned"))
    return show_once(
        visit,
        gettext("Scan this with the new device"),
        [
            (gettext("Enrolment code"), code),
            (gettext("At a scanner without a camera"), invitation.command),
        ],
        warning=gettext("Good once, for 5 minutes. A second use suspends the device of the first."),
        code=drawn,
        more=[(gettext("Address"), invitation.url)],
    )


declare(
    Act(
        "device-enrol",
        lazy_gettext("Add a device"),
        LEADERS,
        by_command("device enrol"),
        fields=(
            Field("gate_id", lazy_gettext("Gate"), Kind.CHOICE, choices=gate_choices),
            Field("name", lazy_gettext("What staff call it"), longest=80),
            Field("profile", lazy_gettext("What it is for"), Kind.CHOICE, choices=_PROFILES),
        ),
        button=lazy_gettext("Show the QR code"),
        said=_invite,
    ),
    Act(
        "device-move",
        lazy_gettext("Move to another gate"),
        LEADERS,
        by_command("device move"),
        fields=(Field("gate_id", lazy_gettext("Gate"), Kind.CHOICE, choices=gate_choices),),
        subject=("device_id",),
        tells=_tell_move,
    ),
    Act(
        "device-party",
        lazy_gettext("People of a scan that does not say so"),
        LEADERS,
        by_command("device party"),
        fields=(Field("party", lazy_gettext("People"), Kind.CHOICE, choices=_PARTIES),),
        subject=("device_id",),
    ),
    Act(
        "device-revoke",
        lazy_gettext("Revoke the device"),
        LEADERS,
        by_named("device revoke", "device_id"),
        subject=("device_id",),
        tells=_tell_revoke,
        grave=True,
    ),
    Act(
        "device-clear",
        lazy_gettext("Let it work again"),
        LEADERS,
        by_command("device clear"),
        fields=(REASON,),
        subject=("device_id",),
        tells=_tell_clear,
    ),
)
