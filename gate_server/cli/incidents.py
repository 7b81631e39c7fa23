"""`gate-server incident`: list, show, open, note, acknowledge, close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from admission.incident_words import money
from admission.incidents import OPENED_BY_PEOPLE, IncidentKind
from admission.report_words import LANGUAGES
from admission.wire_incidents import IncidentRequest
from gate_server.cli.edge import Group, counted, listing, local, options, show
from gate_server.commands.incidents import Close, ListIncidents, Note, OpenIncident
from gate_server.commands.venue import Named
from gate_server.control import call
from gate_server.incidents import STATES
from gate_server.key_files import write_durably

_ID = click.argument("incident_id", metavar="ID")
_NOBODY = (
    "值班名单为空，系统不会呼叫任何人，请自行电话通知"
    " nobody is on the duty list, so nobody is called:"
    " telephone whoever is on duty; then gate-server duty add"
)
_SENT = {
    "waiting": "is being sent to the platform",
    "taken": "was taken by the platform",
    "by_hand": "is not sent by itself: please send this text to the platform",
    "dropped": "is not sent any more",
}


@click.group("incident", cls=Group)
def incident() -> None:
    """What supervisors handle: each with a timeline and an end."""


@incident.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these.")
@click.option("--before", type=click.IntRange(1), metavar="NUMBER", help="Older ones than this.")
def incident_list(state: str | None, before: int | None) -> None:
    """List incidents, the newest first, 100 at a time."""
    found = call(options().data, "incident list", ListIncidents(state=state, before=before))
    rows = [row | {"title": " / ".join(_title(row))} for row in found["incidents"]]
    columns = ("incident_id", "kind", "state", "opened_at", "acknowledged_by", "decision", "title")
    more = "" if found["next"] is None else f"\nolder ones: --before {found['next']}"
    show(found, listing(rows, columns) + more)


@incident.command("show")
@_ID
def incident_show(incident_id: str) -> None:
    """Show an incident with its timeline, its calls and its request to the platform."""
    found = call(options().data, "incident show", Named(name=incident_id))
    show(found, "\n".join(_lines(found)))


@incident.command("open")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in sorted(OPENED_BY_PEOPLE)]),
    default=IncidentKind.OTHER.value,
    show_default=True,
    help="help and crowd call whoever is on duty.",
)
@click.option("--title", required=True, help="What it is, one line; no names, no codes.")
@click.option("--note", help="More about it, for the timeline.")
@click.option("--gate", "gate_id", metavar="ID", help="Where.")
@click.option("--deal", "deal_id", metavar="DEAL", help="About which deal.")
@click.option("--follows", metavar="ID", help="A closed incident that this one goes on from.")
def incident_open(
    kind: str,
    title: str,
    *,
    note: str | None,
    gate_id: str | None,
    deal_id: str | None,
    follows: str | None,
) -> None:
    """Open an incident; one that was closed stays so, another goes on from it."""
    request = IncidentRequest(
        kind=IncidentKind(kind),
        title=title,
        note=note,
        gate_id=gate_id,
        deal_id=deal_id,
        follows=follows,
    )
    made = call(options().data, "incident open", OpenIncident(request=request))
    lines = [f"incident {made['incident_id']} is open"]
    show(made, "\n".join([*lines, *([_NOBODY] if made["nobody_called"] else [])]))


@incident.command("note")
@_ID
@click.argument("note", metavar="TEXT")
def incident_note(incident_id: str, note: str) -> None:
    """Add to an incident's timeline."""
    made = call(options().data, "incident note", Note(incident_id=incident_id, note=note))
    show(made, f"noted in {incident_id}")


@incident.command("acknowledge")
@_ID
def incident_acknowledge(incident_id: str) -> None:
    """Say that you see to it; the calls about it end until it asks again."""
    made = call(options().data, "incident acknowledge", Named(name=incident_id))
    again = made["next_ring_at"]
    later = "" if again is None else f"; its deal is on hold, so the next call is {local(again)}"
    show(made, f"incident {incident_id} is acknowledged{later}")


@incident.command("close")
@_ID
@click.option("--summary", required=True, help="What came of it.")
def incident_close(incident_id: str, summary: str) -> None:
    """End an incident with what came of it."""
    made = call(options().data, "incident close", Close(incident_id=incident_id, summary=summary))
    show(made, f"incident {incident_id} is closed")


@incident.command("report")
@_ID
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Where to; default here.",
)
@click.option("--lang", "languages", type=click.Choice(LANGUAGES), multiple=True, help="Only this.")
def incident_report(incident_id: str, out: Path, languages: tuple[str, ...]) -> None:
    """Write the after-action report: Markdown, and HTML to be printed, in Chinese and English."""
    params = {"incident_id": incident_id, "languages": list(languages or LANGUAGES)}
    texts = call(options().data, "incident report", params)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in texts.items():
        path = out / f"incident-{incident_id}.{name}"
        write_durably(path, text.encode(), replace=True)
        paths.append(str(path))
    show({"files": paths}, "\n".join(paths))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['incident_id']}: {found['kind']}, {found['state']}",
        *_title(found),
        f"opened {local(found['opened_at'])} by {found['opened_by']}",
        *_about(found),
    ]
    if found["figures"] is not None:
        lines += _figures(found["figures"])
    if found["surge"] is not None:
        lines += _surge(found["surge"])
    lines += ["", "timeline:", *_timeline(found["timeline"])]
    if found["calls"]:
        columns = ("contact", "ring", "rung_at", "state", "tries", "problem")
        lines += ["", "last calls:", *listing(found["calls"], columns).splitlines()]
    if found["nobody_called"]:
        lines.append(_NOBODY)
    elif found["next_ring_at"] is not None:
        lines.append(f"next call {local(found['next_ring_at'])}")
    if found["stop_sale"] is not None:
        lines += ["", *_stop_sale(found["stop_sale"])]
    return lines


def _title(found: dict[str, Any]) -> list[str]:
    """Return the title in both languages, once where a person wrote one for both."""
    return list(dict.fromkeys(found["title"].values()))


def _about(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{name} {found[key]}"
        for name, key in (
            ("deal", "deal_id"),
            ("gate", "gate_id"),
            ("device", "device_id"),
            ("goes on from", "follows"),
        )
        if found[key] is not None
    ]
    if found["called_at"] is not None:
        lines.append(f"called at {local(found['called_at'])}")
    if found["awaits_decision"]:
        lines.append(f"awaits a decision: gate-server deal release|void {found['deal_id']}")
    if found["acknowledged_at"] is not None:
        lines.append(
            f"acknowledged {local(found['acknowledged_at'])} by {found['acknowledged_by']}"
        )
    if found["summary"] is not None:
        lines.append(f"closed {local(found['closed_at'])} by {found['closed_by']}")
        lines.append(found["summary"])
    return lines


def _figures(figures: dict[str, Any]) -> list[str]:
    currency = figures["currency"]
    paid, face = money(figures["paid_minor"], currency), money(figures["face_minor"], currency)
    when = f"{local(figures['since'])} to {local(figures['until'])}"
    people = counted(figures["people"], "person", "people")
    sold = f"{counted(figures['vouchers'], 'voucher')} for {people}"
    what = figures["what"]
    return [what["zh"], what["en"], f"{when}: {sold}, {paid} paid, {face} at face price"]


def _surge(surge: dict[str, Any]) -> list[str]:
    card, share = surge["card"], f"{surge['share'] * 100:.0f} %"
    before = f"{surge['before'] * 100:.0f} % before"
    people = counted(card["people_sold"], "person", "people")
    come = f"{card['used']} in, at most {card['still_to_come_today']} to come today"
    return [
        f"{surge['measure']}: {surge['count']} within a quarter of an hour, {share}; {before}",
        f"{card['state']} since {local(card['since'])}",
        f"{counted(card['sold'], 'voucher')} sold for {people}, {come}",
        card["say"]["zh"],
        card["say"]["en"],
    ]


def _timeline(entries: list[dict[str, Any]]) -> list[str]:
    lines = []
    for entry in entries:
        refs = ", ".join(f"{name} {value}" for name, value in entry["refs"].items())
        told = " ".join(part for part in (entry["text"], f"({refs})" if refs else "") if part)
        says = f"{entry['says']['zh']} {entry['says']['en']}"
        lines.append(f"{local(entry['at'])}  {says}, {entry['by']}{': ' + told if told else ''}")
    return lines


def _stop_sale(request: dict[str, Any]) -> list[str]:
    lines = [f"stop-sale request to {request['platform']}: it {_SENT[request['state']]}"]
    if request["problem"] is not None:
        lines.append(f"after {counted(request['tries'], 'try', 'tries')}: {request['problem']}")
    return [*lines, request["text"]["zh"], "", request["text"]["en"]]
