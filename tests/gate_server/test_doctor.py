"""What doctor finds around the ledger and in it, each made first; and what it leaves alone."""

import os
import shutil
from datetime import timedelta

import pytest

from gate_server.certificates import create_certificates
from gate_server.ledger import recount
from gate_server.ledger.directory import DirectoryLock
from gate_server.ledger.doctor import Patient, examine
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.restore import READY, STAGE
from tests.ledgers import tamper
from tests.server import Park, an_app


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "var"
    Park(directory).close()
    return directory


def problems(directory, *, days=0, answers=False):
    """Return what is found wrong, by the check's first words."""
    patient = Patient(directory, utc_now() + timedelta(days=days), answers)
    found = [finding for finding in examine(patient) if finding.problem is not None]
    assert all(finding.advice for finding in found)
    return {finding.check: finding.problem for finding in found}


def test_a_healthy_venue_has_no_problem_and_is_not_changed(directory):
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}

    assert problems(directory) == {}

    after = {path: path.stat().st_mtime_ns for path in before if path.name != "lock"}
    assert after.items() <= before.items()


def test_a_busy_day_adds_up(tmp_path):
    park = Park(tmp_path / "var")
    device, kiosk, boss = park.enrol(), park.enrol("kiosk", "G2"), park.hire()
    park.offer("BOTH", rights="park:1|valley:1", reentry="same_day")
    park.sell("FAMILY-0001", "FAMILY-0002", deal_id="BOTH", admits="4")
    with an_app(park) as (_, site):
        site.scan(device, "FAMILY-0001", nonce="nonce-one", party=3)
        site.scan(kiosk, "FAMILY-0001")
        site.scan(device, "FAMILY-0001", direction="exit", party=2)
        site.scan(device, "FAMILY-0001", party=1)
        site.scan(device, "FAMILY-0002", nonce="nonce-two", party=4)
        site.scan(device, "UNKNOWN-001", nonce="nonce-three")
        site.post("/scans/nonce-two/annul", device, {"reason": "stuck", "people": 1})
        body = {"device_id": device.name, "reason": "receipt", "party": 2}
        assert site.post("/scans/nonce-three/override", boss, body).status_code == 200
        for direction in ("entry", "exit"):
            count = {"kind": "staff", "people": 3, "nonce": f"count-{direction}"}
            site.post("/counts", device, count | {"direction": direction})
        site.post("/scans/count-entry/annul", device, {"reason": "miscounted", "people": 1})
        found = park.ledger.read(lambda db: recount.differences(db, park.settings.venue))
        inside = park.ledger.tallies.today.inside
    park.close()

    assert found == []
    assert inside == 2 + 3 + 2 + 2 - 3
    assert problems(tmp_path / "var") == {}


@pytest.mark.parametrize(
    ("sql", "check"),
    [
        ("UPDATE counters SET inside = inside + 1", "Its counters"),
        ("UPDATE counters SET scans = scans + 1", "Its counters"),
        ("DELETE FROM counters", "Its counters"),
        ("UPDATE scans SET people = 2", "Its audit chain"),
        ("UPDATE venue SET audit_head = zeroblob(32)", "Its audit chain"),
        ("UPDATE venue SET epoch = ''", "It has an epoch"),
        ("UPDATE venue SET committed_at = committed_at + 86400000", "The clock"),
        ("INSERT INTO _sqlite_migrations (name) VALUES ('999_future')", "Its tables"),
        ("UPDATE devices SET gate_id = 'NONE'", "Every row"),
    ],
)
def test_what_was_changed_inside_is_found(tmp_path, sql, check):
    park = Park(tmp_path / "var")
    device = park.enrol()
    park.sell("AAAA-0001")
    with an_app(park) as (_, site):
        site.scan(device, "AAAA-0001")
    park.close()
    tamper(park.directory, "PRAGMA foreign_keys = OFF", sql)

    assert any(name.startswith(check) for name in problems(park.directory))


def test_rights_of_others_are_found(directory):
    directory.chmod(0o755)
    assert "0755" in problems(directory)["The directory is there and nobody else's business"]

    directory.chmod(0o700)
    (directory / "ledger.db").chmod(0o644)
    assert "ledger.db" in problems(directory)["The directory is there and nobody else's business"]


def test_a_holder_that_does_not_answer_is_found(directory):
    lock = DirectoryLock(directory)
    lock.take()

    assert str(os.getpid()) in problems(directory)["Whoever holds the lock answers"]
    assert problems(directory, answers=True) == {}
    lock.release()


@pytest.mark.parametrize("name", [STAGE, "ledger.new", READY])
def test_what_was_interrupted_is_found(directory, name):
    (directory / name).touch()

    assert "Nothing was interrupted half-way" in problems(directory)


def test_a_used_up_reserve_is_found(directory):
    (directory / "reserve").unlink()

    assert "reserve" in problems(directory)["There is room on the disk"]


def test_wrong_settings_are_found(directory):
    (directory / "gate.toml").write_text("[venue]\ncolour = 'red'\n")

    assert "colour" in problems(directory)["The settings can be read"]


def test_certificates_that_end_soon_are_found(directory):
    assert problems(directory, days=700) == {}
    assert (
        "ends on" in problems(directory, days=790)["The certificates are good for another 30 days"]
    )


def test_a_server_certificate_of_another_authority_is_found(directory, tmp_path):
    other = create_certificates(tmp_path / "tls", now=utc_now())
    shutil.copy(other.server_pem, directory / "keys" / "tls" / "server.pem")

    assert "authority" in problems(directory)["The certificates are good for another 30 days"]


def test_a_lost_key_is_found(directory):
    (directory / "keys" / "codes-1.json").unlink()

    assert "codes" in problems(directory)["Every key is there, whole, and nobody else's business"]


def test_a_ledger_copied_beside_an_old_log_is_found(directory):
    """The copy comes back as the older state, and `integrity_check` says ok (FACTS.md)."""
    newer = (directory.parent / "newer.db", directory.parent / "older.wal")
    old = shutil.copytree(directory, directory.parent / "old")
    park = Park(old)
    park.add_gate("G3", "West", "park")
    shutil.copy(old / "ledger.db-wal", newer[1])
    park.close()
    park = Park(old)
    for number in range(20):
        park.add_gate(f"N{number}", "later", "park")
    park.close()
    shutil.copy(old / "ledger.db", directory / "ledger.db")
    shutil.copy(newer[1], directory / "ledger.db-wal")

    assert "Its write-ahead log belongs to it" in problems(directory)


def test_a_foreign_file_is_no_ledger(directory):
    (directory / "ledger.db").write_bytes(b"a picture of the gate" * 100)

    assert "The ledger is a ledger" in problems(directory)


def test_a_directory_that_is_not_there_is_one_problem(tmp_path):
    assert len(problems(tmp_path / "none")) == 1
