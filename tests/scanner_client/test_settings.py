"""Settings are read once, and a wrong one is named."""

import tomllib
from itertools import pairwise

import pytest

from admission.errors import InvalidInput
from scanner_client.settings import default_text, load_settings, unset_text


def test_defaults_need_no_file(tmp_path):
    assert load_settings(tmp_path).timeout_ms == 800


def test_file_of_the_scanner_wins(tmp_path):
    (tmp_path / "scanner.toml").write_text('heartbeat_s = 5\ncolour = "never"\n')

    settings = load_settings(tmp_path)

    assert (settings.heartbeat_s, settings.colour, settings.timeout_ms) == (5, "never", 800)


def test_name_of_an_earlier_version_stops_no_scanner(tmp_path):
    (tmp_path / "scanner.toml").write_text("give_up_ms = 2500\ntimeout_ms = 700\n")

    assert load_settings(tmp_path).timeout_ms == 700


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("timeout = 800", "timeout: unknown"),
        ('timeout_ms = "800"', "whole number"),
        ("timeout_ms = true", "whole number"),
        ("timeout_ms = 0", "from 50"),
        ("heartbeat_s = nan", "from 0.05"),
        ("replica_max_age_h = -1", "from 0"),
        ("batch_lines = 0.5", "whole number"),
        ('colour = "pink"', "auto, always, never"),
        ("bell = 1", "true or false"),
        ("timeout_ms = ", "not TOML"),
    ],
)
def test_wrong_setting_is_named(tmp_path, line, said):
    (tmp_path / "scanner.toml").write_text(line)

    with pytest.raises(InvalidInput, match=said) as caught:
        load_settings(tmp_path)
    assert "scanner.toml" in str(caught.value)


def test_every_default_is_explained():
    lines = default_text().splitlines()

    for above, line in pairwise(lines):
        if " = " in line and not line.startswith("#"):
            assert above.startswith("#") or " = " in above


def test_file_that_enrolment_lays_sets_nothing_and_shows_every_default():
    unset = unset_text().splitlines()
    back = [line[1:] if line.startswith("#") and line[1:2] != " " else line for line in unset]

    assert tomllib.loads(unset_text()) == {}
    assert back == default_text().splitlines()


def test_what_a_venue_adds_at_the_end_of_that_file_is_taken(tmp_path):
    added = 'source = "stdin"\n[barrier]\nkind = "http"\naddress = "http://192.0.2.7/open"\n'
    (tmp_path / "scanner.toml").write_text(unset_text() + added)

    settings = load_settings(tmp_path)
    assert (settings.source, settings.barrier.kind) == ("stdin", "http")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bell = true\nbell = false", "twice: change the first one"),
        ("[sound]\nlevels = []\n[barrier]\n[sound]\n", "twice: change the first one"),
        ('[barrier]\nsource = "stdin"', r"barrier.source: .*before the first line in \[brackets\]"),
        ("passage_timeout_s = 8.0", r"passage_timeout_s: .*under \[barrier\]"),
        ('kind = "none"', r"under \[barrier\] or \[lamp\] or \[printer\]"),
        ("[barrier]\ncoils = 1", "barrier.coils: unknown; the names are kind"),
    ],
)
def test_setting_in_a_wrong_place_is_told_its_place(tmp_path, text, said):
    (tmp_path / "scanner.toml").write_text(text)

    with pytest.raises(InvalidInput, match=said):
        load_settings(tmp_path)
