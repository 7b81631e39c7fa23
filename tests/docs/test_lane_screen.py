"""The services of a kiosk: they start again for ever, and start what there is."""

import configparser
import tomllib

import pytest

from scanner_client.settings import TABLES, default_text
from tests.docs.pages import ROOT, blocks

UNITS = sorted((ROOT / "config/systemd").glob("*.service"))


def unit(path):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read_string(path.read_text("utf-8"))
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_service_is_started_again_at_once_and_never_given_up(path):
    service = unit(path)

    assert service["Service"]["Restart"] == "always"
    assert int(service["Service"]["RestartSec"]) <= 2
    assert service["Unit"]["StartLimitIntervalSec"] == "0"
    assert service["Service"]["User"] != "root"


def test_browser_may_sound_and_waits_for_the_scanner():
    command = unit(ROOT / "config/systemd/gatehouse-kiosk.service")["Service"]["ExecStart"]

    assert "--autoplay-policy=no-user-gesture-required" in command
    assert "start.html#8780" in command
    assert (ROOT / "scanner_client/screen_page/start.html").exists()


def test_settings_that_the_page_shows_are_taken():
    defaults = tomllib.loads(default_text())
    shown = [tomllib.loads(text) for text in blocks(ROOT / "docs/lane-screen.md", "toml")]

    assert {name for each in shown for name in each} == {"screen", "sound", "lamp"}
    for each in shown:
        for name, own in each.items():
            TABLES[name](**(defaults[name] | own))
