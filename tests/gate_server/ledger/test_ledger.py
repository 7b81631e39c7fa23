"""Opening a ledger: locks, clocks, foreign and damaged files; and what survives a restart."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from admission.errors import LedgerRefused
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from gate_server.ledger.directory import DirectoryLock, lock_is_free
from gate_server.ledger.ledger import Ledger, OpenDirectory, create_ledger
from tests.ledgers import NINE, SHANGHAI, SetClock, a_venue


def test_a_restart_keeps_revision_counts_and_audit_head(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001", "CODE-0002"], admits=3)
        venue.scan("CODE-0001", "nonce-001", party=2)
        venue.scan("CODE-0001", "nonce-002", direction=Direction.EXIT, party=1)
        venue.scan("CODE-0002", "nonce-003", mode=Mode.ARRIVE)
        before = venue.ledger
        state = before.revision, before.audit_head, before.epoch, before.tallies.today

        venue.reopen()

        after = venue.ledger
        assert (after.revision, after.audit_head, after.epoch, after.tallies.today) == state
        assert after.tallies.today.inside == 1
        assert after.tallies.today.persons == 2


def test_a_second_process_on_the_directory_is_refused_with_what_to_do(tmp_path):
    with a_venue(tmp_path):
        lock = DirectoryLock(tmp_path)
        lock.take()
        other = subprocess.run(
            [sys.executable, "-c",
             ("from pathlib import Path; from gate_server.ledger.directory import DirectoryLock;"
             f" DirectoryLock(Path({str(tmp_path)!r})).take()")],
            capture_output=True, text=True,
        )  # fmt: skip

        assert other.returncode == 1
        assert "in use by another gate server; stop it first" in other.stderr
        assert not lock_is_free(tmp_path)
        lock.release()
        assert lock_is_free(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not a ledger"),
        (b"SQLite format 3\x00" + bytes(100), "another program's database"),
        (b"PK\x03\x04" + bytes(4096), "is not a ledger"),
    ],
)
def test_a_foreign_file_is_refused_and_left_alone(tmp_path, content, says):
    path = tmp_path / "ledger.db"
    path.write_bytes(content)

    with pytest.raises(LedgerRefused, match=says):
        Ledger.open(tmp_path, SHANGHAI)

    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path):
    db = sqlite3.connect(tmp_path / "ledger.db")
    db.execute("CREATE TABLE notes (text)")
    db.close()

    with pytest.raises(LedgerRefused, match="another program's"):
        Ledger.open(tmp_path, SHANGHAI)


def test_a_ledger_with_damaged_pages_is_refused_with_what_to_do(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(500)])
    path = tmp_path / "ledger.db"
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)

    with pytest.raises(LedgerRefused, match="doctor"):
        Ledger.open(tmp_path, SHANGHAI)


def test_no_ledger_says_how_to_make_one(tmp_path):
    with pytest.raises(LedgerRefused, match="gate-server init"):
        Ledger.open(tmp_path, SHANGHAI)


def test_a_ledger_is_never_made_over_another(tmp_path):
    with a_venue(tmp_path), pytest.raises(LedgerRefused, match="exists already"):
        create_ledger(tmp_path, now=NINE)


def test_a_clock_behind_the_last_commit_is_refused_until_it_is_accepted(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001"])
    early = SetClock(NINE.replace(year=2014))

    with pytest.raises(LedgerRefused, match="--accept-clock"):
        Ledger.open(tmp_path, SHANGHAI, now=early)

    ledger = Ledger.open(tmp_path, SHANGHAI, now=early, accept_clock=True)
    assert ledger.clock() == early.at
    ledger.close()


def test_a_clock_that_goes_back_while_running_never_decides_backwards(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001", "CODE-0002"])
        venue.scan("CODE-0001", "nonce-001")
        venue.clock.advance(hours=-5)

        decision = venue.scan("CODE-0002", "nonce-002")

        assert decision.decided_at == NINE
        assert decision.verdict.reason is Reason.ADMITTED


def test_a_lock_is_released_where_the_ledger_cannot_be_opened(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"nonsense")

    with pytest.raises(LedgerRefused):
        OpenDirectory(tmp_path, SHANGHAI)

    assert lock_is_free(tmp_path)


def test_a_query_that_runs_while_the_ledger_closes_ends_whole(tmp_path):
    begun, answers = threading.Event(), []

    def count(db):
        rows = db.execute("SELECT 1 UNION ALL SELECT 2")
        next(rows)
        begun.set()
        time.sleep(0.3)
        return [row for (row,) in rows]

    with a_venue(tmp_path) as venue:
        reader = threading.Thread(target=lambda: answers.append(venue.ledger.read(count)))
        reader.start()
        begun.wait(5)
        venue.ledger.close()
        reader.join()
        venue.reopen()

    assert answers == [[2]]
