"""The print queue outlives kills, torn lines and full disks, and prints nothing twice unsaid."""

import os

import pytest

from scanner_client.printer_queue import FILE_NAME, PrintQueue, QueueUnwritable, State


def left(directory):
    """What another process finds: each exchange, whether it is known, and its tickets."""
    found = PrintQueue(directory).exchanges()
    return [(each.nonce, each.known, each.tickets) for each in found]


def test_an_exchange_is_noted_before_anybody_knows_its_tickets(tmp_path):
    PrintQueue(tmp_path).note_exchange("nonce-001")

    assert left(tmp_path) == [("nonce-001", False, {})]


def test_an_exchange_that_made_none_or_whose_tickets_are_printed_is_over(tmp_path):
    queue = PrintQueue(tmp_path)
    queue.note_tickets("nonce-001", [])
    queue.note_tickets("nonce-002", ["T1-1", "T1-2"])
    queue.note("nonce-002", ["T1-1"], State.DONE)

    assert left(tmp_path) == [("nonce-002", True, {"T1-1": State.DONE, "T1-2": State.WAITING})]
    queue.note("nonce-002", ["T1-2"], State.DONE)
    assert left(tmp_path) == []


def test_a_ticket_that_was_begun_waits_again_only_where_it_is_put_back(tmp_path):
    queue = PrintQueue(tmp_path)
    queue.note_tickets("nonce-001", ["T1-1"])
    queue.note("nonce-001", ["T1-1"], State.BEGUN)
    queue.note_tickets("nonce-001", ["T1-1"])

    assert left(tmp_path) == [("nonce-001", True, {"T1-1": State.BEGUN})]
    queue.note("nonce-001", ["T1-1"], State.WAITING)
    assert left(tmp_path) == [("nonce-001", True, {"T1-1": State.WAITING})]


@pytest.mark.parametrize("torn", [b'{"nonce":"nonce-002","tic', b"\x00\x00\x00", b"\xff{"])
def test_a_line_that_a_power_cut_left_half_is_no_line(tmp_path, torn):
    queue = PrintQueue(tmp_path)
    queue.note_tickets("nonce-001", ["T1-1"])
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(torn)
    queue.note("nonce-001", ["T1-1"], State.BEGUN)

    assert left(tmp_path) == [("nonce-001", True, {"T1-1": State.BEGUN})]


def test_a_disk_that_is_full_is_said_before_anything_is_exchanged(tmp_path):
    (tmp_path / FILE_NAME).symlink_to("/dev/full")

    with pytest.raises(QueueUnwritable, match="No space left"):
        PrintQueue(tmp_path).note_exchange("nonce-001")


def test_one_process_prints_at_a_time(tmp_path):
    with PrintQueue(tmp_path).printing() as first, PrintQueue(tmp_path).printing() as second:
        assert (first, second) == (True, False)
    with PrintQueue(tmp_path).printing() as third:
        assert third is True


def test_the_file_is_for_its_owner_alone_and_does_not_grow_for_ever(tmp_path):
    queue = PrintQueue(tmp_path)
    queue.note_tickets("nonce-001", ["T1-1"])
    for number in range(6000):
        with (tmp_path / FILE_NAME).open("ab") as file:
            file.write(b'{"nonce":"nonce-%06d","ticket":null,"state":null,"over":true}' % number)
            file.write(b" " * 200 + b"\n")
    before = left(tmp_path)
    queue.tidy()

    assert left(tmp_path) == before == [("nonce-001", True, {"T1-1": State.WAITING})]
    assert (tmp_path / FILE_NAME).stat().st_size < 1000
    assert os.stat(tmp_path / FILE_NAME).st_mode & 0o077 == 0
