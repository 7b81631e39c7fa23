"""A replica answers as it was told, whole states only, and a damaged one is never believed."""

import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from admission.deals import Hold
from admission.history import Record
from admission.replica_columns import pack, scan_line
from admission.verdicts import Reason
from admission.voids import CostBearer, Void
from admission.wire_outage import BlockLine, CompleteLine, DealLine
from scanner_client.replica import NoReplica, Replica
from scanner_client.replica_files import DRAFT_FILE, REPLICA_FILE, writing
from scanner_client.replica_intake import Untaken, open_intake, start_afresh
from tests.fakes import EPOCH
from tests.scanner_client.scanners import (
    a_lasting_deal,
    a_park,
    a_row,
    a_state,
    feed,
    find,
    key_of,
    reopened,
)

NOW = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)


def a_record(nonce="nonce-0001", **changes):
    values = {
        "device_id": "d-1",
        "nonce": nonce,
        "scan_at": NOW,
        "gate_id": "G1",
        "area": "park",
        "reason": Reason.ADMITTED,
        "people": 1,
    }
    return Record(**(values | changes))


def a_scan(code="CODE-1", revision=4, platform="lvtu", **changes):
    record = a_record(**changes)
    return scan_line(record, revision=revision, key=key_of(code), platform=platform)


def nonces(records):
    return sorted(record.nonce for record, _ in records)


def test_nothing_is_held_before_a_download(replica):
    assert (replica.revision, replica.epoch, replica.fresh_at) == (0, "", None)
    assert replica.age_s(NOW) is None
    with pytest.raises(NoReplica), replica.view():
        pass


def test_voucher_is_found_with_all_that_a_rule_looks_at(replica, said):
    told = {
        "admits": 3,
        "price_minor": 1,
        "sold_ms": 1_423_699_200_123,
        "valid_from_ms": 1_423_699_200_000,
        "valid_until_ms": 1_423_785_599_999,
        "status_ms": 5,
        "buyer": 77,
        "refund_listed": True,
    }
    feed(replica, *a_park("CODE-1", **told))

    for each in (replica, reopened(replica, said)):
        (held,) = find(each, "CODE-1")
        row = a_row("CODE-1", **told)
        assert held.voucher == row.voucher(held.voucher.voucher_id, "tail")
        assert (held.platform, held.buyer_no, held.more_keys) == ("lvtu", 77, ())
        assert held.credential_key == key_of("CODE-1")
        assert held.deal.deal_no == 1
        assert (each.revision, each.epoch) == (5, EPOCH)
    assert find(replica, "CODE-2") == ()
    assert said == []


def test_order_finds_its_vouchers_until_they_are_of_another(replica):
    park = a_park("CODE-1", "CODE-2", order_keys=(key_of("ORDER-1"),))
    feed(replica, *park)
    assert len(find(replica, "ORDER-1")) == 2
    assert [held.voucher.tail for held in find(replica, "ORDER-1")] == ["", ""]

    feed(replica, pack(6, 1, [a_row("CODE-2", order_keys=(key_of("ORDER-2"),))]), revision=6)

    assert len(find(replica, "ORDER-1")) == len(find(replica, "ORDER-2")) == 1
    assert len(find(replica, "ORDER-1", "CODE-1", "ORDER-2")) == 2


def test_code_of_two_platforms_is_kept_for_both(replica):
    other = a_lasting_deal(deal_id="OTHER", platform="other", deal_no=2)
    feed(
        replica,
        *a_park("CODE-1"),
        DealLine(revision=4, deal=other),
        pack(4, 2, [a_row("CODE-1")]),
        a_scan(revision=5, platform="lvtu"),
        a_scan(revision=5, platform="other", nonce="nonce-0002"),
        a_scan(revision=5, platform="", nonce="nonce-0003"),
    )

    held = {each.platform: each for each in find(replica, "CODE-1")}

    assert len({each.voucher.voucher_id for each in held.values()}) == 2
    with replica.view() as view:
        assert nonces(view.records_of(held["lvtu"])) == ["nonce-0001", "nonce-0003"]
        assert nonces(view.records_of(held["other"])) == ["nonce-0002", "nonce-0003"]
        assert nonces(view.records_of_key(key_of("CODE-1"))) == ["nonce-0003"]


def test_voucher_that_moves_to_another_deal_is_one(replica):
    deal = a_lasting_deal(deal_id="NEXT", deal_no=2)
    feed(replica, *a_park("CODE-1"), pack(4, 2, [a_row("CODE-1")]), DealLine(revision=5, deal=deal))

    (held,) = find(replica, "CODE-1")

    assert held.deal.deal_id == "NEXT"


def test_scans_under_more_keys_are_its_own(replica):
    feed(
        replica,
        *a_park("CODE-1", more_keys=(key_of("SLIP-1"),)),
        a_scan("SLIP-1", platform=""),
        a_scan("CODE-1", nonce="nonce-0002"),
    )

    (held,) = find(replica, "SLIP-1")

    assert held.voucher.tail == "tail"
    with replica.view() as view:
        assert nonces(view.records_of(held)) == ["nonce-0001", "nonce-0002"]


def test_later_line_of_a_scan_takes_its_place(replica):
    feed(replica, *a_park("CODE-1"), a_scan())
    feed(replica, a_scan(revision=6, annulled=1, annuls=1, annulled_at=NOW), revision=6)

    with replica.view() as view:
        (record, _), *rest = view.records_of_key(key_of("CODE-1")) or view.records_of(
            find(replica, "CODE-1")[0]
        )
        assert view.record("d-1", "nonce-0001") == record
        assert view.record("d-2", "nonce-0001") is None
    assert rest == []
    assert record.annulled_at == NOW


def test_what_is_small_is_replaced_line_by_line(replica, said):
    void = Void(
        version=1,
        committed_at=NOW,
        honour=None,
        cost_bearer=CostBearer.PLATFORM,
        settlement_unit_minor=None,
        statuses_since=NOW,
        reason="limit failed",
    )
    deal, hold = a_lasting_deal(), Hold(NOW, "price")
    until_ms = int(NOW.timestamp() * 1000)
    blocks = [BlockLine(revision=4, buyer=1), BlockLine(revision=4, buyer=2, until_ms=until_ms)]
    feed(replica, *a_park(), DealLine(revision=4, deal=deal, hold=hold), *blocks)
    with replica.view() as view:
        assert (view.void_of(1), view.hold_of(1), view.honoured(1)) == (None, hold, 0)
        assert view.buyer_blocked(1, NOW)
        assert view.buyer_blocked(2, NOW)
        assert not view.buyer_blocked(2, NOW + timedelta(seconds=1))
        assert not view.buyer_blocked(None, NOW)

    lines = DealLine(revision=6, deal=deal, void=void), BlockLine(revision=6, buyer=1, lifted=True)
    feed(replica, *lines, revision=6, honoured={"1": 12}, inside=40)

    for each in (replica, reopened(replica, said)):
        with each.view() as view:
            assert (view.void_of(1), view.hold_of(1), view.honoured(1)) == (void, None, 12)
            assert (view.void_of(9), view.deal_of_number(9), view.gate("G9")) == (None, None, None)
            assert view.gate("G1").name == "South gate"
            assert view.state.inside == 40
            assert not view.buyer_blocked(1, NOW)
            assert view.reader.code_keys


def test_download_that_breaks_goes_on_with_its_last_whole_line(replica, said):
    lines = [msgspec.json.encode(line) for line in (*a_park("CODE-1"), a_state(5))]
    first = open_intake(replica)
    first.begin(EPOCH)
    for line in lines[:2]:
        assert not first.take(line)
    with pytest.raises(Untaken):
        first.take(lines[2][:-7])
    first.pause()
    assert replica.revision == 0

    then = open_intake(reopened(replica, said))

    assert (then.since, then.epoch) == (2, EPOCH)
    then.take(lines[2])
    then.take(lines[3])
    assert then.take(msgspec.json.encode(CompleteLine(5, EPOCH, complete=True)))
    assert len(find(replica, "CODE-1")) == 1
    assert not (replica.directory / DRAFT_FILE).exists()


def test_draft_that_was_finished_but_not_put_in_place_is_gone_on_with(replica):
    feed(replica, *a_park("CODE-1"))
    replica.close()
    (replica.directory / REPLICA_FILE).rename(replica.directory / DRAFT_FILE)

    intake = open_intake(replica)

    assert intake.since == 5
    assert intake.take(msgspec.json.encode(CompleteLine(5, EPOCH, complete=True)))
    assert len(find(replica, "CODE-1")) == 1


def test_replica_serves_until_a_fresh_download_is_complete(replica):
    feed(replica, *a_park("CODE-1"))
    intake = start_afresh(replica)
    intake.begin("epoch-2")
    for line in (*a_park("CODE-2"), a_state(4)):
        intake.take(msgspec.json.encode(line))
        assert len(find(replica, "CODE-1")) == 1

    with replica.view() as view:
        assert intake.take(msgspec.json.encode(CompleteLine(4, "epoch-2", complete=True)))
        assert len(view.find([key_of("CODE-1")])) == 1

    assert find(replica, "CODE-1") == ()
    assert len(find(replica, "CODE-2")) == 1
    assert (replica.epoch, replica.revision) == ("epoch-2", 4)


@pytest.mark.parametrize(
    "last",
    [
        CompleteLine(5, "another", complete=True),
        CompleteLine(5, EPOCH, complete=False),
        CompleteLine(2, EPOCH, complete=True),
        None,
    ],
)
def test_delta_without_its_right_end_changes_nothing(replica, last):
    feed(replica, *a_park("CODE-1"))
    intake = open_intake(replica)
    intake.take(msgspec.json.encode(pack(6, 1, [a_row("CODE-2")])))
    if last is not None:
        with pytest.raises(Untaken):
            intake.take(msgspec.json.encode(last))

    assert replica.revision == 5
    assert find(replica, "CODE-2") == ()


def test_reader_never_sees_half_of_a_delta(replica):
    feed(replica, *a_park("CODE-0"))
    wrong, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            with replica.view() as view:
                seen = [
                    view.revision,
                    view.state.inside,
                    int(view.deal_of_number(1).title),
                    view.find([key_of("CODE-0")])[0].voucher.admits,
                ]
            if len(set(seen)) > 1:
                wrong.append(seen)

    def tell(number):
        deal = a_lasting_deal(title=str(number))
        rows = pack(number, 1, [a_row("CODE-0", admits=number)])
        feed(replica, DealLine(revision=number, deal=deal), rows, revision=number, inside=number)

    tell(6)
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(7, 90):
        tell(number)
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_another_process_sees_what_this_one_took(replica, said):
    other = Replica(replica.directory, replica.seal, said.append)
    feed(replica, *a_park("CODE-1"))
    assert len(find(other, "CODE-1")) == 1

    feed(replica, pack(6, 1, [a_row("CODE-2")]), revision=6)
    feed(other, pack(7, 1, [a_row("CODE-3")]), revision=7)

    assert other.revision == replica.revision == 7
    assert len(find(replica, "CODE-2", "CODE-3")) == 2
    other.close()


def test_one_at_a_time_writes(tmp_path):
    with writing(tmp_path) as first, writing(tmp_path) as second:
        assert (first, second) == (True, False)
    with writing(tmp_path) as again:
        assert again
