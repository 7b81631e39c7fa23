"""Backup, restore and doctor, each tried by breaking something first; and the commands."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from gate_server.ledger.restore import exchange_steps
from tests import nursery

DEALS = (
    "deal_id,platform,title,face_price_minor,currency,valid_from,valid_until\n"
    "D,P,Day ticket,26000,CNY,2020-01-01,2039-12-31\n"
)


def run(directory, *arguments, status=0):
    """Run a command and return what it printed; it must end with `status`."""
    done = nursery.run("gate-server", "--data", directory, *arguments)
    assert done.returncode == status, f"{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A venue with a gate, a deal and three vouchers, to copy."""
    tmp_path = tmp_path_factory.mktemp("template")
    directory = tmp_path / "var"
    run(directory, "init")
    run(directory, "gate", "add", "G1", "--name", "North")
    deals, vouchers = tmp_path / "deals.csv", tmp_path / "vouchers.csv"
    deals.write_text(DEALS, "utf-8")
    vouchers.write_text("code,deal_id\nAAAA-0001,D\nAAAA-0002,D\nAAAA-0003,D\n", "utf-8")
    run(directory, "import", "deals", deals)
    run(directory, "import", "vouchers", vouchers)
    return directory


@pytest.fixture
def venue(tmp_path, template):
    """A venue of its own, and no server."""
    return Path(shutil.copytree(template, tmp_path / "var"))


def query(directory, sql):
    db = sqlite3.connect(directory / "ledger.db")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def change(directory, sql):
    db = sqlite3.connect(directory / "ledger.db", isolation_level=None)
    db.execute(sql)
    db.close()


# --- backup and restore --------------------------------------------------------------------------


def test_a_restore_brings_back_the_backup_in_a_new_epoch_that_skips_numbers(venue, tmp_path):
    backup = tmp_path / "yesterday.tar"
    run(venue, "backup", backup)
    before = query(venue, "SELECT epoch, revision, next_device FROM venue")[0]
    run(venue, "gate", "add", "G2", "--name", "South")

    run(venue, "restore", backup)

    after = query(venue, "SELECT epoch, revision, next_device FROM venue")[0]
    assert query(venue, "SELECT gate_id FROM gates") == [("G1",)]
    assert after[0] != before[0]
    assert after[1] > before[1]
    assert after[2] >= before[2] + 100
    assert query(venue, "SELECT next_void_version FROM deals")[0][0] >= 100
    kept = next(venue.glob("before-restore-*"))
    assert (kept / "ledger.db").exists()
    assert "unbroken" in run(venue, "audit", "verify")
    run(venue, "doctor")


def test_a_backup_is_its_owners_alone_and_never_overwrites(venue, tmp_path):
    backup = tmp_path / "b.tar"
    run(venue, "backup", backup)
    first = backup.read_bytes()

    assert backup.stat().st_mode & 0o777 == 0o600
    run(venue, "backup", backup, status=1)
    assert backup.read_bytes() == first


def test_an_old_log_beside_a_restored_ledger_does_not_come_back(venue, tmp_path):
    backup = tmp_path / "b.tar"
    run(venue, "backup", backup)
    db = sqlite3.connect(venue / "ledger.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("UPDATE gates SET name = 'from the old log'")
    log = (venue / "ledger.db-wal").read_bytes()
    db.close()
    (venue / "ledger.db-wal").write_bytes(log)

    run(venue, "restore", backup)

    assert query(venue, "SELECT name FROM gates") == [("North",)]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_a_cut_backup_is_refused_and_nothing_is_changed(venue, tmp_path, cut):
    backup = tmp_path / "b.tar"
    run(venue, "backup", backup)
    data = backup.read_bytes()
    backup.write_bytes(data[: int(len(data) * cut)])
    before = (venue / "ledger.db").read_bytes()

    said = run(venue, "restore", backup, status=1)

    assert "backup" in said.lower()
    assert (venue / "ledger.db").read_bytes() == before


def test_a_changed_byte_in_a_backup_is_found(venue, tmp_path):
    backup = tmp_path / "b.tar"
    run(venue, "backup", backup)
    data = bytearray(backup.read_bytes())
    data[data.index(b"SQLite format 3") + 5000] ^= 0xFF
    backup.write_bytes(data)

    run(venue, "restore", backup, status=1)

    assert query(venue, "SELECT gate_id FROM gates") == [("G1",)]


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "keys/../../evil", "link"])
def test_a_hostile_archive_writes_nothing_outside(venue, tmp_path, name):
    hostile = tmp_path / "hostile.tar"
    with tarfile.open(hostile, "w") as archive:
        member = tarfile.TarInfo(name)
        if name == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
        else:
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))

    run(venue, "restore", hostile, status=1)

    assert not list(tmp_path.rglob("*evil*"))
    assert query(venue, "SELECT gate_id FROM gates") == [("G1",)]


@pytest.mark.parametrize("steps", range(6))
def test_a_restore_killed_at_any_step_is_finished_by_the_next_command(venue, tmp_path, steps):
    backup = tmp_path / "b.tar"
    run(venue, "backup", backup)
    run(venue, "gate", "add", "G2", "--name", "South")
    killer = (
        "import itertools, os, sys\n"
        "from gate_server.ledger import restore\n"
        "real = restore.exchange_steps\n"
        "def some(*given):\n"
        f"    yield from itertools.islice(real(*given), {steps})\n"
        "    os._exit(9)\n"
        "restore.exchange_steps = some\n"
        "from gate_server.cli import main\n"
        f"sys.argv = ['gate-server', '--data', {str(venue)!r}, 'restore', {str(backup)!r}]\n"
        "main()\n"
    )
    assert callable(exchange_steps)
    killed = subprocess.run([sys.executable, "-c", killer], capture_output=True)
    assert killed.returncode == 9, killed.stderr

    gates = json.loads(nursery.run("gate-server", "--data", venue, "--json", "gate", "list").stdout)

    assert [gate["gate_id"] for gate in (gates if isinstance(gates, list) else gates["gates"])] == [
        "G1"
    ]
    run(venue, "doctor")


# --- doctor --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("INSERT INTO counters VALUES (1, 'G1', 'admitted', 1, 1, 0, 1, 1, 1)", "counters"),
        ("UPDATE audit SET body = '{}' WHERE kind = 'gate'", "audit"),
        ("DELETE FROM audit WHERE kind = 'gate'", "audit"),
        ("PRAGMA application_id = 7", "ledger"),
    ],
)
def test_doctor_finds_what_was_changed_and_says_what_to_do(venue, sql, says):
    change(venue, sql)

    said = run(venue, "doctor", status=1)

    problems = [line for line in said.splitlines() if line.startswith("PROBLEM")]
    assert any(says in line.lower() and "->" in line for line in problems), said


def test_doctor_finds_damaged_pages(venue):
    path = venue / "ledger.db"
    data = bytearray(path.read_bytes())
    for at in range(8192, len(data), 8192):
        data[at : at + 64] = os.urandom(64)
    path.write_bytes(data)

    said = run(venue, "doctor", status=1)

    assert "restore" in said


@pytest.mark.parametrize("missing", ["keys", "keys/tls", "gate.toml"])
def test_doctor_or_the_commands_name_what_is_missing(venue, missing):
    path = venue / missing
    path.rename(venue.parent / "taken")

    done = nursery.run("gate-server", "--data", venue, "doctor")

    assert "Traceback" not in done.stderr
    # Settings have defaults, so only keys and certificates are missed.
    assert done.returncode == (0 if missing == "gate.toml" else 1)


def test_doctor_finds_keys_that_others_may_read(venue):
    key = next(path for path in (venue / "keys").iterdir() if path.is_file())
    key.chmod(0o644)

    said = run(venue, "doctor", status=1)

    assert "PROBLEM" in said
    assert "chmod" in said


# --- commands ------------------------------------------------------------------------------------


def test_init_refuses_a_second_time_and_changes_nothing(venue):
    epoch = query(venue, "SELECT epoch FROM venue")

    run(venue, "init", status=1)

    assert query(venue, "SELECT epoch FROM venue") == epoch


def test_wrong_usage_ends_with_two(venue):
    run(venue, "gate", "add", status=2)
    run(venue, "no-such-command", status=2)


def test_options_stand_before_or_after_the_sub_command(venue):
    after = nursery.run("gate-server", "gate", "list", "--data", venue, "--json")
    before = nursery.run("gate-server", "--json", "--data", venue, "gate", "list")

    assert after.returncode == before.returncode == 0
    assert json.loads(after.stdout) == json.loads(before.stdout)


def test_issued_vouchers_are_pictures_that_their_rows_know(venue, tmp_path):
    out = tmp_path / "issued"
    run(venue, "voucher", "issue", "D", "--count", "3", "--out", out)

    pictures = sorted(out.glob("*.png"))

    assert len(pictures) == 3
    assert query(venue, "SELECT count(*) FROM vouchers WHERE length(credential_key) = 6") == [(3,)]
    assert (out / "vouchers.csv").exists()


def test_a_rotated_key_is_waiting_before_it_signs(venue):
    run(venue, "key", "rotate", "tokens")

    listed = run(venue, "key", "list")

    assert "waiting" in listed.lower()
    assert "current" in listed.lower()


def test_deal_commands_hold_void_and_restore(venue):
    run(venue, "deal", "hold", "D", "--reason", "odd price")
    held = run(venue, "--json", "deal", "list")
    run(venue, "deal", "void", "D", "--reason", "mistake", "--arrived-by", "2026-01-01T17:00",
        "--cost-bearer", "platform")  # fmt: skip
    voided = run(venue, "--json", "deal", "list")
    run(venue, "deal", "hold", "D", "--reason", "again", status=1)
    run(venue, "deal", "restore", "D", "--reason", "sorted out")

    assert '"held"' in held
    assert '"voided"' in voided
    assert '"active"' in run(venue, "--json", "deal", "list")
