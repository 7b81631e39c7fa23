"""`gate-server block` and `voucher verify`, beside no server."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gate_server.cli import main
from tests.chance import without_chance
from tests.server import Park

CODE = "9K3F-22AX-8K2F"


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("blocks") / "var")
    park.sell(CODE, buyer_ref="account-77", buyer_phone="13800001234")
    park.close()
    return park.directory


def run(venue, *arguments, typed="", status=0):
    command = ["--data", str(venue), *arguments]
    done = CliRunner().invoke(main, command, input=typed)
    assert done.exit_code == status, done.output
    return done


def answer(venue, *arguments, typed=""):
    return json.loads(run(venue, *arguments, "--json", typed=typed).stdout)


def test_account_is_blocked_appealed_upheld_and_lifted_without_being_shown(venue, tmp_path):
    (tmp_path / "account.txt").write_text("account-77\n", "utf-8")
    given = ("--platform", "lvtu", "--reason", "named by the platform", "--origin", "feed")
    file = ("--buyer-file", str(tmp_path / "account.txt"))
    made = answer(venue, "block", "add", *given, "--origin-id", "L1", *file)
    number = made["block_id"]
    said = run(venue, "block", "appeal", number, "--note", "学校春游").stdout
    listed = run(venue, "block", "list", "--state", "appealed").stdout
    run(venue, "block", "uphold", number, "--reason", "no list")
    lifted = answer(venue, "block", "lift", number, "--reason", "list came")
    shown = run(venue, "block", "show", number).stdout

    assert (made["vouchers"], made["origin"], made["origin_id"]) == (1, "feed", "L1")
    assert f"block lift|uphold {number}" in said
    assert "in_force" in listed
    assert lifted["state"] == "lifted"
    assert "学校春游 (upheld: no list)" in shown
    assert "lifted by command line" in shown
    assert ": list came" in shown
    assert "account-77" not in shown + listed + json.dumps(lifted)


def test_account_is_read_from_standard_input_and_ends_at_a_time(venue):
    given = ("--platform", "lvtu", "--reason", "x", "--expires", "2099-12-31")
    made = answer(venue, "block", "add", *given, typed="somebody\n")
    empty = run(venue, "block", "add", "--platform", "lvtu", "--reason", "x", typed="\n", status=1)

    assert made["expires_at"].startswith("2099-12-31T15:59:59")
    assert "is empty" in empty.stderr


def test_file_of_an_account_must_be_text_and_there(venue, tmp_path):
    (tmp_path / "image").write_bytes(b"\xff\xfe\x00")
    given = ("block", "add", "--platform", "lvtu", "--reason", "x", "--buyer-file")

    assert "is not text" in run(venue, *given, str(tmp_path / "image"), status=1).stderr
    assert "No such file" in run(venue, *given, str(tmp_path / "gone"), status=1).stderr


def test_nothing_is_proposed_and_an_unknown_number_is_told(venue):
    assert run(venue, "block", "list", "--state", "proposed").stdout == "none\n"
    for what in ("accept", "decline"):
        done = run(venue, "block", what, "77", "--reason", "x", status=1)
        assert "no proposal 77" in done.stderr
    assert "no block one" in run(venue, "block", "show", "one", status=1).stderr


def test_phone_is_asked_about_without_showing_code_or_digits(venue):
    wrong = run(venue, "voucher", "verify", typed=f"{CODE}\n9999\n")
    right = answer(venue, "voucher", "verify", typed=f"{CODE}\n1234\n")
    unknown = run(venue, "voucher", "verify", typed="NO-SUCH-CODE\n1234\n", status=1)
    short = run(venue, "voucher", "verify", typed=f"{CODE}\n12\n", status=1)

    assert wrong.stdout == "no; 2 wrong answers left today\n"
    assert right == {"matches": True, "tries_left": 2}
    assert "finds no voucher" in unknown.stderr
    said = without_chance("".join(each.output for each in (wrong, unknown, short)))
    assert [secret for secret in (CODE, "9999") if secret in said] == []
