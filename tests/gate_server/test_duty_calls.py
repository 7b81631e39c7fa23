"""Who is called when: rows that outlive a kill, retries, pauses, requests to platforms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.errors import LedgerConflict, NotFound
from admission.incidents import IncidentKind
from gate_server.duty_calls import LEASE
from gate_server.duty_forms import Outcome
from gate_server.ledger import audit
from gate_server.ledger.duty import Form
from tests.builders import at, figures
from tests.night import Night
from tests.robots import SECRET


@pytest.fixture
def night(tmp_path):
    with Night(tmp_path / "var") as night:
        yield night


def test_call_is_made_at_once_and_every_five_minutes(night):
    night.call()
    night.find()

    assert night.rings(minutes=21) == [0, 5, 10, 15, 20]


def test_acknowledging_ends_the_calls_until_two_hours_before_opening(night):
    night.call()
    incident_id = night.find()
    night.rings(minutes=6)
    shown = night.desk.acknowledge(incident_id, by="li")
    quiet = night.rings(hours=2)
    night.park.now = at("06:58", night.day + timedelta(days=1))

    assert quiet == []
    assert shown.next_ring_at == at("07:00", night.day + timedelta(days=1))
    assert night.rings(minutes=8) == [2, 7]
    night.desk.acknowledge(incident_id, by="li")
    assert night.rings(minutes=30) == []


def test_release_ends_the_calls_for_good(night):
    night.call()
    incident_id = night.find()
    night.take()
    night.release()
    after = night.rings(minutes=12)
    night.park.now = at("06:58", night.day + timedelta(days=1))

    assert after == night.rings(minutes=12) == []
    shown = night.desk.show(incident_id)
    assert (shown.decision, shown.next_ring_at, shown.state) == ("released", None, "open")


def test_hold_that_comes_again_rings_again(night):
    night.call()
    first = night.find()
    night.take()
    night.desk.acknowledge(first, by="li")
    night.release()
    night.pass_time(hours=1)
    again = night.find(figures=figures(vouchers=500))

    assert again == first
    assert night.rings(minutes=6) == [0, 5]


def test_server_that_was_away_neither_forgets_nor_catches_up(night):
    night.call()
    night.find()
    night.take()
    night.pass_time(hours=3)

    assert night.rings(minutes=6) == [0, 5]


def test_what_was_handed_out_is_not_handed_out_again_until_its_time_is_over(night):
    night.call()
    night.find()
    (first,) = night.calls.due("feeder 1")
    night.pass_time(seconds=LEASE.total_seconds() - 1)
    meanwhile = night.calls.due("feeder 1")
    night.pass_time(seconds=1)
    (again,) = night.calls.due("feeder 1")

    assert meanwhile == []
    assert again == first
    night.calls.settle([Outcome(message_id=first.message_id)])
    assert night.calls.due("feeder 1") == []


def test_what_a_killed_sender_had_is_handed_out_once_more(night):
    night.call()
    night.find()
    (first,) = night.calls.due("feeder 1")
    night.pass_time(seconds=4)
    (again,) = night.calls.due("feeder 2")

    assert again == first
    assert night.calls.due("feeder 2") == []
    night.calls.settle([Outcome(message_id=again.message_id)])
    assert night.calls.due("feeder 3") == []


def test_rings_outlive_the_server(night):
    night.call()
    night.find()
    (first,) = night.calls.due("feeder 1")
    night.reopen()
    night.pass_time(seconds=LEASE.total_seconds())

    assert night.take() == [first]
    assert night.take() == []


def test_call_that_failed_is_tried_again_under_its_id_and_the_next_ring_replaces_it(night):
    night.call()
    night.find()
    ids = []
    for seconds in (0, 5, 15, 40, 120):
        night.pass_time(seconds=seconds)
        ids += [each.message_id for each in night.take("nothing listens")]
        night.pass_time(seconds=1)
        assert night.calls.due("feeder 1") == []
        night.pass_time(seconds=-1)
    night.pass_time(seconds=120)
    (later,) = night.take()

    assert len(ids) == 5
    assert len(set(ids)) == 1
    assert later.message_id not in ids
    assert night.park.ledger.catalogue.duty.failures == 0


def test_failing_contact_is_told_once_in_the_timeline_and_counted(night):
    night.call()
    night.call("day")
    incident_id = night.find()
    due = night.calls.due("feeder 1")
    night.calls.settle([Outcome(message_id=each.message_id, problem="gone") for each in due])
    night.pass_time(seconds=5)
    night.take("gone")

    shown = night.desk.show(incident_id)
    kinds = [entry.kind.value for entry in shown.timeline]
    assert kinds.count("call_failed") == 2
    assert [(call.contact, call.state, call.tries) for call in shown.calls] == [
        ("night", "waiting", 2),
        ("day", "waiting", 2),
    ]
    assert night.park.ledger.catalogue.duty.failing == 2
    assert night.park.ledger.catalogue.duty.failures == 4


def test_one_contact_that_does_not_answer_keeps_no_other_waiting(night):
    night.call("dead")
    night.call("well")
    night.find()
    first = night.calls.due("feeder 1")
    night.calls.settle([Outcome(message_id=first[1].message_id)])
    night.pass_time(minutes=5)
    again = night.calls.due("feeder 1")

    assert [each.told.data["ring"] for each in (*first, *again)] == [1, 1, 2, 2]


def test_contact_that_asks_for_time_is_left_alone(night):
    night.call(form=Form.WECOM)
    night.find()
    night.take("errcode 45009", retry_after_s=60.0)
    night.pass_time(seconds=50)
    before = night.calls.due("feeder 1")
    night.pass_time(seconds=11)

    assert before == []
    assert len(night.take()) == 1


def test_robots_are_never_told_more_than_they_take(night):
    night.call(form=Form.DINGTALK)
    for number in range(25):
        night.find(subject=f"finding {number}")
    sent = []
    for _ in range(600):
        sent += [night.park.now] * len(night.take())
        night.pass_time(milliseconds=200)

    most = max(sum(one <= other < one + timedelta(minutes=1) for other in sent) for one in sent)
    assert len(sent) == 25
    assert 10 < most <= 20


def test_contact_that_is_added_late_is_called_with_the_next_ring(night):
    night.find()
    nobody = night.rings(minutes=3)
    night.call()

    assert nobody == []
    assert len(night.take()) == 1


def test_removed_contact_is_called_no_more(night):
    night.call()
    night.find()
    night.take("gone")
    night.list.remove("night", by="test")
    night.pass_time(minutes=6)

    assert night.take() == []
    assert night.park.ledger.read(lambda db: db.execute(
        "SELECT sealed FROM duty_contacts").fetchall()) == [(b"",)]  # fmt: skip


def test_acknowledged_while_a_call_is_on_its_way_is_not_tried_again(night):
    night.call()
    incident_id = night.find()
    (message,) = night.calls.due("feeder 1")
    night.desk.acknowledge(incident_id, by="li")
    night.calls.settle([Outcome(message_id=message.message_id, problem="gone")])

    assert night.rings(minutes=10) == []
    assert night.desk.show(incident_id).calls[0].state == "dropped"


def test_message_says_what_where_how_much_and_what_to_decide(night):
    night.call()
    incident_id = night.find()
    (message,) = night.take()

    told = message.told
    assert told.type == "incident.opened"
    assert told.title_zh == "Venue：“联票”售价异常，已暂停验票"
    for part in ("每人0.01元", "206 张票", "206 人", "2.06 CNY", "53,560.00 CNY", "DAY", "release"):
        assert part in told.zh
    for part in ("0.01 yuan", "206 vouchers", "2.06 CNY", "release or void deal DAY", incident_id):
        assert part in told.en
    assert told.data["figures"]["vouchers"] == 206
    assert told.data["deal_id"] == "DAY"


def test_enrolment_code_used_twice_calls_with_its_gate(night):
    night.call()
    night.find(
        kind=IncidentKind.ENROLMENT_USED_TWICE, subject="enrolment of D7", device_id="D7",
        gate_id="G1", deal_no=None, platform=None, figures=None,
    )  # fmt: skip
    (message,) = night.take()

    assert "D7" in message.told.zh
    assert "地点：South gate" in message.told.zh
    assert "Where: South gate" in message.told.en


def test_call_without_a_known_place_names_none(night):
    night.call()
    night.find(kind=IncidentKind.HELP, subject="help", figures=None)
    (message,) = night.take()

    assert "地点" not in message.told.zh
    assert "Where" not in message.told.en


def test_damaged_address_of_one_keeps_no_other_from_being_called(night):
    night.call("torn")
    night.call("well")
    night.park.change(
        lambda tx: tx.db.execute("UPDATE duty_contacts SET sealed = x'00' WHERE name = 'torn'")
    )
    night.find()

    assert len(night.take()) == 1
    torn = night.list.contacts()[0]
    assert torn.failures == 1
    assert "sealed value" in torn.error


def test_list_takes_a_name_once_and_keeps_its_address_sealed(night):
    night.call()
    with pytest.raises(LedgerConflict, match="already"):
        night.call()
    with pytest.raises(NotFound):
        night.list.remove("nobody", by="test")

    bodies = night.park.ledger.read(lambda db: db.execute("SELECT body FROM audit").fetchall())
    rows = night.park.ledger.read(lambda db: db.execute("SELECT * FROM duty_contacts").fetchall())
    assert "hooks.example.org" in str(bodies)
    assert "/duty/night" not in str(bodies) + str(rows) + repr(night.list.contacts())
    assert SECRET not in str(bodies) + str(rows)


def test_what_duty_did_is_in_the_chain(night):
    night.call()
    night.find()
    night.take("gone")
    night.pass_time(seconds=5)
    night.take()

    kinds = night.park.ledger.read(
        lambda db: [row[0] for row in db.execute("SELECT kind FROM audit ORDER BY revision")]
    )
    assert kinds[-6:] == ["hold", "incident", "stop_sale", "duty_ring", "duty_call", "duty_call"]
    assert night.park.ledger.read(audit.verify).findings == ()
