"""The pages that run the house, in the order of the navigation."""

from __future__ import annotations

from typing import Final

from gate_server.web.board.device_pages import devices
from gate_server.web.board.pages import Section
from gate_server.web.board.user_pages import users

OPS: Final[tuple[Section, ...]] = (devices, users)
