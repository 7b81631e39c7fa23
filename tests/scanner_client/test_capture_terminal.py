"""Standard input: a pipe, and a terminal that a wedge or a person types into."""

import os
import pty
import time
from contextlib import contextmanager

from scanner_client.assembly import Assembly
from scanner_client.capture_terminal import Terminal
from tests.scanner_client.watching import texts, wait_for, watching


@contextmanager
def a_pipe():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as keys, os.fdopen(write_end, "wb", buffering=0) as writer:
        yield keys, writer


def test_pipe_is_a_code_a_line_and_its_end_is_the_end():
    with a_pipe() as (keys, writer), watching(Terminal(keys, Assembly())) as (seen, reports):
        writer.write(b"FIRST-0001\r\n\nOTHER-0002\nLAST-00003")
        writer.close()
        wait_for(lambda: len(seen) == 3)

    assert texts(seen) == ["FIRST-0001", "OTHER-0002", "LAST-00003"]
    assert reports == []


def test_people_may_type_slowly():
    with a_pipe() as (keys, writer), watching(Terminal(keys, Assembly())) as (seen, _):
        for part in (b"9K3F", b"-22AX", b"\n"):
            writer.write(part)
            time.sleep(0.2)
        wait_for(lambda: seen)

    assert texts(seen) == ["9K3F-22AX"]


def test_terminal_that_is_hung_up_has_ended():
    master, slave = pty.openpty()
    with os.fdopen(slave) as keys, watching(Terminal(keys, Assembly())) as (seen, reports):
        os.write(master, b"9K3F-22AX\n")
        wait_for(lambda: seen)
        os.close(master)

    assert texts(seen) == ["9K3F-22AX"]
    assert reports == []
