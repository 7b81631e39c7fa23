"""Standard input: a pipe, and a terminal that a wedge or a person types into."""

import os
import pty
import subprocess
import sys
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


# Run as the leader of a terminal: starts a reader in the background, then brings it to the front.
LEADER = """
import fcntl, os, select, subprocess, sys, termios, time
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
reader = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
select.select([0], [], [])
time.sleep(0.4)
_, status = os.waitpid(reader.pid, os.WNOHANG | os.WUNTRACED)
print("stopped" if status else "runs", os.read(0, 100), flush=True)
os.tcsetpgrp(0, reader.pid)
reader.wait(20)
"""
READER = """
import sys, threading
from scanner_client.assembly import Assembly
from scanner_client.capture import Watch
from scanner_client.capture_terminal import Terminal
watch = Watch(threading.Event(), print)
print("ready", flush=True)
for typed in Terminal(sys.stdin, Assembly()).sightings(watch):
    print(typed.text, flush=True)
    watch.stop.set()
"""


def test_reader_in_the_background_leaves_the_terminal_to_others():
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, READER],
        stdin=slave,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as leader:
        said = [leader.stdout.readline()]
        time.sleep(0.2)
        os.write(master, b"for the other\n")
        said.append(leader.stdout.readline())
        os.write(master, b"9K3F-22AX\n")
        said.append(leader.stdout.readline())
        assert leader.wait(10) == 0
    os.close(master)
    os.close(slave)

    assert said == ["ready\n", "runs b'for the other\\n'\n", "9K3F-22AX\n"]
