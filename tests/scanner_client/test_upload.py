"""What was decided offline reaches the server: once, in order, whatever breaks in between."""

import threading
import time
from datetime import timedelta

import pytest

from admission import wire
from admission.errors import RelayError
from admission.verdicts import Reason
from scanner_client import upload
from scanner_client.answers import NoAnswer
from scanner_client.clock import SteadyClock
from scanner_client.upload import MOST_WAIT_S, alone, wait_after
from scanner_client.wipe import wipe
from tests import fakes
from tests.fakes import FakeGate
from tests.scanner_client.journals import NOW, a_draft, an_annul
from tests.scanner_client.scanners import a_park, a_scanner, feed

CODE = "9K3F-22AX-8K2F"


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@pytest.fixture
def kit(gate, tmp_path):
    with a_scanner(tmp_path / "s", gate.url) as kit:
        yield kit


def record(kit, *numbers):
    for number in numbers:
        kit.journal.append(a_draft(number), NOW)


def sent(gate):
    """Return the last digits of the nonces of each batch."""
    return [[int(line["nonce"][-4:]) for line in batch] for batch in gate.batches]


def test_batches_keep_the_order_and_empty_the_outbox(gate, kit):
    record(kit, *range(1, 8))

    handed = kit.uploader(batch_lines=3).flush()

    assert sent(gate) == [[1, 2, 3], [4, 5, 6], [7]]
    assert (handed.taken, handed.parked, handed.left) == (7, 0, 0)
    assert gate.batches[0][0]["head"] != gate.batches[0][1]["head"]
    assert kit.uploader().flush().taken == 0


def test_annulment_follows_its_scan(gate, kit):
    record(kit, 1)
    kit.journal.amend(an_annul("nonce-000001"), NOW)

    kit.uploader().flush()

    assert [("annul" in line) for line in gate.batches[0]] == [False, True]
    assert [line["seq"] for line in gate.batches[0]] == [1, 2]


@pytest.mark.parametrize(
    "trouble",
    [fakes.resets, fakes.lost, fakes.cut_off, fakes.portal, fakes.problem(503, "unavailable")],
)
def test_batch_without_answer_is_sent_again_as_it_was(gate, kit, trouble):
    record(kit, 1, 2)
    gate.troubles.append(trouble)
    with pytest.raises(NoAnswer):
        kit.uploader().flush()
    assert kit.journal.depth().waiting == 2

    kit.uploader().flush()

    assert kit.journal.depth().waiting == 0
    assert sent(gate)[-1] == [1, 2]


def test_answer_to_fewer_lines_is_none(gate, kit):
    record(kit, 1, 2)
    one = b'{"nonce":"nonce-000001","status":"accepted"}\n'
    gate.troubles.append(fakes.gives(200, one, "application/x-ndjson"))

    with pytest.raises(NoAnswer, match="1 of 2"):
        kit.uploader().flush()
    assert kit.journal.depth().waiting == 2


def test_line_that_the_server_rejects_is_parked_and_blocks_no_other(gate, kit):
    record(kit, 1, 2, 3)
    gate.rejects["nonce-000002"] = "code_key: unknown"

    handed = kit.uploader().flush()

    assert (handed.taken, handed.parked) == (2, 1)
    assert [(line.nonce[-1], line.problem) for line in kit.journal.parked()] == [
        ("2", "code_key: unknown")
    ]


def test_line_that_spoils_the_whole_batch_is_found_and_parked(gate, kit):
    record(kit, *range(1, 9))
    gate.unreadable.add("nonce-000006")

    handed = kit.uploader().flush()

    assert (handed.taken, handed.parked) == (7, 1)
    assert [line.nonce[-1] for line in kit.journal.parked()] == ["6"]


@pytest.mark.parametrize("status", [401, 403, 404, 405, 409])
def test_no_of_the_server_to_the_call_itself_parks_nothing(gate, kit, status):
    record(kit, 1)
    gate.troubles.append(fakes.problem(status, "not-now"))

    with pytest.raises(RelayError):
        kit.uploader().flush()
    assert (kit.journal.depth().waiting, kit.journal.depth().parked) == (1, 0)


def test_one_process_at_a_time_hands_over(gate, kit):
    record(kit, 1)
    with alone(kit.directory / upload.LOCK_FILE) as mine:
        assert mine
        handed = kit.uploader().flush()

    assert (handed.busy, handed.left) == (True, 1)
    assert gate.batches == []


def test_another_ledger_is_told_everything_again(gate, kit):
    record(kit, 1)
    kit.uploader().flush()
    gate.epoch = "epoch-2"
    record(kit, 2)

    kit.uploader().flush()

    # The first answer of the new ledger says that it is one, and what it lacks follows.
    assert sent(gate) == [[1], [2], [1, 2]] or sent(gate) == [[1], [2], [1]]
    assert kit.journal.depth().waiting == 0
    assert kit.journal.epoch == "epoch-2"


def test_scan_answer_of_another_ledger_is_enough_to_tell(gate, kit):
    feed(kit.replica, *a_park(CODE))
    check_in = kit.check_in()
    first = check_in.check_in(CODE)
    gate.epoch = "epoch-2"
    second = check_in.check_in(CODE)

    waiting = [line.nonce for line in kit.journal.waiting(10)]
    assert waiting == [first.nonce]
    assert kit.journal.find(second.nonce).state == "online"
    kit.uploader().flush()
    [line] = gate.batches[0]
    assert line["online"] is True
    assert line["verdict"] == {"outcome": "admit", "reason": "admitted", "admitted": 1}


def test_pauses_grow_with_chance_and_have_an_end():
    pauses = [wait_after(failures) for failures in range(1, 30)]

    assert 0.4 < pauses[0] < 1.1
    assert max(pauses) <= MOST_WAIT_S
    assert min(pauses[10:]) >= MOST_WAIT_S / 2
    assert len(set(pauses[10:])) > 10


def test_uploader_begins_by_itself_when_the_server_is_back(gate, kit):
    record(kit, 1)
    uploader, stop = kit.uploader(), threading.Event()
    gate.troubles += [fakes.resets] * 2
    thread = threading.Thread(target=uploader.run, args=(stop, 60.0))
    thread.start()
    until_s = time.monotonic() + 10
    while kit.journal.depth().waiting and time.monotonic() < until_s:
        uploader.wake()
        time.sleep(0.1)
    stop.set()
    uploader.wake()
    thread.join(5)

    assert not thread.is_alive()
    assert kit.journal.depth().waiting == 0


def test_what_the_server_took_long_ago_is_forgotten_by_the_way(gate, kit):
    record(kit, 1)
    kit.uploader().flush()
    stop = threading.Event()
    later = lambda: kit.clock.now() + timedelta(hours=73)  # noqa: E731
    uploader = kit.uploader(now=later)
    stop.set()
    uploader.run(stop, 1)
    assert kit.journal.find("nonce-000001") is not None
    stop.clear()
    thread = threading.Thread(target=uploader.run, args=(stop, 0.05))
    thread.start()
    until_s = time.monotonic() + 5
    while kit.journal.find("nonce-000001") and time.monotonic() < until_s:
        time.sleep(0.05)
    stop.set()
    uploader.wake()
    thread.join(5)

    assert kit.journal.find("nonce-000001") is None


def test_scans_do_not_wait_for_a_slow_upload(gate, kit):
    feed(kit.replica, *a_park(CODE))
    record(kit, *range(1, 200))
    gate.troubles.append(fakes.slow(2))
    thread = threading.Thread(target=kit.uploader().flush)
    thread.start()
    time.sleep(0.2)
    began_s = time.monotonic()
    shown = kit.check_in().check_in(CODE)
    took_s = time.monotonic() - began_s
    thread.join()

    assert shown.admitted
    assert took_s < 1.5


def test_revoked_device_hands_over_what_it_has(gate, kit):
    record(kit, 1, 2)
    gate.revoked = True

    assert kit.uploader().flush().taken == 2
    assert sent(gate) == [[1, 2]]


def test_wipe_takes_the_key_first_and_leaves_only_settings(kit):
    record(kit, 1)
    (kit.directory / "device.json").write_text("{}")
    (kit.directory / "scanner.toml").write_text("bell = false\n")
    kit.close()

    wipe(kit.directory, SteadyClock().now())

    assert sorted(path.name for path in kit.directory.iterdir()) == ["revoked.txt", "scanner.toml"]


def test_shown_reasons_go_as_they_were_shown(gate, kit):
    feed(kit.replica, *a_park(CODE))
    kit.contact.failed(NoAnswer("away", absent=True))
    check_in = kit.check_in()
    for _ in range(2):
        check_in.check_in(CODE)
    kit.uploader().flush()

    [batch] = gate.batches
    assert [line["verdict"]["reason"] for line in batch] == [Reason.ADMITTED, Reason.USED_UP]
    for line in batch:
        assert wire.NONCE
        assert {"seq", "head", "boot_id", "scanned_at", "code_key", "tail"} <= line.keys()
