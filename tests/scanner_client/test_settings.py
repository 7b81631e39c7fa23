"""Settings are read once, and a wrong one is named."""

from itertools import pairwise

import pytest

from admission.errors import InvalidInput
from scanner_client.settings import default_text, load_settings


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
