"""`feed redemptions` and `feed reconcile` at the command line, and what they refuse."""

import json

import pytest

from tests.gate_server.test_cli import answer, run, venue  # noqa: F401 - a fixture
from tests.platforms_redeem import a_platform
from tests.redeem_desk import a_desk

KEY = "0" * 32


@pytest.fixture
def fed(venue):  # noqa: F811
    """Return a directory with a push that is told who came in."""
    url = "https://lvtu.example/redemptions"
    made = answer(venue, "feed", "add", "native", "--platform", "lvtu", "--redeem-url", url)
    assert made["secret"].startswith("whsec_")
    return venue


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (("redemptions", "nobody"), 1, "no feed of nobody"),
        (("redemptions", "lvtu", "retry"), 2, "KEY"),
        (("redemptions", "lvtu", "retry", KEY, "--all"), 2, "KEY"),
        (("redemptions", "lvtu", "--all"), 2, "retry"),
        (("redemptions", "lvtu", "retry", KEY), 1, "no deed"),
        (("redemptions", "lvtu", "--state", "odd"), 2, "odd"),
        (("reconcile", "lvtu", "--day", "12.2.2015"), 2, "2015-02-12"),
        (("reconcile", "lvtu"), 2, "--day"),
        (("reconcile", "lvtu", "--day", "2015-02-12", "--file", "none.csv"), 2, "none.csv"),
        (("add", "native", "--platform", "p2", "--redeem-url", "http://a.example"), 1, "https"),
    ],
)
def test_what_cannot_be_done_is_told(fed, arguments, status, problem):
    assert problem in run(fed, "feed", *arguments, status=status).stderr


def test_status_says_that_nobody_has_asked_the_platform_yet(fed):
    (status,) = answer(fed, "feed", "status")
    (listed,) = answer(fed, "feed", "list")

    assert status["redemptions"]["state"] == "unknown"
    assert "not asked yet" in run(fed, "feed", "status").stdout
    assert listed["config"] == {"redeem_url": "https://lvtu.example/redemptions"}


def test_days_are_compared_with_a_file_without_a_server(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform) as desk:
        desk.park.sell("FILE-CODE-01", "FILE-CODE-02")
        desk.scan("FILE-CODE-01")
        desk.scan("FILE-CODE-02")
        day = desk.day.isoformat()
    file = tmp_path / "theirs.csv"
    file.write_text("code,people\nFILE-CODE-01,1\n", "utf-8")
    asked = ("feed", "reconcile", "lvtu", "--day", day, "--file", str(file))

    done = run(tmp_path / "var", *asked, "--json", status=1)
    file.write_text("code,people\nFILE-CODE-01,1\nFILE-CODE-02,1\n", "utf-8")
    run(tmp_path / "var", *asked)

    (line,) = json.loads(done.stdout)["differences"]
    assert (line["tail"], line["ours"], line["theirs"], line["difference"]) == ("E-02", 1, 0, -1)
    assert "FILE-CODE" not in done.stdout + done.stderr
