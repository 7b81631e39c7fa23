"""`gate-server finding`."""

from __future__ import annotations

from typing import Any

import click

from gate_server.cli.edge import Command, Group, listing, local, options, show
from gate_server.commands.findings import Closed, Numbered
from gate_server.control import call


@click.group("finding", cls=Group)
def finding() -> None:
    """What is odd in what platforms sold; docs/anomalies.md says what is looked at."""


@finding.command("list", cls=Command)
def finding_list() -> None:
    """List findings, open ones first."""
    found = call(options().data, "finding list")
    rows = [each | {"found": local(each["found_at"])} for each in found]
    columns = ("finding_id", "kind", "deal_id", "state", "policy", "vouchers", "people", "found")
    show(found, listing(rows, columns))


@finding.command("show", cls=Command)
@click.argument("finding_id", metavar="ID", type=int)
def finding_show(finding_id: int) -> None:
    """Show one finding: what, how far off, since when, how many, and what a hold covers."""
    found = call(options().data, "finding show", Numbered(finding_id=finding_id))
    show(found, _told(found))


@finding.command("close", cls=Command)
@click.argument("finding_id", metavar="ID", type=int)
@click.option("--note", required=True, help="What was found out; it stays on record.")
def finding_close(finding_id: int, note: str) -> None:
    """Close a finding that holds nothing; for one that does, release or void its deal."""
    params = Closed(finding_id=finding_id, note=note)
    done = call(options().data, "finding close", params)
    show(done, f"finding {finding_id} is closed")


def _told(found: dict[str, Any]) -> str:
    stands = f"{found['state']}, policy {found['policy']}, found {local(found['found_at'])}"
    lines = [
        found["say"]["en"],
        found["say"]["zh"],
        f"{found['kind']} of deal {found['deal_id'] or '-'}: {stands}",
        f"measured: {', '.join(f'{name} {value}' for name, value in found['measure'].items())}",
    ]
    if found["holds"]:
        lines.append(f"on hold: release or void deal {found['deal_id']}")
    if found["incident_id"] is not None:
        lines.append(f"incident: {found['incident_id']}")
    if found["decided_by"] is not None:
        lines.append(f"decided: {found['decided_by']}, {local(found['decided_at'])}")
    return "\n".join(lines)
