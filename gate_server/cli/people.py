"""`gate-server operator`, `handover`, `card`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from admission.operators import OperatorRole
from gate_server.card import write_card
from gate_server.cli.edge import Command, Group, listing, local, options, show, tell
from gate_server.cli.pictures import png_qr, terminal_qr
from gate_server.commands.people import AddOperator, AskSheet, ResetOperator
from gate_server.commands.venue import Named
from gate_server.control import call
from gate_server.key_files import write_durably

_NUMBER = click.argument("operator_id", metavar="NUMBER")
_ASK_PIN = click.option("--ask-pin", is_flag=True, help="Type a PIN instead of being given one.")
_FILE = click.Path(path_type=Path, dir_okay=False)
_PNG = click.option("--png", type=_FILE, help="The badge as a picture, to be printed.")


@click.group("operator", cls=Group)
def operator() -> None:
    """People who stand at lanes; each has a number, a badge and a PIN."""


@operator.command("add")
@_NUMBER
@click.option("--name", required=True, help="Lanes see its first character only.")
@click.option(
    "--role",
    type=click.Choice([each.value for each in OperatorRole]),
    default=OperatorRole.STEWARD.value,
    show_default=True,
    help="What they are at the lanes.",
)
@_ASK_PIN
@_PNG
def operator_add(
    operator_id: str, name: str, role: str, *, ask_pin: bool, png: Path | None
) -> None:
    """Add an operator; badge and PIN are shown this once."""
    params = AddOperator(
        operator=operator_id, name=name, role=OperatorRole(role), pin=_pin() if ask_pin else None
    )
    _show_secrets(call(options().data, "operator add", params), png)


@operator.command("list")
def operator_list() -> None:
    """List all operators, and at which devices they stand now."""
    found = call(options().data, "operator list")
    rows = [each | {"devices": ", ".join(each["devices"]) or None} for each in found]
    show(found, listing(rows, ("operator", "name", "role", "state", "devices", "created_at")))


@operator.command("disable")
@_NUMBER
def operator_disable(operator_id: str) -> None:
    """End an operator's rights at once; whoever stands at a lane is signed out."""
    made = call(options().data, "operator disable", Named(name=operator_id))
    show(made, f"operator {operator_id} is disabled")


@operator.command("reset")
@_NUMBER
@_ASK_PIN
@_PNG
def operator_reset(operator_id: str, *, ask_pin: bool, png: Path | None) -> None:
    """Give an operator a new badge and a new PIN; a disabled one works again."""
    params = ResetOperator(operator=operator_id, pin=_pin() if ask_pin else None)
    _show_secrets(call(options().data, "operator reset", params), png)


def _pin() -> str:
    pin: str = click.prompt(
        "PIN, 4 to 8 digits", hide_input=True, confirmation_prompt=True, err=True
    )
    return pin


def _show_secrets(made: dict[str, Any], png: Path | None) -> None:
    if png is not None:
        write_durably(png, png_qr(made["badge"]), replace=True)
    tell("shown this once; whoever has the badge can stand in for its owner")
    pin = "as typed" if made["pin"] is None else made["pin"]
    badge = f"badge: {made['badge']}\n{terminal_qr(made['badge'])}"
    show(made, f"operator: {made['operator']}\nPIN: {pin}\n{badge}")


@click.command("handover", cls=Command)
@click.option("--operator", "operator_id", metavar="NUMBER", help="Only this operator's.")
@click.option("--gate", "gate_id", metavar="ID", help="Only this gate's.")
@click.option("--day", metavar="YYYY-MM-DD", help="A venue day; default today.")
@click.option("--counted", metavar="N", help="People counted coming in, to be compared.")
@click.option("--out", type=_FILE, help="The sheet as a page (HTML) to be printed and signed.")
def handover(
    operator_id: str | None,
    gate_id: str | None,
    *,
    day: str | None,
    counted: str | None,
    out: Path | None,
) -> None:
    """Show who did what at which lane: the hand-over sheet 交接班."""
    asked = AskSheet(day=day, operator=operator_id, gate_id=gate_id, counted=counted)
    made = call(options().data, "handover", asked)
    if out is not None:
        write_durably(out, made["page"].encode(), replace=True)
        tell(f"written: {out}")
    show(made["sheet"], _text(made["sheet"]))


def _text(sheet: dict[str, Any]) -> str:
    rows = [row | _brief(row) for row in sheet["rows"]]
    columns = (
        *("operator", "gate_id", "device_id", "from", "until"),
        *("GO", "STOP", "CALL", "WAIT"),
        *("people_in", "people_out", "overrides", "annulments", "offline_scans", "conflicts_open"),
    )
    lines = [listing(rows, columns) or "nobody stood at a lane, and nothing was scanned"]
    lines.append(f"people in {sheet['people_in']}, out {sheet['people_out']}")
    if sheet["difference"] is not None:
        counted = sheet["counted_by_hand"]
        lines.append(f"counted by hand {counted}: {sheet['difference']:+} of what is recorded")
    return "\n".join(lines)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    shifts, scans = row["shifts"], row["scans"]
    since = shifts[0]["since"] if shifts else row["first_at"]
    until = shifts[-1]["until"] if shifts else row["last_at"]
    words = {"GO": "admit", "STOP": "refuse", "CALL": "refer", "WAIT": "wait"}
    times = {"from": local(since)[-8:-3], "until": local(until)[-8:-3]}
    return times | {word: scans[outcome] for word, outcome in words.items()}


@click.command("card", cls=Command)
@click.option("--out", type=_FILE, required=True, help="An HTML file, for one side of A4.")
def card(out: Path) -> None:
    """Write the one-page card of all verdicts, for staff to have at hand."""
    write_durably(out, write_card().encode(), replace=True)
    show({"file": str(out)}, f"written: {out}; print it on one side of A4")
