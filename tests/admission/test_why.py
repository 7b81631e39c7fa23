"""Which deals explain why it is busy, by counts alone."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.deals import AtGate, Hold
from admission.notices import notice_to_say
from admission.remedies import Refund, Remedy
from admission.why import (
    Bar,
    find_busy,
    latest_and_usual,
    latest_from,
    matters_today,
    still_to_come,
)
from admission.why_words import KINDS, WhyWords
from tests.admission.test_messages import NOTICES
from tests.builders import VENUE, a_deal, a_void, at

BAR = Bar(scans=30, share=0.25, times=2.0, hours=3)
COUNTS = st.dictionaries(st.integers(1, 6), st.integers(0, 500), max_size=6)


@pytest.mark.parametrize(
    ("now", "usual", "busy"),
    [
        ({1: 100, 2: 100}, {1: 10, 2: 190}, [1]),
        ({1: 100, 2: 100}, {1: 100, 2: 100}, []),
        ({1: 100}, {2: 100}, [1]),
        ({1: 100}, {}, []),
        ({1: 100}, {2: 29}, []),
        ({1: 29, 2: 1}, {2: 100}, []),
        ({1: 40, 2: 200}, {2: 100}, []),
        ({1: 100, 2: 150}, {3: 100}, [2, 1]),
        ({}, {1: 100}, []),
    ],
)
def test_deal_stands_out_against_its_own_share_before(now, usual, busy):
    assert find_busy(now, usual, BAR) == busy


@given(COUNTS, COUNTS)
def test_never_more_deals_than_their_least_share_allows(now, usual):
    busy = find_busy(now, usual, BAR)

    assert len(busy) <= 1 / BAR.share
    assert all(now[deal_no] >= BAR.scans for deal_no in busy)


@given(COUNTS, COUNTS, st.integers(2, 9))
def test_more_of_everything_is_no_surge(now, usual, times):
    grown = {deal_no: scans * times for deal_no, scans in usual.items()}

    assert find_busy(grown, usual, BAR) == []
    assert set(find_busy(now, usual, BAR)) <= set(find_busy(now, grown, BAR))


@pytest.mark.parametrize(
    ("clock", "since"), [("09:05", "08:00"), ("09:19:59", "08:00"), ("09:20", "09:00")]
)
def test_a_young_hour_is_taken_with_the_one_before(clock, since):
    assert latest_from(at(clock), timedelta(minutes=20)) == at(since)


def test_usual_is_made_of_the_last_hours_with_scans():
    hours = {5: {1: 1000}, 7: {1: 10}, 8: {1: 0}, 9: {2: 20}, 12: {1: 30}, 20: {3: 7}, 21: {3: 1}}
    now, usual = latest_and_usual(hours, 20, 3)

    assert dict(now) == {3: 8}
    assert dict(usual) == {1: 40, 2: 20}


@pytest.mark.parametrize(
    ("clock", "changes", "people"),
    [
        ("10:00", {}, 60),
        ("10:00", {"weekdays": frozenset({1})}, 0),
        ("10:00", {"not_on": frozenset({date(2015, 2, 12)})}, 0),
        ("10:00", {"valid_from": at("00:00", date(2015, 2, 13))}, 0),
        ("10:00", {"valid_from": at("18:00")}, 60),
        ("10:00", {"valid_until": at("09:59")}, 0),
        ("10:00", {"valid_until": at("09:59"), "late_minutes": 5}, 60),
        ("22:01", {"hours": (time(16), time(22))}, 0),
        ("12:00", {"hours": (time(16), time(22))}, 60),
    ],
)
def test_who_may_still_come_today(clock, changes, people):
    deal = a_deal(**changes)

    assert still_to_come(deal, at(clock), VENUE, sold=100, used=40) == people


def test_more_in_than_sold_is_nobody_to_come():
    assert still_to_come(a_deal(), at("10:00"), VENUE, sold=3, used=4) == 0


def test_old_void_matters_no_more_unless_its_terms_do():
    over = a_deal(valid_until=at("12:00"))

    assert matters_today(a_void(None), over, at("12:00"))
    assert not matters_today(a_void(None), over, at("12:01"))
    assert matters_today(a_void("17:00"), over, at("12:01"))


# --- the sentences -------------------------------------------------------------------------------


def templates(**changes):
    usual = {kind: {"zh": f"{kind} {{title}}", "en": f"{kind} {{title}}"} for kind in KINDS}
    return usual | changes


def a_book(**changes):
    """Words that say only which of them they are."""
    return WhyWords(templates(**changes), VENUE, NOTICES)


def test_terms_are_said_in_venue_time():
    text = {"zh": "{arrived_from}至{arrived_by}", "en": "{arrived_by}, {admit_until}"}
    words = a_book(voided=text)
    said = words.voided(a_deal(title="T"), a_void("17:00"), at("18:40"))
    next_day = words.voided(a_deal(title="T"), a_void("17:00"), at("08:00", date(2015, 2, 13)))

    assert said.zh == "00:00至17:00"
    assert said.en == "17:00, 23:59"
    assert next_day.en == "02-12 17:00, 02-12 23:59"


def test_notice_of_a_void_follows():
    words = a_book()
    said = words.voided(
        a_deal(title="T"), a_void(None, notice=("请联系平台。", "Ask them.")), at("10:00")
    )

    assert said.zh == "voided_nobody T请联系平台。"
    assert said.en == "voided_nobody T Ask them."


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        (None, "Refunds follow the platform's notice. "),
        (Remedy(Refund.NONE), "Refunds follow the platform's notice. "),
        (Remedy(Refund.PRICE_PAID), "It refunds you automatically; there is nothing to do here. "),
    ],
)
def test_refunds_are_said_as_each_refusal_says_them(remedy, words):
    text = {"zh": "{refund}", "en": "{refund}"}
    void = a_void(None, remedy=remedy)
    said = a_book(voided_nobody=text).voided(a_deal(), void, at("10:00"))
    refusal = NOTICES.find_notice(notice_to_say(void, a_deal(), at("10:00")))

    assert said.en == words
    assert said.en.strip() in refusal.en
    assert said.zh in refusal.zh


def test_compensation_is_said_too_and_a_written_notice_says_it_all():
    text = {"zh": "{refund}", "en": "{refund}"}
    void = a_void(None, remedy=Remedy(Refund.PRICE_PAID, 1000))
    words, now = a_book(voided_nobody=text), at("10:00")
    written = replace(void, notice=("请看公告。", "See the notice."))

    assert "每个下单账号补偿 10 元" in words.voided(a_deal(), void, now).zh
    assert words.voided(a_deal(), written, now).zh == "请看公告。"


def test_title_is_no_template():
    words = a_book()

    assert words.busy("{share} {0.x}", 0.5).en == "busy {share} {0.x}"


@pytest.mark.parametrize(
    ("at_gate", "kind"), [(AtGate.REFER, "held"), (AtGate.ADMIT_AND_MARK, "held_marked")]
)
def test_hold_says_what_it_does_at_the_gate(at_gate, kind):
    hold = Hold(at("09:00"), "cheap", at_gate=at_gate)

    assert a_book().held("T", hold).en == f"{kind} T"


@pytest.mark.parametrize(
    "wrong", [{}, {"zh": "只有中文"}, {"zh": "好", "en": "{fraud}"}, {"zh": "{0}", "en": "x"}]
)
def test_missing_or_wrong_sentence_is_told_at_start(wrong):
    with pytest.raises(ValueError, match=r"why.toml: \[busy\]"):
        a_book(busy=wrong)
