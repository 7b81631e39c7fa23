"""The commands of the gate server; `gate-server --help` lists them."""

from __future__ import annotations

import click

from gate_server import __version__
from gate_server.cli.broadcasts import broadcast
from gate_server.cli.conflicts import conflict
from gate_server.cli.deals import deal
from gate_server.cli.edge import Group
from gate_server.cli.evidence import conduct, replay
from gate_server.cli.imports import import_
from gate_server.cli.keys import key, voucher
from gate_server.cli.people import card, handover, operator
from gate_server.cli.privacy import privacy
from gate_server.cli.scans import scan
from gate_server.cli.serving import serve
from gate_server.cli.tickets import ticket
from gate_server.cli.upkeep import audit, backup, doctor, restore
from gate_server.cli.venue import device, gate, init, user


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="gatehouse", prog_name="gate-server")
def main() -> None:
    """Run a venue's gates: its ledger, its scanners, its deals.

    Every command works beside a running server, which sees the change at once. Exit status: 0
    done, 1 refused or failed, 2 wrong usage.
    """


for each in (
    *(init, import_, gate, device, user, deal, key, voucher, scan, ticket, conflict, broadcast),
    *(operator, handover, card),
    *(replay, conduct, privacy),
    *(serve, audit, backup, restore, doctor),
):
    main.add_command(each)
