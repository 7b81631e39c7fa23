"""`gate-server operator`, `handover`, `card`: what they print, and what they never print again."""

from __future__ import annotations

import pytest
import zxingcpp
from click.testing import CliRunner
from PIL import Image

from gate_server.cli import main
from tests.gate_server.test_cli import answer, run, venue  # noqa: F401 - a fixture
from tests.server import Park, a_running_server, an_app, slug_of


def sign_in(site, device, **proof):
    return site.post("/operators/sign-in", device, proof)


def test_an_operator_gets_a_pin_and_a_badge_that_sign_in(venue, tmp_path):  # noqa: F811
    png = tmp_path / "badge.png"
    made = answer(venue, "operator", "add", "4711", "--name", "早班甲", "--png", png)
    [read] = zxingcpp.read_barcodes(Image.open(png))
    park = Park(venue)
    device = park.enrol()
    with an_app(park) as (_, site):
        by_badge = sign_in(site, device, badge=read.text)
        by_pin = sign_in(site, device, operator="4711", pin=made["pin"])
    park.close()

    assert read.text == made["badge"]
    assert (made["operator"], made["role"], len(made["pin"])) == ("4711", "steward", 6)
    assert (by_badge.status_code, by_pin.status_code) == (200, 200)
    [listed] = answer(venue, "operator", "list")
    assert (listed["state"], listed["devices"]) == ("active", [device.name])
    assert made["badge"] not in str(listed)


def test_a_pin_of_their_own_is_typed_and_not_repeated(venue):  # noqa: F811
    command = ["--data", str(venue), "operator", "add", "4711", "--name", "Li", "--ask-pin"]
    done = CliRunner().invoke(main, command, input="270415\n270415\n")

    assert done.exit_code == 0, done.output
    assert "270415" not in done.output
    assert "as typed" in done.stdout


@pytest.mark.parametrize("pin", ["123", "123456789", "1111", "2345", "8765", "12a4", "１２３５"])
def test_a_pin_that_everybody_tries_first_is_refused(venue, pin):  # noqa: F811
    command = ["--data", str(venue), "operator", "add", "4711", "--name", "Li", "--ask-pin"]
    done = CliRunner().invoke(main, command, input=f"{pin}\n{pin}\n")

    assert done.exit_code == 1
    assert answer(venue, "operator", "list") == []


@pytest.mark.parametrize("number", ["", "a b", "badge-x", "4" * 41])
def test_a_number_stands_in_scans_and_file_names(venue, number):  # noqa: F811
    run(venue, "operator", "add", number, "--name", "Li", status=1)


def test_reset_replaces_badge_and_pin_and_disable_ends_both(venue):  # noqa: F811
    first = answer(venue, "operator", "add", "4711", "--name", "Li")
    second = answer(venue, "operator", "reset", "4711")
    park = Park(venue)
    device = park.enrol()
    park.close()
    with a_running_server(venue) as server:
        old = sign_in(server, device, badge=first["badge"])
        new = sign_in(server, device, badge=second["badge"])
        run(venue, "operator", "disable", "4711")
        after = sign_in(server, device, badge=second["badge"])
        here = server.get("/devices/self", device).json()["operator"]

    assert (slug_of(old), new.status_code, slug_of(after)) == (
        "sign-in-failed",
        200,
        "sign-in-failed",
    )
    assert here is None
    assert second["badge"] not in server.log
    again = run(venue, "operator", "add", "4711", "--name", "Li", status=1)
    assert "already" in again.stderr
    run(venue, "operator", "disable", "no-such", status=1)


def test_a_sheet_is_shown_and_written(venue, tmp_path):  # noqa: F811
    park = Park(venue)
    park.sell("GROUP-0001", admits="3")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "GROUP-0001", operator="4711")
    park.close()
    out = tmp_path / "sheet.html"

    told = run(venue, "handover", "--operator", "4711", "--counted", "4", "--out", out).stdout
    [row] = answer(venue, "handover", "--gate", "G1")["rows"]

    assert "counted by hand 4: +1" in told
    assert (row["operator"], row["people_in"]) == ("4711", 3)
    page = out.read_text("utf-8")
    assert "接班人" in page
    assert "<style>" in page
    assert "nobody" in run(venue, "handover", "--day", "2015-02-12").stdout
    run(venue, "handover", "--day", "soon", status=1)


def test_the_card_is_written(venue, tmp_path):  # noqa: F811
    out = tmp_path / "card.html"
    run(venue, "card", "--out", out)

    assert "验票结果一页通" in out.read_text("utf-8")
