"""The writer: groups, savepoints, and what happens when the file cannot be written."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from admission.errors import AdmissionError, InvalidInput, LedgerUnavailable
from admission.verdicts import Reason
from tests.ledgers import a_venue


def together(count, work):
    """Run `work(n)` in as many threads, all released at the same instant."""
    gate = threading.Barrier(count)
    results: list[object] = [None] * count

    def one(number):
        gate.wait()
        try:
            results[number] = work(number)
        except AdmissionError as error:
            results[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_sixteen_devices_on_one_voucher_at_once_get_exactly_one_admission(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["SAME-CODE-1"])
        devices = [venue.enrol() for _ in range(16)]

        decisions = together(
            16, lambda n: venue.scan("SAME-CODE-1", f"nonce-{n:03}", device=devices[n])
        )

        reasons = sorted(decision.verdict.reason for decision in decisions)
        assert reasons == [Reason.ADMITTED, *[Reason.USED_UP] * 15]
        assert venue.ledger.tallies.today.inside == 1


def test_a_failing_change_undoes_only_itself(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(20)])

        def work(number):
            if number % 4 == 0:
                return venue.ledger.write(half_done)
            return venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")

        def half_done(tx):
            tx.next_revision()
            tx.db.execute("UPDATE vouchers SET admits = 99")
            raise InvalidInput("x", "changed its mind")

        results = together(20, work)

        assert sum(isinstance(result, InvalidInput) for result in results) == 5
        assert venue.rows("SELECT count(*) FROM scans") == [(15,)]
        assert venue.rows("SELECT count(*) FROM vouchers WHERE admits = 99") == [(0,)]


def test_a_constraint_broken_by_one_change_leaves_the_others_of_its_group(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(8)])

        def work(number):
            if number == 3:
                return venue.ledger.write(
                    lambda tx: tx.db.execute("INSERT INTO gates VALUES ('G1', '', '', '', 1)")
                )
            return venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")

        results = together(8, work)

        assert isinstance(results[3], LedgerUnavailable)
        assert venue.rows("SELECT count(*) FROM scans") == [(7,)]


def test_what_waited_too_long_is_not_decided_late(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001"])
        busy = threading.Thread(target=lambda: venue.ledger.write(lambda tx: time.sleep(1.0)))
        busy.start()
        time.sleep(0.1)

        with pytest.raises(LedgerUnavailable, match="undecided"):
            venue.scan("CODE-0001", "nonce-001")

        busy.join()
        assert venue.scan("CODE-0001", "nonce-001").verdict.reason is Reason.ADMITTED


def test_a_defect_in_one_change_neither_ends_the_writer_nor_hides(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001"])

        with pytest.raises(ZeroDivisionError):
            venue.ledger.write(lambda tx: 1 // 0)

        assert venue.scan("CODE-0001", "nonce-001").verdict.reason is Reason.ADMITTED


def test_a_lost_transaction_fails_the_whole_group_and_the_next_one_goes_on(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(4)])

        def lose(tx):
            tx.db.execute("ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")

        def work(number):
            if number == 1:
                return venue.ledger.write(lose)
            return venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")

        before = venue.ledger.revision
        results = together(4, work)
        kept = [result for result in results if not isinstance(result, LedgerUnavailable)]

        assert isinstance(results[1], LedgerUnavailable)
        assert venue.rows("SELECT count(*) FROM scans") == [(len(kept),)]
        assert venue.ledger.revision == before + len(kept)
        for number in (0, 2, 3):
            decision = venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")
            assert decision.verdict.reason is Reason.ADMITTED


def test_a_slice_of_an_import_lets_scans_go_first(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell([f"CODE-{n:04}" for n in range(30)])
        order = []

        def slow_slice(tx):
            order.append("slice")
            time.sleep(0.02)

        importer = threading.Thread(
            target=lambda: [venue.ledger.write(slow_slice, patient=True) for _ in range(20)]
        )
        importer.start()
        for number in range(30):
            venue.scan(f"CODE-{number:04}", f"nonce-{number:03}")
            order.append("scan")
        importer.join()

        assert order.count("slice") == 20
        assert order.index("scan") < 5
        assert max(_runs(order, "slice")) < 20


def _runs(order, name):
    length = 0
    for each in order:
        length = length + 1 if each == name else 0
        yield length


def test_after_close_changes_are_refused_and_what_waited_is_on_disk(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(["CODE-0001"])
        venue.scan("CODE-0001", "nonce-001")
        venue.ledger.close()

        with pytest.raises(LedgerUnavailable, match="stopping"):
            venue.ledger.write(lambda tx: None)

        venue.ledger = venue.open()
        assert venue.rows("SELECT reason FROM scans") == [("admitted",)]
