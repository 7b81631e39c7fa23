"""A void's notice on each of its refusals: online, answered again, and by a scanner on its own."""

from __future__ import annotations

import pytest

from admission import wire
from admission.errors import InvalidInput
from admission.scans import PartyDefault
from scanner_client.checkin import Terms
from scanner_client.replica_intake import open_intake
from scanner_client.state import Told
from tests.scanner_client.scanners import a_scanner
from tests.server import Park, a_nonce, an_app

CODE, OTHER = "9K3F-22AX-8K2F", "9K3F-22AX-0TH2"
SETTINGS = '[venue]\nhelp_desk_zh = "东门服务台"\nhelp_desk_en = "the desk at the east gate"\n'
TERMS = {
    "reason": "flash-sale limit failed",
    "honour": None,
    "cost_bearer": "platform",
    "remedy": {"refund": "price_paid", "compensation_per_buyer_minor": 1000},
}
WRITTEN = {"zh": "平台取消，请到东门。", "en": "Withdrawn; please go to the east gate."}


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", settings=SETTINGS)
    park.sell(CODE, OTHER)
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def boss(park):
    return park.hire()


def void(site, boss, **terms):
    answer = site.post("/deals/DAY/void", boss, TERMS | terms)
    assert answer.status_code == 200, answer.text


def bring(site, lane, scanner):
    """Bring a scanner's replica up to the server's word."""
    intake = open_intake(scanner.replica)
    answer = site.get("/replica", lane, params={"since": 0})
    intake.begin(answer.headers["X-Gatehouse-Epoch"])
    assert [intake.take(line) for line in answer.content.splitlines()][-1]


@pytest.fixture
def alone(park, site, tmp_path):
    """A scanner that the park enrolled, cut off from it; `fetch` brings its replica up to date."""
    lane = park.enrol()
    told = Told(lane.name, "G1", "South gate", "park", True, PartyDefault.ALL)
    with a_scanner(tmp_path / "lane", told=told) as scanner:
        scanner.fetch = lambda: bring(site, lane, scanner)
        yield scanner


def said(scanner, code=CODE, **terms):
    """Present a code at a scanner that is on its own; return the answer."""
    check_in = scanner.check_in(Terms(**terms))
    shown = check_in.check_in(code)
    check_in.seen(shown)
    assert shown.offline
    return shown.answer


@pytest.mark.parametrize("notice", [None, WRITTEN])
def test_online_and_offline_say_the_same(site, park, boss, alone, notice):
    void(site, boss, notice=notice)
    alone.fetch()
    online = site.scan(park.enrol(), CODE)

    offline = said(alone)

    assert online["reason"] == offline.reason == "deal_voided"
    assert online["message"] == {"zh": offline.message.zh, "en": offline.message.en}
    if notice is None:
        for part in ("平台已取消此活动。", "自动原路退回", "10 元", "请到东门服务台。"):
            assert part in offline.message.zh
    else:
        assert online["message"] == WRITTEN


def test_a_refusal_that_is_answered_again_says_it_again(site, park, boss):
    void(site, boss, honour={"arrived_by": "2015-02-12T17:00:00+08:00"})
    lane, nonce = park.enrol(), a_nonce()
    first = site.scan(lane, CODE, nonce=nonce)

    again = site.scan(lane, CODE, nonce=nonce)

    assert again["replayed"]
    assert again["message"] == first["message"]
    assert "东门服务台" in again["message"]["zh"]


def test_a_look_says_it_too(site, park, boss):
    void(site, boss)

    assert "东门服务台" in site.scan(park.enrol(), CODE, mode="check")["message"]["zh"]


def test_new_terms_change_what_is_said(site, park, boss, alone):
    void(site, boss)
    void(site, boss, notice=WRITTEN)
    alone.fetch()

    assert said(alone).message.zh == WRITTEN["zh"]
    assert site.scan(park.enrol(), CODE)["message"] == WRITTEN


def test_scanner_repeats_a_verdict_that_nobody_saw_with_its_notice(site, boss, alone):
    void(site, boss)
    alone.fetch()
    first = alone.check_in(Terms()).check_in(CODE)
    alone.journal.intents.end(first.nonce, shown=False)

    again = said(alone)

    assert again.nonce == first.nonce
    assert again.message == first.answer.message


def test_scanner_says_the_servers_own_verdict_with_its_notice(site, park, boss, tmp_path):
    """The answer was lost, and a delta has brought the very scan."""
    void(site, boss)
    lane, nonce = park.enrol(), a_nonce()
    told = Told(lane.name, "G1", "South gate", "park", True, PartyDefault.ALL)
    online = site.scan(lane, CODE, nonce=nonce)
    with a_scanner(tmp_path / "lane", told=told) as scanner:
        bring(site, lane, scanner)
        request = wire.ScanRequest(nonce=nonce, code=CODE)
        decided = scanner.offline.decide(request, scanner.clock.now())

    assert decided.answer.replayed
    assert decided.answer.message.zh == online["message"]["zh"]


def test_other_refusals_keep_their_own_sentence(site, park, boss):
    lane = park.enrol()
    site.scan(lane, OTHER)
    void(site, boss)

    answer = site.scan(lane, OTHER)

    assert answer["reason"] == "used_up"
    assert "取消" not in answer["message"]["zh"]


@pytest.mark.parametrize("place", ["", "x" * 61, "左\u202e右"])
def test_a_help_desk_that_cannot_be_shown_is_named_at_start(tmp_path, place):
    with pytest.raises(InvalidInput) as refused:
        Park(tmp_path / "var", settings=f'[venue]\nhelp_desk_zh = "{place}"\n')

    assert refused.value.field == "venue.help_desk_zh"
