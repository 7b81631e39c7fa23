"""The live board: how the venue stands in one look, and what to do about it."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Response

from gate_server.handover import FAULTS
from gate_server.web.board.call_rows import say_called
from gate_server.web.board.languages import language, lazy_gettext
from gate_server.web.board.live import Live, LivePage, Part, Slots, Values
from gate_server.web.board.pages import STAFF, Section, Shown, Visit
from gate_server.web.board.rows import PROFILES, STATES, make_board
from gate_server.web.board.tiles import Tile
from gate_server.web.callers import Role
from gate_server.web.services import Services

LOOKERS = STAFF | {Role.AUDITOR}
PAGE = "board"


def gather(services: Services) -> dict[str, Any]:
    """Look up all that the board shows."""
    return {
        "board": make_board(services),
        "states": STATES,
        "profiles": PROFILES,
        "faults": FAULTS,
        "behind": say_called,
    }


def _tiles(values: Values) -> dict[str, Tile]:
    return {tile.gate.gate_id: tile for tile in values["board"].tiles}


BOARD_PAGE = LivePage(
    PAGE,
    (
        Part("banner"),
        Part("figures"),
        Part("calls"),
        Slots("gates", _tiles),
        Part("desk"),
        Part("deals"),
    ),
    gather,
)


def home(live: Live) -> Section:
    """Make the section of the live board."""
    section = Section("home")

    @section.page("/", who=LOOKERS, title=lazy_gettext("Board"))
    def board(visit: Visit) -> Shown:
        """Show how the venue stands now."""
        return live.show(visit, PAGE, "home.html")

    @section.page("/live", who=LOOKERS)
    def stream(visit: Visit) -> Shown:
        """Stream what changes on the board."""
        tab = visit.query.get("tab", "")[:32] or secrets.token_hex(8)
        parts = live.join(visit, PAGE, tab, language())
        return Response(
            parts,
            content_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
            direct_passthrough=True,
        )

    return section
