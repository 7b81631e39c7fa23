"""Log in to the board as a person does, and choose the password that the demo then tells."""

from __future__ import annotations

import re
import secrets

import httpx
from demo_processes import Failed

# Letters and digits that nobody takes for one another.
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def choose_password(url: str, name: str, first: str) -> str:
    """Change a first password, as the board asks for at the first log-in; return the new one.

    Raises:
        Failed: the board did not take it.
    """
    chosen = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    with httpx.Client(base_url=url, trust_env=False, timeout=20) as browser:
        _send(browser, "/login", "/login", name=name, password=first)
        _send(browser, "/account", "/account", old=first, new=chosen, again=chosen)
        if browser.get("/account").status_code != httpx.codes.OK:
            raise Failed(f"the account {name} did not get its password")
    return chosen


def _send(browser: httpx.Client, page: str, to: str, **fields: str) -> None:
    token = _TOKEN.search(browser.get(page).text)
    if token is None:
        raise Failed(f"the board has no form at {page}")
    answer = browser.post(to, data={"csrf_token": token[1], **fields})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise Failed(f"the board did not take the form of {page}: {answer.status_code}")
