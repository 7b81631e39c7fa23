"""A member of staff at the board, in this process: log in, look, do something."""

from __future__ import annotations

import re
from dataclasses import dataclass

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

    def do(self, act: str, *, subject: dict[str, str], **fields: str) -> httpx.Response:
        """Fill in the dialog of an act and press its button once."""
        page = str(httpx.URL(f"/act/{act}", params=subject))
        return self.site.send(page, f"/act/{act}", **subject, **fields)

    def tells(self, act: str, **subject: str) -> str:
        """Return what a dialog says of the act before it is done."""
        page = self.see(str(httpx.URL(f"/act/{act}", params=subject)))
        found = re.search(r'<ul class="consequence".*?</ul>', page, re.DOTALL)
        return "" if found is None else found[0]


def sit_down(
    site: Site, park: Park, role: str = "supervisor", name: str = "", *, language: str = "en"
) -> Seat:
    """Hire somebody, and log this site's client in as them."""
    name = park.hire(role, name, password=PASSWORD).name
    site.http.headers["Accept-Language"] = language
    answer = site.log_in(name, PASSWORD)
    assert answer.status_code == 303, answer.text
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
