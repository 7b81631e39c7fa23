"""Other kinds of feeds report too, and chance never makes the books differ."""

from __future__ import annotations

import random

import pytest

from admission.redemptions import Deed, Fate
from gate_server.feeds.contract import Redemption
from gate_server.ledger.backup import write_backup
from gate_server.ledger.feeds import FeedKind, SecretKind, about_secret, add_secret
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.redemptions import Told
from gate_server.ledger.restore import restore_backup
from gate_server.redeeming import scrubbed
from tests.platforms_redeem import Inside, a_platform
from tests.redeem_desk import a_desk
from tests.server import Park, an_app


@pytest.fixture
def desk(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform) as desk:
        yield desk


def test_while_a_secret_is_renewed_both_sign(desk):
    fresh, now = "whsec_" + "bmV3LXNlY3JldC1vZi10aGUtdGVzdC1wbGF0Zm9ybQ==", desk.park.now
    sealed = desk.park.keys.seal(fresh.encode(), about=about_secret(1, 2), now=now)
    desk.park.change(lambda tx: add_secret(tx, 1, 2, SecretKind.WEBHOOK, sealed, now=now))
    desk.park.sell("RENEW-CODE-1", voucher_ref="V1")
    before = desk.reporter.name
    desk.reporter = desk.a_reporter()
    desk.report(1)
    desk.scan("RENEW-CODE-1")

    desk.report()

    assert desk.reporter.name != before  # so that the feeder makes a new one
    assert desk.platform.people == {"V1": 1}


def test_ledger_from_a_backup_tells_again_under_the_same_keys(desk, tmp_path):
    desk.park.sell("BACKUP-CODE", admits="2", voucher_ref="V1")
    desk.report(1)
    backup, clock = tmp_path / "a.backup", lambda: desk.park.now
    write_backup(desk.park.directory, backup, version="1", now=clock())
    desk.scan("BACKUP-CODE", nonce="backup-scan", party=1)
    desk.report()
    platform, device = desk.platform, desk.lane
    desk.reporter.close()
    desk.park.close()
    restore_backup(desk.park.directory, backup, by="test", now=clock(), clock=clock)

    park = Park(desk.park.directory, now=clock())
    with an_app(park) as (_, site):
        desk.park = park
        site.scan(
            device, "BACKUP-CODE", nonce="backup-scan", party=1
        )  # as scanners do by themselves
        desk.caller = Inside(park)
        desk.reporter = desk.a_reporter()
        desk.report()

    assert (platform.people["V1"], platform.calls["redemptions"], len(platform.done)) == (1, 2, 1)


def test_pull_feed_reports_with_its_token(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform, kind=FeedKind.PULL) as desk:
        desk.park.sell("PULL-CODE-01", voucher_ref="V1")
        desk.scan("PULL-CODE-01")

        desk.report()

        assert platform.people == {"V1": 1}


def test_octo_redeems_whole_bookings_by_their_code(tmp_path):
    with (
        a_platform(octo=True) as platform,
        a_desk(tmp_path / "var", platform, kind=FeedKind.OCTO) as desk,
    ):
        by_code = frozenset(desk.caller.call("redemptions by_code"))
        desk.park.sell("OCTO-CODE-01", admits="3", by_code=by_code)
        desk.scan("OCTO-CODE-01", party=1, nonce="octo-scan-1")
        desk.report()
        desk.scan("OCTO-CODE-01", party=2, nonce="octo-scan-2")
        desk.report()
        redeemed = dict(platform.people), platform.calls["redemptions"]

        desk.annul("octo-scan-1")
        desk.report()
        kept = dict(platform.people)
        desk.annul("octo-scan-2")
        platform.trouble = lambda kind, n: "lose" if kind == "undo" and n == 1 else None
        desk.settle()

        assert redeemed == ({"OCTO-CODE-01": 1}, 1)
        assert kept == {"OCTO-CODE-01": 1}
        assert (platform.people["OCTO-CODE-01"], platform.calls["undo"]) == (0, 1)
        assert "OCTO-CODE-01" not in str(desk.deeds())
        platform.people["OCTO-CODE-02"] = 1
        desk.park.sell("OCTO-CODE-02", by_code=by_code)
        desk.scan("OCTO-CODE-02")
        desk.settle()
        ((*_, problem),) = [row for row in desk.deeds() if row[2] == "refused"]
        assert problem == "*** is so already"


HOSTILE = [
    "[]",
    "{}",
    '{"data": 5}',
    '{"data": [{"key": 1, "state": "done"}]}',
    '{"data": [{"key": "x", "state": "eaten"}]}',
    '{"data": [{"key": "of another", "state": "done"}]}',
    "[" * 200_000,
    "x" * 9_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:36])
def test_answer_that_makes_no_sense_is_a_lost_one(desk, text):
    desk.park.sell("ODD-CODE-001", voucher_ref="V1")
    desk.report(1)
    desk.scan("ODD-CODE-001")
    desk.platform.trouble = lambda _kind, _: f"raw {text}"
    for _ in range(3):
        desk.report(1)
        desk.pass_time(seconds=6)
    lost = desk.states()
    desk.platform.trouble = lambda _kind, _: None

    desk.settle()

    assert lost == ["lost"]
    assert (desk.states(), desk.platform.people) == (["done"], {"V1": 1})


@pytest.mark.parametrize("text", ["[]", "5", '{"unitItems": 3}', '[{"unitItems": [4]}, 7]'])
def test_octo_server_that_talks_nonsense_redeems_nobody_twice(tmp_path, text):
    with (
        a_platform(octo=True) as platform,
        a_desk(tmp_path / "var", platform, kind=FeedKind.OCTO) as desk,
    ):
        desk.park.sell("OCTO-CODE-03", by_code=frozenset({"lvtu"}))
        desk.report(1)
        desk.scan("OCTO-CODE-03")
        platform.trouble = lambda kind, _: f"raw {text}" if kind == "ask" else "lose"
        for _ in range(3):
            desk.report(1)
            desk.pass_time(seconds=6)
        platform.trouble = lambda _kind, _: None

        desk.settle()

        assert (desk.states(), platform.people["OCTO-CODE-03"]) == (["done"], 1)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_lost_the_books_come_to_the_ledgers(desk, seed):
    chance = random.Random(seed)
    troubles = ["lose", "cut", "fail_after", "fail", "html", "reset", "busy", None, None, None]
    desk.report(1)
    desk.platform.trouble = lambda _kind, _: chance.choice(troubles)
    for number in range(12):
        desk.park.sell(f"RANDOM-CODE-{number:02}", admits="3", voucher_ref=f"V{number}")
    admitted = []
    for _ in range(120):
        code = f"RANDOM-CODE-{chance.randrange(12):02}"
        what = chance.random()
        if what < 0.5:
            answer = desk.scan(code, party=chance.choice([1, 1, 2]))
            if answer["admitted"]:
                admitted.append(answer["nonce"])
        elif what < 0.7 and admitted:
            nonce = admitted.pop(chance.randrange(len(admitted)))
            desk.site.post(
                f"/scans/{nonce}/annul", desk.boss, {"reason": "x", "device_id": desk.lane.name}
            )
        elif what < 0.75:
            desk.reporter = desk.a_reporter()  # killed, and started again
        else:
            desk.reporter.run(desk.caller)
            desk.pass_time(seconds=chance.choice([1, 6, 41]))
    desk.platform.trouble = lambda _kind, _: None
    desk.settle()
    desk.caller.call("feed redemptions retry", {"platform": "lvtu", "key": None})
    desk.settle()

    sql = (
        "SELECT v.voucher_ref, SUM(MAX(s.people - s.annulled, 0)) FROM scans s"
        " JOIN vouchers v USING (voucher_id) GROUP BY 1"
    )
    ours = dict(desk.park.ledger.read(lambda db: db.execute(sql).fetchall()))
    assert {ref: people for ref, people in desk.platform.people.items() if people} == {
        ref: people for ref, people in ours.items() if people
    }
    assert set(desk.states()) <= {"done", "dropped"}


def test_nothing_that_is_shown_holds_a_code():
    told = Redemption("k", Deed.REDEEM, None, "SECRET-CODE-1", 1, utc_now(), "G1")
    said = scrubbed(Told("k", Fate.REFUSED, "SECRET-CODE-1 is\nnot ours" + "x" * 300), [told])

    assert "SECRET-CODE-1" not in repr(told)
    assert said.problem.startswith("*** is not ours")
    assert len(said.problem) == 200
