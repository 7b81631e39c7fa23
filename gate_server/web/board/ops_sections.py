"""The pages that run the house, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from gate_server.web.board.broadcast_pages import broadcasts
from gate_server.web.board.conflict_pages import conflicts
from gate_server.web.board.device_pages import devices
from gate_server.web.board.incident_pages import incidents
from gate_server.web.board.pages import Section
from gate_server.web.board.user_pages import users

OPS: Final[tuple[Section, ...]] = (incidents, conflicts, broadcasts, devices, users)
