"""Slips on paper: after a stamp, on request, for another device; their code is the voucher."""

from __future__ import annotations

import json

from scanner_client.decode import read_all
from scanner_client.rescue import ZXING_STAGES
from tests.people import PIN, an_operator
from tests.scanner_client.test_cli_people import scanner
from tests.server import Park, a_running_server
from tests.strip import read_strip

CODE = "PAIR-CODE-1"


def test_a_stamp_prints_its_slip_and_the_slip_is_the_voucher_at_a_gate(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(CODE, admits="2")
    an_operator(park)
    boss, marshal, gate = park.hire(), park.invite("marshal"), park.invite()
    park.close()
    tail, lane = tmp_path / "tail", tmp_path / "lane"
    with a_running_server(tmp_path / "var") as server:
        for state, invitation in ((tail, marshal), (lane, gate)):
            scanner(state, "enrol", server.url, invitation)
            settings = f'[printer]\nkind = "escpos-file"\naddress = "{state / "paper"}"\n'
            slips = "slips = true\n" if state is tail else ""
            (state / "scanner.toml").write_text(f"timeout_ms = 5000\n{settings}{slips}")
        scanner(tail, "operator", "in", "4711", typed=f"{PIN}\n")
        stamp = read(tail, "--code", CODE, "--party", 2)
        once = paper(tail)
        again = json.loads(scanner(tail, "slip", stamp["nonce"], "--json").stdout)
        scanner(lane, "slip", stamp["nonce"], "--device", device_of(tail))
        admitted = read(lane, "--code", code_on(once))
        rows = server.get("/handover", boss).json()["rows"]

    assert stamp["arrival_number"] in once.text
    assert again["number"] == stamp["arrival_number"]
    assert len(paper(tail).pictures) == 2
    assert code_on(paper(lane)) == code_on(once)
    assert (admitted["outcome"], admitted["admitted"]) == ("admit", 2)
    assert [(row["operator"], row["people_in"]) for row in rows] == [("4711", 0), (None, 2)]


def test_a_slip_that_cannot_be_printed_is_said_and_the_stamp_stands(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(CODE)
    marshal = park.invite("marshal")
    park.close()
    tail = tmp_path / "tail"
    with a_running_server(tmp_path / "var") as server:
        scanner(tail, "enrol", server.url, marshal)
        settings = 'timeout_ms = 5000\n[printer]\nkind = "escpos-file"\nslips = true\n'
        (tail / "scanner.toml").write_text(f'{settings}address = "{tmp_path / "no" / "paper"}"\n')
        done = scanner(tail, "read", "--code", CODE, "--json")
        stamp = json.loads(done.stdout.splitlines()[-1])

    assert stamp["arrival_number"]
    assert f"scanner-client slip {stamp['nonce']}" in done.stderr


def read(state, *arguments):
    return json.loads(scanner(state, "read", *arguments, "--json").stdout.splitlines()[-1])


def device_of(state):
    return json.loads((state / "device.json").read_text())["device_id"]


def paper(state):
    return read_strip((state / "paper").read_bytes(), width_px=576)


def code_on(strip):
    [reading] = read_all(strip.pictures[0], ZXING_STAGES)
    return reading.text
