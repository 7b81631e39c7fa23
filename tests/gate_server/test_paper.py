"""What is printed fits its paper: the card of the verdicts and the hand-over sheet, in Chromium."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import pypdfium2
import pytest

from admission.looks import FACES
from admission.verdicts import Outcome, Reason
from gate_server.card import card_parts, write_card
from gate_server.handover import Asked, Page, make_sheet
from gate_server.settings import read_messages
from tests.gate_server.web.test_handover import play_a_day
from tests.offline_lines import CODE
from tests.server import Park, an_app

ROOT = Path(__file__).parents[2]
A4_POINTS = (595, 842)


def printed(page, html):
    """Print a page as Chromium does, and return its sheets."""
    page.set_content(html)
    return pypdfium2.PdfDocument(io.BytesIO(page.pdf(prefer_css_page_size=True)))


def text_of(page):
    """Return what a page prints, in one line: a sentence may be broken anywhere.

    Of the page, not of its PDF: that has no text where this machine has no Chinese font.
    """
    page.emulate_media(media="print")
    return "".join(page.inner_text("body").split())


def test_the_card_is_one_side_of_a4_with_every_reason(page):
    paper = printed(page, write_card())
    text = text_of(page)

    assert len(paper) == 1
    assert tuple(round(length) for length in paper[0].get_size()) == A4_POINTS
    reasons = [reason for part in card_parts() for reason in part.reasons]
    assert {reason.code for reason in reasons} == set(Reason)
    for reason in reasons:
        for words in (reason.name.zh, reason.name.en, reason.todo.zh, reason.todo.en):
            assert "".join(words.split()) in text, words


def test_the_card_leaves_room_for_other_fonts(page):
    page.set_viewport_size({"width": 733, "height": 1100})  # 194 mm
    page.emulate_media(media="print")
    page.set_content(write_card())
    height_mm = page.evaluate("document.body.getBoundingClientRect().height") * 25.4 / 96

    assert height_mm < 281 * 0.95  # of what the margins of A4 leave


@pytest.mark.parametrize("outcome", Outcome)
def test_the_card_shows_what_scanners_show(outcome):
    [part] = [part for part in card_parts() if part.outcome == outcome]
    face = FACES[outcome]

    shown = part.shape, part.word, part.name, part.bells
    assert shown == (face.shape, face.word, face.zh, face.bells)


def test_the_card_says_something_of_each_reason_that_the_long_page_has():
    notes = tomllib.loads((ROOT / "docs/verdicts.toml").read_text("utf-8"))["reasons"]
    card = tomllib.loads((ROOT / "config/messages/card.toml").read_text("utf-8"))["reasons"]

    assert list(card) == list(notes)


def test_a_sheet_is_printed_on_its_own_and_signed(tmp_path, page):
    park = Park(tmp_path / "var")
    park.sell(CODE)
    with an_app(park) as (_, site):
        play_a_day(park, site, park.enrol(), park.enrol())
    messages = read_messages(park.ledger.venue, park.settings.help_desk)
    pages = Page(park.ledger.venue, messages, "Demo park")
    paper = printed(page, pages.write(make_sheet(park.ledger, Asked(counted=9))))
    park.close()

    assert len(paper) == 1
    text = text_of(page)
    for words in ("交接班", "早班甲", "主管放行", "未查到", "交班人", "takingover", "-2"):
        assert words in text, text
