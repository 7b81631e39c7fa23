"""New links of the audit chain are checked as they come: what was changed raises an alarm."""

from __future__ import annotations

import sqlite3

import pytest

from gate_server.ledger import audit
from gate_server.ledger.directory import LEDGER
from tests.alarm_venue import amiss


@pytest.fixture
def venue(tmp_path):
    with amiss(tmp_path / "var") as venue:
        yield venue


def tamper(venue, sql, *values):
    """Change the ledger's file behind its back."""
    with sqlite3.connect(venue.park.directory / LEDGER) as db:
        db.execute(sql, values)
    db.close()


def test_row_that_was_altered_is_found_after_a_restart_too_until_it_is_as_it_was(venue):
    park = venue.park
    assert venue.look() == []
    park.add_gate("G3", "North", "park")
    revision = park.ledger.revision
    body = park.ledger.read(
        lambda db: db.execute("SELECT body FROM audit WHERE revision = ?", (revision,)).fetchone()
    )[0]
    tamper(venue, "UPDATE audit SET body = '{}' WHERE revision = ?", revision)
    raised = venue.look(1)
    (view,) = venue.desk.standing()
    venue.look_anew()
    again = venue.look(5)
    tamper(venue, "UPDATE audit SET body = ? WHERE revision = ?", body, revision)

    assert (raised, again) == (["raised audit"], [])
    assert (view.severity, view.figure) == ("critical", revision)
    assert venue.calm() == ["cleared audit"]
    assert park.ledger.read(audit.verify).findings == ()


def test_newest_rows_that_were_cut_off_are_found(venue):
    venue.look()
    venue.park.add_gate("G3", "North", "park")
    tamper(venue, "DELETE FROM audit WHERE revision = ?", venue.park.ledger.revision)

    assert venue.look(1) == ["raised audit"]


def test_scans_and_corrections_keep_the_chain_whole(venue):
    lane = venue.park.enrol()
    venue.look()
    venue.park.sell(*(f"CODE-{number:04}" for number in range(30)))
    for number in range(30):
        venue.site.scan(lane, f"CODE-{number:04}", nonce=f"nonce-of-{number:04}")
    venue.site.post("/scans/nonce-of-0003/annul", lane, {"reason": "did not turn"})

    assert not any("audit" in each for each in venue.look(1) + venue.look(1))
