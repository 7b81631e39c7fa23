"""Broadcasts over HTTP: whom one reaches, until when, and who is known to have shown it."""

import threading
from datetime import datetime, timedelta

import pytest

from gate_server.ledger.broadcasts import MOST_IN_FORCE
from gate_server.ledger.ledger import utc_now
from gate_server.web.board.desk import MOST_BROADCASTS
from tests.boards import part_of, sit_down
from tests.builders import at
from tests.server import slug_of

TEXT = {
    "zh": "南门排队较长，请引导至北门。",
    "en": "Long queue at the south gate: lead to the north.",
}


@pytest.fixture
def boss(park):
    return park.hire("supervisor", "anne")


@pytest.fixture
def lane(park):
    """A device at gate G1."""
    return park.enrol()


def send(site, boss, **fields):
    """Send a broadcast and return it."""
    answer = site.post("/broadcasts", boss, {"message": TEXT, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def send_id(site, boss, **fields):
    return send(site, boss, **fields)["broadcast_id"]


def beat(site, device, *seen):
    """Give a sign of life; return the ids of the messages, and of all in force."""
    word = {"epoch": "", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 0}
    answer = site.post("/devices/self/heartbeat", device, word | {"seen": list(seen)})
    assert answer.status_code == 200, answer.text
    beat = answer.json()
    return [each["broadcast_id"] for each in beat["messages"]], beat["in_force"]


def show(site, boss, broadcast_id):
    return site.get(f"/broadcasts/{broadcast_id}", boss).json()


def end(site, boss, broadcast_id, reason="over"):
    return site.post(f"/broadcasts/{broadcast_id}/end", boss, {"reason": reason})


# --- delivery by heartbeat -----------------------------------------------------------------------


def test_heartbeat_has_it_until_the_device_says_that_it_has_shown_it(site, boss, lane):
    sent = send_id(site, boss)

    assert beat(site, lane) == ([sent], [sent])
    assert beat(site, lane) == ([sent], [sent])
    assert beat(site, lane, sent) == ([], [sent])
    assert beat(site, lane) == ([], [sent])


def test_message_is_whole(site, park, boss, lane):
    sent = send(site, boss, priority="high")
    word = {"epoch": "", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 0}
    (told,) = site.post("/devices/self/heartbeat", lane, word).json()["messages"]

    assert told == {
        "broadcast_id": sent["broadcast_id"],
        "message": TEXT,
        "made_at": sent["made_at"],
        "expires_at": sent["expires_at"],
        "priority": "high",
    }


def test_it_reaches_the_devices_of_its_gates_alone(site, park, boss, lane):
    other = park.enrol(gate_id="G2")
    everywhere, valley = send_id(site, boss), send_id(site, boss, gates=["G2"])

    assert beat(site, lane)[0] == [everywhere]
    assert beat(site, other)[0] == [valley, everywhere]


def test_device_may_ask_for_what_it_is_to_show_seen_or_not(site, boss, lane):
    first, high = send_id(site, boss), send_id(site, boss, priority="high")
    send(site, boss, gates=["G2"])
    beat(site, lane, first)
    told = site.get("/devices/self/broadcasts", lane).json()["broadcasts"]

    assert [each["broadcast_id"] for each in told] == [high, first]


def test_device_that_moved_is_told_what_its_new_gate_is(site, park, boss, lane):
    south, valley = send_id(site, boss, gates=["G1"]), send_id(site, boss, gates=["G2"])
    beat(site, lane, south)

    def move(tx):
        sql = "UPDATE devices SET gate_id = 'G2' WHERE device_id = ?"
        tx.db.execute(sql, (lane.name,))
        tx.touched.add("devices")

    park.change(move)

    assert beat(site, lane) == ([valley], [valley])
    (seen,) = show(site, boss, south)["seen_by"]
    assert (seen["device_id"], seen["gate_id"], seen["gate_name"]) == (
        lane.name,
        "G1",
        "South gate",
    )
    (waiting,) = show(site, boss, valley)["not_seen_by"]
    assert (waiting["device_id"], waiting["gate_id"]) == (lane.name, "G2")


# --- who has seen it -----------------------------------------------------------------------------


def test_supervisors_see_by_name_and_gate_who_has_shown_it_and_who_has_not(site, park, boss, lane):
    other = park.enrol("kiosk", "G2")
    sent = send_id(site, boss)
    answer = site.post(f"/broadcasts/{sent}/seen", lane)
    found = show(site, boss, sent)

    assert answer.status_code == 200
    assert [each["device_id"] for each in found["seen_by"]] == [lane.name]
    assert found["seen_by"][0]["seen_at"] == answer.json()["seen_at"]
    (waiting,) = found["not_seen_by"]
    assert waiting == {
        "device_id": other.name,
        "name": "lane",
        "gate_id": "G2",
        "gate_name": "Valley lane",
        "last_seen_at": None,
    }
    (listed,) = site.get("/broadcasts", boss).json()["broadcasts"]
    assert (listed["seen"], listed["unseen"], listed["made_by"]) == (1, 1, "anne")


def test_only_the_first_time_counts(site, park, boss, lane):
    sent = send_id(site, boss)
    first = site.post(f"/broadcasts/{sent}/seen", lane).json()
    beat(site, lane, sent, sent)
    again = site.post(f"/broadcasts/{sent}/seen", lane).json()

    assert again == first
    assert show(site, boss, sent)["seen"] == 1


def test_revoked_device_is_told_nothing_and_nobody_waits_for_it(site, park, boss, lane):
    sent = send_id(site, boss)
    park.revoke(lane.name)
    answer = site.post(f"/broadcasts/{sent}/seen", lane)

    assert slug_of(answer) == "device-revoked"
    assert show(site, boss, sent)["not_seen_by"] == []


def test_unknown_ids_in_a_heartbeat_are_nothing(site, boss, lane):
    sent = send_id(site, boss)

    assert beat(site, lane, "B-OF-ANOTHER-LIFE", "'; DROP TABLE scans; --") == ([sent], [sent])
    assert slug_of(site.post("/broadcasts/B-OF-ANOTHER-LIFE/seen", lane)) == "not-found"


def test_more_acknowledgements_than_a_heartbeat_may_carry_are_refused(site, lane):
    word = {"epoch": "", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 0}
    answer = site.post("/devices/self/heartbeat", lane, word | {"seen": ["B"] * 101})

    assert slug_of(answer) == "invalid"
    assert answer.json()["errors"][0]["field"] == "seen"


# --- expiry and end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "expires"),
    [("09:00", at("23:59:59.999")), ("23:30", at("23:30") + timedelta(hours=1))],
)
def test_default_is_the_end_of_the_venue_day_and_an_hour_at_least(site, park, clock, expires):
    park.now = expires.replace(year=2099) - (expires - at(clock))
    sent = send(site, park.hire())

    assert datetime.fromisoformat(sent["expires_at"]) == expires.replace(year=2099)


def test_expiry_is_by_the_servers_clock(site, park, lane):
    park.now = utc_now() + timedelta(days=1)
    boss = park.hire()
    until = park.now + timedelta(minutes=10)
    sent = send_id(site, boss, expires_at=until.isoformat())
    park.now = until.replace(microsecond=until.microsecond // 1000 * 1000)
    last = beat(site, lane)
    park.now = until + timedelta(milliseconds=1)

    assert last == ([sent], [sent])
    assert beat(site, lane) == ([], [])
    assert show(site, boss, sent)["state"] == "expired"


def test_ended_one_is_shown_no_more(site, boss, lane):
    sent = send_id(site, boss)
    ended = end(site, boss, sent, "queue gone").json()

    assert beat(site, lane) == ([], [])
    assert (ended["state"], ended["ended_by"], ended["end_reason"]) == (
        "ended",
        "anne",
        "queue gone",
    )


def test_ending_again_changes_nothing(site, park, boss, lane):
    sent, other = send_id(site, boss), park.hire("admin")
    first = end(site, boss, sent, "queue gone").json()
    revision = park.ledger.revision
    again = end(site, other, sent, "mine")

    assert (again.status_code, again.json()) == (200, first)
    assert park.ledger.revision == revision
    assert slug_of(end(site, boss, "B-NONE")) == "not-found"


def test_late_acknowledgement_of_what_is_over_still_counts(site, boss, lane):
    sent = send_id(site, boss)
    end(site, boss, sent)
    beat(site, lane, sent)

    assert show(site, boss, sent)["seen"] == 1


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"gates": ["NO-SUCH"]}, "gates"),
        ({"gates": []}, "gates"),
        ({"gates": ["G1", "G1"]}, "gates"),
        ({"expires_at": "2015-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"priority": "shout"}, "priority"),
        ({"message": {"zh": "只有中文"}}, "message.en"),
        ({"message": {"zh": "字" * 501, "en": "x"}}, "message.zh"),
        ({"message": {"zh": "字", "en": "x" * 501}}, "message.en"),
        ({"message": {"zh": "   ", "en": "x"}}, "message.zh"),
        ({"message": {"zh": "字", "en": "\x1b[2J\x1b]0;owned\x07"}}, "message.en"),
        ({"message": {"zh": "一\n二", "en": "x"}}, "message.zh"),
        ({"message": {"zh": "字", "en": "go \u202estop"}}, "message.en"),
        ({"nonce": "short"}, "nonce"),
        ({"to": "everybody"}, "to"),
    ],
)
def test_what_cannot_be_shown_or_meant_is_refused_by_field(site, park, boss, lane, fields, field):
    answer = site.post("/broadcasts", boss, {"message": TEXT, **fields})

    assert slug_of(answer) == "invalid"
    assert answer.json()["errors"][0]["field"] == field
    assert beat(site, lane) == ([], [])


def test_markup_stays_text(site, park, boss, lane):
    hostile = "<script>alert(1)</script> & 'x' \"y\""
    send(site, boss, message={"zh": hostile, "en": hostile})
    (told,) = site.get("/devices/self/broadcasts", lane).json()["broadcasts"]
    page = sit_down(site, park).see()

    assert told["message"]["zh"] == hostile
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_board_shows_the_most_urgent_with_how_many_have_seen_them(site, park, boss, lane):
    park.enrol(gate_id="G2")
    high = send_id(site, boss, priority="high", gates=["G1"])
    sent = [send_id(site, boss) for _ in range(MOST_BROADCASTS)]
    end(site, boss, send_id(site, boss))
    beat(site, lane, sent[-1])
    rows = part_of(sit_down(site, park).see(), "desk")

    assert [rows.find(each) for each in (high, *sent[:0:-1])] == sorted(
        rows.find(each) for each in (high, *sent[1:])
    )
    assert sent[0] not in rows
    assert "and 1 more" in rows
    assert "South gate" in rows
    assert "shown on 1 of 2" in rows


def test_reason_that_cannot_be_shown_is_refused(site, boss):
    sent = send_id(site, boss)

    assert slug_of(end(site, boss, sent, "\x1b[2J")) == "invalid"
    assert show(site, boss, sent)["state"] == "in_force"


def test_as_many_as_may_be_are_in_force_and_one_that_ends_makes_room(site, boss, lane):
    sent = [send_id(site, boss) for _ in range(MOST_IN_FORCE)]
    full = site.post("/broadcasts", boss, {"message": TEXT})
    end(site, boss, sent[0])

    assert slug_of(full) == "broadcasts-full"
    assert len(beat(site, lane)[0]) == MOST_IN_FORCE - 1
    assert send_id(site, boss)


# --- once, and twice at once ---------------------------------------------------------------------


def test_same_nonce_is_one_broadcast(site, park, boss, lane):
    first = send(site, boss, nonce="nonce-of-anne-1")
    again = send(site, boss, nonce="nonce-of-anne-1")
    changed = site.post(
        "/broadcasts", boss, {"message": TEXT, "priority": "high", "nonce": "nonce-of-anne-1"}
    )
    others = send(site, park.hire(), nonce="nonce-of-anne-1")

    assert again == first
    assert slug_of(changed) == "nonce-reused"
    assert others["broadcast_id"] != first["broadcast_id"]
    assert len(beat(site, lane)[0]) == 2


def together(*works):
    results = [None] * len(works)

    def run(index):
        results[index] = works[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_supervisors_at_once_both_send_and_one_ends(site, park, boss, lane):
    other = park.hire("supervisor", "bo")
    both = together(lambda: send_id(site, boss), lambda: send_id(site, other))
    told = beat(site, lane)[0]
    ended = together(
        lambda: end(site, boss, both[0]).json()["ended_by"],
        lambda: end(site, other, both[0]).json()["ended_by"],
    )
    events = park.ledger.read(
        lambda db: db.execute("SELECT COUNT(*) FROM audit WHERE kind = 'end_broadcast'").fetchone()
    )

    assert sorted(told) == sorted(both)
    assert len(set(ended)) == 1
    assert events == (1,)
