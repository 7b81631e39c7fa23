"""`gate-server broadcast`: send, templates, list, show, end."""

from __future__ import annotations

from typing import Any

import click

from admission.broadcasts import Priority
from admission.scans import Profile
from admission.wire import Text
from admission.wire_notices import BroadcastRequest
from gate_server.cli.edge import Group, counted, listing, local, options, show
from gate_server.cli.times import read_time
from gate_server.commands.broadcasts import End, Send
from gate_server.commands.venue import Named
from gate_server.control import call

_ID = click.argument("broadcast_id", metavar="ID")


@click.group("broadcast", cls=Group)
def broadcast() -> None:
    """Messages to scanners; each says once somebody could read it."""


@broadcast.command("send")
@click.option("--zh", metavar="TEXT", help="What to tell, in Chinese.")
@click.option("--en", metavar="TEXT", help="... and in English.")
@click.option("--template", metavar="KEY", help="Or what was worded beforehand.")
@click.option(
    "--set", "values", multiple=True, metavar="NAME=VALUE", help="A field of the template."
)
@click.option("--gate", "gates", multiple=True, metavar="ID", help="Only there; may be repeated.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    type=click.Choice([each.value for each in Profile]),
    help="Only devices of it; may be repeated.",
)
@click.option(
    "--priority",
    type=click.Choice([each.value for each in Priority]),
    help="high is shown again and again; default the template's, else normal.",
)
@click.option("--expires", metavar="TIME", help="17:00 is today; default the venue day's end.")
@click.option("--incident", metavar="ID", help="The incident that it is about.")
def broadcast_send(**given: Any) -> None:
    """Tell scanners something; on every connected one within a second.

    Say it with --zh and --en, or with a --template and its values; `broadcast templates` lists
    them. What is to be said over the loudspeaker (广播词) is printed below.
    """
    priority = given["priority"]
    request = BroadcastRequest(
        message=_message(given),
        template=given["template"],
        values=_values(given["values"]) or None,
        gates=list(given["gates"]) or None,
        profiles=[Profile(each) for each in given["profiles"]] or None,
        priority=None if priority is None else Priority(priority),
        expires_at=read_time("--expires", given["expires"], last=True),
        incident_id=given["incident"],
    )
    made = call(options().data, "broadcast send", Send(request=request))
    until = local(made["expires_at"])
    whom = counted(made["unseen"], "scanner") if made["unseen"] else "no scanner: none is there"
    text = f"{made['broadcast_id']} is told to {whom}, until {until}"
    odd = [f"请核对 look again: {each['zh']} {each['en']}" for each in made["warnings"]]
    show(made, "\n".join([text, *_texts(made), *odd]))


def _message(given: dict[str, Any]) -> Text | None:
    zh, en = given["zh"], given["en"]
    if (zh is None) != (en is None):
        raise click.UsageError("give the message in both languages")
    if (zh is None) is (given["template"] is None):
        raise click.UsageError("say it with --zh and --en, or with --template")
    return None if zh is None else Text(zh=zh, en=en)


def _values(given: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals) or name in values:
            raise click.UsageError(f"--set NAME=VALUE, each name once: {each[:80]}")
        values[name] = value
    return values


def _texts(made: dict[str, Any]) -> list[str]:
    """Return what is shown, and what is to be said over the loudspeaker."""
    lines = [made["message"]["zh"], made["message"]["en"]]
    loud = made["loudspeaker"]
    return lines if loud is None else [*lines, "广播词 loudspeaker:", loud["zh"], loud["en"]]


@broadcast.command("templates")
def broadcast_templates() -> None:
    """List what was worded beforehand, with what each wants to be filled in."""
    found = call(options().data, "broadcast templates")
    lines: list[str] = []
    for each in found:
        fields = " ".join(f"{field['name']}={field['kind']}" for field in each["fields"])
        own = ", the venue's own" if each["own"] else ""
        lines += [f"{each['template']} ({each['priority']}{own}) {fields}".rstrip(), *_texts(each)]
        lines.append("")
    show(found, "\n".join(lines).rstrip())


@broadcast.command("list")
def broadcast_list() -> None:
    """List those in force, then the latest others, with how many scanners have shown each."""
    found = call(options().data, "broadcast list")
    rows = [row | {"zh": row["message"]["zh"], "en": row["message"]["en"]} for row in found]
    columns = ("broadcast_id", "state", "priority", "made_at", "expires_at", "seen", "unseen",
               "zh", "en")  # fmt: skip
    show(found, listing(rows, columns))


@broadcast.command("show")
@_ID
def broadcast_show(broadcast_id: str) -> None:
    """Show which scanners have shown it, and which have not."""
    found = call(options().data, "broadcast show", Named(name=broadcast_id))
    show(found, "\n".join(_lines(found)))


@broadcast.command("end")
@_ID
@click.option("--reason", required=True, help="Why, for the record.")
def broadcast_end(broadcast_id: str, reason: str) -> None:
    """Take it back; scanners show it no more."""
    ended = call(options().data, "broadcast end", End(broadcast_id=broadcast_id, reason=reason))
    show(ended, f"{broadcast_id} was ended by {ended['ended_by']}: {ended['end_reason']}")


def _lines(found: dict[str, Any]) -> list[str]:
    gates = ", ".join(found["gates"]) or "all gates"
    only = f", only {', '.join(found['profiles'])}" if found["profiles"] else ""
    lines = [
        f"{found['broadcast_id']}: {found['state']}, {found['priority']}, to {gates}{only}",
        *_texts(found),
        f"sent {local(found['made_at'])} by {found['made_by']}, until {local(found['expires_at'])}",
    ]
    if found["ended_at"] is not None:
        ended = f"ended {local(found['ended_at'])} by {found['ended_by']}"
        lines.append(f"{ended}: {found['end_reason']}")
    columns = ("device_id", "name", "gate_id", "gate_name")
    for title, key, last in (
        ("shown by", "seen_by", "seen_at"),
        ("not shown by", "not_seen_by", "last_seen_at"),
    ):
        table = listing(found[key], (*columns, last)).splitlines()
        count = len(found[key])
        lines += [f"{title} {count}:", *table] if count else [f"{title}: nobody"]
    return lines
