"""Every section of the board, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from gate_server.web.board import (  # noqa: F401 - make their acts known
    call_acts,
    duty_acts,
    gate_acts,
    hold_acts,
    watch_acts,
)
from gate_server.web.board.acts import acts
from gate_server.web.board.home import BOARD_PAGE, home
from gate_server.web.board.live import Live, LivePage
from gate_server.web.board.login import account
from gate_server.web.board.ops_sections import OPS
from gate_server.web.board.pages import Section

LIVE_PAGES: Final[tuple[LivePage, ...]] = (BOARD_PAGE,)


def sections(live: Live) -> tuple[Section, ...]:
    """Return all sections."""
    return (home(live), *OPS, acts, account)
