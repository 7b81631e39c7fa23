"""Somebody who sits at the board of a park: opens pages, does acts, reads the audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from tests.server import Park, Site, an_app

PASSWORD = "a long enough one"


class Desk:
    """A park, and whoever sits at its board."""

    def __init__(self, park: Park, site: Site) -> None:
        self.park, self.site = park, site
        site.http.headers["Accept-Language"] = "en"

    def sit(self, role: str = "supervisor", name: str = "") -> str:
        """Log somebody in; return the account's name."""
        member = self.park.hire(role, name, password=PASSWORD)
        assert self.site.log_in(member.name, PASSWORD).status_code == 303
        return member.name

    def beside(self, role: str = "") -> Desk:
        """Return another browser at the same board, where somebody of a role has logged in."""
        client = httpx.Client(transport=self.site.http._transport, base_url="http://127.0.0.1")
        desk = Desk(self.park, Site(client))
        if role:
            desk.sit(role)
        return desk

    def open(self, address: str) -> httpx.Response:
        return self.site.http.get(address)

    def see(self, address: str) -> str:
        """Open a page that is there; return it without its markup's escapes."""
        shown = self.open(address)
        assert shown.status_code == 200, shown.text
        return unescape(shown.text)

    def ask(self, act: str, **subject: str) -> str:
        """Open an act's dialog and return it."""
        shown = self.site.http.get(f"/act/{act}", params=subject)
        assert shown.status_code == 200, shown.text
        return unescape(shown.text)

    def try_to(self, act: str, **fields: Any) -> httpx.Response:
        """Send an act's form."""
        return self.site.send("/account", f"/act/{act}", **fields)

    def do(self, act: str, **fields: Any) -> httpx.Response:
        """Do an act that goes well."""
        answer = self.try_to(act, **fields)
        assert answer.status_code in {200, 303}, answer.text
        return answer

    def audited(self, event: str) -> list[dict[str, Any]]:
        """Return an event's entries as the audit has them."""
        sql = "SELECT body FROM audit WHERE kind = ? ORDER BY revision"
        found = self.park.ledger.read(lambda db: db.execute(sql, (event,)).fetchall())
        return [json.loads(row[0]) for row in found]


def told_once(answer: httpx.Response) -> list[str]:
    """Return what an answer shows to be copied."""
    return [unescape(each) for each in re.findall(r'value="([^"]*)" readonly', answer.text)]


@contextmanager
def a_desk(
    directory: Path, role: str = "supervisor", name: str = "anne", *, settings: str = ""
) -> Iterator[Desk]:
    """Furnish a park, and let somebody sit down at its board."""
    park = Park(directory / "var", settings=settings)
    try:
        with an_app(park) as (_, site):
            desk = Desk(park, site)
            desk.sit(role, name)
            yield desk
    finally:
        park.close()
