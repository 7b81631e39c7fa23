"""A gate's best minute and best 60 minutes: kept as people come in, right whatever came late."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.calendar import to_ms
from admission.errors import LedgerUnavailable
from gate_server.ledger import flow, peaks
from gate_server.ledger.doctor import Patient, examine
from gate_server.ledger.flow import Flow
from gate_server.ledger.ledger import Ledger, utc_now
from gate_server.ledger.migrations import migrate
from gate_server.ledger.peaks import DayPeaks, Peak, Peaks, find_peaks, find_records
from gate_server.ledger.tallies import MINUTE_MS, Delta, write
from tests.ledgers import NINE, SHANGHAI, SetClock, a_venue, tamper
from tests.server import Park

NINE_MINUTE = to_ms(NINE) // MINUTE_MS


@pytest.mark.parametrize(
    ("minutes", "best"),
    [
        ({0: 3}, (Peak(3, 0), Peak(3, 0))),
        ({5: 2, 6: 2}, (Peak(2, 5), Peak(4, 5))),
        ({0: 1, 59: 1, 60: 1}, (Peak(1, 0), Peak(2, 0))),
        ({0: 1, 60: 2, 119: 2, 120: 9}, (Peak(9, 120), Peak(11, 119))),
    ],
)
def test_an_hour_is_sixty_minutes_from_somebody_on(minutes, best):
    assert find_peaks(minutes, 0, 1000) == DayPeaks(*best)


def test_nobody_has_no_peak():
    assert find_peaks({}, 0, 1000) is None


@cache
def an_empty_ledger():
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(db)
    db.execute("INSERT INTO venue (one, epoch, committed_at, audit_head) VALUES (1, 'E', 0, x'00')")
    return db


def add(db, kept, minute, gate_id, people, now):
    delta = Delta(minute * MINUTE_MS, gate_id, "admitted", scans=1, entered=people)
    write(db, [delta])
    for each in kept:
        each.write(db, [delta], now * MINUTE_MS)


# Late records, people taken back, a midnight, two gates: in whatever order.
MOVES = st.lists(
    st.tuples(st.integers(1380, 1560), st.sampled_from("AB"), st.integers(1, 3), st.booleans()),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(MOVES, st.integers(1, 5))
def test_peaks_kept_are_those_of_all_minutes_in_any_order(moves, each_minute):
    db = sqlite3.connect(":memory:", isolation_level=None)
    an_empty_ledger().backup(db)
    kept, inside = (Peaks(), Flow()), {}
    for number, (minute, gate_id, people, back) in enumerate(moves):
        there = inside.get((minute, gate_id), 0)
        change = -min(people, there) if back else people
        inside[minute, gate_id] = there + change
        add(db, kept, minute, gate_id, change, 1390 + number * each_minute)
        assert peaks.differences(db) == flow.differences(db) == []
        quarters = list(db.execute(flow.QUARTERS, (90, 104)))
        assert set(quarters) == set(db.execute(flow.RECOUNT))
        assert len(quarters) == len(set(quarters))
    add(db, kept, 9000, "C", 0, 9000)

    assert set(db.execute("SELECT * FROM gate_peaks")) == set(db.execute(peaks.RECOUNT))
    assert db.execute("SELECT COUNT(*) FROM stale_minutes").fetchone() == (0,)
    db.close()


@pytest.fixture
def venue(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{number:04}" for number in range(20)])
        yield venue


def let_in(venue, *numbers):
    for number in numbers:
        assert venue.scan(f"CODE-{number:04}", f"nonce-{number:04}").verdict.people == 1


def records(venue):
    return venue.ledger.read(lambda db: find_records(db, "G1"))


def test_a_record_is_told_once_its_minute_is_over(venue):
    let_in(venue, 0, 1, 2)
    before = records(venue)
    venue.clock.advance(minutes=1)
    let_in(venue, 3)

    assert before is None
    assert records(venue) == DayPeaks(Peak(3, NINE_MINUTE), Peak(4, NINE_MINUTE))


def test_a_record_outlives_the_days_after_it(venue):
    let_in(venue, 0, 1, 2)
    for days in range(1, 4):
        venue.clock.advance(days=1)
        let_in(venue, 2 + days)

    assert records(venue) == DayPeaks(Peak(3, NINE_MINUTE), Peak(3, NINE_MINUTE))


def count_then_die(directory):
    """Commit what a group of scans adds, then be killed within the same minute."""
    ledger = Ledger.open(directory, SHANGHAI, now=SetClock())
    delta = Delta(to_ms(NINE), "G1", "admitted", scans=5, entered=5)
    ledger.write(lambda tx: tx.count(delta))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_server_looks_at_the_minute_later(venue):
    venue.ledger.close()
    dying = multiprocessing.get_context("fork").Process(
        target=count_then_die, args=(venue.directory,)
    )
    dying.start()
    dying.join()
    venue.clock.advance(minutes=1)
    venue.ledger = venue.open()
    let_in(venue, 0)

    assert dying.exitcode == -signal.SIGKILL
    assert records(venue).minute == Peak(5, NINE_MINUTE)
    assert venue.ledger.read(peaks.differences) == []


def test_a_group_that_no_disk_took_leaves_no_record(venue):
    let_in(venue, 0)
    venue.clock.advance(minutes=1)

    def lose(tx):
        tx.count(Delta(to_ms(NINE), "G1", "admitted", scans=9, entered=9))
        tx.db.execute("PRAGMA max_page_count = 1")  # no page more: what follows finds no room
        tx.db.execute("CREATE TABLE filler AS SELECT zeroblob(100000)")

    with pytest.raises(LedgerUnavailable):
        venue.ledger.write(lose, alone=True)
    let_in(venue, 1)
    venue.clock.advance(minutes=1)
    let_in(venue, 2)

    assert records(venue).hour == Peak(3, NINE_MINUTE)
    assert venue.ledger.read(peaks.differences) == venue.ledger.read(flow.differences) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE gate_quarters SET entered = 7", "quarter"),
        ("UPDATE gate_peaks SET hour_people = 7", "peaks of gate G1"),
    ],
)
def test_doctor_finds_figures_that_were_changed(tmp_path, change, said):
    park = Park(tmp_path / "var")
    park.change(lambda tx: tx.count(Delta(0, "G1", "counted:staff", entered=2, inside=2)))
    park.change(lambda tx: tx.count(Delta(0, "G1", "counted:staff")))
    park.close()
    tamper(tmp_path / "var", change)
    patient = Patient(tmp_path / "var", utc_now(), answers=False)
    problems = [finding.problem for finding in examine(patient) if finding.problem]

    assert any(said in problem for problem in problems)
