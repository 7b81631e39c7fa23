"""More arrivals at one device than people: a finding, and a human for the next."""

from __future__ import annotations

import pytest

from gate_server.replay import replay_recorded
from gate_server.settings import read_settings
from tests.arrived import (
    CODE,
    NOON,
    OTHER,
    a_stamp_line,
    later,
    stamp,
    void,
)
from tests.offline_lines import check, send
from tests.server import Park, an_app

MOST = 4


@pytest.fixture
def park(tmp_path):
    settings = f"[anomalies]\narrivals_a_minute = {MOST}\n"
    park = Park(tmp_path / "var", settings=settings, now=NOON)
    park.sell(CODE, OTHER)
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


@pytest.fixture
def marshal(park):
    return park.enrol("marshal")


@pytest.fixture
def lane(park):
    return park.enrol()


def crowd(park, count=MOST + 3):
    codes = [f"CROWD-{number:05}" for number in range(count)]
    park.sell(*codes)
    return codes


def findings(site, boss):
    found = site.get("/findings", boss).json()["findings"]
    return [each for each in found if each["kind"] == "bulk_arrivals"]


def test_two_hundred_pictures_are_not_two_hundred_people(park, site, boss, marshal, lane):
    codes = crowd(park)
    before = [stamp(site, marshal, code)["reason"] for code in codes[: MOST + 1]]
    found = findings(site, boss)

    referred = stamp(site, marshal, codes[MOST + 1])
    void(site, boss, park.now)
    later(park, minutes=2)

    assert set(before) == {"admitted"}
    assert [(each["people"], each["policy"], each["holds"]) for each in found] == [
        (MOST + 1, "warn", False)
    ]
    assert (referred["outcome"], referred["reason"]) == ("refer", "bulk_arrivals")
    assert referred["arrival_number"] is None
    assert site.scan(lane, codes[MOST + 1])["reason"] == "deal_voided"
    assert site.scan(lane, codes[MOST])["reason"] == "honoured"
    assert replay_recorded(park.ledger, int(referred["scan_id"])).agreement == "agrees"
    check(park)


def test_it_goes_on_by_itself_once_the_minute_has_passed(park, site, marshal):
    codes = crowd(park)
    for code in codes[: MOST + 1]:
        stamp(site, marshal, code)
    later(park, seconds=60)

    assert stamp(site, marshal, codes[MOST + 1])["reason"] == "admitted"


def test_a_marshal_who_walks_past_the_same_people_again_is_no_finding(park, site, boss, marshal):
    codes = crowd(park, MOST)
    for code in codes:
        stamp(site, marshal, code)
    later(park, minutes=5)
    again = {stamp(site, marshal, code)["reason"] for code in codes}

    assert again == {"admitted"}
    assert stamp(site, marshal, CODE)["reason"] == "admitted"
    assert findings(site, boss) == []


def test_one_marshal_does_not_stop_the_other(park, site, marshal):
    codes = crowd(park)
    for code in codes[: MOST + 2]:
        stamp(site, marshal, code)

    assert stamp(site, park.enrol("marshal"), codes[-1])["reason"] == "admitted"


def test_many_codes_at_a_kiosk_are_a_finding_too(park, site, boss):
    codes, kiosk = crowd(park), park.enrol("kiosk")
    reasons = [site.scan(kiosk, code)["reason"] for code in codes]

    assert reasons == ["admitted"] * (MOST + 1) + ["bulk_arrivals"] * 2
    assert len(findings(site, boss)) == 1


def test_a_lane_with_staff_is_never_too_fast(park, site, lane):
    assert {site.scan(lane, code)["reason"] for code in crowd(park)} == {"admitted"}


def test_stamps_that_a_scanner_hands_over_are_looked_at_too(park, site, boss, marshal):
    codes, lines = crowd(park), []
    for number, code in enumerate(codes):
        line = a_stamp_line(park, ago_s=600 - number, arrival_number=f"{marshal.name}-{number}")
        lines.append(line | {"code": code})

    answers = send(site, marshal, *lines)

    assert {each["status"] for each in answers} == {"accepted"}
    assert [each["people"] for each in findings(site, boss)] == [len(codes)]


def test_more_than_twenty_a_minute_are_too_many_unless_a_venue_says_otherwise(tmp_path):
    assert read_settings(tmp_path).anomalies.most_arrivals == 20


def test_a_venue_may_choose_not_to_look(tmp_path):
    settings = f'[anomalies]\npolicy_bulk_arrivals = "off"\narrivals_a_minute = {MOST}\n'
    park = Park(tmp_path / "other", settings=settings, now=NOON)
    with an_app(park) as (_, site):
        marshal = park.enrol("marshal")
        reasons = {stamp(site, marshal, code)["reason"] for code in crowd(park)}
    park.close()

    assert reasons == {"admitted"}
