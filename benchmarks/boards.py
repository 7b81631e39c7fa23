"""Log in to the board of a server that is measured, as a browser does."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from gate_server.ledger.accounts import change_password
from gate_server.ledger.ledger import OpenDirectory
from gate_server.secrets import hash_password
from gate_server.settings import read_settings

PASSWORD = "a password for a benchmark"  # noqa: S105 - of a venue that is thrown away
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def let_in(directory: Path, name: str) -> None:
    """Give an account a password that need not be changed."""
    made = hash_password(PASSWORD)
    with OpenDirectory(directory, read_settings(directory).venue) as ledger:
        ledger.write(lambda tx: change_password(tx, name, made, by="bench"), alone=True)


def log_in(port: int, name: str) -> str:
    """Log in and return the session's cookie, as a header has it."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as browser:
        token = _TOKEN.search(browser.get("/login").text)
        if token is None:
            raise SystemExit("the log-in has no form")
        form = {"csrf_token": token[1], "name": name, "password": PASSWORD}
        if browser.post("/login", data=form).status_code != httpx.codes.SEE_OTHER:
            raise SystemExit("the log-in was refused")
        return f"gatehouse={browser.cookies['gatehouse']}"
