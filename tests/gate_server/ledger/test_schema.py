"""A ledger of an earlier version is brought up to date when it is opened, and keeps what it has."""

from __future__ import annotations

import sqlite3

import pytest
import sqlite_utils

from gate_server.ledger import audit, recount, schema
from tests.server import Park, an_app


def make_old(path, before):
    """Make a ledger as a version before a step made it, out of what a new one holds."""
    new = sqlite3.connect(path)
    old_path = path.with_name("old.db")
    old = sqlite3.connect(old_path, isolation_level=None)
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    schema.migrations.apply(sqlite_utils.Database(old), stop_before=before)
    for (table,) in old.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '%migrations%'"
    ).fetchall():
        names = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        rows = new.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
        marks = ", ".join("?" * len(names))
        old.execute("PRAGMA foreign_keys = OFF")
        old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    new.close()
    old.close()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    old_path.rename(path)


@pytest.mark.parametrize("before", ["002_outage", "004_passage"])
def test_ledger_of_an_earlier_version_is_opened_with_all_it_holds(tmp_path, before):
    park = Park(tmp_path / "var")
    park.sell("USED-CODE-1", "FRESH-CODE-1")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "USED-CODE-1")
    park.close()
    make_old(park.directory / "ledger.db", before)

    park = Park(park.directory)

    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []
    with an_app(park) as (_, site):
        assert site.scan(device, "USED-CODE-1")["reason"] == "used_up"
        assert site.scan(device, "FRESH-CODE-1")["reason"] == "admitted"
        assert site.post("/scans/batch", device, b"").status_code == 200
    park.close()
