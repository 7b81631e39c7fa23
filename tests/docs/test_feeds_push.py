"""A platform pushes by what docs/feeds.md shows alone: its program, its files, its secret."""

import json
import re
import subprocess
import sys

import pytest

from gate_server.web.problems import KINDS
from tests import nursery
from tests.docs.pages import ROOT, files, lines, read
from tests.server import Park, a_running_server

PAGE = ROOT / "docs/feeds.md"
PROGRAMS = sys.executable.rpartition("/")[0]
SECTION = read(PAGE).partition("\n## A push\n")[2].partition("\n## ")[0]


def gate_server(folder, command):
    done = nursery.run(*command.split(), "--json", cwd=folder)
    done.check_returncode()
    return json.loads(done.stdout)


@pytest.mark.parametrize("tls", [False, True])
def test_the_program_of_the_page_pushes_its_files(tmp_path, tls):
    park = Park(tmp_path / "var")
    device = park.enrol()
    park.close()
    for name, text in files(PAGE):
        (tmp_path / name).write_text(text, "utf-8")
    add, rotate = (
        line
        for block in re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
        for line in lines(block)
    )
    answers = []
    with a_running_server(park.directory, tls=tls) as server:
        added = gate_server(tmp_path, add)
        gate_server(tmp_path, rotate)  # the secret before counts for a day
        for kind in ("deals", "vouchers"):
            command = [sys.executable, "push.py", added["url"], added["secret"], kind]
            command += ["var/keys/tls/ca.pem"] if tls else []
            with (tmp_path / f"{kind}.ndjson").open() as rows:
                done = subprocess.run(
                    command, cwd=tmp_path, stdin=rows, capture_output=True, text=True, check=True
                )
            answers.append(json.loads(done.stdout))
        reason = server.scan(device, "9K3F-22AX-8K2F")["reason"]

    shown = re.findall(r'^\{"accepted":.*\}$', SECTION, re.MULTILINE)
    assert answers == [json.loads(each) for each in shown[1:]]
    assert reason == "admitted"


def test_the_answers_that_the_page_names_are_ours():
    named = set(re.findall(r"\b(4\d\d|503)\b(?: `([a-z-]+)`)?", SECTION))
    statuses = {kind.status for kind in KINDS.values()}

    assert named
    assert {int(status) for status, _ in named} <= statuses
    assert [slug for _, slug in named if slug and slug not in KINDS] == []
