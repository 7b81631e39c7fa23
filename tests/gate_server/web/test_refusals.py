"""The slip of a refused visitor over HTTP: made once, copied with a mark, and what it proves."""

import sqlite3
from datetime import date

import pytest

from admission.codes import read_code
from admission.tokens import Purpose
from gate_server.ledger import audit
from tests.builders import at
from tests.server import Park, a_nonce, an_app, slug_of

CODE, OTHER = "9K3F-22AX-8K2F", "9K3F-22AX-0TH2"
DAY = date(2030, 2, 12)
VOID = {"reason": "flash-sale limit failed", "honour": None, "cost_bearer": "platform"}


@pytest.fixture
def boss(park):
    return park.hire()


@pytest.fixture
def lane(park):
    park.sell(CODE, OTHER, admits="3")
    return park.enrol()


def refuse(site, boss, lane, code=CODE, **fields):
    """Void the deal, present a code, and return the scan's nonce."""
    site.post("/deals/DAY/void", boss, VOID)
    nonce = a_nonce()
    assert site.scan(lane, code, nonce=nonce, **fields)["outcome"] == "refuse"
    return nonce


def slip(site, by, scan, **body):
    answer = site.post(f"/scans/{scan}/refusal-slip", by, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_it_says_when_where_what_and_why_in_both_languages(site, park, boss, lane):
    park.now = at("18:05", DAY)
    nonce = refuse(site, boss, lane, party=2)
    park.now = at("18:20", DAY)

    made = slip(site, lane, nonce)

    assert made["local_time"] == "2030-02-12 18:05"
    assert (made["gate_id"], made["gate_name"]) == ("G1", "South gate")
    assert (made["tail"], made["people"], made["copy"]) == ("8K2F", 2, 1)
    assert made["reason"] == "deal_voided"
    assert made["short"] == {"zh": "活动已取消", "en": "deal voided"}
    assert made["message"]["zh"].startswith("平台已取消此活动。")
    assert "the visitor centre" in made["message"]["en"]
    assert made["number"].startswith("R1-")


def test_its_code_is_ours_and_states_the_day_alone(site, park, boss, lane):
    park.now = at("18:05", DAY)

    made = slip(site, lane, refuse(site, boss, lane, party=2))

    token = read_code(made["code"], park.keys.reader).token
    assert (token.purpose, token.admits) == (Purpose.REFUSAL, 2)
    assert token.first_day == token.last_day == park.now.date()
    assert CODE not in made["code"]
    # Version 5: 37 modules; a page draws it without a library.
    assert {len(row) for row in made["modules"]} == {len(made["modules"])} == {37}


def test_given_again_it_is_a_copy_and_says_which(site, boss, lane):
    nonce = refuse(site, boss, lane)

    first, second, third = (slip(site, lane, nonce) for _ in range(3))

    assert [each["copy"] for each in (first, second, third)] == [1, 2, 3]
    assert first["code"] == second["code"] == third["code"]


def test_a_lost_answer_is_no_copy_more(site, boss, lane):
    nonce = refuse(site, boss, lane)

    first, again = (slip(site, lane, nonce, nonce="asked-once-1") for _ in range(2))

    assert (first["copy"], again["copy"]) == (1, 1)
    assert slip(site, lane, nonce, nonce="asked-twice")["copy"] == 2


@pytest.mark.parametrize("profile", ["marshal", "exchange", "gate"])
def test_another_staffed_device_or_a_supervisor_may_print_it(site, park, boss, lane, profile):
    nonce = refuse(site, boss, lane)

    printed = slip(site, park.enrol(profile), nonce, device_id=lane.name)

    assert printed["gate_id"] == "G1"
    assert slip(site, boss, nonce[-8:], device_id=lane.name)["copy"] == 2


def test_a_look_at_it_says_what_it_proves(site, park, boss, lane):
    park.now = at("18:05", DAY)
    made = slip(site, lane, refuse(site, boss, lane))
    park.now = at("19:00", DAY)

    seen = site.scan(park.enrol("exchange"), made["code"], mode="check")

    assert (seen["reason"], seen["outcome"], seen["admitted"]) == ("refusal_slip", "refuse", 0)
    assert seen["message"]["zh"] == (
        f"凭条 {made['number']}：02-12 18:05 在South gate验票（尾号 8K2F），因“活动已取消”未入园。"
        "凭条不能入园，请出示入园码。"
    )
    assert "not let in: deal voided" in seen["message"]["en"]


def test_it_lets_nobody_in_and_stamps_nobody(site, park, boss, lane):
    made = slip(site, lane, refuse(site, boss, lane))
    site.post("/deals/DAY/restore", boss, {"reason": "agreed"})

    at_gate = site.scan(lane, made["code"])
    at_queue = site.scan(park.enrol("marshal"), made["code"], mode="arrive")

    assert (at_gate["reason"], at_gate["admitted"]) == ("refusal_slip", 0)
    assert (at_queue["reason"], at_queue["arrival_number"]) == ("refusal_slip", None)


def test_recorded_look_at_a_gate_is_answered_again_with_what_it_proves(site, boss, lane):
    made, nonce = slip(site, lane, refuse(site, boss, lane)), a_nonce()
    first = site.scan(lane, made["code"], nonce=nonce)

    again = site.scan(lane, made["code"], nonce=nonce)

    assert again["replayed"]
    assert again["message"] == first["message"]


@pytest.mark.parametrize(
    ("what", "slug"),
    [
        ({"code": "134512345678901234"}, "not-refused"),
        ({"code": "\x00"}, "not-refused"),
        ({"code": OTHER}, "admitted-already"),
        ({"code": OTHER, "direction": "exit"}, "not-an-entry"),
    ],
)
def test_what_was_no_refusal_of_a_voucher_has_none(site, lane, what, slug):
    nonce = a_nonce()
    site.scan(lane, nonce=nonce, **what)

    answer = site.post(f"/scans/{nonce}/refusal-slip", lane, {})

    assert slug_of(answer) == slug


def test_a_scan_that_was_not_recorded_has_none(site, park, boss, lane):
    checked = a_nonce()
    site.scan(lane, CODE, mode="check", nonce=checked)

    for nonce in (checked, "never-sent-1"):
        assert slug_of(site.post(f"/scans/{nonce}/refusal-slip", lane, {})) == "not-found"
    unnamed = site.post(f"/scans/{checked}/refusal-slip", boss, {})
    assert unnamed.json()["errors"][0]["field"] == "device_id"


def test_each_printing_is_audited_with_who_did_it(site, park, boss, lane):
    nonce = refuse(site, boss, lane)
    made = slip(site, lane, nonce)
    slip(site, boss, nonce, device_id=lane.name)

    db = sqlite3.connect(park.directory / "ledger.db")
    bodies = [row[0] for row in db.execute("SELECT body FROM audit WHERE kind = 'refusal_slip'")]
    assert [lane.name in str(bodies[0]), boss.name in str(bodies[1])] == [True, True]
    assert made["code"] not in str(bodies)
    assert park.ledger.read(audit.verify).findings == ()


def test_restarted_server_makes_the_same_code_again(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(CODE)
    boss, lane = park.hire(), park.enrol()
    with an_app(park) as (_, site):
        nonce = refuse(site, boss, lane)
        first = slip(site, lane, nonce)
    park.close()

    park = Park(tmp_path / "var")
    with an_app(park) as (_, site):
        again = slip(site, lane, nonce)
        seen = site.scan(lane, again["code"], mode="check")
    park.close()

    assert (again["code"], again["copy"]) == (first["code"], 2)
    assert again["number"] in seen["message"]["zh"]


def test_restored_ledger_without_its_row_still_knows_the_signature(site, park, boss, lane):
    made = slip(site, lane, refuse(site, boss, lane))

    def forget(tx):
        tx.db.execute("DELETE FROM refusal_copies")
        tx.db.execute("DELETE FROM refusal_slips")

    park.change(forget)
    seen = site.scan(lane, made["code"], mode="check")

    assert seen["reason"] == "refusal_slip"
    assert made["number"] in seen["message"]["en"]
    assert "proves that its holder came" in seen["message"]["en"]
