"""Both languages: nothing untranslated, numbers and money as each writes them."""

import re
from datetime import UTC, datetime

import pytest

from gate_server.web.board import counted, languages
from gate_server.web.board.languages import read_texts
from scripts.texts import used_texts

HELD = re.compile(r"%\(\w+\)[sd]")


def test_every_text_has_its_chinese():
    known = {text.id if isinstance(text.id, str) else text.id[0]: text for text in read_texts("zh")}
    used = {message if isinstance(message, str) else message[0] for _, _, message in used_texts()}

    assert len(used) > 70
    assert used - known.keys() == set()
    assert known.keys() - used - {""} == set()


def test_every_chinese_text_is_chinese_and_holds_what_its_english_holds():
    for text in read_texts("zh"):
        if not text.id:
            continue
        english = text.id if isinstance(text.id, str) else text.id[1]
        chinese = text.string if isinstance(text.string, str) else text.string[0]
        assert re.search(r"[\u4e00-\u9fff]", chinese), english
        assert sorted(HELD.findall(chinese)) == sorted(HELD.findall(english)), english


def test_what_is_counted_is_one_or_many_in_english():
    nouns = "vouchers|people|buyers|deals|days|entries|signatures|devices"
    # `1 of 1 devices` is right.
    many = rf"(?<!of )%\(\w+\)[sd] (?:more )?(?:{nouns})"
    fixed = [message for _, _, message in used_texts() if isinstance(message, str)]

    assert [message for message in fixed if re.search(many, message)] == []


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 1, "1 voucher for 1 person of 1 buyer in 1 deal on 1 day"),
        ("en", 2, "2 vouchers for 2 people of 2 buyers in 2 deals on 2 days"),
        (
            "en",
            1200,
            "1,200 vouchers for 1,200 people of 1,200 buyers in 1,200 deals on 1,200 days",
        ),
        ("zh", 1, "1 张电子票 for 1 人 of 1 个下单账号 in 1 个票种 on 1 天"),
    ],
)
def test_each_language_counts_as_it_does(app, language, number, said):
    with app.test_request_context(headers={"Accept-Language": language}):
        named = [
            f"{counted.vouchers(number)} for {counted.people(number)}",
            f"of {counted.buyers(number)} in {counted.deals(number)} on {counted.days(number)}",
        ]

    assert " ".join(named) == said


def test_templates_hold_no_words_outside_their_texts(app):
    loader = app.jinja_env.loader
    for name in app.jinja_env.list_templates():
        if not name.startswith("board/"):
            continue
        source, _, _ = loader.get_source(app.jinja_env, name)
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", source, flags=re.DOTALL)
        words = re.findall(r"[A-Za-z]{2,}|[\u4e00-\u9fff]+", bare)
        assert set(words) <= {"Gatehouse", "nbsp", "middot", "CSV", "JSON", "XLSX", "SHA"}, name


@pytest.mark.parametrize(
    ("asked", "shown"), [("en-GB,en;q=0.8", "en"), ("zh-TW", "zh-CN"), ("fr", "zh-CN")]
)
def test_browser_is_answered_in_its_language_else_in_chinese(seat, asked, shown):
    page = seat("supervisor").http.get("/", headers={"Accept-Language": asked}).text

    assert f'<html lang="{shown}">' in page


def test_chosen_language_stays_over_what_the_browser_asks_for(seat):
    browser = seat("supervisor")
    browser.send("/", "/language", language="en", next="/account")
    page = browser.http.get("/", headers={"Accept-Language": "zh"}).text
    browser.send("/", "/language", language="fr")

    assert "people today" in page
    assert "people today" in browser.http.get("/").text


def test_money_and_time_are_written_as_the_language_writes_them(app, park):
    at = datetime(2015, 2, 12, 9, 5, tzinfo=UTC)
    venue = park.ledger.venue
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        chinese = languages.money(62_660_000, "CNY"), languages.clock(at, venue, at)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        english = languages.money(62_660_000, "CNY"), languages.money(500, "JPY")

    assert chinese == ("¥626,600.00", "17:05")
    assert english == ("CN¥626,600.00", "¥500")
