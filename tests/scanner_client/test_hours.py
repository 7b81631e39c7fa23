"""What holds at which time of the day, and the tables of the screen, sound and lamp."""

from datetime import time

import pytest

from admission.errors import InvalidInput
from scanner_client.hours import read_hours, value_at
from scanner_client.settings import load_settings


@pytest.mark.parametrize(
    ("clock", "value"), [("07:59", 0.3), ("08:00", 0.8), ("20:59", 0.8), ("21:00", 0.3)]
)
def test_each_line_holds_until_the_next_and_the_last_over_midnight(clock, value):
    hours = read_hours(["21:00 0.3", "08:00 0.8"], float)

    assert value_at(hours, time.fromisoformat(clock)) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[screen]\nport = 70000", r"screen\.port"),
        ('[screen]\nway = "up"', "ahead, left, right, none"),
        ('[screen]\nreader = "behind"', "below, above"),
        ("[screen]\nverdict_s = 0", "from 1"),
        ('[screen]\ntheme = ["07:00 pink"]', "light, dark"),
        ("[screen]\ntheme = []", "at least one"),
        ('[sound]\nlevels = ["08:00 2"]', "from 0 to 1"),
        ('[sound]\nlevels = ["08:00 nan"]', "from 0 to 1"),
        ('[sound]\nlevels = ["8 0.5"]', "levels"),
        ('[sound]\nlevels = ["08:00 0.5", "08:00 0.6"]', "twice"),
        ('[lamp]\nkind = "gas"', "none, gpio, http"),
        ('[lamp]\nkind = "gpio"', "at least one lamp"),
        ('[lamp]\nkind = "gpio"\nred = 5\ngreen = 5', "same pin"),
        ('[lamp]\nkind = "gpio"\nred = 99', r"lamp\.red"),
        ('[lamp]\nkind = "http"\nurl = "lamp"', "address"),
    ],
)
def test_wrong_setting_of_screen_sound_or_lamp_is_named(tmp_path, text, said):
    (tmp_path / "scanner.toml").write_text(text)

    with pytest.raises(InvalidInput, match=said):
        load_settings(tmp_path)
