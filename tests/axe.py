"""What axe-core says of a page; `make test` brings it from npm where there is npm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import web_parts

AXE = Path(__file__).parents[1] / "node_modules" / web_parts.CHECKS


def needs_axe():
    """Skip a test where there is no axe-core."""
    if not AXE.exists():
        pytest.skip("no axe-core on this machine: apt-get install npm, then make test")


def serious(page, where="html", options=None):
    asked = [where, options or {}]
    found = page.evaluate("([where, options]) => axe.run(where, options)", asked)["violations"]
    return [
        f"{each['id']}: {json.dumps([node['html'][:120] for node in each['nodes']])}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
