"""Pushes that are cut short: a killed server, a full disk, others that write at the same time."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import threading
import time

import httpx

from gate_server.commands import feeds as commands
from gate_server.commands.services import Services
from gate_server.feeds.contract import Kind
from gate_server.ledger import audit, feeds
from tests.gate_server.ledger.test_full_disk import fill, small_disk
from tests.gate_server.test_intake import Fed
from tests.pushers import Pusher, a_push, connect
from tests.server import Park, a_running_server, an_app, slug_of

__all__ = ["small_disk"]

ROWS = [
    {"code": f"CODE-{n:06}", "deal_id": "DAY", "buyer_ref": f"b{n // 3}", "order_ref": f"O-{n}"}
    for n in range(8_000)
]
VOUCHERS = (
    "SELECT credential_key, platform, deal_no, tail, admits, status, status_at, updated_at,"
    " voucher_ref, order_ref, filled FROM vouchers ORDER BY credential_key"
)
LINKS = "SELECT key, kind FROM credentials ORDER BY 1, 2"


@contextlib.contextmanager
def read_only(directory):
    with contextlib.closing(sqlite3.connect(f"file:{directory}/ledger.db?mode=ro", uri=True)) as db:
        yield db


def content(db):
    return [db.execute(sql).fetchall() for sql in (VOUCHERS, LINKS)]


def count(directory):
    with read_only(directory) as db:
        return db.execute("SELECT COUNT(*) FROM vouchers").fetchone()[0]


def test_a_server_killed_in_the_midst_of_a_push_has_it_whole_after_the_retry(tmp_path):
    park = Park(tmp_path / "var")
    secret, body = connect(park), a_push("vouchers", ROWS)
    park.close()
    with a_running_server(park.directory) as server:
        pusher = Pusher(server, secret)
        lost = threading.Thread(target=send_and_lose, args=(pusher, body))
        lost.start()
        until = time.monotonic() + 20
        while not count(park.directory) and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(server.worker(), signal.SIGKILL)
        lost.join()
        half = count(park.directory)
        server.wait_ready()
        retried, again = pusher.send(body, "push-a"), pusher.send(body, "push-a")
    with read_only(park.directory) as db:
        told = content(db)

    assert 0 < half < len(ROWS)
    assert retried.json() == {"accepted": len(ROWS), "rejected": []}
    assert again.content == retried.content
    assert len(told[0]) == len(ROWS)
    assert told == undisturbed(park, body)


def send_and_lose(pusher, body):
    with contextlib.suppress(httpx.HTTPError):
        pusher.send(body, "push-a")


def undisturbed(park, body):
    """Return what the same push comes to where nothing happens, under the same keys."""
    park = Park(park.directory)
    park.change(lambda tx: [tx.db.execute(f"DELETE FROM {each}")
                            for each in ("credentials", "vouchers", "pushes")])  # fmt: skip
    try:
        assert park.ledger.read(audit.verify).findings == ()
        services = Services(park.ledger, park.keys, park.settings, park.directory, "test")
        rotated = commands.rotate_secret(services, commands.RotateSecret(platform="lvtu"))
        with an_app(park) as (_, site):
            assert Pusher(site, rotated["secret"]).send(body, "push-b").status_code == 200
        return park.ledger.read(content)
    finally:
        park.close()


def test_a_full_disk_refuses_a_push_whole_and_the_retry_works(small_disk):
    park = Park(small_disk / "var")
    with an_app(park) as (_, site):
        pusher, body = Pusher(site, connect(park)), a_push("vouchers", ROWS[:6000])
        ballast = fill(small_disk)

        refused = pusher.send(body, "push-a")
        status = park.ledger.read(lambda db: feeds.get_feed(db, 1))
        ballast.unlink()
        retried = pusher.send(body, "push-a")

        assert (refused.status_code, slug_of(refused)) == (503, "unavailable")
        assert refused.headers["retry-after"]
        assert (status.accepted_at, status.failures) == (None, 0)
        assert retried.json()["accepted"] == 6000
        assert park.ledger.read(audit.verify).findings == ()
    park.close()


def test_push_pull_and_file_of_the_same_rows_at_once_come_to_the_same(tmp_path):
    park = Park(tmp_path / "var")
    rows = [row | {"updated_at": "2026-02-12T09:00:00Z"} for row in ROWS[:1000]]
    with an_app(park) as (_, site):
        pusher = Pusher(site, connect(park))
        pull = Fed(park, secondary=True)
        works = [
            lambda: pusher.send(a_push("vouchers", rows)),
            lambda: pusher.send(a_push("vouchers", rows[::-1])),
            lambda: pull.take(pull.prepared(Kind.VOUCHERS, *rows, cursor="end", whole=True)),
            lambda: park.sell(*(row["code"] for row in rows), updated_at=rows[0]["updated_at"]),
        ]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        together = park.ledger.read(content)
        alone = pusher.send(a_push("vouchers", rows)).json()

        assert not any(thread.is_alive() for thread in threads)
        assert alone == {"accepted": 1000, "rejected": []}
        assert park.ledger.read(content) == together
        assert [row[-1] for row in together[0]] == [0] * 1000
    park.close()
