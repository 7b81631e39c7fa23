"""`gate-server init`, `gate`, `device`, `user`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from admission.scans import GateState, PartyDefault, Profile
from gate_server.cli.edge import Command, Group, listing, local, options, show, tell
from gate_server.cli.pictures import png_qr, terminal_qr
from gate_server.commands.venue import (
    AddGate,
    AddUser,
    ClearDevice,
    Enrol,
    MoveDevice,
    Named,
    SetGate,
    SetParty,
)
from gate_server.control import call
from gate_server.key_files import write_durably
from gate_server.ledger.devices import ROLES
from gate_server.ledger.ledger import utc_now
from gate_server.serving_place import Invitation, Serving, read_serving
from gate_server.venue_setup import create_venue


@click.command("init", cls=Command)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name or address of the server for its certificate; may be repeated.",
)
def init(hosts: tuple[str, ...]) -> None:
    """Make a venue's directory: ledger, keys, certificate authority, gate.toml."""
    directory = options().data
    create_venue(directory, now=utc_now(), hosts=hosts)
    show(
        {"data": str(directory)},
        f"{directory} is ready. Set its time zone and limits in {directory / 'gate.toml'}, then"
        " add gates and import deals.",
    )


@click.group("gate", cls=Group)
def gate() -> None:
    """Places that people pass."""


@gate.command("add")
@click.argument("gate_id", metavar="ID")
@click.option("--name", required=True, help="What staff call it.")
@click.option("--area", default="park", show_default=True, help="Area that it leads into.")
def gate_add(gate_id: str, name: str, area: str) -> None:
    """Add a gate."""
    made = _call("gate add", AddGate(gate_id=gate_id, name=name, area=area))
    show(made, f"gate {gate_id} leads into {area}")


@gate.command("list")
def gate_list() -> None:
    """List all gates."""
    found = _call("gate list")
    show(found, listing(found, ("gate_id", "name", "area", "state")))


@gate.command("state")
@click.argument("gate_id", metavar="ID")
@click.argument("state", type=click.Choice([each.value for each in GateState]))
@click.option("--reason", default="command line", show_default=True, help="Why, for the record.")
def gate_state(gate_id: str, state: str, reason: str) -> None:
    """Open or pause a gate, or let people out only."""
    made = _call("gate state", SetGate(gate_id=gate_id, state=GateState(state), reason=reason))
    show(made, f"gate {gate_id} is {state}")


@click.group("device", cls=Group)
def device() -> None:
    """Scanners."""


@device.command("enrol")
@click.option("--gate", "gate_id", required=True, metavar="ID", help="Gate that it stands at.")
@click.option("--name", required=True, help="What staff call it.")
@click.option(
    "--profile",
    type=click.Choice([each.value for each in Profile]),
    default=Profile.GATE.value,
    show_default=True,
    help="gate, marshal and exchange are staffed; kiosk is not.",
)
@click.option("--host", help="Address of the server for the URL; default where it listens.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port for the URL.")
@click.option("--png", type=click.Path(path_type=Path, dir_okay=False), help="Also as a picture.")
def device_enrol(
    gate_id: str,
    name: str,
    profile: str,
    *,
    host: str | None,
    port: int | None,
    png: Path | None,
) -> None:
    """Show the QR code that makes one scanner a device; good once, for five minutes."""
    directory = options().data
    made = _call("device enrol", Enrol(gate_id=gate_id, name=name, profile=Profile(profile)))
    listens = read_serving(directory)
    serving = Serving(host or listens.host, port or listens.port, listens.http)
    code = made["code"]
    invitation = Invitation.make(directory, serving, code)
    if png is not None:
        write_durably(png, png_qr(invitation.scanned), replace=True)
    show(
        {"code": code, "url": invitation.url, "expires_at": made["expires_at"]},
        f"{terminal_qr(invitation.scanned)}\n{invitation.command}\n"
        f"good once, until {local(made['expires_at'])}",
    )


@device.command("list")
def device_list() -> None:
    """List all devices with their last word."""
    found = _call("device list")
    columns = ("device_id", "name", "gate_id", "profile", "state", "last_seen_at", "outbox_depth")
    show(found, listing(found, columns))


@device.command("revoke")
@click.argument("device_id", metavar="ID")
def device_revoke(device_id: str) -> None:
    """End a device's rights for good; it wipes itself at its next call."""
    show(_call("device revoke", Named(name=device_id)), f"device {device_id} is revoked")


@device.command("move")
@click.argument("device_id", metavar="ID")
@click.option("--gate", "gate_id", required=True, metavar="ID", help="Gate that it stands at.")
def device_move(device_id: str, gate_id: str) -> None:
    """Let a device stand at another gate; it learns so with its next heartbeat."""
    made = _call("device move", MoveDevice(device_id=device_id, gate_id=gate_id))
    show(made, f"device {device_id} stands at gate {gate_id}")


@device.command("clear")
@click.argument("device_id", metavar="ID")
@click.option("--reason", required=True, help="What you have found, for the record.")
def device_clear(device_id: str, reason: str) -> None:
    """Let a suspended device work again: you have seen that it is the venue's own."""
    made = _call("device clear", ClearDevice(device_id=device_id, reason=reason))
    show(made, f"device {device_id} is active")


@device.command("party")
@click.argument("device_id", metavar="ID")
@click.argument("party", type=click.Choice([each.value for each in PartyDefault]))
def device_party(device_id: str, party: str) -> None:
    """Say how many people a scan is for: one, all that are left, or ask staff each time."""
    made = _call("device party", SetParty(device_id=device_id, party=PartyDefault(party)))
    show(made, f"device {device_id}: {party}")


@click.group("user", cls=Group)
def user() -> None:
    """Accounts of staff, partners and auditors."""


@user.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What it may do.")
@click.option("--platform", help="A partner's platform.")
def user_add(name: str, role: str, platform: str | None) -> None:
    """Add an account; its first password and its token are shown this once."""
    _show_secrets(_call("user add", AddUser(name=name, role=role, platform=platform)))


@user.command("list")
def user_list() -> None:
    """List all accounts."""
    found = _call("user list")
    show(found, listing(found, ("name", "role", "platform", "state", "created_at")))


@user.command("disable")
@click.argument("name")
def user_disable(name: str) -> None:
    """End an account's rights at once."""
    show(_call("user disable", Named(name=name)), f"user {name} is disabled")


@user.command("reset")
@click.argument("name")
def user_reset(name: str) -> None:
    """Give an account a new first password and a new token; a disabled one works again."""
    _show_secrets(_call("user reset", Named(name=name)))


def _show_secrets(made: dict[str, Any]) -> None:
    tell("shown this once; the password must be changed at the first log-in")
    show(made, "\n".join(f"{name}: {made[name]}" for name in ("name", "password", "api_token")))


def _call(name: str, params: Any = None) -> Any:
    return call(options().data, name, params)
