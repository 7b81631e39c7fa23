"""Pages about gates: all of them now, and one gate's day beside its record and its ceiling."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from admission.calendar import Venue
from admission.errors import NotFound
from admission.wire_figures import GateDayAnswer
from gate_server.figures import make_gate_day, read_date
from gate_server.ledger.audit_list import AuditSearch, Event, event_at, list_events
from gate_server.screen_charts import Level, Said, column_chart, course_chart, spark
from gate_server.web.board import counted
from gate_server.web.board.acts import Act, by_command, declare
from gate_server.web.board.device_pages import KINDS, device_lines
from gate_server.web.board.fields import Field
from gate_server.web.board.languages import gettext, lazy_gettext
from gate_server.web.board.pages import LEADERS, STAFF, Section, Shown, Visit, show
from gate_server.web.board.rows import STATES
from gate_server.web.callers import Role
from gate_server.web.stats import make_stats

gates: Final = Section("gates")

_WHO: Final = STAFF | {Role.AUDITOR}
_ADMIN: Final = frozenset({Role.ADMIN})


@gates.page("/gates", who=_WHO, title=lazy_gettext("Gates"))
def show_gates(visit: Visit) -> Shown:
    """List all gates with how they do now."""
    found = make_stats(visit.services).gates
    most = max((people for gate in found for people in gate.per_minute), default=0)
    return show(
        "gates.html",
        found=found,
        sparks={gate.gate_id: _spark(gate.name, gate.per_minute, most) for gate in found},
        most=most,
        states=STATES,
        may=visit.may(LEADERS),
        is_admin=visit.may(_ADMIN),
    )


@gates.page("/gates/<gate_id>", who=_WHO)
def show_one_gate(visit: Visit) -> Shown:
    """Show one gate's day: people by minute, its state's changes, its devices."""
    ledger, gate_id = visit.services.ledger, visit.args["gate_id"]
    asked = read_date("day", visit.query.get("day"))
    lane = round(visit.services.settings.crowd.ceiling(gate_id) * 60)
    figures = make_gate_day(ledger, gate_id, asked, ceiling_per_lane=lane)
    gate = ledger.catalogue.gates.get(gate_id)
    if gate is None:
        raise NotFound(f"no gate {gate_id[:40]}")
    bounds = AuditSearch(
        since=figures.begins_at, until=figures.ends_at, event="gate_state", subject=gate_id
    )
    changes, _ = ledger.read(partial(list_events, asked=bounds))
    return show(
        "gate.html",
        gate=gate,
        figures=figures,
        before=figures.day - timedelta(days=1),
        after=None if visit.now <= figures.ends_at else figures.day + timedelta(days=1),
        course=_course(figures, ledger.venue),
        hours=_hours(figures, ledger.venue),
        changes=[_change(each) for each in changes],
        lines=device_lines(ledger, gate_id),
        states=STATES,
        kinds=KINDS,
        may=visit.may(LEADERS),
    )


def _spark(name: str, per_minute: list[int], most: int) -> str:
    """Return a gate's last hour, SVG; `most` is the height that all gates share."""
    said = gettext("%(gate)s, people a minute in the last hour", gate=name)
    told = Said(said, gettext("at most %(most)d", most=max(per_minute)))
    return spark(per_minute, told, top=most)


def _course(figures: GateDayAnswer, venue: Venue) -> str:
    """Return the day's course by minute below its ceiling and its record, SVG; "": nobody came."""
    if figures.from_at is None:
        return ""
    labels = [
        _clock(figures.from_at + timedelta(minutes=minute), venue)
        for minute in range(len(figures.per_minute))
    ]
    levels = []
    if figures.ceiling_per_hour:
        name = gettext("ceiling a minute (Green Guide)")
        levels.append(Level("ceiling", name, figures.ceiling_per_hour / 60))
    if figures.record_minute is not None:
        levels.append(Level("record", gettext("best minute ever"), figures.record_minute.people))
    best = figures.best_minute
    told = gettext(
        "%(people)s came in, at most %(most)d in one minute.",
        people=counted.people(figures.entered),
        most=0 if best is None else best.people,
    )
    return course_chart(figures.per_minute, labels, levels, Said(gettext("People a minute"), told))


def _hours(figures: GateDayAnswer, venue: Venue) -> str:
    if not figures.hours:
        return ""
    return column_chart(
        [
            (_clock(hour.from_at, venue), (hour.entered, hour.refused, hour.referred, hour.waited))
            for hour in figures.hours
        ],
        [
            gettext("people let in"),
            gettext("scans refused"),
            gettext("scans referred"),
            gettext("scans told to wait"),
        ],
        Said(
            gettext("By hour"),
            gettext("%(people)s let in, by hour.", people=counted.people(figures.entered)),
        ),
        apart=True,
    )


def _clock(at: datetime, venue: Venue) -> str:
    return at.astimezone(venue.zone).strftime("%H:%M")


def _change(event: Event) -> dict[str, Any]:
    body = event.body
    return {
        "at": event_at(event),
        "state": body["state"],
        "by": body.get("by"),
        "reason": body.get("reason") or event.personal.get("reason", ""),
    }


declare(
    Act(
        "gate-add",
        lazy_gettext("Add a gate"),
        _ADMIN,
        by_command("gate add"),
        fields=(
            Field(
                "gate_id",
                lazy_gettext("Short name"),
                longest=40,
                hint=lazy_gettext("As G7; it stands in files and cannot be changed later."),
            ),
            Field("name", lazy_gettext("What staff call it"), longest=80),
            Field("area", lazy_gettext("Area that it leads into"), value="park", longest=40),
        ),
    ),
)
