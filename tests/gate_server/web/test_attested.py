"""Attested arrivals over HTTP: closed queues, numbered slips, and more arrivals than people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from admission.replica_columns import key_text
from gate_server import attesting
from gate_server.replay import replay_recorded
from tests.offline_lines import a_line, check, conflicts, send
from tests.server import Park, an_app, slug_of

CODE, OTHER = "ARRIVED-0001", "ARRIVED-0002"
NOON = datetime(2040, 5, 1, 4, 0, tzinfo=UTC)
MOST = 20


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", now=NOON)
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


def later(park, **span):
    park.now += timedelta(**span)


def told(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def close(site, boss, **fields):
    answer = site.post("/queues", boss, {"reason": "long tail", "gate_id": "G1"} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def void(site, boss, arrived_by, **fields):
    body = {"reason": "limit failed", "honour": {"arrived_by": arrived_by.isoformat()}}
    answer = site.post("/deals/DAY/void", boss, body | {"cost_bearer": "platform"} | fields)
    assert answer.status_code == 200, answer.text


def stamp(site, marshal, code=CODE, **fields):
    return site.scan(marshal, code, mode="arrive", **fields)


def slips_of(park, count=3):
    return attesting.print_slips(park.ledger, park.keys, count, by="test")


def hand_out(site, by, slips, **fields):
    body = {"first": slips[0].number, "last": slips[-1].number}
    return site.post("/slips/handouts", by, body | fields)


# --- closed queues -------------------------------------------------------------------------------


def test_a_stamp_in_a_closed_queue_says_since_when_and_by_whose_word(park, site, boss, marshal):
    queue = close(site, boss)
    later(park, minutes=50)

    answer = stamp(site, marshal, queue=queue["queue_id"], operator="4711", nonce="stamp-0001")
    again = stamp(site, marshal, queue=queue["queue_id"], operator="4711", nonce="stamp-0001")

    attested = {"at": told(NOON), "by": "4711", "queue": queue["queue_id"], "slip": None}
    assert answer["attested"] == again["attested"] == attested
    assert answer["voucher"]["arrived_at"] == told(NOON)
    assert again["replayed"]
    check(park)


def test_whoever_stood_in_the_closed_queue_is_honoured_after_the_cut_off(
    park, site, boss, marshal, lane
):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    stamp(site, marshal, queue=queue["queue_id"], operator="4711")
    later(park, minutes=40)

    honoured, late = site.scan(lane, CODE), site.scan(lane, OTHER)

    assert (honoured["reason"], late["reason"]) == ("honoured", "deal_voided")
    assert replay_recorded(park.ledger, int(honoured["scan_id"])).agreement == "agrees"
    made = site.get("/deals/DAY/settlement", boss).json()
    assert made["evidence"] == {"server": 0, "device_bounded": 0, "device": 0, "attested": 1}
    table = site.get("/deals/DAY/settlement?format=csv", boss).text
    assert f"{NOON.astimezone(park.ledger.venue.zone):%Y-%m-%dT%H:%M:%S}.000+08:00" in table
    assert ",attested," in table
    assert made["balanced"]


def test_an_arrival_in_time_by_itself_needs_nobodys_word(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(hours=1))
    later(park, minutes=5)
    stamp(site, marshal, queue=queue["queue_id"], operator="4711")
    later(park, hours=2)
    site.scan(lane, CODE)

    evidence = site.get("/deals/DAY/settlement", boss).json()["evidence"]
    assert evidence == {"server": 1, "device_bounded": 0, "device": 0}


def test_nobody_attests_without_a_name(site, boss, marshal):
    queue = close(site, boss)

    answer = site.try_scan(marshal, CODE, mode="arrive", queue=queue["queue_id"])

    assert (answer.status_code, slug_of(answer)) == (403, "operator-required")


def test_only_a_stamp_may_name_a_queue(site, boss, lane):
    queue = close(site, boss)

    answer = site.try_scan(lane, CODE, queue=queue["queue_id"], operator="4711")

    assert answer.json()["errors"][0]["field"] == "queue"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"closed_at": (NOON + timedelta(seconds=1)).isoformat()}, "closed_at"),
        ({"closed_at": (NOON - timedelta(days=1)).isoformat()}, "closed_at"),
        ({"until": NOON.isoformat()}, "until"),
        ({"gate_id": "G9"}, "gate_id"),
        ({"gate_id": "G1", "area": "valley"}, "area"),
        ({"gate_id": None, "area": "moon"}, "area"),
        ({"gate_id": None}, "area"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_closing_that_cannot_be_is_refused(site, boss, fields, field):
    answer = site.post("/queues", boss, {"reason": "tail", "gate_id": "G1"} | fields)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_closing_that_was_recorded_late_says_so_and_stays_so(park, site, boss):
    late = close(site, boss, closed_at=(NOON - timedelta(minutes=20)).isoformat())
    soon = close(site, boss)

    listed = site.get("/queues", boss).json()["queues"]
    assert "20 minutes" in late["warning"]
    assert soon["warning"] is None
    assert [each["queue_id"] for each in listed] == [soon["queue_id"], late["queue_id"]]
    assert late["ends_at"] == told(NOON + timedelta(minutes=100))
    check(park)


def test_a_queue_is_reopened_once(park, site, boss, marshal):
    queue_id = close(site, boss)["queue_id"]
    later(park, minutes=5)

    ended = site.post(f"/queues/{queue_id}/reopen", boss, {"reason": "gone"})
    later(park, seconds=1)
    again = site.post(f"/queues/{queue_id}/reopen", boss, {"reason": "gone"})

    assert not ended.json()["open"]
    assert slug_of(again) == "queue-over"
    assert stamp(site, marshal, queue=queue_id, operator="4711")["reason"] == "queue_over"
    assert slug_of(site.post("/queues/Q0/reopen", boss, {"reason": "-"})) == "not-found"


# --- what a scanner says by itself ---------------------------------------------------------------


def a_stamp_line(park, *, ago_s=60.0, **fields):
    """A stamp that a marshal's scanner made without the server."""
    line = a_line(CODE, mode="arrive", operator="4711", **fields)
    at = park.now - timedelta(seconds=ago_s)
    verdict = {"outcome": "admit", "reason": "admitted", "admitted": 0}
    return {"verdict": verdict} | line | {"scanned_at": at.isoformat(), "verdict": verdict}


def test_an_offline_stamp_counts_as_the_closing_that_it_names(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    line = a_stamp_line(park, queue=queue["queue_id"], attested_at=NOON.isoformat())

    (answer,) = send(site, marshal, line)

    assert (answer["status"], answer["conflicts"]) == ("accepted", [])
    assert site.scan(lane, CODE)["reason"] == "honoured"
    assert site.get("/deals/DAY/settlement", boss).json()["evidence"]["device"] == 1
    check(park)


@pytest.mark.parametrize(
    "fields",
    [
        {"queue": "Q1"},  # nobody closed it
        {},  # a time that the scanner made up
        {"slip_key": "AAEAACMo"},  # a token that is no slip
        {"slip_key": "AAEAACMoAAAA"},  # no token at all
    ],
)
def test_an_invented_arrival_counts_as_of_its_own_time(park, site, boss, marshal, lane, fields):
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)

    (answer,) = send(site, marshal, a_stamp_line(park, attested_at=NOON.isoformat(), **fields))

    assert answer["conflicts"] == ["not_attested"]
    assert site.scan(lane, CODE)["reason"] == "deal_voided"
    assert [each["kind"] for each in conflicts(site, park)] == ["not_attested"]
    check(park)


def test_a_device_alone_attests_nothing(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    line = a_stamp_line(park, queue=queue["queue_id"], attested_at=NOON.isoformat())
    del line["operator"]

    (answer,) = send(site, marshal, line)

    assert answer["conflicts"] == ["not_attested"]
    assert site.scan(lane, CODE)["reason"] == "deal_voided"


def test_a_stamp_kept_by_a_hand_scanner_counts_as_the_closing(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    at = (park.now - timedelta(seconds=30)).isoformat()
    line = {"stamp": "stamp-0001", "code": CODE, "scanned_at": at, "operator": "4711"}

    (answer,) = send(site, marshal, line | {"queue": queue["queue_id"]})

    assert answer["status"] == "accepted"
    assert site.scan(lane, CODE)["reason"] == "honoured"


# --- numbered slips ------------------------------------------------------------------------------


def test_a_slip_is_handed_out_by_a_marshal_and_bound_at_the_gate(park, site, boss, marshal, lane):
    slips = slips_of(park)
    handed = hand_out(site, marshal, slips, operator="4711").json()
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, hours=1)

    alone = site.scan(lane, slips[1].code)
    bound = site.scan(lane, CODE, slip=slips[1].code)
    found = site.scan(lane, slips[1].code)
    taken = site.scan(lane, OTHER, slip=slips[1].code)

    assert (handed["operator"], handed["made_by"], handed["gate_id"]) == (
        "4711",
        marshal.name,
        "G1",
    )
    assert (alone["outcome"], alone["reason"]) == ("wait", "slip_alone")
    assert (bound["reason"], bound["voucher"]["arrived_at"]) == ("honoured", told(NOON))
    assert bound["attested"] == {
        "at": told(NOON),
        "by": "4711",
        "queue": None,
        "slip": slips[1].number,
    }
    assert (found["reason"], taken["reason"]) == ("used_up", "slip_bound")
    assert replay_recorded(park.ledger, int(bound["scan_id"])).agreement == "agrees"
    assert site.get("/deals/DAY/settlement", boss).json()["evidence"]["attested"] == 1
    check(park)


def test_slips_are_handed_out_once_and_only_those_printed(park, site, marshal):
    slips = slips_of(park)
    hand_out(site, marshal, slips[:2])

    again = hand_out(site, marshal, slips[1:])
    unknown = site.post("/slips/handouts", marshal, {"first": 901, "last": 902})
    backwards = hand_out(site, marshal, slips[::-1])

    assert slug_of(again) == "slips-handed-before"
    assert unknown.json()["errors"][0] == {
        "field": "first",
        "problem": "slip 901 was never printed",
    }
    assert backwards.json()["errors"][0]["field"] == "last"


def test_slips_of_printings_that_follow_each_other_are_handed_out_together(park, site, marshal):
    slips = [*slips_of(park, 2), *slips_of(park, 2)]

    assert hand_out(site, marshal, slips).status_code == 201


def test_a_marshal_tells_it_at_once_and_a_supervisor_later(park, site, boss, marshal):
    slips = slips_of(park)
    at = (NOON - timedelta(minutes=30)).isoformat()

    early = hand_out(site, marshal, slips, handed_at=at)
    nowhere = hand_out(site, boss, slips, handed_at=at)
    told_late = hand_out(site, boss, slips, handed_at=at, gate_id="G1")
    ahead = hand_out(site, boss, slips, handed_at=(NOON + timedelta(1)).isoformat(), gate_id="G1")

    assert early.json()["errors"][0]["field"] == "handed_at"
    assert nowhere.json()["errors"][0]["field"] == "gate_id"
    assert "30 minutes" in told_late.json()["warning"]
    assert ahead.json()["errors"][0]["field"] == "handed_at"
    assert len(site.get("/slips/handouts", boss).json()["handouts"]) == 1


@pytest.mark.parametrize("code", [CODE, "GH1:" + "A" * 117, "short", ""])
def test_what_is_no_slip_is_none(site, lane, code):
    answer = site.try_scan(lane, CODE, slip=code)

    assert answer.json()["errors"][0]["field"] == "slip"


def test_a_slip_that_was_bound_offline_stays_with_its_first_voucher(park, site, boss, lane):
    slips = slips_of(park)
    hand_out(site, boss, slips, gate_id="G1")
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, hours=1)
    site.scan(lane, OTHER, slip=slips[0].code)
    key = park.ledger.read(
        lambda db: db.execute("SELECT key FROM credentials WHERE kind = 'slip'").fetchone()[0]
    )
    honoured = {"outcome": "admit", "reason": "honoured", "admitted": 1}
    line = a_line(CODE, slip_key=key_text(key), attested_at=NOON.isoformat(), void_version=1)
    at = (park.now - timedelta(seconds=10)).isoformat()
    (answer,) = send(site, lane, line | {"verdict": honoured, "scanned_at": at})

    assert set(answer["conflicts"]) == {"not_attested", "used_after_void"}
    check(park)


# --- the proof -----------------------------------------------------------------------------------


def test_a_stamp_answers_with_its_proof_where_that_is_wanted(park, site, boss, marshal, lane):
    queue = close(site, boss)
    later(park, minutes=50)
    said = {"queue": queue["queue_id"], "operator": "4711"}

    answer = stamp(site, marshal, want=["slip"], party=1, **said)

    slip = answer["slip"]
    assert (slip["number"], slip["arrived_at"]) == (answer["arrival_number"], told(NOON))
    assert (slip["local_time"], slip["attested"]) == ("2040-05-01 12:00", True)
    assert site.scan(lane, slip["code"])["reason"] == "admitted"
    assert stamp(site, marshal, "NOBODY-KNOWS", want=["slip"])["slip"] is None


# --- more arrivals than people -------------------------------------------------------------------


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


def test_a_venue_may_set_the_bar_or_not_look(tmp_path):
    settings = '[anomalies]\npolicy_bulk_arrivals = "off"\n'
    park = Park(tmp_path / "other", settings=settings, now=NOON)
    with an_app(park) as (_, site):
        marshal = park.enrol("marshal")
        reasons = {stamp(site, marshal, code)["reason"] for code in crowd(park)}
    park.close()

    assert reasons == {"admitted"}
