"""A park after its day with people who log in at a browser: pages and acts of deals."""

from __future__ import annotations

import atexit
import html
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlencode

import httpx

from tests.server import Member
from tests.settlement_story import Story, copy_played, open_story

PASSWORD = "a long password"
PEOPLE = {
    "mei": ("supervisor", "lvtu"),
    "stew": ("steward", "lvtu"),
    "aud": ("auditor", "lvtu"),
    "part": ("partner", "lvtu"),
    "alien": ("partner", "ctrip"),
}
"""Accounts that log in, by name: role, and platform of partners."""


class Desk:
    """The browsers of those who work in a story, one each; all have logged in."""

    def __init__(self, story: Story, cookies: dict[str, httpx.Cookies]) -> None:
        self.story, self._cookies = story, cookies

    def sit(self, name: str) -> None:
        """Let somebody be who uses the browser from now on, in English."""
        http = self.story.site.http
        http.headers["Accept-Language"] = "en"
        http.cookies.clear()
        http.cookies.update(self._cookies[name])

    def get(self, page: str, name: str = "mei") -> httpx.Response:
        """Open a page."""
        self.sit(name)
        return self.story.site.http.get(page)

    def read(self, page: str, name: str = "mei") -> str:
        """Return what a page says, which must be there."""
        answer = self.get(page, name)
        assert answer.status_code == 200, answer.text
        return words(answer.text)

    def values(self, act: str, name: str = "mei", **subject: str) -> dict[str, str]:
        """Return what an act's fields begin with."""
        shown = self.get(f"/act/{act}?{urlencode(subject)}", name).text
        inputs = dict(re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', shown))
        chosen = re.findall(
            r'<select id="[^"]+" name="([^"]+)">.*?value="([^"]*)" selected', shown, re.DOTALL
        )
        texts = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>([^<]*)</textarea>', shown)
        return {key: html.unescape(value) for key, value in [*inputs.items(), *chosen, *texts]}

    def send(self, act: str, fields: dict[str, str], name: str = "mei", **subject: str):
        """Send an act's form once, as it is filled in."""
        self.sit(name)
        dialog = f"/act/{act}?{urlencode(subject)}"
        return self.story.site.send(dialog, f"/act/{act}", **subject, **fields)

    def do(self, act: str, fields: dict[str, str], name: str = "mei", **subject: str):
        """Do an act whose consequence was told, and return where it led."""
        sent = {"step": "do", "password": PASSWORD} | fields
        answer = self.send(act, sent, name, **subject)
        assert answer.status_code == 303, words(answer.text)
        return answer

    def told(self, act: str, fields: dict[str, str] | None = None, **subject: str) -> str:
        """Return what an act would come to: with `fields`, after they were sent once."""
        if fields is None:
            shown = self.get(f"/act/{act}?{urlencode(subject)}")
        else:
            shown = self.send(act, fields, **subject)
        assert shown.status_code == 200, words(shown.text)
        found = re.search(r'<ul class="consequence".*?</ul>', shown.text, re.DOTALL)
        assert found is not None, shown.text
        return words(found[0])

    def events(self, kind: str) -> list[str]:
        """Return the audit's events of a kind, as they are kept."""
        sql = "SELECT body FROM audit WHERE kind = ? ORDER BY revision"
        return [
            body for (body,) in self.story.park.ledger.read(
                lambda db: db.execute(sql, (kind,)).fetchall()
            )
        ]  # fmt: skip


@cache
def _prepared() -> tuple[Path, tuple[Member, ...], dict[str, httpx.Cookies]]:
    """Return a park to be copied, who works there, and what their browsers keep.

    To prove a password is slow, on purpose; of one ledger's copies a session is the same.
    """
    directory = Path(mkdtemp(prefix="gatehouse-desk-")) / "var"
    atexit.register(shutil.rmtree, directory.parent, ignore_errors=True)
    members = copy_played(directory)
    cookies = {}
    with open_story(directory, members) as story:
        http = story.site.http
        for name, (role, platform) in PEOPLE.items():
            story.park.hire(role, name, platform, password=PASSWORD)
            http.cookies.clear()
            assert story.site.log_in(name, PASSWORD).status_code == 303
            cookies[name] = httpx.Cookies(http.cookies)
    return directory, members, cookies


@contextmanager
def a_desk(directory: Path) -> Iterator[Desk]:
    """Open a park after its day, with those who have logged in."""
    source, members, cookies = _prepared()
    shutil.copytree(source, directory)
    with open_story(directory, members) as story:
        yield Desk(story, cookies)


def words(text: str) -> str:
    """Return a page's words, without its markup."""
    plain = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return re.sub(r"\s+", " ", plain)
