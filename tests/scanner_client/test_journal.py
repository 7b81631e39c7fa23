"""The journal: nothing that was shown is lost, nothing is told that does not fit together."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from admission.journal_chain import first_head
from admission.verdicts import Reason
from scanner_client.journal import OWN_NUMBERS
from scanner_client.journal_rows import Owner, Settled
from tests.scanner_client.journals import (
    EXIT,
    NOW,
    OWNER,
    a_draft,
    a_key,
    an_annul,
    check_chain,
    later,
    lines,
    open_journal,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def journal(tmp_path):
    journal = open_journal(tmp_path)
    yield journal
    journal.close()


def take_all(journal, *, revision=5, epoch="epoch-1", problem=None, now=NOW):
    settled = [Settled(line.entry_id, problem) for line in journal.waiting(10_000)]
    journal.settle(settled, epoch=epoch, revision=revision, now=now)


def test_lines_wait_in_order_in_one_chain(journal):
    for number in range(1, 6):
        journal.append(a_draft(number), NOW)

    found = lines(journal)
    assert [line.nonce for line in found] == [f"nonce-{n:06}" for n in range(1, 6)]
    check_chain(found, first_head("d-1"))
    depth = journal.depth()
    assert (depth.waiting, depth.parked, depth.seq, depth.head) == (5, 0, 5, found[-1].head)


def test_online_answers_are_own_history_and_wait_for_nothing(journal):
    journal.append(a_draft(1, online=True, revision=7), NOW)

    [own] = journal.scans_of([a_key(1)])
    assert (own.state, own.record.people, own.line.seq) == ("online", 1, None)
    assert journal.depth().waiting == 0
    assert journal.depth().seq == 0


def test_nonce_is_recorded_once(journal):
    first = journal.append(a_draft(1), NOW)
    again = journal.append(a_draft(1, Reason.USED_UP), NOW)

    assert again == first
    assert journal.depth().waiting == 1


def test_arrivals_are_numbered_far_from_the_servers_own_numbers(journal):
    journal.append(a_draft(1), NOW)
    line = journal.append(a_draft(2, numbered=True), NOW)

    assert line.arrival_number == f"d-1-{OWN_NUMBERS + 2}"
    assert lines(journal)[1] == line


def test_annulment_is_in_the_chain_and_in_own_history(journal):
    journal.append(a_draft(1, people=3), NOW)
    journal.amend(an_annul("nonce-000001", 2), later())

    [own] = journal.scans_of([a_key(1)])
    assert (own.record.annulled, own.record.annuls, own.record.passed) == (2, 1, 1)
    assert own.record.annulled_at == later()
    check_chain(lines(journal), first_head("d-1"))
    assert journal.inside_since(0, NOW) == 1


def test_people_that_the_replica_does_not_know_of(journal):
    journal.append(a_draft(1, people=3), NOW)
    journal.append(a_draft(2, people=2, online=True, revision=7), NOW)
    journal.append(a_draft(3, Reason.EXIT_RECORDED, people=1, direction=EXIT), NOW)
    journal.append(a_draft(4, Reason.HONOURED, people=2, deal_no=9, honoured=2), NOW)

    assert journal.inside_since(6, NOW) == 3 + 2 - 1 + 2
    assert journal.inside_since(7, NOW) == 3 - 1 + 2
    assert journal.inside_since(0, later()) == 0
    assert (journal.honoured_since(0, 9), journal.honoured_since(0, 8)) == (2, 0)
    take_all(journal, revision=20)
    assert (journal.inside_since(19, NOW), journal.inside_since(20, NOW)) == (4, 0)


def test_line_that_the_server_cannot_read_is_parked_with_its_problem(journal):
    journal.append(a_draft(1), NOW)
    take_all(journal, problem="code_key: unknown")

    assert (journal.depth().waiting, journal.depth().parked) == (0, 1)
    [parked] = journal.parked()
    assert (parked.nonce, parked.problem) == ("nonce-000001", "code_key: unknown")
    assert journal.scans_of([a_key(1)])[0].record.people == 1


def test_another_ledger_is_told_everything_again_in_order(journal):
    journal.append(a_draft(1), NOW)
    journal.append(a_draft(2, online=True, revision=7), NOW)
    journal.append(a_draft(3), NOW)
    take_all(journal)

    assert not journal.note_epoch("epoch-1")
    assert journal.note_epoch("epoch-2")
    assert not journal.note_epoch("epoch-2")
    found = lines(journal)
    assert [line.nonce[-1] for line in found] == ["1", "2", "3"]
    assert [line.online for line in found] == [False, True, False]
    assert [line.seq for line in found] == [1, None, 2]


def test_what_an_earlier_ledger_took_is_not_taken_for_the_next(journal):
    journal.append(a_draft(1), NOW)
    batch = journal.waiting(10)
    journal.note_epoch("epoch-2")

    journal.settle([Settled(batch[0].entry_id)], epoch="epoch-1", revision=5, now=NOW)

    assert journal.depth().waiting == 1


def test_only_what_the_server_took_long_ago_is_forgotten(journal):
    for number, online in ((1, False), (2, True)):
        journal.append(a_draft(number, online=online, revision=7 if online else None), NOW)
    take_all(journal)
    journal.append(a_draft(3), NOW)

    assert journal.prune(NOW) == 0
    assert journal.prune(later()) == 2
    assert journal.depth().waiting == 1


def test_nothing_readable_is_on_the_disk(journal, tmp_path):
    journal.append(a_draft(1, tail="8K2F"), NOW)
    journal.intents.begin(b"9K3F-22AX-8K2F", "nonce-under-way", NOW)
    journal.close()

    data = b"".join(path.read_bytes() for path in tmp_path.glob("journal.db*"))
    for secret in (b"8K2F", b"9K3F", a_key(1), a_draft(1).line.code_key.encode(), b"admitted"):
        assert secret not in data


# --- several processes, and the end of one --------------------------------------------------------

_APPENDS = """
import sys
import time
from pathlib import Path
from tests.scanner_client.journals import NOW, a_draft, open_journal

journal = open_journal(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    number += 1
    line = journal.append(a_draft(number), NOW)
    print(line.nonce, flush=True)
    time.sleep(0.0005)
"""


def appending(directory, first):
    command = [sys.executable, "-c", _APPENDS, str(directory), str(first)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_kill_at_any_instant_loses_nothing_that_was_shown(tmp_path):
    chance = random.Random(20150212)
    shown = []
    for round_no in range(8):
        with appending(tmp_path, round_no * 100_000) as process:
            shown.append(process.stdout.readline().strip())
            time.sleep(chance.uniform(0, 0.12))
            process.send_signal(signal.SIGKILL)
            # A line without its end may have been cut in the middle.
            shown += [line.strip() for line in process.stdout if line.endswith("\n")]

    journal = open_journal(tmp_path)
    found = lines(journal)
    assert len(shown) > 16
    assert set(shown) <= {line.nonce for line in found}
    check_chain(found, first_head("d-1"))
    journal.close()


def test_two_processes_and_two_threads_share_one_chain(tmp_path):
    open_journal(tmp_path).close()
    processes = [appending(tmp_path, first) for first in (100_000, 200_000)]
    journal = open_journal(tmp_path)
    for process in processes:
        process.stdout.readline()

    def append(first):
        for number in range(first, first + 40):
            journal.append(a_draft(number), NOW)

    threads = [threading.Thread(target=append, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.kill()
        process.communicate()

    found = lines(journal)
    assert len(found) > 82
    check_chain(found, first_head("d-1"))
    journal.close()


def test_copy_of_the_directory_is_another_boot(tmp_path):
    from scanner_client.state import boot_id

    copy = tmp_path / "copy"
    copy.mkdir()

    assert boot_id(tmp_path) == boot_id(tmp_path)
    assert boot_id(copy) != boot_id(tmp_path)


# --- scans under way ------------------------------------------------------------------------------


def test_scan_of_a_process_that_lives_is_nobody_elses(journal):
    assert journal.intents.begin(b"code", "nonce-000001", NOW) == "nonce-000001"
    assert journal.intents.begin(b"code", "nonce-000002", NOW) == "nonce-000002"


def test_scan_of_a_killed_process_goes_on_under_its_nonce_for_two_minutes(tmp_path):
    begin = (
        "import os, sys; from pathlib import Path;"
        "from tests.scanner_client.journals import NOW, open_journal;"
        "journal = open_journal(Path(sys.argv[1]));"
        "journal.intents.begin(b'code', sys.argv[2], NOW); os._exit(9)"
    )
    for nonce in ("nonce-000001", "nonce-000002"):
        subprocess.run([sys.executable, "-c", begin, tmp_path, nonce], cwd=ROOT)
        journal = open_journal(tmp_path)
        if nonce.endswith("1"):
            assert journal.intents.begin(b"other", "nonce-other", NOW) == "nonce-other"
            assert journal.intents.begin(b"code", "nonce-new", later(1.9)) == "nonce-000001"
            journal.intents.end("nonce-000001")
        else:
            assert journal.intents.begin(b"code", "nonce-new", later(2.1)) == "nonce-new"
        journal.close()


def test_scan_given_up_without_a_verdict_goes_on_under_its_nonce(journal):
    journal.intents.begin(b"code", "nonce-000001", NOW)
    journal.intents.end("nonce-000001", shown=False)

    assert journal.intents.begin(b"code", "nonce-000002", NOW) == "nonce-000001"


# --- another device in the same directory ---------------------------------------------------------


def test_device_enrolled_anew_does_not_count_the_earlier_ones_scans_twice(tmp_path):
    journal = open_journal(tmp_path)
    journal.append(a_draft(1), NOW)
    take_all(journal)
    journal.close()

    journal = open_journal(tmp_path, Owner("d-2", "epoch-1", "boot-1"))
    assert journal.scans_of([a_key(1)]) == []
    journal.close()


def test_scans_of_a_device_that_a_restored_server_forgot_go_with_the_new_one(tmp_path):
    journal = open_journal(tmp_path)
    journal.append(a_draft(1), NOW)
    take_all(journal)
    journal.append(a_draft(2), NOW)
    journal.close()

    journal = open_journal(tmp_path, Owner("d-2", "epoch-2", "boot-1"))
    journal.note_epoch("epoch-2")
    assert [line.nonce[-1] for line in lines(journal)] == ["1", "2"]
    assert journal.scans_of([a_key(1)])[0].record.device_id == "d-2"
    journal.close()


def test_clock_is_remembered(journal):
    from scanner_client.clock import SteadyClock

    clock = SteadyClock()
    clock.learn(NOW)
    assert journal.find_clock() is None
    journal.note_clock(clock.known())

    assert journal.find_clock() == clock.known()
    assert OWNER.device_id == "d-1"
