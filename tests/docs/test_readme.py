"""A new user opens a gate from the README alone: its steps, run for real."""

import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import ROOT, files, lines, read
from tests.server import Site

PROGRAMS = Path(sys.executable).parent
SECTION = read(ROOT / "README.md").partition("\n## Open a gate\n")[2].partition("\n## ")[0]
INVITATION = re.compile(r"scanner-client enrol '(https:[^']*)'")


@dataclass
class Walk:
    """What came of the steps.

    Attributes:
        done: command and its result, in the order of the README.
    """

    folder: Path
    port: int
    done: list[tuple[str, subprocess.CompletedProcess[str]]]

    def results(self, start):
        return [done for command, done in self.done if command.startswith(start)]

    def fetch(self, path):
        context = ssl.create_default_context(cafile=self.folder / "var/keys/tls/ca.pem")
        with urllib.request.urlopen(f"https://127.0.0.1:{self.port}{path}", context=context) as got:
            return got.read().decode()


def steps():
    """Return the commands of the section; only a camera is left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in lines(block)]
    return [
        line
        for line in commands
        if line.startswith(("gate-", "scanner-")) and "camera:" not in line
    ]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(folder, command):
    program, *arguments = shlex.split(command)
    return subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def serve(folder, command, port):
    program, *arguments = shlex.split(command)
    server = subprocess.Popen(
        [PROGRAMS / program, *arguments, "--port", str(port)],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "listens" in server.stderr.readline()
    return server


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("venue")
    for name, text in files(ROOT / "README.md"):
        (folder / name).write_text(text, "utf-8")
    walk, server, invitation = Walk(folder, free_port(), []), None, ""
    try:
        for command in steps():
            if command.startswith("gate-server serve"):
                server = serve(folder, command, walk.port)
                continue
            shown = INVITATION.sub(f"scanner-client enrol '{invitation}'", command)
            done = run(folder, shown)
            walk.done.append((command, done))
            found = INVITATION.search(done.stdout)
            invitation = found[1] if found else invitation
        yield walk
    finally:
        if server is not None:
            server.terminate()
            server.wait(20)
            server.stderr.close()


def test_every_step_succeeds_but_the_second_scan_of_a_code(walk):
    failed = [command for command, done in walk.done if done.returncode != 0]

    assert failed == ["scanner-client read --code 9K3F-22AX-8K2F"], walk.done


def test_files_of_the_readme_go_in_whole(walk):
    imported = [done.stdout.strip() for done in walk.results("gate-server import")]

    assert imported == [
        "1 added, 0 changed, 0 unchanged, 0 rejected",
        "2 added, 0 changed, 0 unchanged, 0 rejected",
    ]


def test_scans_say_what_the_readme_says(walk):
    first, second, picture = (done.stdout for done in walk.results("scanner-client read"))

    assert "GO" in first
    assert "used_up" in second
    assert "GO" in picture


def test_board_opens_to_the_account_of_the_page_and_shows_its_gate(walk):
    (added,) = walk.results("gate-server user add")
    first = re.search(r"password: (\S+)", added.stdout)[1]
    context = ssl.create_default_context(cafile=walk.folder / "var/keys/tls/ca.pem")
    address = f"https://127.0.0.1:{walk.port}"
    # As a browser does: a form over TLS says which page it is of.
    own = {"Referer": f"{address}/"}
    with httpx.Client(base_url=address, verify=context, timeout=20, headers=own) as http:
        site, chosen = Site(http), "a password of my own"
        site.log_in("chief", first)
        site.send("/account", "/account", old=first, new=chosen, again=chosen)
        page = http.get("/").text

    assert "North gate" in page


def test_running_server_describes_itself_as_the_page_does(walk):
    document = json.loads(walk.fetch("/api/v1/openapi.json"))
    page = read(ROOT / "docs/http-api.md")

    calls = {
        f"### {method.upper()} {path}"
        for path in document["paths"]
        for method in document["paths"][path]
    }
    assert calls == set(re.findall(r"^### [A-Z]+ /.*$", page, re.MULTILINE))


def test_every_metric_is_documented(walk):
    shown = set(re.findall(r"^# TYPE (\w+)", walk.fetch("/metrics"), re.MULTILINE))
    section = read(ROOT / "docs/operations.md").partition("\n## Metrics\n")[2].partition("\n## ")[0]

    assert shown == set(re.findall(r"`(gatehouse_\w+)", section))
