"""docs/refunds.md says what is: every reason, every field, and a program that really asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from admission.refunds import DECISIONS
from admission.wire_refunds import RefundAnswer, RefundRequest
from tests.docs.pages import ROOT, blocks, read
from tests.pushers import connect
from tests.server import Park, a_running_server

PAGE = ROOT / "docs/refunds.md"


def table(head):
    """Return the rows of the table below a heading row."""
    return read(PAGE).partition(f"\n{head}\n")[2].partition("\n\n")[0].splitlines()[1:]


def test_every_reason_is_told_with_its_decision():
    rows = [row.split("|") for row in table("| reason | decision | when |")]

    told = {name: row[2].strip() for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    assert told == {reason.value: decision.value for reason, decision in DECISIONS.items()}


def test_every_field_is_told():
    fields = re.findall(r"^\| (`[^|]*) \|", "\n".join(table("| field | meaning |")), re.MULTILINE)
    (answer,) = blocks(PAGE, "json")

    told = {name for cell in fields for name in re.findall(r"`(\w+)`", cell)}
    assert told == set(RefundRequest.__struct_fields__)
    assert json.loads(answer).keys() == set(RefundAnswer.__struct_fields__)


def test_program_of_the_page_asks_and_is_answered_the_same(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("GROUP-CODE-0003", voucher_ref="V-100382", admits="3")
    secret, device = connect(park), park.enrol()
    park.close()
    (program,) = blocks(PAGE, "python")
    (tmp_path / "ask.py").write_text(program, "utf-8")

    with a_running_server(park.directory) as server:
        url = f"{server.url}/api/v1/feeds/native/lvtu"
        command = [sys.executable, "ask.py", "refund-77120", "V-100382", "2"]
        asked = [
            subprocess.run(
                command,
                cwd=tmp_path,
                env=os.environ | {"URL": url, "SECRET": secret},
                check=True,
                capture_output=True,
            ).stdout
            for _ in range(2)
        ]
        scan = server.scan(device, "GROUP-CODE-0003")

    told = json.loads(asked[0])
    assert (told["decision"], told["people"], told["refundable"]) == ("approve", 2, 3)
    assert asked[0] == asked[1]
    assert (scan["reason"], scan["admitted"]) == ("admitted", 1)
