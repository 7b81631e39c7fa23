"""Why it is busy: the deals that explain it, their counts, and what to say."""

import tomllib
from datetime import timedelta
from importlib.resources import files

import pytest

from gate_server.ledger.reports import DealBook
from gate_server.ledger.tallies import Delta
from gate_server.settings import read_why_words
from gate_server.why import CARDS_FOR_S, SOLD_FOR_S, WhyBook
from tests.builders import at
from tests.server import Park

NOW = at("10:30").replace(year=2099)
VOID = {
    "reason": "flash-sale limit failed",
    "honour": {"arrived_by": at("17:00").replace(year=2099).isoformat()},
    "cost_bearer": "platform",
}


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.now = NOW
    yield park
    park.close()


@pytest.fixture
def boss(park):
    return park.hire()


def cards(site, by):
    answer = site.get("/why", by)
    assert answer.status_code == 200, answer.text
    return answer.json()["cards"]


def count(park, deal_id, scans, *, ago_h=0):
    """Count scans of a deal, as the writer does, in an hour that was."""
    deal_no = park.ledger.catalogue.deal_nos[deal_id]
    at_ms = int((park.now - timedelta(hours=ago_h)).timestamp() * 1000)
    delta = Delta(at_ms, "G1", "admitted", scans=scans, deal_no=deal_no, outcome="refuse")
    park.ledger.write(lambda tx: tx.count(delta))


def test_ordinary_day_needs_no_card(site, park, boss):
    park.sell("VOUCHER-1")
    site.scan(park.enrol(), "VOUCHER-1")

    assert cards(site, boss) == []


def test_voided_deal_has_a_card_with_its_terms_and_counts(site, park, boss):
    park.sell("CODE-1000", "CODE-2000", "CODE-3000", admits="2")
    device = park.enrol()
    site.scan(device, "CODE-1000")
    site.post("/deals/DAY/void", boss, VOID)
    park.now += timedelta(minutes=1)
    site.scan(device, "CODE-1000")
    (card,) = cards(site, device)

    assert card["say"].pop("zh").startswith("平台已取消“票 DAY”。退款以平台公告为准。00:00至17:00")
    assert "from 00:00 to 17:00 is let in until 23:59" in card.pop("say")["en"]
    assert card.pop("terms") == {
        "arrived_from": "2099-02-11T16:00:00Z",
        "arrived_by": "2099-02-12T09:00:00Z",
        "admit_until": "2099-02-12T15:59:59.999000Z",
        "max_people": None,
        "cost_bearer": "platform",
    }
    assert card == {
        "deal_id": "DAY",
        "title": "票 DAY",
        "state": "voided",
        "since": "2099-02-12T02:30:00Z",
        "sold": 3,
        "people_sold": 6,
        "used": 2,
        "still_to_come_today": 4,
        "share_of_scans": 1.0,
        "refused": 1,
    }


def test_a_voids_own_notice_is_what_staff_say(site, park, boss):
    notice = {"zh": "请在平台申请退款。", "en": "Refunds: in the app."}
    site.post("/deals/DAY/void", boss, {**VOID, "honour": None, "notice": notice})
    (card,) = cards(site, boss)

    assert card["terms"] is None
    assert card["say"]["zh"].endswith(notice["zh"])
    assert card["say"]["en"].endswith(notice["en"])


def test_longest_title_and_notice_are_told_whole(site, park, boss):
    park.offer("LONG", title="票" * 200)
    notice = {"zh": "字" * 500, "en": "x" * 500}
    site.post("/deals/LONG/void", boss, {**VOID, "notice": notice})

    assert len(cards(site, boss)[0]["say"]["zh"]) > 700


def test_a_voided_deal_is_so_since_its_first_version_after_a_restore(site, park, boss):
    since = []
    for call, body in (
        ("void", VOID),
        ("void", {**VOID, "honour": None}),
        ("restore", {"reason": "x"}),
        ("void", VOID),
    ):
        park.now += timedelta(minutes=1)
        site.post(f"/deals/DAY/{call}", boss, body)
        since += [card["since"][11:16] for card in cards(site, boss)]

    assert since == ["02:31", "02:31", "02:34"]


@pytest.mark.parametrize(
    ("at_gate", "words"), [("refer", "a supervisor"), ("admit_and_mark", "let people in")]
)
def test_held_deal_has_a_card(site, park, boss, at_gate, words):
    site.post("/deals/DAY/hold", boss, {"reason": "price", "at_gate": at_gate})
    (card,) = cards(site, boss)

    assert (card["state"], card["terms"]) == ("held", None)
    assert words in card["say"]["en"]


def test_hold_release_void_and_restore_show_at_the_next_question(site, park, boss):
    told = []
    for call, body in (
        ("hold", {"reason": "x"}),
        ("release", {"reason": "x"}),
        ("void", VOID),
        ("restore", {"reason": "x"}),
    ):
        site.post(f"/deals/DAY/{call}", boss, body)
        told.append([card["state"] for card in cards(site, boss)])

    assert told == [["held"], [], ["voided"], []]


def test_deal_with_far_more_scans_than_usual_has_a_card_that_accuses_nobody(site, park, boss):
    park.offer("SURGE")
    for hour in range(1, 6):
        count(park, "DAY", 100, ago_h=hour)
        count(park, "SURGE", 5, ago_h=hour)
    count(park, "DAY", 40)
    count(park, "SURGE", 160)
    (card,) = cards(site, boss)

    assert (card["deal_id"], card["state"], card["share_of_scans"]) == ("SURGE", "busy", 0.8)
    assert card["since"] == "2099-02-12T02:00:00Z"
    assert "about 80 %" in card["say"]["en"]


def test_usual_is_last_days_before_opening_hours(site, park, boss):
    park.offer("SURGE")
    for hour in range(20, 24):
        count(park, "DAY", 100, ago_h=hour)
    count(park, "SURGE", 100)

    assert [card["deal_id"] for card in cards(site, boss)] == ["SURGE"]


def test_void_of_a_deal_that_is_over_has_a_card_only_while_people_come(site, park, boss):
    park.offer("OLD", valid_until="2020-01-01")
    site.post("/deals/OLD/void", boss, {**VOID, "honour": None})
    quiet = cards(site, boss)
    count(park, "OLD", 1)
    park.offer("NEWS")

    assert quiet == []
    assert [card["deal_id"] for card in cards(site, boss)] == ["OLD"]


def test_largest_share_comes_first(site, park, boss):
    for deal_id in ("ONE", "TWO"):
        park.offer(deal_id)
        site.post(f"/deals/{deal_id}/void", boss, VOID)
    count(park, "ONE", 10)
    count(park, "TWO", 90)

    assert [card["share_of_scans"] for card in cards(site, boss)] == [0.9, 0.1]


def test_two_hundred_askers_cost_one_count(park):
    asked, now_s = [], [0.0]

    class Counted(DealBook):
        def counts(self):
            asked.append(now_s[0])
            return super().counts()

    words = read_why_words(park.ledger.venue)
    book = WhyBook(park.ledger, Counted(park.ledger), words, monotonic=lambda: now_s[0])
    made = []
    for step in range(200):
        now_s[0] = step * 60 / 200
        made.append(id(book.cards()))
        count(park, "DAY", 1)

    assert asked == [0.0, SOLD_FOR_S]
    assert len(set(made)) <= 60 / CARDS_FOR_S + 1


def test_sentences_hold_no_blame():
    text = files("gatehouse_config").joinpath("messages/why.toml").read_text("utf-8")
    said = " ".join(text for each in tomllib.loads(text).values() for text in each.values())

    for word in ("scalper", "fraud", "fake", "illegal", "黄牛", "倒票", "假票", "违法", "作弊"):
        assert word not in said
