"""`gate-server refund`: what platforms have asked to pay back, and what was decided."""

from __future__ import annotations

from typing import Any

import click

from gate_server.cli.edge import Command, Group, listing, local, options, show, tell
from gate_server.commands.refunds import OfPlatform
from gate_server.control import call


@click.group("refund", cls=Group)
def refund() -> None:
    """What platforms have asked to pay back; docs/refunds.md tells how they ask."""


@refund.command("list", cls=Command)
@click.argument("platform", required=False)
def refund_list(platform: str | None) -> None:
    """List requests and decisions, the newest first, each refusal with its scans."""
    found = call(options().data, "refund list", OfPlatform(platform=platform))
    rows = [_row(each) for each in found["refund_requests"]]
    columns = (
        "platform", "id", "voucher_ref", "tail", "asked", "decision", "reason", "people",
        "refundable", "decided_at", "withdrawn_at", "evidence",
    )  # fmt: skip
    show(found, listing(rows, columns))
    if found["more"]:
        tell("there are older ones; `GET /refund-requests` and this list show the newest 200")


def _row(each: dict[str, Any]) -> dict[str, Any]:
    scans = [f"{scan['gate_id']} {local(scan['at'])}" for scan in each["evidence"]]
    asked = "all" if each["asked"] is None else each["asked"]
    return each | {"asked": asked, "evidence": ", ".join(scans) or "-"}
