"""A member of staff at the board, in this process: log in, look, do something."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import httpx

from tests.server import Park, Site

PASSWORD = "a password of the tests"


@dataclass
class Seat:
    """A browser's place: who has logged in there, and the site that it looks at."""

    site: Site
    name: str

    def see(self, address: str = "/") -> str:
        """Return a page that must be shown."""
        shown = self.site.http.get(address)
        assert shown.status_code == 200, shown.text
        return shown.text


_seated: dict[tuple[str, str, date], httpx.Cookies] = {}


def be_seated(site: Site, park: Park, role: str, name: str, **options: str) -> None:
    """Hire somebody, and have this site's client be where they have logged in.

    To prove a password is slow, on purpose; a session is the same in every copy of one ledger, for
    as long as their clocks agree.
    """
    place = name, park.ledger.epoch, park.ledger.clock().date()
    park.hire(role, name, password=PASSWORD, **options)
    if place in _seated:
        site.http.cookies.update(_seated[place])
        return
    assert site.log_in(name, PASSWORD).status_code == 303
    _seated[place] = httpx.Cookies(site.http.cookies)


def sit_down(site: Site, park: Park, role: str = "supervisor", *, language: str = "en") -> Seat:
    """Let somebody of a role sit before this site, once a test."""
    name = f"{role}-seat"
    be_seated(site, park, role, name)
    site.http.headers["Accept-Language"] = language
    return Seat(site, name)


def part_of(page: str, name: str) -> str:
    """Return one part of the live board."""
    found = re.search(rf'<section id="part-{name}".*?</section>', page, re.DOTALL)
    assert found is not None, page
    return found[0]


def tile_of(page: str, gate_id: str) -> str:
    """Return the tile of a gate."""
    found = re.search(rf'<article [^>]*id="gate-{gate_id}".*?</article>', page, re.DOTALL)
    assert found is not None, page
    return found[0]
