"""What platforms push: signed, once, all of it or none, and what cannot be taken by row."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from functools import partial

import pytest

from gate_server.commands import feeds as commands
from gate_server.commands.services import Services
from gate_server.ledger.ledger import utc_now
from gate_server.pushes import MOST_WAITING
from gate_server.web.signers import LARGE_BYTES, MOST_LARGE
from tests.pushers import BytesPusher, Pusher, a_push, connect
from tests.server import an_app, slug_of

CODE = "9K3F-22AX-8K2F"
DEAL = {
    "deal_id": "NEW", "platform": "lvtu", "title": "New", "face_price_minor": 100,
    "currency": "CNY", "valid_from": "2014-01-01", "valid_until": "2099-12-31",
}  # fmt: skip


@pytest.fixture
def site(park):
    with an_app(park) as (app, site):
        site.app = app
        yield site


@pytest.fixture
def pusher(park, site):
    return Pusher(site, connect(park))


def query(park, sql, *values):
    return park.ledger.read(lambda db: db.execute(sql, values).fetchall())


def status(park):
    services = Services(park.ledger, park.keys, park.settings, park.directory, "test")
    (feed,) = commands.feed_status(services, None)
    return feed


def test_pushed_deals_and_vouchers_are_admissible_at_once(park, site, pusher):
    device = park.enrol()

    assert pusher.deals(DEAL).json() == {"accepted": 1, "rejected": []}
    assert pusher.vouchers({"code": CODE, "deal_id": "NEW", "admits": 2}).json() == {
        "accepted": 1,
        "rejected": [],
    }

    assert site.scan(device, CODE)["reason"] == "admitted"


def test_rows_that_cannot_be_taken_are_told_by_number_and_the_others_go_in(park, pusher):
    body = a_push("vouchers", [
        {"code": "GOOD-CODE-1", "deal_id": "DAY"},
        {"code": "GOOD-CODE-2", "deal_id": "NONE"},
        {"code": "GOOD-CODE-3", "deal_id": "DAY", "colour": "red"},
        {"code": "GOOD-CODE-4"},
        {"code": "GOOD-CODE-5", "deal_id": "DAY", "price_paid_minor": 0.01},
        {"code": "GOOD-CODE-6", "deal_id": "DAY", "admits": {"people": 2}},
        7,
        {"code": "GOOD-CODE-7", "deal_id": "DAY"},
    ])  # fmt: skip
    body = body.replace(b'{"code": "GOOD-CODE-4"}', b'{"code": "A-CODE-1", "code": "A-CODE-2"}')

    answer = pusher.send(body).json()

    assert answer["accepted"] == 2
    assert [(each["row"], each["field"]) for each in answer["rejected"]] == [
        (2, "deal_id"), (3, "colour"), (4, "code"), (5, "price_paid_minor"), (6, ""), (7, ""),
    ]  # fmt: skip
    assert status(park)["set_aside"] == 6
    assert "GOOD-CODE" not in json.dumps(answer)


def test_the_same_push_again_gets_the_first_answer(park, pusher):
    body = a_push("vouchers", [{"code": CODE, "deal_id": "DAY"}, {"code": "X", "deal_id": "DAY"}])
    first = pusher.send(body, "push-a")
    before = park.ledger.revision

    again = pusher.send(body, "push-a", at=utc_now() + timedelta(seconds=3))

    assert again.content == first.content
    assert park.ledger.revision == before


def test_another_body_under_the_same_id_is_a_conflict(pusher):
    pusher.vouchers({"code": CODE}, webhook_id="push-a")

    other = pusher.vouchers({"code": "OTHER-CODE"}, webhook_id="push-a")

    assert (other.status_code, slug_of(other)) == (409, "push-reused")


def test_after_thirty_days_an_id_may_come_anew(park, pusher):
    park.now = utc_now()
    pusher.vouchers({"code": CODE}, webhook_id="push-a", at=park.now)
    park.now += timedelta(days=30, seconds=1)

    other = pusher.vouchers({"code": "OTHER-CODE"}, webhook_id="push-a", at=park.now)

    assert other.status_code == 200
    assert query(park, "SELECT COUNT(*) FROM pushes") == [(1,)]


def test_the_same_push_twice_at_once_is_taken_once(park, pusher):
    body = a_push("vouchers", [{"code": f"CODE-{n:05}", "deal_id": "DAY"} for n in range(2000)])
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(pusher.send(body, "push-a")))
               for _ in range(4)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    sql = "SELECT SUM(body ->> 'count') FROM audit WHERE body ->> 'kind' = 'vouchers'"
    assert query(park, sql) == [(2000,)]


def test_no_rows_are_a_sign_of_life(park, pusher):
    assert status(park)["state"] == "waiting"

    assert pusher.vouchers().json() == {"accepted": 0, "rejected": []}

    assert status(park)["state"] == "well"


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        ({"webhook-signature": "v1,AAAA"}, 0),
        ({"webhook-signature": ""}, 0),
        ({"webhook-signature": "v1"}, 0),
        ({"webhook-signature": "v1,%%%,,, v1, v2,AAAA"}, 0),
        ({"webhook-id": "another-id"}, 0),
        ({"webhook-id": ""}, 0),
        ({"webhook-id": "x" * 256}, 0),
        ({"webhook-timestamp": "nan"}, 0),
        ({"webhook-timestamp": "9" * 400}, 0),
        ({"webhook-timestamp": "-1"}, 0),
        ({}, 6),
        ({}, -6),
    ],
    ids=range(12),
)
def test_what_is_not_signed_lately_is_refused_and_touches_nothing(park, pusher, headers, minutes):
    at = utc_now() + timedelta(minutes=minutes)

    answer = pusher.vouchers({"code": CODE}, headers=headers, at=at)

    assert (answer.status_code, slug_of(answer)) == (401, "unauthorized")
    assert (status(park)["accepted_at"], status(park)["failures"]) == (None, 0)
    assert query(park, "SELECT COUNT(*) FROM vouchers") == [(0,)]


def test_a_platform_that_there_is_not_is_answered_like_a_wrong_signature(site, pusher):
    wrong = Pusher(site, pusher.secret[:-8] + "AAAAAAA=").vouchers()
    unknown = Pusher(site, pusher.secret, platform="nobody").vouchers()

    assert (unknown.status_code, unknown.content) == (wrong.status_code, wrong.content)
    assert sorted(unknown.headers) == sorted(wrong.headers)


def test_strangers_cannot_fill_the_memory_with_large_bodies(site, pusher):
    signers = pusher.site.app.services.signers
    body, arrived, go = a_push("vouchers", []) + b" " * LARGE_BYTES, [], threading.Event()

    def read_slowly():
        arrived.append(1)
        go.wait(20)
        return body

    headers = {f"HTTP_{name.replace('-', '_').upper()}": value
               for name, value in pusher.headers(body, "push-a", utc_now()).items()}  # fmt: skip
    environ = headers | {"CONTENT_LENGTH": str(len(body))}
    ask = partial(signers.identify, environ, "lvtu", read_slowly)
    threads = [threading.Thread(target=ask) for _ in range(MOST_LARGE)]
    for thread in threads:
        thread.start()
    while len(arrived) < MOST_LARGE:
        time.sleep(0.01)
    refused = pusher.send(body, "push-b")
    small = pusher.vouchers({"code": CODE})
    go.set()
    for thread in threads:
        thread.join()

    assert (refused.status_code, slug_of(refused)) == (503, "unavailable")
    assert small.status_code == 200
    assert pusher.send(body, "push-b").status_code == 200


def test_more_pushes_than_may_wait_are_told_to_come_again(park, site, pusher):
    go, answers = threading.Event(), []
    busy = threading.Thread(target=lambda: park.ledger.write(lambda _: go.wait(20)))
    busy.start()
    waiting = [threading.Thread(target=lambda: answers.append(pusher.vouchers().status_code))
               for _ in range(MOST_WAITING)]  # fmt: skip
    for thread in waiting:
        thread.start()
    while site.app.services.pushes.waiting < MOST_WAITING:
        time.sleep(0.01)
    refused = pusher.vouchers()
    go.set()
    for thread in (busy, *waiting):
        thread.join()

    assert (refused.status_code, slug_of(refused)) == (503, "unavailable")
    assert refused.headers["retry-after"]
    assert answers == [200] * MOST_WAITING


def test_a_platform_cannot_push_for_another(park, site, pusher):
    connect(park, "tuan")

    assert Pusher(site, pusher.secret, platform="tuan").vouchers().status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", ""),
        (b"\xff\xfe", ""),
        (b"[" * 5000, ""),
        (b"[]", ""),
        (a_push("tickets", []), "type"),
        (a_push("deals", []).replace(b"+00:00", b""), "timestamp"),
        (a_push("deals", []).replace(b'"type"', b'"kind"'), "kind"),
        (a_push("deals", []).replace(b"{", b'{"type": "vouchers", '), ""),
        (a_push("deals", [{"deal_id": "D"}]).replace(b"{", b'{"data": [], ', 1), ""),
        (a_push("deals", [], utc_now() + timedelta(hours=1)), "timestamp"),
    ],
    ids=range(10),
)
def test_what_is_signed_and_cannot_be_read_is_a_failure_of_the_feed(park, site, body, field):
    pusher, at = BytesPusher(site, connect(park)), utc_now()

    answer = pusher.send(body, "push-a", at=at)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert (status(park)["failures"], status(park)["accepted_at"]) == (1, None)
    assert pusher.vouchers({"code": CODE}, webhook_id="push-a").status_code == 200
    assert status(park)["failures"] == 0


def test_a_body_that_is_too_large_is_refused(pusher):
    body = a_push("vouchers", [{"code": "x" * (16 << 20), "deal_id": "DAY"}])

    answer = pusher.send(body)

    assert (answer.status_code, slug_of(answer)) == (413, "too-large")


def test_both_secrets_count_while_one_retires(park, site, pusher):
    park.now = utc_now()
    services = Services(park.ledger, park.keys, park.settings, park.directory, "test")
    asked = commands.RotateSecret(platform="lvtu", retire_after_s=3600)
    fresh = Pusher(site, commands.rotate_secret(services, asked)["secret"])
    during = [each.vouchers(at=park.now).status_code for each in (pusher, fresh)]

    park.now += timedelta(hours=1, seconds=1)

    after = [each.vouchers(at=park.now).status_code for each in (pusher, fresh)]
    assert (during, after) == ([200, 200], [401, 200])


def test_a_list_of_signatures_may_hold_ours_among_others(pusher):
    body, at = a_push("vouchers", []), utc_now()
    signature = pusher.headers(body, "push-a", at)["webhook-signature"]
    listed = f"v1a,AAAA v1,{'A' * 43}= {signature}"

    answer = pusher.send(body, "push-a", at=at, headers={"webhook-signature": listed})

    assert answer.status_code == 200


def test_a_removed_feed_takes_no_more_pushes_and_its_vouchers_stay(park, site, pusher):
    device = park.enrol()
    pusher.vouchers({"code": CODE})
    services = Services(park.ledger, park.keys, park.settings, park.directory, "test")
    commands.remove_feed(services, commands.WhichFeed(platform="lvtu"))

    assert pusher.vouchers().status_code == 401
    assert site.scan(device, CODE)["reason"] == "admitted"
    assert query(park, "SELECT COUNT(*) FROM feed_secrets") == [(0,)]


def test_a_voucher_that_came_before_its_deal_goes_in_by_itself(park, site, pusher):
    device = park.enrol()
    assert pusher.vouchers({"code": CODE, "deal_id": "NEW"}).json()["accepted"] == 0

    pusher.deals(DEAL)

    assert site.scan(device, CODE)["reason"] == "admitted"
    assert status(park)["set_aside"] == 0


def test_a_deal_from_a_file_lets_its_vouchers_in_by_themselves(park, site, pusher):
    pusher.vouchers({"code": CODE, "deal_id": "NEW"})
    park.offer("NEW")

    until = time.monotonic() + 10
    while status(park)["set_aside"] and time.monotonic() < until:
        time.sleep(0.1)

    assert query(park, "SELECT COUNT(*) FROM vouchers") == [(1,)]
