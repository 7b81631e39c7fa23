"""The secrets' files: whole or not at all, for their owner only, never overwritten."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from admission.errors import LedgerRefused
from gate_server.key_files import KeyPurpose, add_key, new_key
from gate_server.keyring import Keyring

NOW = datetime(2015, 2, 12, 1, 0, 0, 123456, tzinfo=UTC)


def a_keyring(tmp_path):
    return Keyring.create(tmp_path / "keys", now=NOW)


def key_files(tmp_path):
    return sorted((tmp_path / "keys").glob("*.json"))


@pytest.mark.parametrize("name", ["codes-1.json", "tokens-1.json", "picks-1.json"])
def test_a_missing_key_is_named(tmp_path, name):
    a_keyring(tmp_path)
    (tmp_path / "keys" / name).unlink()

    with pytest.raises(LedgerRefused, match=f"{name.split('-')[0]} is missing; restore"):
        Keyring.open(tmp_path / "keys")


def test_a_gap_in_the_numbers_is_a_missing_key(tmp_path):
    keyring = a_keyring(tmp_path)
    keyring.rotate(KeyPurpose.CODES, now=NOW)
    (tmp_path / "keys" / "codes-1.json").unlink()

    with pytest.raises(LedgerRefused, match="codes is missing; restore"):
        Keyring.open(tmp_path / "keys")


def test_a_missing_directory_says_what_to_do(tmp_path):
    with pytest.raises(LedgerRefused, match=r"keys cannot be opened: No such file.*restore"):
        Keyring.open(tmp_path / "keys")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_may_touch_is_refused(tmp_path, mode):
    a_keyring(tmp_path)
    path = tmp_path / "keys" / "tokens-1.json"
    path.chmod(mode)

    with pytest.raises(LedgerRefused, match=f"chmod 600 {path}"):
        Keyring.open(tmp_path / "keys")


def test_a_directory_that_others_may_enter_is_refused(tmp_path):
    a_keyring(tmp_path)
    (tmp_path / "keys").chmod(0o755)

    with pytest.raises(LedgerRefused, match=r"mode 0755.*chmod 700"):
        Keyring.open(tmp_path / "keys")


def changed(**fields):
    """Return what makes a key file's bytes into those of one with other fields."""

    def change(data):
        stored = json.loads(data)
        return json.dumps({**stored, "key": stored["key"] | fields}).encode()

    return change


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-9],
    "binary": lambda data: bytes(range(256)),
    "other fields": lambda data: json.dumps({**json.loads(data), "more": 1}).encode(),
    "short secret": changed(secret=base64.b64encode(bytes(31)).decode()),
    "other secret": changed(secret=base64.b64encode(bytes(32)).decode()),
    "other time": changed(signs_from="2014-01-01T00:00:00Z"),
    "naive time": changed(created_at="2014-01-01T00:00:00"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_key_is_named_and_not_shown(tmp_path, damage):
    a_keyring(tmp_path)
    path = tmp_path / "keys" / "codes-1.json"
    secret = json.loads(path.read_text())["key"]["secret"]
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(LedgerRefused, match=r"codes-1\.json is .*; restore the keys") as caught:
        Keyring.open(tmp_path / "keys")

    assert secret not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_key_under_anothers_name_is_refused(tmp_path):
    a_keyring(tmp_path)
    (tmp_path / "keys" / "codes-1.json").replace(tmp_path / "keys" / "buyers-1.json")

    with pytest.raises(LedgerRefused, match="another key than its name says"):
        Keyring.open(tmp_path / "keys")


def test_other_files_in_the_directory_do_no_harm(tmp_path):
    keyring = a_keyring(tmp_path)
    (tmp_path / "keys" / "tls").mkdir()
    (tmp_path / "keys" / ".codes-2.json.new").write_text("half a k")

    assert Keyring.open(tmp_path / "keys").reader == keyring.reader


def test_a_rotation_goes_on_after_a_power_cut_in_the_middle(tmp_path):
    keyring = a_keyring(tmp_path)
    (tmp_path / "keys" / ".codes-2.json.new").write_text("half a k")

    keyring.rotate(KeyPurpose.CODES, now=NOW)

    assert len(Keyring.open(tmp_path / "keys").code_keys) == 2
    assert list((tmp_path / "keys").glob(".*")) == []


def test_a_power_cut_after_the_new_key_has_its_name_harms_neither(tmp_path):
    keyring = a_keyring(tmp_path)
    keyring.rotate(KeyPurpose.CODES, now=NOW)
    (tmp_path / "keys" / ".codes-2.json.new").hardlink_to(tmp_path / "keys" / "codes-2.json")

    opened = Keyring.open(tmp_path / "keys")
    opened.rotate(KeyPurpose.CODES, now=NOW)

    assert Keyring.open(tmp_path / "keys").code_keys[1:] == keyring.code_keys


def test_a_killed_rotation_leaves_whole_keys(tmp_path):
    a_keyring(tmp_path)
    script = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from gate_server.keyring import Keyring\n"
        "ring = Keyring.open(Path(sys.argv[1])); print('ready', flush=True)\n"
        "while True: ring.rotate('audit', now=datetime.now(UTC))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "keys")], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "ready\n"
        while len(key_files(tmp_path)) < len(KeyPurpose) + 5:
            assert process.poll() is None
        process.kill()

    opened = Keyring.open(tmp_path / "keys")
    opened.rotate(KeyPurpose.AUDIT, now=NOW)

    assert len(opened.audit_keys().keys) >= 7


def test_two_rotations_at_once_do_not_overwrite_a_key(tmp_path):
    a_keyring(tmp_path)
    key = new_key(KeyPurpose.TOKENS, 1, created_at=NOW, signs_from=NOW)
    before = (tmp_path / "keys" / "tokens-1.json").read_bytes()

    with pytest.raises(LedgerRefused, match="exists; its key is kept"):
        add_key(tmp_path / "keys", key)

    assert (tmp_path / "keys" / "tokens-1.json").read_bytes() == before
