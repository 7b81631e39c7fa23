"""Sounds: one for each outcome and category, as loud as the hour allows, each once."""

from dataclasses import replace

import pytest

from scanner_client.screen_pictures import Both
from tests.scanner_client.screens import AROUND, LOOKS, a_served_screen, a_shown, see, show

OFFLINE = Both("离线验票（09:12 起）", "Offline since 09:12")
STARTS = """() => {
    window.started = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
        window.started.push(this.frequency.value);
        return start.apply(this, when);
    };
}"""


def test_each_outcome_and_category_sounds_of_its_own(lane):
    _, page = lane
    scores = page.evaluate(
        """async ([sounds, categories]) => {
            const { score } = await import("/sounds.js");
            const heard = (s, c) => [s, c, JSON.stringify(score(s, c))];
            return sounds.flatMap((s) => categories.map((c) => heard(s, c)));
        }""",
        [
            ["go", "stop", "call", "wait", "valid", "noted", "tickets"],
            ["", "child", "student", "senior", "concession", "family", "group", "annual", "staff"],
        ],
    )
    heard = {}
    for sound, category, score in scores:
        heard.setdefault(score, set()).add((sound, category))

    # Whoever is not let in sounds the same whatever the category.
    assert all(len({sound for sound, _ in each}) == 1 for each in heard.values())
    assert len(heard) == 4 * 9 + 3


def test_level_sets_how_loud_it_is_and_a_voided_deal_is_silent(lane):
    _, page = lane
    peaks = page.evaluate(
        """async () => {
            const { arrange, score } = await import("/sounds.js");
            const peak = async (sound, level) => {
                const audio = new OfflineAudioContext(1, 44100, 44100);
                arrange(audio, score(sound, ""), level);
                const samples = (await audio.startRendering()).getChannelData(0);
                return samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
            };
            return [await peak("go", 0.8), await peak("go", 0.2), await peak("", 0.8)];
        }"""
    )

    assert peaks[0] == pytest.approx(0.8, abs=0.05)
    assert peaks[1] == pytest.approx(0.2, abs=0.02)
    assert peaks[2] == 0


def test_verdict_sounds_once_and_not_again_for_a_page_that_comes_later(page):
    with a_served_screen() as (screen, url):
        page.add_init_script(f"({STARTS})()")
        screen.show(a_shown())
        page.goto(url)
        see(page)
        late = page.evaluate("window.started")
        show(screen, page, LOOKS["stop"])
        screen.take(replace(AROUND, offline=OFFLINE))
        page.wait_for_selector(".offline")
        stop = page.evaluate("window.started")
        show(screen, page, LOOKS["voided"])
        voided = page.evaluate("window.started")
        screen.take(replace(AROUND, level=0.0))
        show(screen, page, LOOKS["call"])

        assert (late, stop, voided) == ([], [196, 147], [196, 147])
        assert page.evaluate("window.started") == [196, 147]
