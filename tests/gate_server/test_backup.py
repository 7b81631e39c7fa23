"""Backups made while the ledger is written, and archives that no backup of ours would be."""

import hashlib
import io
import tarfile
import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from admission.errors import InvalidInput, LedgerRefused
from gate_server.key_files import KeyPurpose
from gate_server.keyring import Keyring
from gate_server.ledger.archive import MANIFEST, read_archive
from gate_server.ledger.audit import verify
from gate_server.ledger.backup import write_backup
from gate_server.ledger.directory import lock_is_free
from gate_server.ledger.inspection import read_only
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.restore import finish_restore, restore_backup
from tests.ledgers import tamper
from tests.server import Park

NOW = datetime(2026, 2, 12, 1, 0, tzinfo=UTC)


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def back_up(park, name="b.tar"):
    target = park.directory.parent / name
    return target, write_backup(park.directory, target, version="1", now=NOW)


def restore(directory, archive):
    return restore_backup(directory, archive, by="test", now=NOW, clock=utc_now)


def test_a_backup_made_under_load_is_of_one_moment(park, tmp_path):
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            park.ledger.write(lambda tx, n=number: tx.record_event("note", {"n": n}))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    try:
        made = [back_up(park, f"{number}.tar") for number in range(3)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()

    for archive, manifest in made:
        done = restore(tmp_path / f"new-{archive.stem}", archive)
        with read_only(tmp_path / f"new-{archive.stem}" / "ledger.db") as db:
            assert verify(db).findings == ()
        assert done.manifest == manifest
    assert made[0][1].revision < made[2][1].revision


def test_a_backup_has_every_key_that_opens_its_ledger(park, tmp_path):
    park.keys.rotate(KeyPurpose.CODES, now=utc_now())
    archive, _ = back_up(park)

    restore(tmp_path / "new", archive)

    assert Keyring.open(tmp_path / "new" / "keys").code_keys == park.keys.code_keys


def test_a_backup_leaves_nothing_beside_it(park, tmp_path):
    before = {path.name for path in tmp_path.iterdir()}
    back_up(park)
    with pytest.raises(InvalidInput):
        back_up(park)
    with pytest.raises(InvalidInput):
        back_up(park, "no-such-directory/b.tar")

    assert {path.name for path in tmp_path.iterdir()} == before | {"b.tar"}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE venue SET audit_head = zeroblob(32)",
        "DELETE FROM audit",
        "UPDATE devices SET gate_id = 'X'",
    ],
)
def test_a_damaged_ledger_is_not_backed_up_as_if_it_were_whole(park, tmp_path, sql):
    park.enrol()
    park.close()
    tamper(park.directory, "PRAGMA foreign_keys = OFF", sql)

    with pytest.raises(LedgerRefused):
        back_up(park)
    assert not (tmp_path / "b.tar").exists()
    park.__init__(park.directory, furnish=False)


def test_a_restore_is_refused_while_the_ledger_is_held(park):
    archive, _ = back_up(park)

    with pytest.raises(LedgerRefused, match="in use"):
        restore(park.directory, archive)


def test_after_a_restore_nothing_given_out_before_is_given_out_again(park, tmp_path):
    device = park.enrol()
    archive, _ = back_up(park)
    done = restore(tmp_path / "new", archive)

    restored = Park(tmp_path / "new")
    try:
        assert restored.ledger.epoch == done.epoch != park.ledger.epoch
        assert int(restored.enrol().name[1:]) >= int(device.name[1:]) + 100
        sql = "SELECT next_arrival FROM devices WHERE device_id = ?"
        arrivals = restored.ledger.read(lambda db: db.execute(sql, (device.name,)).fetchone())
        assert arrivals[0] >= 1000
        event = restored.ledger.read(
            lambda db: db.execute("SELECT body FROM audit WHERE kind = 'restore'").fetchone()
        )
        assert done.epoch in event[0]
        assert lock_is_free(tmp_path / "new") is False
    finally:
        restored.close()


def test_two_restores_keep_both_of_what_was_there(park, tmp_path):
    archive, _ = back_up(park)
    for _ in range(2):
        restore(tmp_path / "new", archive)
    kept = [restore(tmp_path / "new", archive).kept for _ in range(2)]

    assert len(set(kept)) == 2
    assert all((each / "ledger.db").exists() and (each / "keys").is_dir() for each in kept)
    assert finish_restore(tmp_path / "new") is False


# --- archives that somebody made -----------------------------------------------------------------


def rewrite(archive, change):
    """Make the archive anew from its members as `change` leaves them, with a manifest that fits."""
    with tarfile.open(archive) as tar:
        members = {m.name: tar.extractfile(m).read() for m in tar if m.isreg()}
    manifest = msgspec.json.decode(members.pop(MANIFEST))
    change(manifest, members)
    with tarfile.open(archive, "w") as tar:
        for name, content in {MANIFEST: msgspec.json.encode(manifest), **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive


def declare(manifest, name, content):
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def with_stranger(manifest, members):
    members["keys/../../evil"] = b"evil"
    declare(manifest, "keys/../../evil", b"evil")


def with_hidden(manifest, members):
    members["keys/.ssh"] = b"evil"
    declare(manifest, "keys/.ssh", b"evil")


def without_ledger(manifest, members):
    del members["ledger.db"], manifest["files"]["ledger.db"]


def without_a_key(manifest, members):
    del members["keys/codes-1.json"], manifest["files"]["keys/codes-1.json"]


def missing_member(manifest, members):
    del members["gate.toml"]


def newer_format(manifest, members):
    manifest["format"] = 2


def another_head(manifest, members):
    manifest["audit_head"] = "00" * 32


def no_ledger_at_all(manifest, members):
    members["ledger.db"] = b"not a ledger, but as its manifest says"
    declare(manifest, "ledger.db", members["ledger.db"])


def wrong_settings(manifest, members):
    members["gate.toml"] = b"[venue]\nzone = 'Nowhere/Land'\n"
    declare(manifest, "gate.toml", members["gate.toml"])


@pytest.mark.parametrize(
    "change",
    [
        *(with_stranger, with_hidden, without_ledger, without_a_key, missing_member),
        *(newer_format, another_head, no_ledger_at_all, wrong_settings),
    ],
)
def test_an_archive_that_is_not_a_whole_backup_changes_nothing(park, tmp_path, change):
    archive = rewrite(back_up(park)[0], change)

    with pytest.raises((LedgerRefused, InvalidInput)):
        restore(tmp_path / "new", archive)

    assert {path.name for path in (tmp_path / "new").iterdir()} <= {"lock"}
    assert not list(tmp_path.rglob("*evil*"))


def test_a_backup_of_a_newer_server_is_refused(park, tmp_path):
    archive, _ = back_up(park)
    restore(tmp_path / "new", archive)
    sql = "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('gatehouse', '999_future')"
    tamper(tmp_path / "new", sql)
    target = tmp_path / "future.tar"
    write_backup(tmp_path / "new", target, version="9", now=NOW + timedelta(days=1))

    with pytest.raises(LedgerRefused, match="newer"):
        restore(tmp_path / "other", target)


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    (tmp_path / "text.tar").write_text("not a tar file" * 100)

    for name in ("none.tar", "text.tar"):
        with pytest.raises(LedgerRefused):
            read_archive(tmp_path / name)
