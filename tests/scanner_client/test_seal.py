"""What a scanner keeps can be read with its key alone."""

import os
import stat
import threading

import pytest

from scanner_client.seal import SEAL_FILE, Seal, SealBroken, load_seal
from scanner_client.state import StateError


def test_what_is_sealed_can_be_opened_in_its_place_alone():
    seal = Seal(bytes(32))

    sealed = seal.seal(b"row", b"here")

    assert seal.open(sealed, b"here") == b"row"
    assert len(sealed) == 3 + 16
    assert b"row" not in sealed
    with pytest.raises(SealBroken):
        seal.open(sealed, b"there")
    with pytest.raises(SealBroken):
        Seal(b"1" * 32).open(sealed, b"here")


@pytest.mark.parametrize("damage", [b"", b"x", bytes(16), bytes(19)])
def test_damage_is_told(damage):
    with pytest.raises(SealBroken):
        Seal(bytes(32)).open(damage, b"here")


def test_tag_tells_nothing_without_the_key():
    one, other = Seal(bytes(32)), Seal(b"1" * 32)

    assert one.tag(b"key") == Seal(bytes(32)).tag(b"key")
    assert one.tag(b"key") not in {other.tag(b"key"), one.tag(b"kez")}
    assert -(1 << 63) <= one.tag(b"key") < 1 << 63


def test_key_is_made_once_for_its_user_alone(tmp_path):
    first = load_seal(tmp_path / "state", print)
    again = load_seal(tmp_path / "state", print)

    assert again.tag(b"key") == first.tag(b"key")
    assert stat.S_IMODE((tmp_path / "state" / SEAL_FILE).stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "state") == [SEAL_FILE]


def test_two_processes_at_once_get_one_key(tmp_path):
    tags, gate = [], threading.Barrier(8)

    def load():
        gate.wait()
        tags.append(load_seal(tmp_path, print).tag(b"key"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tags) == 8
    assert len(set(tags)) == 1


def test_damaged_key_is_said_and_made_anew(tmp_path):
    said = []
    (tmp_path / SEAL_FILE).write_bytes(b"short")

    load_seal(tmp_path, said.append)

    assert len((tmp_path / SEAL_FILE).read_bytes()) == 32
    assert "damaged" in said[0]


def test_directory_that_takes_no_key_is_told(tmp_path):
    (tmp_path / SEAL_FILE).mkdir()

    with pytest.raises(StateError, match=r"seal\.key"):
        load_seal(tmp_path, print)
