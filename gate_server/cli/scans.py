"""`gate-server scan`: list, override, answer, annul."""

from __future__ import annotations

from typing import Any

import click

from admission.voids import CostBearer
from gate_server.cli.edge import Group, listing, options, show
from gate_server.commands.scans import Annul, Answer, ListScans, Override
from gate_server.control import call

SHORT_NONCE = 8

_DEVICE = click.argument("device_id", metavar="DEVICE")
_NONCE = click.argument("nonce")
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_OPERATOR = click.option("--operator", metavar="NUMBER", help="Who does it at the lane.")
_PEOPLE = click.IntRange(1, 99)


@click.group("scan", cls=Group)
def scan() -> None:
    """What scanners recorded; let in whom they stopped, take back who did not pass.

    NONCE names a scan of a device: all of it, or an end of at least 6 characters that no other scan
    of that device has. `scan list` shows such ends.
    """


@scan.command("list")
@click.option("--device", "device_id", metavar="ID", help="Only this device's.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 24 * 60),
    default=30,
    show_default=True,
    help="How far back; an override is possible for 30.",
)
@click.option("--all", "everything", is_flag=True, help="Also those that let somebody in, or wait.")
def scan_list(device_id: str | None, minutes: int, everything: bool) -> None:
    """List the scans that were refused or referred lately, the newest first."""
    asked = ListScans(minutes=minutes, device_id=device_id, admitted=everything)
    found = call(options().data, "scan list", asked)
    rows = [row | {"nonce": row["nonce"][-SHORT_NONCE:]} for row in found]
    columns = ["at", "device_id", "gate_id", "outcome", "reason", "tail", "deal_id", "nonce"]
    if everything:
        columns.insert(-1, "people")
    show(found, listing(rows, columns) or f"nobody was refused or referred in {minutes} minutes")


@scan.command("override")
@_DEVICE
@_NONCE
@_REASON
@click.option("--party", type=_PEOPLE, help="People to let in; default all that are left, else 1.")
@click.option(
    "--cost-bearer",
    type=click.Choice([each.value for each in CostBearer]),
    default=CostBearer.VENUE.value,
    show_default=True,
    help="Who pays for them.",
)
@_OPERATOR
def scan_override(device_id: str, nonce: str, **given: Any) -> None:
    """Let in the holder of a refused or referred scan of the last 30 minutes.

    The lane that scanned is told at once.
    """
    params = Override(
        device_id=device_id,
        nonce=nonce,
        reason=given["reason"],
        party=given["party"],
        cost_bearer=CostBearer(given["cost_bearer"]),
        operator=given["operator"],
    )
    made = call(options().data, "scan override", params)
    show(made, f"{_voucher(made)}: {made['admitted']} let in, {made['remaining']} left on it")


@scan.command("answer")
@_DEVICE
@_NONCE
@_REASON
def scan_answer(device_id: str, nonce: str, reason: str) -> None:
    """Answer a call without letting anybody in: it waits no more.

    The lane that scanned is told at once. The voucher stays as it is; scanned again it calls anew.
    """
    params = Answer(device_id=device_id, nonce=nonce, reason=reason)
    made = call(options().data, "scan answer", params)
    show(made, f"{_voucher(made)}: answered, nobody let in")


@scan.command("annul")
@_DEVICE
@_NONCE
@_REASON
@click.option("--people", type=_PEOPLE, help="How many did not pass, in all; default everybody.")
@_OPERATOR
def scan_annul(device_id: str, nonce: str, **given: Any) -> None:
    """Take back people whom a scan let in but who did not pass; they may come again."""
    params = Annul(device_id=device_id, nonce=nonce, **given)
    made = call(options().data, "scan annul", params)
    before = " (that was done before)" if made["replayed"] else ""
    show(
        made,
        f"{_voucher(made)}: taken back{before}; {made['admitted']} of this scan stay in,"
        f" {made['remaining']} left on it",
    )


def _voucher(made: dict[str, Any]) -> str:
    return "unknown code" if made["tail"] is None else f"voucher ...{made['tail']}"
