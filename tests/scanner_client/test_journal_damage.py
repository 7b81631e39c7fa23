"""The journal's file: damaged, gone, or on a disk that is full."""

import contextlib
import os
import sqlite3
import subprocess

import pytest

from admission.journal_chain import first_head
from scanner_client.journal_store import JournalUnwritable
from tests.scanner_client.journals import NOW, a_draft, a_key, check_chain, lines, open_journal
from tests.scanner_client.scanners import a_park, a_scanner, feed


@pytest.mark.parametrize("harm", ["noise", "another key", "page"])
def test_damaged_journal_is_kept_aside_and_a_new_one_begun(tmp_path, harm):
    journal = open_journal(tmp_path)
    for number in range(1, 300):
        journal.append(a_draft(number), NOW)
    journal.close()
    path = tmp_path / "journal.db"
    if harm == "another key":
        (tmp_path / "seal.key").write_bytes(os.urandom(32))
    else:
        data = bytearray(path.read_bytes())
        first = 0 if harm == "noise" else 4096 * 3
        data[first : first + 4096 * 4] = os.urandom(4096 * 4)
        path.write_bytes(data)
    before = path.read_bytes()
    alarms = []

    journal = open_journal(tmp_path, alarm=alarms.append)
    line = journal.append(a_draft(1000), NOW)

    [kept] = tmp_path.glob("journal.damaged-*.db")
    assert kept.read_bytes() == before
    assert "damaged" in alarms[-1]
    assert journal.depth().waiting == 1
    # Places that were told already must not be taken again: that would look like a clone.
    assert line.seq > 1_000_000
    journal.close()


def test_damage_while_running_costs_no_scan(tmp_path):
    alarms = []
    journal = open_journal(tmp_path, alarm=alarms.append)
    for number in range(1, 300):
        journal.append(a_draft(number), NOW)
    # What a dying disk does: the file under the open journal turns to noise.
    with (tmp_path / "journal.db").open("r+b") as file:
        file.truncate(0)
        file.write(os.urandom(200_000))
    (tmp_path / "journal.db-wal").write_bytes(b"")
    # It is found out when pages are read again that are not in memory any more.
    journal._store._db.execute("PRAGMA shrink_memory")

    journal.append(a_draft(1000), NOW)

    assert alarms
    assert journal.find("nonce-001000") is not None
    journal.close()


def fill(journal):
    """Append until nothing more can be recorded; return how much was."""
    for number in range(2, 500):
        try:
            journal.append(a_draft(number), NOW)
        except JournalUnwritable:
            return number - 2
    return 500


def test_full_disk_is_told_and_nothing_is_half_recorded(tmp_path):
    journal = open_journal(tmp_path)
    journal.append(a_draft(1), NOW)
    with sqlite3.connect(tmp_path / "journal.db") as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    journal._store._db.execute(f"PRAGMA max_page_count = {pages}")

    recorded = fill(journal)

    assert 1 <= recorded < 500
    assert journal.depth().waiting == 1 + recorded
    journal._store._db.execute("PRAGMA max_page_count = 1000000")
    journal.append(a_draft(600), NOW)
    check_chain(lines(journal), first_head("d-1"))
    journal.close()


def test_wiped_journal_is_not_begun_again(tmp_path):
    journal = open_journal(tmp_path)
    (tmp_path / "journal.db").unlink()

    with pytest.raises(JournalUnwritable, match="gone"):
        journal.append(a_draft(1), NOW)
    journal.close()


def test_line_that_is_damaged_is_parked_and_blocks_no_other(tmp_path):
    alarms = []
    journal = open_journal(tmp_path, alarm=alarms.append)
    for number in (1, 2, 3):
        journal.append(a_draft(number), NOW)
    db = journal._store._db
    db.execute("UPDATE entries SET sealed = zeroblob(100) WHERE nonce = 'nonce-000002'")

    assert [line.nonce[-1] for line in journal.waiting(10)] == ["1", "3"]
    assert [(line.nonce[-1], line.problem) for line in journal.parked()] == [("2", "damaged")]
    assert journal.scans_of([a_key(2)]) == []
    assert "damaged" in alarms[0]
    journal.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "gatehouse-test", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_scanner_on_a_full_disk_admits_nobody_offline_until_there_is_room(small_disk):
    codes = [f"9K3F-22AX-{number:04}" for number in range(40)]
    with a_scanner(small_disk / "s") as kit:
        feed(kit.replica, *a_park(*codes))
        check_in = kit.check_in()
        shown = [check_in.check_in(codes[0])]
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        shown += [check_in.check_in(code) for code in codes[1:]]
        kept = {line.nonce for line in kit.journal.waiting(100)}
        ballast.unlink()
        after = check_in.check_in(codes[-1])

    admitted = [each.nonce for each in shown if each.admitted]
    assert shown[0].admitted
    assert not shown[-1].admitted
    assert "Cannot record" in shown[-1].message.en
    assert set(admitted) == kept
    assert after.admitted
