"""A damaged replica is never believed, and a full disk leaves a good one as it was."""

import resource
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import msgspec
import pytest

from admission.replica_columns import pack
from admission.wire_outage import CompleteLine
from scanner_client.replica import NoReplica
from scanner_client.replica_files import DRAFT_FILE, REPLICA_FILE
from scanner_client.replica_intake import Untaken, start_afresh
from scanner_client.seal import SEAL_FILE
from tests.fakes import EPOCH
from tests.scanner_client.scanners import a_park, a_row, a_state, feed, find, key_of, reopened

NOW = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)


def garbage(path):
    path.write_bytes(b"garbage " * 1000)


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE meta (name, value)")


def overwritten(path):
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def cut_off(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def other_key(path):
    (path.parent / SEAL_FILE).write_bytes(b"k" * 32)


@pytest.mark.parametrize(
    "damage", [garbage, empty, foreign, overwritten, cut_off, other_key], ids=lambda d: d.__name__
)
def test_damaged_replica_is_thrown_away_and_said(replica, said, damage):
    feed(replica, *a_park(*(f"CODE-{number}" for number in range(300))))
    replica.close()
    damage(replica.directory / REPLICA_FILE)
    again = reopened(replica, said)

    with pytest.raises(NoReplica), again.view() as view:
        view.find([key_of("CODE-1")])

    assert len(said) == 1
    assert "downloaded afresh" in said[0]
    assert not again.there
    feed(again, *a_park("CODE-1"))
    assert len(find(again, "CODE-1")) == 1
    again.close()


def test_changed_row_is_found_by_reading_all_of_it(replica, said):
    feed(replica, *a_park(*(f"CODE-{number}" for number in range(300))))
    with closing(sqlite3.connect(replica.directory / REPLICA_FILE)) as db:
        # A voucher under another's name, as a flipped bit or a thief would have it.
        db.execute("UPDATE vouchers SET tag = tag + 1 WHERE tag = (SELECT MAX(tag) FROM vouchers)")
        db.commit()

    replica.check(threading.Event())

    assert len(said) == 1
    assert not replica.there


def test_error_of_a_reader_is_no_damage(replica, said):
    feed(replica, *a_park("CODE-1"))

    with pytest.raises(ValueError, match="mine"), replica.view():
        raise ValueError("mine")

    assert said == []
    assert len(find(replica, "CODE-1")) == 1


@pytest.fixture
def small_disk():
    """Let no file of this process grow beyond a size, as on a full disk."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def begin_another(replica, lines):
    intake = start_afresh(replica)
    intake.begin("epoch-2")
    for line in lines:
        intake.take(msgspec.json.encode(line))


def test_full_disk_leaves_the_replica_as_it_was(replica, small_disk):
    feed(replica, *a_park("CODE-1"))
    many = [
        pack(6 + part, 1, [a_row(f"NEW-{part}-{number}") for number in range(400)])
        for part in range(20)
    ]
    size = (replica.directory / REPLICA_FILE).stat().st_size
    small_disk(size + 40_000)
    with pytest.raises(Untaken, match="cannot be written"):
        feed(replica, *many, revision=30)
    with pytest.raises(Untaken, match="cannot be written"):
        begin_another(replica, (*many, a_state(30), CompleteLine(30, "epoch-2", complete=True)))
    assert (replica.epoch, replica.revision) == (EPOCH, 5)
    assert len(find(replica, "CODE-1")) == 1

    small_disk(1 << 30)
    (replica.directory / DRAFT_FILE).unlink(missing_ok=True)
    feed(replica, *many, revision=30)
    assert len(find(replica, "NEW-19-399")) == 1


def test_voucher_takes_at_most_100_bytes_and_little_time(replica):
    rows = [
        a_row(f"CODE-{number}", price_minor=1, sold_ms=1_423_699_200_000 + number, buyer=number)
        for number in range(20_480)
    ]
    lines = [pack(start + 3, 1, rows[start : start + 512]) for start in range(0, 20_480, 512)]
    began_s = time.monotonic()

    feed(replica, *a_park(), *lines, revision=20_480)

    assert time.monotonic() - began_s < 3
    files = sum(path.stat().st_size for path in replica.directory.glob(f"{REPLICA_FILE}*"))
    assert files / 20_480 < 100
