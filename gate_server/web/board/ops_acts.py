"""Helpers of the pages that run the house: commands about one thing that its page names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gate_server.web.board.acts import Body, Subject
from gate_server.web.board.fields import Choice
from gate_server.web.board.pages import Visit


def by_named(
    command: str, subject: str, param: str = "name"
) -> Callable[[Visit, Subject, Body], Any]:
    """Return how a command about one named thing is run, for `Act.run`.

    Args:
        subject: what the act calls it; `name` is the act's own in an address.
        param: what the command calls it.
    """

    def run(visit: Visit, about: Subject, body: Body) -> Any:
        given = {param: about[subject], **body}
        return visit.services.command(command, given, visit.account.name)

    return run


def gate_choices(visit: Visit) -> list[Choice]:
    """Return all gates to choose from."""
    gates = visit.services.ledger.catalogue.gates.values()
    return [(gate.gate_id, f"{gate.gate_id} {gate.name}") for gate in gates]


def platform_choices(visit: Visit) -> list[Choice]:
    """Return all platforms that have a deal or a feed."""
    catalogue = visit.services.ledger.catalogue
    known = {deal.platform for deal in catalogue.deals.values()}
    known |= {feed.platform for feed in catalogue.feeds.values()}
    return [(name, name) for name in sorted(known)]
