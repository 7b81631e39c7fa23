"""One code at two gates: staff call, both scans are one case, and the phone tells the buyer."""

from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.boards import sit_down
from tests.chance import without_chance
from tests.offline_lines import CODE, REFUSED, a_line, check, conflicts, send
from tests.server import an_app, slug_of

PHONE = {"buyer_phone": "+86 138 0000 1234"}


@pytest.fixture
def lanes(park):
    """Three lanes into one area, a voucher sold with a phone, and a clock that stands still."""
    park.add_gate("G3", "North gate", "park")
    park.sell(CODE, **PHONE)
    park.now = utc_now()
    return park.enrol(), park.enrol(gate_id="G3")


def wait(park, **by):
    park.now += timedelta(**by)


def verify(site, by, digits="1234", **asked):
    return site.post("/vouchers/verify", by, {"phone_last4": digits} | (asked or {"code": CODE}))


def answer(site, by, digits="1234"):
    return verify(site, by, digits).json()


# --- two gates -----------------------------------------------------------------------------------


def test_both_scans_are_one_case_with_time_and_gate_and_somebody_is_called(site, park, lanes):
    first, second = lanes
    site.scan(first, CODE)
    let_in_at = park.now
    wait(park, minutes=4)
    refused = site.scan(second, CODE)
    (case,) = conflicts(site, park)
    stats = site.get("/stats", park.hire()).json()

    assert (refused["outcome"], refused["reason"]) == ("refuse", "used_up")
    assert refused["voucher"]["elsewhere"]["gate_id"] == "G1"
    assert "South gate" in refused["message"]["zh"]
    assert "请呼叫主管" in refused["message"]["zh"]
    assert "Call a supervisor" in refused["message"]["en"]
    assert (case["kind"], case["tail"]) == ("copied_code", "8K2F")
    told = [(each["gate_id"], each["reason"], each["admitted"]) for each in case["scans"]]
    assert told == [("G1", "admitted", 1), ("G3", "used_up", 0)]
    times = [each["scan_at"] for each in case["scans"]]
    assert times[0][:19] == f"{let_in_at:%Y-%m-%dT%H:%M:%S}"
    assert (stats["calls_waiting"], stats["conflicts_open"]) == (1, 1)
    assert stats["calls"][0]["elsewhere"]["gate_id"] == "G1"
    check(park)


def test_board_shows_where_the_code_was_let_in(site, park, lanes):
    site.scan(lanes[0], CODE)
    wait(park, minutes=1)
    site.scan(lanes[1], CODE)
    page = sit_down(site, park, language="zh").see()

    assert "同码已在 South gate" in page


def test_call_is_still_there_after_a_restart(site, park, lanes):
    site.scan(lanes[0], CODE)
    wait(park, minutes=1)
    site.scan(lanes[1], CODE)

    with an_app(park) as (_, again):
        stats = again.get("/stats", park.hire()).json()
    assert stats["calls"][0]["elsewhere"]["gate_id"] == "G1"


def test_answer_that_is_sent_again_says_the_same_and_is_no_second_case(site, park, lanes):
    site.scan(lanes[0], CODE)
    wait(park, minutes=1)
    once = site.scan(lanes[1], CODE, nonce="the-same-nonce")
    again = site.scan(lanes[1], CODE, nonce="the-same-nonce")

    assert again["message"] == once["message"]
    assert again["voucher"]["elsewhere"] == once["voucher"]["elsewhere"]
    assert len(conflicts(site, park)) == 1


@pytest.mark.parametrize(("minutes", "gate"), [(4, "G1"), (11, "G3")])
def test_ordinary_second_presentation_calls_nobody(site, park, lanes, minutes, gate):
    other = park.enrol(gate_id=gate)
    site.scan(lanes[0], CODE)
    wait(park, minutes=minutes)
    refused = site.scan(other, CODE)

    assert refused["reason"] == "used_up"
    assert "elsewhere" not in refused["voucher"]
    assert conflicts(site, park) == []
    assert site.get("/stats", park.hire()).json()["calls_waiting"] == 0


def test_override_ends_the_call_and_leaves_the_case(site, park, lanes):
    boss = park.hire()
    site.scan(lanes[0], CODE)
    wait(park, minutes=1)
    refused = site.scan(lanes[1], CODE)
    body = {"device_id": lanes[1].name, "reason": "the buyer, by order and phone"}
    site.post(f"/scans/{refused['nonce']}/override", boss, body)

    assert site.get("/stats", boss).json()["calls_waiting"] == 0
    assert [each["kind"] for each in conflicts(site, park)] == ["copied_code"]
    check(park)


def test_scanner_that_was_offline_brings_the_other_half_later(site, park, lanes):
    first, second = lanes
    park.now = None
    refused = send(site, second, a_line(ago_s=30, verdict=REFUSED))
    let_in = send(site, first, a_line(ago_s=90))

    assert refused[0]["conflicts"] == []
    assert let_in[0]["conflicts"] == ["copied_code"]
    (case,) = conflicts(site, park)
    assert {each["gate_id"] for each in case["scans"]} == {"G1", "G3"}
    assert all(each["offline"] for each in case["scans"])
    check(park)


# --- whose phone ---------------------------------------------------------------------------------


def test_buyer_is_told_from_the_copier_and_the_case_says_so(site, park, lanes):
    first, second = lanes
    site.scan(first, CODE)
    wait(park, minutes=2)
    site.scan(second, CODE)
    wrong, right = answer(site, second, "9999"), answer(site, second)
    (case,) = conflicts(site, park)

    assert wrong == {"matches": False, "tries_left": 2}
    assert right == {"matches": True, "tries_left": 2}
    checks = case["detail"]["phone_checks"]
    assert [(each["gate_id"], each["matches"]) for each in checks] == [("G3", False), ("G3", True)]
    assert checks[1]["by"] == second.name
    check(park)


def test_buyer_who_comes_hours_after_the_copier_is_a_case_once_the_phone_is_known(
    site, park, lanes
):
    first, _ = lanes
    site.scan(first, CODE)
    wait(park, hours=1)
    site.scan(first, CODE)
    before = conflicts(site, park)
    answer(site, first)
    (case,) = conflicts(site, park)

    assert before == []
    assert (case["kind"], len(case["scans"])) == ("copied_code", 2)


def test_three_wrong_answers_a_day_are_all(site, park, lanes):
    device = lanes[0]
    left = [answer(site, device, digits)["tries_left"] for digits in ("0000", "1111", "2222")]
    after = verify(site, device)
    other = verify(site, park.hire("steward"))
    park.now += timedelta(days=1)

    assert left == [2, 1, 0]
    assert (after.status_code, slug_of(after)) == (409, "no-tries-left")
    assert "order" in after.json()["detail"]
    assert slug_of(other) == "no-tries-left"
    assert answer(site, device)["matches"] is True


def test_voucher_without_a_phone_says_so(site, park, lanes):
    park.sell("NO-PHONE-1")
    refused = verify(site, lanes[0], code="NO-PHONE-1")

    assert (refused.status_code, slug_of(refused)) == (409, "no-phone")


def test_ticket_asks_for_the_phone_of_its_voucher(site, park, lanes):
    desk = park.enrol("exchange")
    (ticket,) = site.scan(desk, CODE, mode="exchange")["tickets"]

    assert verify(site, lanes[0], code=ticket["code"]).json()["matches"] is True


def test_picked_voucher_is_asked_about_too(site, park, lanes):
    steward = park.hire("steward")
    (found,) = site.post("/vouchers/lookup", steward, {"code": CODE}).json()["vouchers"]
    (mine,) = site.post("/vouchers/lookup", lanes[0], {"code": CODE}).json()["vouchers"]

    assert verify(site, steward, pick=found["pick"]).json()["matches"] is True
    assert verify(site, lanes[0], pick=mine["pick"]).json()["matches"] is True
    assert verify(site, lanes[1], pick=mine["pick"]).status_code == 400


UNCLEAR = [
    ({}, "invalid"),
    ({"code": CODE, "pick": "x"}, "invalid"),
    ({"code": CODE, "phone_last4": "123"}, "invalid"),
    ({"code": CODE, "phone_last4": "１２３４"}, "invalid"),
    ({"code": CODE, "phone_last4": "1234\n"}, "invalid"),
    ({"code": "NO-SUCH-CODE"}, "not-found"),
    ({"code": "ORDER-77"}, "invalid"),
    ({"pick": "not-a-pick"}, "invalid"),
]


def test_unclear_question_is_refused(site, park, lanes):
    park.sell("PAIR-CODE-1", "PAIR-CODE-2", order_ref="ORDER-77", **PHONE)
    bodies = [{"phone_last4": "1234"} | body for body, _ in UNCLEAR]
    slugs = [slug_of(site.post("/vouchers/verify", lanes[0], body)) for body in bodies]

    assert slugs == [slug for _, slug in UNCLEAR]


def test_question_is_audited_without_the_digits(site, park, lanes):
    answer(site, lanes[0], "9876")
    answer(site, lanes[0], "1234")

    rows = park.ledger.read(
        lambda db: db.execute("SELECT body FROM audit WHERE kind = 'phone_check'").fetchall()
    )
    assert len(rows) == 2
    assert all(lanes[0].name in body for (body,) in rows)
    dump = park.ledger.read(lambda db: "\n".join(db.iterdump()))
    assert "9876" not in without_chance(dump)
    check(park)


def test_device_asks_sixty_times_an_hour_at_most(site, park, lanes):
    park.sell("OTHER-CODE-1", **PHONE)
    asked = [verify(site, lanes[0], code="OTHER-CODE-1").status_code for _ in range(61)]
    late = verify(site, lanes[0], code="OTHER-CODE-1")

    assert asked == [200] * 60 + [429]
    assert int(late.headers["Retry-After"]) > 0
    assert verify(site, lanes[1], code="OTHER-CODE-1").status_code == 200
    assert site.scan(lanes[0], CODE)["outcome"] == "admit"
