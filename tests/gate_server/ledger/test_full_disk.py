"""A disk that is full: nothing half-written, voids still go in, and scans come back with room."""

from __future__ import annotations

import json
import resource
import subprocess
from contextlib import contextmanager

import pytest

from admission.calendar import to_ms
from admission.errors import LedgerUnavailable
from admission.incidents import IncidentKind
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire import Text
from admission.wire_incidents import IncidentRequest
from admission.wire_notices import BroadcastRequest
from admission.wire_settlement import ListKind
from admission.wire_staff import VoidRequest
from gate_server import broadcasts
from gate_server.duty_calls import DutyCalls
from gate_server.duty_forms import Outcome
from gate_server.duty_list import DutyList
from gate_server.incidents import IncidentDesk
from gate_server.ledger import actions, audit, corrections, feeds
from gate_server.ledger.duty import Form
from gate_server.ledger.reports import DealBook
from gate_server.ledger.settlement_lists import make_list
from gate_server.ledger.tallies import Delta
from gate_server.refunds import answer_request
from gate_server.settings import read_settings, read_why_words
from gate_server.surges import SurgeWatch
from gate_server.why import WhyBook
from tests.gate_server.ledger.test_writer import together
from tests.ledgers import a_venue

NOTICE = BroadcastRequest(message=Text(zh="请稍候", en="Please wait"))
CODES = [f"CODE-{n:05}" for n in range(3000)]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MiB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "gatehouse-test", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk):
    """Take all the room that is left but 300 kB, and return the file that holds it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 2**12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
        file.truncate(file.tell() - 300_000)
    return ballast


@contextmanager
def file_size_limit(size):
    """Let no file of this process grow beyond a size, as a quota would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def scan_until_full(venue):
    """Scan from eight threads until the ledger cannot write; return the nonces admitted."""
    admitted, refused = [], []

    def lane(number):
        for index in range(number, len(CODES), 8):
            try:
                venue.scan(CODES[index], f"nonce-{index:05}")
            except LedgerUnavailable:
                refused.append(index)
                return
            admitted.append(f"nonce-{index:05}")

    together(8, lane)
    return sorted(admitted), refused


def check_nothing_half_written(venue, admitted):
    assert sorted(row[0] for row in venue.rows("SELECT nonce FROM scans")) == admitted
    assert venue.rows("SELECT COALESCE(sum(entered), 0) FROM counters") == [(len(admitted),)]
    assert venue.ledger.read(audit.verify).findings == ()
    assert venue.ledger.tallies.today.inside == len(admitted)


def void(venue):
    terms = VoidRequest(reason="mistake", honour=None, cost_bearer=CostBearer.PLATFORM)
    now = venue.clock()
    return venue.change(lambda tx: actions.void_deal(tx, "D", terms, by="anne", now=now))


def void_until_the_reserve_is_used(venue, reserve):
    """Void again and again: the first few still find room in the log's last block."""
    voids = []
    while reserve.exists():
        voids.append(void(venue))
    return voids


def test_on_a_full_disk_scans_are_undecided_a_void_goes_in_and_room_brings_scans_back(small_disk):
    with a_venue(small_disk) as venue:
        venue.sell(CODES)
        native = {"secondary": False, "by": "anne", "now": venue.clock()}
        venue.change(lambda tx: feeds.add_feed(tx, "P", feeds.FeedKind.NATIVE, {}, **native))
        assert (small_disk / "reserve").exists()
        ballast = fill(small_disk)

        admitted, refused = scan_until_full(venue)

        assert admitted
        assert refused, "the disk was not full"
        check_nothing_half_written(venue, admitted)
        assert (small_disk / "reserve").exists(), "a scan took the room kept for voids"

        voids = void_until_the_reserve_is_used(venue, small_disk / "reserve")
        assert voids == list(range(1, len(voids) + 1))
        first, who = admitted[0], corrections.Actor("D1")
        taken = venue.ledger.write(
            lambda tx: corrections.annul_scan(
                tx, "D1", first, people=None, reason="stuck", by=who, now=venue.clock()
            ),
            urgent=True,
        )
        assert taken.record.annulled == 1

        told = broadcasts.send(venue.ledger, NOTICE, by="anne")
        assert told.state == "in_force"

        (feed,) = venue.ledger.catalogue.feeds.values()
        body = json.dumps({"id": "r1", "code": CODES[-2]}).encode()
        answer = answer_request(venue.ledger, venue.keys, feed, "webhook-1", body)
        assert json.loads(answer)["reason"] == "deal_voided", "silence would have approved"

        ballast.unlink()
        assert venue.scan(CODES[-1], "nonce-after").verdict.reason is Reason.DEAL_VOIDED
        assert venue.ledger.read(audit.verify).findings == ()


def test_whoever_is_on_duty_is_called_though_the_disk_is_full(small_disk):
    with a_venue(small_disk) as venue:
        venue.sell(CODES)
        parts = venue.ledger, venue.keys, read_settings(small_disk)
        desk, calls = IncidentDesk(venue.ledger, parts[2]), DutyCalls(*parts)
        DutyList(*parts).add("night", Form.WECOM, "https://robots.example/send", None, by="anne")
        asked = IncidentRequest(kind=IncidentKind.HELP, title="help at the north gate")
        incident_id = desk.open(asked, by="anne").incident_id
        fill(small_disk)
        _, refused = scan_until_full(venue)
        assert refused, "the disk was not full"

        for _ in range(20):
            (message,) = calls.due("feeder")
            calls.settle([Outcome(message_id=message.message_id)])
            venue.clock.advance(minutes=5)
        desk.acknowledge(incident_id, by="anne")

        assert not (small_disk / "reserve").exists(), "there was room without it"
        assert calls.due("feeder") == []
        assert venue.ledger.read(audit.verify).findings == ()


def test_a_file_that_may_not_grow_loses_nothing_and_recovers(tmp_path):
    with a_venue(tmp_path) as venue:
        venue.sell(CODES)
        size = (tmp_path / "ledger.db-wal").stat().st_size

        with file_size_limit(size + 60_000):
            admitted, refused = scan_until_full(venue)
            check_nothing_half_written(venue, admitted)

        assert refused
        again = venue.scan(CODES[refused[0]], f"nonce-{refused[0]:05}")
        assert again.verdict.reason is Reason.ADMITTED
        assert again.replayed is False
        venue.reopen()
        check_nothing_half_written(venue, sorted([*admitted, f"nonce-{refused[0]:05}"]))


def test_surge_opens_its_incident_though_the_disk_is_full(small_disk):
    with a_venue(small_disk) as venue:
        venue.sell(CODES)
        at_ms, settings = to_ms(venue.clock()), read_settings(small_disk)
        many = Delta(at_ms, "G1", "used_up", scans=9000, deal_no=1, outcome="refuse")
        venue.ledger.write(lambda tx: tx.count(many))
        why = WhyBook(venue.ledger, DealBook(venue.ledger), read_why_words(venue.ledger.venue))
        fill(small_disk)
        _, refused = scan_until_full(venue)
        (incident_id,) = SurgeWatch(venue.ledger, why, settings).look()

        assert refused, "the disk was not full"
        assert IncidentDesk(venue.ledger, settings).show(incident_id).kind is IncidentKind.SURGE


def test_a_refund_list_that_found_no_room_is_gone_on_with(small_disk):
    with a_venue(small_disk) as venue:
        venue.sell(CODES)
        void(venue)
        ballast = fill(small_disk)
        with pytest.raises(LedgerUnavailable):
            make_list(venue.ledger, "D", ListKind.REFUNDS, by="anne")

        marked = venue.rows("SELECT COUNT(*) FROM vouchers WHERE refund_listed_at IS NOT NULL")
        assert marked == venue.rows("SELECT COUNT(*) FROM settlement_entries")
        ballast.unlink()
        made = make_list(venue.ledger, "D", ListKind.REFUNDS, by="anne")

        assert (made.number, made.entries) == (1, len(CODES))
        assert venue.ledger.read(audit.verify).findings == ()
