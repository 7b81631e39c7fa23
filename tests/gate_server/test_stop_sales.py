"""A sale that a finding holds: its platform is asked to stop it, in facts, until it has heard."""

from __future__ import annotations

import pytest

from gate_server.duty_forms import write_posting
from gate_server.ledger import feeds
from tests.builders import figures
from tests.night import Night
from tests.robots import SECRET


@pytest.fixture
def night(tmp_path):
    with Night(tmp_path / "var") as night:
        yield night


def test_request_to_stop_the_sale_is_written_with_the_figures(night):
    incident_id = night.find(figures=figures(quota=500))

    request = night.desk.show(incident_id).stop_sale
    assert request.state == "by_hand"
    for part in (
        "致 lvtu",
        "DAY",
        "206 张",
        "0.01 CNY",
        "260.00 CNY",
        "计划数量 500 张",
        incident_id,
    ):
        assert part in request.text.zh
    assert "Please stop selling this deal now" in request.text.en
    assert night.calls.due("feeder 1") == []


@pytest.mark.parametrize(
    "word", ["违法", "非法", "欺诈", "骗", "unlawful", "illegal", "fraud", "abuse"]
)
def test_request_accuses_nobody(night, word):
    request = night.desk.show(night.find()).stop_sale

    assert word not in request.text.zh + request.text.en


def test_request_is_sent_signed_until_the_platform_takes_it(night):
    night.connect(notify_url="https://platform.example/notify")
    incident_id = night.find()
    ids, waits = [], (0, 5, 15, 40, 120, 600, 600)
    for seconds in waits:
        night.pass_time(seconds=seconds)
        (message,) = night.take("nothing listens")
        ids.append(message.message_id)
    failed = night.desk.show(incident_id).stop_sale
    night.pass_time(minutes=10)
    (message,) = night.take()
    night.pass_time(hours=1)

    assert len({*ids, message.message_id}) == 1
    assert (failed.state, failed.tries, failed.problem) == ("waiting", 7, "nothing listens")
    assert (message.told.type, message.form, message.secret) == ("stop_sale", "standard", SECRET)
    assert message.told.data["figures"]["people"] == 206
    assert night.calls.due("feeder 1") == []
    shown = night.desk.show(incident_id)
    assert shown.stop_sale.state == "taken"
    kinds = [entry.kind.value for entry in shown.timeline]
    assert kinds.count("stop_sale_failed") == kinds.count("stop_sale_taken") == 1


def test_request_is_dropped_when_the_deal_is_released(night):
    night.connect(notify_url="https://platform.example/notify")
    incident_id = night.find()
    night.release()

    assert night.calls.due("feeder 1") == []
    assert night.desk.show(incident_id).stop_sale.state == "dropped"


def test_request_whose_feed_went_is_left_to_people(night):
    feed_id = night.connect(notify_url="https://platform.example/notify")
    incident_id = night.find()
    night.park.change(
        lambda tx: feeds.remove_feed(
            tx, feeds.get_feed(tx.db, feed_id), by="test", now=night.park.ledger.clock()
        )
    )

    assert night.calls.due("feeder 1") == []
    assert night.desk.show(incident_id).stop_sale.state == "by_hand"


def test_request_that_nobody_has_taken_yet_has_the_figures_of_now(night):
    incident_id = night.find()
    first = night.desk.show(incident_id).stop_sale
    night.find(figures=figures(vouchers=206_865))

    shown = night.desk.show(incident_id)
    assert "206 张" in first.text.zh
    assert "206,865 张" in shown.stop_sale.text.zh
    assert [entry.kind.value for entry in shown.timeline].count("stop_sale_written") == 1


def test_request_that_the_platform_has_taken_is_not_sent_again_for_more_of_the_same(night):
    night.connect(notify_url="https://platform.example/notify")
    incident_id = night.find()
    (first,) = night.take()
    night.find(figures=figures(vouchers=206_865))

    assert night.calls.due("feeder 1") == []
    assert night.desk.show(incident_id).stop_sale.request_id == first.message_id


def test_platform_is_asked_again_when_the_deal_is_held_again(night):
    night.connect(notify_url="https://platform.example/notify")
    night.find()
    night.take()
    night.release()
    night.pass_time(hours=1)
    night.find(figures=figures(vouchers=900))
    (again,) = night.take()

    assert "900" in again.told.zh


def test_secret_that_is_being_replaced_signs_beside_the_new_one(night):
    feed_id = night.connect(notify_url="https://platform.example/notify")
    now, newer = night.park.ledger.clock(), "whsec_" + "B" * 40
    about = feeds.about_secret(feed_id, 2)
    sealed = night.park.keys.seal(newer.encode(), about=about, now=now)
    kind = feeds.SecretKind.WEBHOOK
    night.park.change(lambda tx: feeds.add_secret(tx, feed_id, 2, kind, sealed, now=now))
    night.find()
    (message,) = night.take()

    posting = write_posting(message, now)
    signatures = posting.headers["webhook-signature"].split()
    assert message.secret.split() == [newer, SECRET]
    assert len(set(signatures)) == 2
