"""Broadcasts on record: audited, and there after a restart and a restore."""

import json

from gate_server.ledger import audit
from gate_server.ledger.backup import write_backup
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.restore import restore_backup
from tests.gate_server.web.test_broadcasts import TEXT, beat, end, send_id
from tests.server import Park, an_app


def test_who_sent_what_to_whom_and_who_ended_it_is_audited(site, park):
    boss = park.hire("supervisor", "anne")
    sent = send_id(site, boss, gates=["G2", "G1"], priority="high")
    end(site, boss, sent, "queue gone")
    rows = park.ledger.read(
        lambda db: db.execute(
            "SELECT kind, body FROM audit WHERE kind LIKE '%broadcast' ORDER BY revision"
        ).fetchall()
    )
    (_, made), (_, over) = [(kind, json.loads(body)) for kind, body in rows]

    assert (made["by"], made["zh"], made["gates"]) == ("anne", TEXT["zh"], ["G1", "G2"])
    assert (over["by"], over["reason"], over["broadcast_id"]) == ("anne", "queue gone", sent)
    assert park.ledger.read(audit.verify).findings == ()


def test_restart_forgets_nothing(tmp_path):
    park = Park(tmp_path / "var")
    lane, other, boss = park.enrol(), park.enrol(), park.hire()
    with an_app(park) as (_, site):
        sent = send_id(site, boss)
        beat(site, lane, sent)
    park.close()
    park = Park(tmp_path / "var")
    with an_app(park) as (_, site):
        assert beat(site, lane) == ([], [sent])
        assert beat(site, other) == ([sent], [sent])
    park.close()


def test_restored_server_takes_acknowledgements_of_its_other_life(tmp_path):
    park = Park(tmp_path / "var")
    lane, boss = park.enrol(), park.hire()
    with an_app(park) as (_, site):
        kept = send_id(site, boss)
        archive = tmp_path / "backup.tar"
        write_backup(park.directory, archive, version="1", now=utc_now())
        lost = send_id(site, boss)
        beat(site, lane, kept, lost)
    park.close()
    restore_backup(tmp_path / "var", archive, by="test", now=utc_now(), clock=utc_now)
    park = Park(tmp_path / "var")
    with an_app(park) as (_, site):
        assert beat(site, lane, lost) == ([kept], [kept])
        assert send_id(site, boss) not in {kept, lost}
        assert beat(site, lane, kept)[0] != [kept]
    park.close()
