"""Read the tables of sentences that come with the package."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_words(name: str) -> dict[str, Any]:
    """Return config/messages/`name` as it stands, read once a process; nobody may change it."""
    return tomllib.loads(files("gatehouse_config").joinpath("messages", name).read_text("utf-8"))
