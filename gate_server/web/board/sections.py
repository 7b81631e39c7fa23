"""Every section of the board, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from gate_server.web.board import (  # noqa: F401 - make their acts known
    call_acts,
    deal_acts,
    duty_acts,
    gate_acts,
    settlement_acts,
    void_acts,
    watch_acts,
)
from gate_server.web.board.acts import acts
from gate_server.web.board.blocks import blocks
from gate_server.web.board.call_pages import calls
from gate_server.web.board.closures import closures
from gate_server.web.board.deals import deals
from gate_server.web.board.home import BOARD_PAGE, home
from gate_server.web.board.live import Live, LivePage
from gate_server.web.board.login import account
from gate_server.web.board.ops_sections import OPS
from gate_server.web.board.pages import Section
from gate_server.web.board.partner import partner
from gate_server.web.board.settlement import settlement

LIVE_PAGES: Final[tuple[LivePage, ...]] = (BOARD_PAGE,)


def sections(live: Live) -> tuple[Section, ...]:
    """Return all sections."""
    money = settlement, blocks, closures
    return (home(live), calls, deals, partner, *OPS, *money, acts, account)
