"""Feeds that are fetched, by command: what is asked, what is refused, what is never shown."""

import json

import pytest
from click.testing import CliRunner

from gate_server.cli import main
from tests import platforms
from tests.platforms import TOKEN, Platform, a_deal_row, a_voucher_row
from tests.server import Park, a_free_port


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "token").chmod(0o600)
    return tmp_path


@pytest.fixture
def platform():
    with Platform() as found:
        found.pages = [("deals", [a_deal_row()]), ("vouchers", [a_voucher_row("CODE-0001")])]
        yield found


def run(venue, *words):
    """Run `gate-server feed` in this process; return its exit status, and all that it said."""
    done = CliRunner().invoke(main, ["--data", str(venue / "var"), "feed", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert TOKEN not in done.output
    return done.exit_code, done.stdout, done.stderr


def add(venue, kind, url, *options):
    words = ("--platform", "sunny", "--url", url, "--token-file", venue / "token")
    return run(venue, "add", kind, *words, *options)


def test_feed_is_added_tried_and_pulled(venue, platform):
    status, said, _ = add(venue, "pull", platform.url, "--json")
    first = run(venue, "pull", "sunny")
    again = json.loads(run(venue, "pull", "--json")[1])
    listed = run(venue, "list", "--json")[1]

    assert (status, json.loads(said)["found"]) == (0, "it answers, and its first 1 deals are there")
    assert first[:2] == (
        0, "pull feed 1 of sunny: 2 added, 0 changed, 0 unchanged, 0 set aside\n"
    )  # fmt: skip
    assert [(each["added"], each["error"]) for each in again] == [(0, None)]
    assert platform.url in listed


def test_platform_that_is_down_is_added_all_the_same(venue):
    status, said, _ = add(venue, "octo", f"http://127.0.0.1:{a_free_port()}/octo", "--days", "2")
    pulled = run(venue, "pull")

    assert (status, "nothing listens" in said) == (0, True)
    assert (pulled[0], "then it failed" in pulled[1]) == (1, True)
    assert "nothing listens" in run(venue, "status")[1]


def test_rows_that_cannot_be_taken_are_an_exit_status(venue, platform):
    platform.pages.append(("vouchers", [a_voucher_row("bad")]))
    add(venue, "pull", platform.url)

    assert run(venue, "pull")[0] == 1


def test_token_that_others_may_read_is_warned_of(venue, platform):
    (venue / "token").chmod(0o644)

    assert "chmod 600" in add(venue, "pull", platform.url)[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pull", "--url", "http://platform.example", "--token-file", "token"), "must be https"),
        (("pull", "--url", "https://x.example/?key=1", "--token-file", "token"), "no user"),
        (("octo", "--url", "https://x.example", "--token-file", "nothing"), "No such file"),
        (("octo", "--url", "https://x.example", "--token-file", "two"), "one token"),
        (("folder", "--path", "nowhere"), "is not a folder"),
        (("folder", "--path", "token"), "is not a folder"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_added(venue, words, said):
    (venue / "two").write_text("two words")
    kind, *options = words
    paths = {name: venue / name for name in ("token", "two", "nothing", "nowhere")}
    given = [paths.get(word, word) for word in options]
    status, _, told = run(venue, "add", kind, "--platform", "sunny", *given)

    assert (status, said in told) == (1, True)
    assert run(venue, "list", "--json")[1] == "[]\n"


def test_second_authority_is_refused_and_a_secondary_is_not(venue, platform):
    add(venue, "pull", platform.url)
    second = add(venue, "octo", platform.url)
    third = add(venue, "octo", platform.url, "--secondary")

    assert (second[0], "--secondary" in second[2]) == (1, True)
    assert third[0] == 0


def test_nothing_to_pull_is_said(venue):
    assert run(venue, "pull")[0] == 1
    assert "no feed that is fetched" in run(venue, "pull", "moon")[2]


def test_slow_platform_is_told_of_by_command_too(venue, platform):
    add(venue, "pull", platform.url)
    platform.always = platforms.hang_up

    assert "broke off" in run(venue, "pull")[1]
