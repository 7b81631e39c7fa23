"""The pages that run the house, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from gate_server.web.board.audit_page import audit
from gate_server.web.board.broadcast_pages import broadcasts
from gate_server.web.board.conflict_pages import conflicts
from gate_server.web.board.device_pages import devices
from gate_server.web.board.feed_pages import feeds
from gate_server.web.board.figure_pages import figures
from gate_server.web.board.gate_pages import gates
from gate_server.web.board.handover_pages import handover
from gate_server.web.board.incident_pages import incidents
from gate_server.web.board.lookup_page import lookup
from gate_server.web.board.operator_pages import operators
from gate_server.web.board.pages import Section
from gate_server.web.board.setting_pages import settings
from gate_server.web.board.user_pages import users

OPS: Final[tuple[Section, ...]] = (
    lookup,
    gates,
    incidents,
    conflicts,
    broadcasts,
    devices,
    feeds,
    operators,
    handover,
    figures,
    audit,
    users,
    settings,
)
