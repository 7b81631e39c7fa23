"""A server that is killed under load, again and again, loses nothing and admits nobody twice."""

import contextlib
import http.client
import itertools
import os
import signal
import sqlite3
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from gate_server.ledger.directory import lock_is_free
from tests.e2e.load import Load, scan
from tests.e2e.processes import Server, free_port, gate_server, is_listening, lives, wait_until

UNIQUE, SHARED, SHARED_ADMITS = 8000, 40, 3
LOADED_S = 0.7
ROUNDS = 2


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    directory = tmp_path_factory.mktemp("kill") / "var"
    gate_server(directory, "init")
    gate_server(directory, "gate", "add", "G1", "--name", "North")
    deals = directory.parent / "deals.csv"
    deals.write_text(
        "deal_id,platform,title,face_price_minor,currency,valid_from,valid_until\n"
        "D1,p1,Day,100,CNY,2015-01-01,2099-12-31\n"
    )
    vouchers = directory.parent / "vouchers.csv"
    rows = [f"{code},D1,1\n" for code in unique_codes()]
    rows += [f"{code},D1,{SHARED_ADMITS}\n" for code in shared_codes()]
    vouchers.write_text("code,deal_id,admits\n" + "".join(rows))
    gate_server(directory, "import", "deals", deals)
    gate_server(directory, "import", "vouchers", vouchers)
    return directory


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def server(venue, port):
    with Server(venue, port) as server:
        yield server


@pytest.fixture(scope="module")
def token(server):
    return server.enrol("G1")


@pytest.fixture(scope="module")
def codes():
    """Present each voucher of one once; every fourth scan is of one that many present."""
    shared = itertools.cycle(shared_codes())
    mixed = ((a, b, c, next(shared)) for a, b, c in zip(*[unique_codes()] * 3, strict=False))
    return Turns(itertools.cycle(itertools.chain.from_iterable(mixed)))


class Turns:
    """An iterator that several threads may share."""

    def __init__(self, inner):
        self._inner = inner
        self._lock = threading.Lock()

    def __next__(self):
        with self._lock:
            return next(self._inner)


def unique_codes():
    return (f"UNIQUE-{number:05d}" for number in range(UNIQUE))


def shared_codes():
    return (f"SHARED-{number:05d}" for number in range(SHARED))


# --- kill -9 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("victims", ["parent", "worker", "both"])
def test_killed_server_keeps_what_it_answered(server, token, codes, victims):
    for _ in range(ROUNDS):
        load = Load(server.port, token, codes)
        with load:
            time.sleep(LOADED_S)
            old = kill(server, victims)
        assert len(load.answered) > 50, "too little load to say anything"

        come_back(server, victims, old)

        check_kept(server, token, load)
    check_ledger(server.directory)
    gate_server(server.directory, "audit", "verify")


def kill(server, victims):
    """Kill one process or both as the kernel does when memory is short; return the workers."""
    workers = server.workers
    assert len(workers) == 1
    targets = {"parent": [server.process.pid], "worker": workers}
    targets["both"] = targets["parent"] + targets["worker"]
    for pid in targets[victims]:
        os.kill(pid, signal.SIGKILL)
    return workers


def come_back(server, victims, old):
    """Wait until the killed processes are gone with all they held, and it serves again."""
    wait_until(lambda: not any(map(lives, old)), 3, "the end of the worker")
    if victims == "worker":
        # Its parent starts another one, unless the one before it was killed seconds ago too.
        wait_until(lambda: server.process.poll() is not None or server.workers, 10, "a new worker")
        if server.process.poll() is None:
            server.await_ready()
            return
    assert server.process.wait(5) in {1, -signal.SIGKILL}
    # The threads of a killed process end one by one, and the last one closes what it held.
    wait_until(lambda: not is_listening(server.port), 3, "a closed port")
    wait_until(lambda: lock_is_free(server.directory), 3, "a free lock")
    server.start()


def check_kept(server, token, load):
    """Check that each answer is in the ledger and is given again; the undecided are decided."""
    kept = recorded(server.directory)
    for nonce, answer in load.answered.items():
        assert kept[nonce] == (answer["reason"], answer["admitted"])
    some = [*list(load.answered)[-20:], *load.undecided]
    with contextlib.closing(connect(server)) as connection:
        for nonce in some:
            fields = {"code": load.asked[nonce], "nonce": nonce, "party": 1}
            status, answer = scan(connection, token, **fields)
            assert status == 200, answer
            assert answer["replayed"] is (nonce in kept)
            if nonce in kept:
                assert kept[nonce] == (answer["reason"], answer["admitted"])
            first = load.answered.get(nonce)
            if first is not None:
                assert answer["scan_id"] == first["scan_id"]


def connect(server):
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)


def reading(directory):
    return contextlib.closing(
        sqlite3.connect(f"file:{directory / 'ledger.db'}?mode=ro", uri=True, timeout=10)
    )


def recorded(directory):
    """Return reason and people by nonce, as they stand on disk."""
    with reading(directory) as db:
        rows = db.execute("SELECT nonce, reason, people FROM scans")
        return {nonce: (reason, people) for nonce, reason, people in rows}


def check_ledger(directory):
    """Check that no voucher let in more than it may, and that the counters equal the scans."""
    with reading(directory) as db:
        db.execute("BEGIN")
        over = db.execute(
            "SELECT v.tail, SUM(s.people), v.admits FROM scans s JOIN vouchers v USING (voucher_id)"
            " GROUP BY v.voucher_id HAVING SUM(s.people) > v.admits"
        ).fetchall()
        scans = db.execute("SELECT COUNT(*), SUM(people) FROM scans").fetchone()
        counted = db.execute("SELECT SUM(scans), SUM(entered) FROM counters").fetchone()
    assert over == []
    assert counted == scans


# --- orderly ends --------------------------------------------------------------------------------


def test_sigterm_under_load_keeps_every_answer(server, token, codes):
    load = Load(server.port, token, codes)
    with load:
        time.sleep(LOADED_S)
        workers = server.workers
        server.process.send_signal(signal.SIGTERM)
        status = server.process.wait(15)
    assert status == 0
    assert not any(map(lives, workers))
    assert not is_listening(server.port)
    assert lock_is_free(server.directory)
    assert set(load.statuses) <= {503}

    server.start()

    check_kept(server, token, load)
    check_ledger(server.directory)
    gate_server(server.directory, "audit", "verify")


def test_second_server_on_a_directory_refuses(server):
    other = Server(server.directory, free_port())
    done = subprocess.run(other.command, capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not is_listening(other.port)
    assert server.ask("GET", "/readyz")[0] == 200


# --- wrong clocks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "told"),
    [
        (timedelta(0), False),
        (timedelta(seconds=100), False),
        (timedelta(minutes=-7), True),
        (timedelta(minutes=7), True),
        (timedelta(days=-365 * 20), True),
        (timedelta(days=365 * 20), True),
    ],
    ids=str,
)
def test_clock_of_a_device_changes_no_verdict(server, token, codes, off, told):
    fresh = next(code for code in iter(codes.__next__, None) if code.startswith("UNIQUE"))
    fields = {
        "code": fresh,
        "nonce": f"clock-{off.total_seconds():.0f}-{fresh}",
        "scanned_at": (datetime.now(UTC) + off).isoformat(),
    }
    with contextlib.closing(connect(server)) as connection:
        status, answer = scan(connection, token, **fields)

    assert (status, answer["reason"]) == (200, "admitted")
    if told:
        assert answer["clock_skew_s"] == pytest.approx(off.total_seconds(), abs=5)
    else:
        assert answer["clock_skew_s"] is None
