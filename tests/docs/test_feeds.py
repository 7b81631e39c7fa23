"""A platform is connected from docs/feeds.md alone: a folder, a native pull, an OCTO server."""

import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gate_server.feeds.octo_rows import ADMITTING, ENDED, NOT_YET
from tests import nursery
from tests.docs.pages import ROOT, lines, read
from tests.e2e.processes import wait_until
from tests.platforms import TOKEN, Platform, Sold, a_booking
from tests.server import Park, a_running_server

PAGE = ROOT / "docs/feeds.md"
PROGRAMS = Path(sys.executable).parent
NAMED = re.compile(r"`([\w.-]+)`\n\n```csv\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JSON = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODES = ["9K3F-22AX-8K2F", "7TQ0-51ZB-4M8W"]


def section(title):
    return read(PAGE).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(title):
    """Return the commands of a section, in its order."""
    shown = re.findall(r"^```sh\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)
    return [line for block in shown for line in lines(block)]


@pytest.fixture
def venue(tmp_path):
    """A new venue's directory in a folder of the user's, with one lane enrolled."""
    park = Park(tmp_path / "var", settings="[server]\nthreads = 40\nstreams = 8\n")
    park.gate = park.enrol()
    park.close()
    return park


def run(venue, command, status=0):
    words = shlex.split(command)
    where = {"cwd": venue.directory.parent}
    if words[0] == "gate-server":
        done = nursery.run(*words, **where)
    else:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, **where)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def await_reason(server, venue, code, reason):
    def is_so():
        return server.scan(venue.gate, code, mode="check")["reason"] == reason

    wait_until(is_so, 15, f"{code} {reason}")


def test_folder_is_connected_and_its_vouchers_become_admissible(venue):
    make, add, *looks = commands("A folder")
    inbox = venue.directory.parent / "inbox"
    with a_running_server(venue.directory) as server:
        for command in (make, add):
            run(venue, command)
        for name, text in NAMED.findall(section("A folder")):
            (inbox / f"{name}.part").write_text(text, "utf-8")
            (inbox / f"{name}.part").rename(inbox / name)
        for code in CODES:
            await_reason(server, venue, code, "admitted")
        wait_until(lambda: len([*(inbox / "done").iterdir()]) == 2, 5, "both files in done")
        status, rejects = (run(venue, command) for command in looks)
        end = "code,deal_id,status,updated_at\n9K3F-22AX-8K2F,EAST-1,cancelled,2026-05-02"
        (inbox / "vouchers-end.csv").write_text(end)
        await_reason(server, venue, CODES[0], "cancelled")

    assert (rejects, "sunny" in status) == ("", True)


def given(venue, title, url):
    """Return a section's commands for a platform that is really here, its token laid ready."""
    add, *more = commands(title)
    file = re.search(r"--token-file (\S+)", add)[1]
    (venue.directory.parent / file).write_text(TOKEN)
    (venue.directory.parent / file).chmod(0o600)
    return [re.sub(r"--url \S+", f"--url {url}", add), *more]


def test_octo_server_is_connected_and_its_bookings_become_admissible(venue):
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    with Platform() as platform, a_running_server(venue.directory) as server:
        sold = Sold(1, (CODES[1],), CODES[0], updated=f"{today}T00:00:00+08:00")
        platform.bookings[today] = [a_booking(sold, availability=None)]
        add, pull, deals = given(venue, "OCTO", platform.url)
        added = run(venue, add)
        await_reason(server, venue, CODES[0], "admitted")
        pulled, listed = run(venue, pull), run(venue, deals)
        platform.bookings[today] = [a_booking(sold.as_cancelled(sold.updated), availability=None)]
        run(venue, pull)
        await_reason(server, venue, CODES[0], "refunded")

    assert "it answers" in added
    assert "0 set aside" in pulled
    assert "East park" in listed
    assert TOKEN not in added + pulled + server.log


def test_page_of_the_native_pull_is_one_that_is_understood(venue):
    (shown,) = re.findall(
        r"^```json\n(.*?)^```$", section("The native pull"), re.MULTILINE | re.DOTALL
    )
    with Platform() as platform:
        platform.pages = [("vouchers", [])]
        platform.always = lambda handler: handler.give(shown.encode())
        add, pull = given(venue, "The native pull", platform.url)
        run(venue, add)
        told = run(venue, pull, status=1)
        asked = platform.asked[-1]

    assert "1 set aside" in told, "its deal is not there: the page shows vouchers only"
    assert (asked.path, asked.query) == ("/api/changes", {"limit": "2000"})
    assert json.loads(shown)["more"] is False


@pytest.mark.parametrize("status", sorted(ADMITTING | ENDED | NOT_YET))
def test_every_status_of_a_booking_is_explained(status):
    assert f"`{status}`" in section("OCTO")
